"""The HTTP server: the routes over a running program, and the process around them."""

import asyncio
import gc
import signal
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from typing import Final
from uuid import UUID

import typer
import uvicorn
import uvloop
from fastapi import FastAPI

import server
from persistence.pools import Database
from persistence.record import credentials
from persistence.record.credentials import Kind
from persistence.scope import Identity, Role
from server.answers import answer_refusals
from server.bodies import Ask, Code, Decision, Fork, NewToken, SessionChange
from server.contained import Contained
from server.credentials import digest_of, mint
from server.http_protocol import GuardedProtocol
from server.logs import speak, tell_of_lost_errors
from server.loopback import is_loopback
from server.openapi import ABOUT, Api
from server.routes import (
    decision,
    docs,
    doctor,
    examples,
    exports,
    health,
    installation,
    metrics,
    page,
    reruns,
    runs,
    sessions,
    sign_in,
    stream,
    tokens,
    undo,
    workspace,
)
from server.scopes import Scope
from server.security_headers import SecurityHeaders
from server.settings import Settings, SettingsInvalid
from server.sign_in import kept_fresh
from server.tokens import issue_token
from server.unambiguous import Unambiguous
from server.wiring import Planwright, Work, local_user, opened

CONNECTIONS_MAX: Final = 2000  # a stream is one; past it uvicorn answers 503
BACKLOG: Final = 512
KEEP_ALIVE_SECONDS: Final = 15
SHUTDOWN_SECONDS: Final = 25  # a little longer than the worker's drain
UNREAD_MILLISECONDS: Final = 60_000  # after that the kernel drops a connection whose peer takes nothing
GARBAGE_AFTER: Final = 10_000  # new objects, where Python says 700: runs make much that is young, little in cycles
FIRST_TOKEN_DAYS: Final = 7
LINK_MINUTES: Final = 15
Greeted = Callable[[Database], Awaitable[UUID]]
STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
ROUTES: Final = (
    stream,
    sessions,
    runs,
    decision,
    examples,
    workspace,
    exports,
    undo,
    reruns,
    installation,
    doctor,
    sign_in,
    tokens,
    health,
    metrics,
    docs,
    page,
)


def create_app(planwright: Planwright) -> FastAPI:
    """Return the application over a running program."""
    app = Api(
        title="Planwright",
        version=server.__version__,
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.bodies = (Ask, Code, Decision, Fork, NewToken, SessionChange)
    app.state.planwright = planwright
    for middleware in (Unambiguous, Contained, SecurityHeaders):  # the last is the outermost
        app.add_middleware(middleware)
    answer_refusals(app)
    for routes in ROUTES:
        app.include_router(routes.router)
    return app


def serve(settings: Settings, work: Work = Work.SHARED, greeted: Greeted | None = None) -> None:
    """Run `serve_until_stopped` in a loop of its own, the fastest there is."""
    _run(settings, serve_until_stopped(settings, work, greeted))


def work(settings: Settings) -> None:
    """Run `work_until_stopped` in a loop of its own."""
    _run(settings, work_until_stopped(settings))


def _run(settings: Settings, until_stopped: Coroutine[None, None, None]) -> None:
    speak(settings.log_format, settings.log_level)
    gc.set_threshold(GARBAGE_AFTER)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.get_loop().set_exception_handler(tell_of_lost_errors)
        runner.run(until_stopped)


async def serve_until_stopped(settings: Settings, work: Work, greeted: Greeted | None = None) -> None:
    """Serve until SIGINT or SIGTERM, then let running turns end or put them down for others.

    The token and the link that are printed are of the user whom `greeted` finds, else of this machine's own.

    Raises:
        SettingsInvalid: the host is not this machine alone and no keys for tokens are set.
        OSError: the address cannot be listened on.
    """
    has_keys = settings.jwt_secret is not None or settings.jwt_jwks is not None
    if not has_keys and not is_loopback(settings.host):
        raise SettingsInvalid(
            "PLANWRIGHT_JWT_SECRET: it or PLANWRIGHT_JWT_JWKS must be set to listen on other addresses than 127.0.0.1."
        )
    with listening(settings.host, settings.port) as open_socket:
        async with opened(settings, work=work) as planwright:
            server = HttpServer(planwright, address_of(open_socket))
            if has_keys:
                typer.echo(f"Planwright listens on {server.address}.")
            else:
                database = planwright.database
                user_id = await (greeted(database) if greeted else local_user(database, settings.time_zone))
                await _greet(planwright, user_id, server.address)
            await server.serve([open_socket])


async def work_until_stopped(settings: Settings) -> None:
    """Work on runs until SIGINT or SIGTERM, then let those at work end or put them down for others."""
    async with opened(settings, work=Work.SHARED):
        typer.echo("Planwright works on runs. Ctrl-C stops it.")
        await stop_signal()


async def stop_signal() -> None:
    """Return when this process is asked to stop."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, asked.set)
    try:
        await asked.wait()
    finally:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)


@asynccontextmanager
async def serving(planwright: Planwright, host: str = "127.0.0.1") -> AsyncGenerator["HttpServer"]:
    """Serve a running program on a free port beside other work."""
    with listening(host, 0) as open_socket:
        server = HttpServer(planwright, address_of(open_socket))
        task = asyncio.create_task(server.serve([open_socket]))
        try:
            yield server
        finally:
            server.should_exit = True
            await task


class HttpServer(uvicorn.Server):
    """uvicorn, which stops by draining the worker first: streams end when their runs do."""

    def __init__(self, planwright: Planwright, address: str) -> None:
        self._planwright: Final = planwright
        self.address: Final = address
        self.api: Final = create_app(planwright)
        super().__init__(
            uvicorn.Config(
                self.api,
                access_log=False,
                backlog=BACKLOG,
                http=GuardedProtocol,
                lifespan="off",
                limit_concurrency=CONNECTIONS_MAX,
                log_config=None,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=SHUTDOWN_SECONDS,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                ws="none",
            )
        )

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until told to stop, with the keys of an issuer kept fresh meanwhile."""
        await self._planwright.database.expect_many(Role.API)
        async with kept_fresh(self._planwright.sign_in.keys):
            await super().serve(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, and end the streams once the worker has stopped."""
        async with asyncio.TaskGroup() as both:
            both.create_task(super().shutdown(sockets))
            both.create_task(self._end_streams())

    async def _end_streams(self) -> None:
        self._planwright.stopping.set()
        await self._planwright.worker.stop()
        self._planwright.hub.close()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Exit by returning: uvicorn would send itself the signal again, and nothing behind it would be closed."""
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in STOP_SIGNALS:
                loop.remove_signal_handler(number)


@contextmanager
def listening(host: str, port: int) -> Generator[socket.socket]:
    """Give a listening socket; 0 takes a free port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family, backlog=BACKLOG) as open_socket:
        open_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # accepted connections inherit both
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
            open_socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MILLISECONDS)
        yield open_socket


def address_of(open_socket: socket.socket) -> str:
    """Return where a socket listens, as a URL."""
    host, port = open_socket.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _greet(planwright: Planwright, user_id: UUID, address: str) -> None:
    """Print a command that works as it stands, and a link that signs a browser in once."""
    token = issue_token(planwright.token_key, user_id, FIRST_TOKEN_DAYS)
    typer.echo(f"Planwright listens on {address}. Try:\n")
    typer.echo(
        f"curl -N {address}/api/agent/stream"
        f" -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json'"
        """ -d '{"message": "What is overdue?"}'\n"""
    )
    link = f"{address}/sign-in#{await _one_time_code(planwright, user_id)}"
    typer.echo(f"To sign a browser in, once and within {LINK_MINUTES} minutes:\n\n{link}\n")


async def _one_time_code(planwright: Planwright, user_id: UUID) -> str:
    """Return a code that opens a session for whoever started the program, who may do everything."""
    code = mint(planwright.sign_in.credential_key, Kind.LINK)
    async with planwright.database.acting(Role.API, Identity(user_id)) as scope:
        await credentials.add(scope, Kind.LINK, digest_of(code), list(Scope), timedelta(minutes=LINK_MINUTES))
    return code
