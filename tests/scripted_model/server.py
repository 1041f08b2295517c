"""A model server that says what a test wrote down, over real HTTP.

Example:
    with ScriptedModel([text("Hello")]) as model:
        ...  # talk to model.base_url
    assert model.usage.calls == 1
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import Future
from threading import Lock, Thread
from types import TracebackType
from typing import Self

from pydantic import JsonValue

from tests.scripted_model.delivery import deliver_body, deliver_chat
from tests.scripted_model.http import ClientLeft, Connection, HttpRequest
from tests.scripted_model.intents import everything
from tests.scripted_model.replies import Reply, raw_body, status
from tests.scripted_model.requests import ChatRequest
from tests.scripted_model.script import Script, in_order
from tests.scripted_model.tokens import Tokens, count
from tests.scripted_model.wire import reports_usage
from tools.intents import INTENTS_TOOL


class ScriptedModel:
    """The server, in a thread and an event loop of its own.

    Args:
        script: a function from request to reply, or replies to give in order.
        api_key: requests without this bearer token get 401; None lets everyone in.
        names: what `GET /v1/models` lists.
        port: 0 takes a free one.
        intents: answers the question what a run may change; such requests are counted apart.

    Leaving the `with` block raises what the script raised, if the block did not raise itself.
    """

    def __init__(
        self,
        script: Script | Iterable[Reply],
        *,
        api_key: str | None = None,
        names: tuple[str, ...] = ("scripted",),
        port: int = 0,
        intents: Script = everything,
    ) -> None:
        self._script = script if callable(script) else in_order(script)
        self._api_key = api_key
        self._names = names
        self._wanted_port = port
        self._lock = Lock()
        self._intents = intents
        self._requests: list[ChatRequest] = []
        self._asked_for_intents: list[ChatRequest] = []
        self._waiters: list[tuple[int, Future[None]]] = []
        self._reported: defaultdict[str, Tokens] = defaultdict(Tokens)
        self._unreported = Tokens()
        self._script_errors: list[BaseException] = []
        self._conversations: dict[asyncio.Task[None], Connection] = {}
        self._port: Future[int] = Future()
        self._stopped: Future[None] = Future()
        self._thread = Thread(target=lambda: asyncio.run(self._serve()), name="scripted-model", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._port.result()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set_result(None)
        self._thread.join()
        if error is None and self._script_errors:
            raise self._script_errors[0]

    @property
    def base_url(self) -> str:
        """The address to configure as the model's base URL."""
        return f"http://127.0.0.1:{self._port.result()}/v1"

    @property
    def requests(self) -> list[ChatRequest]:
        """Every chat request so far that the script answers, in order of arrival."""
        with self._lock:
            return list(self._requests)

    @property
    def asked_for_intents(self) -> list[ChatRequest]:
        """Every request so far that asked what the person's words allow."""
        with self._lock:
            return list(self._asked_for_intents)

    @property
    def usage(self) -> Tokens:
        """Our own count over all answers that told their usage to the end."""
        return sum(self.usage_by_model.values(), Tokens())

    @property
    def usage_by_model(self) -> dict[str, Tokens]:
        """The same count for each model that was asked for."""
        with self._lock:
            return dict(self._reported)

    @property
    def unreported(self) -> Tokens:
        """Our own count over answers whose usage the client never saw: cut, left, or sent without."""
        with self._lock:
            return self._unreported

    async def requested(self, times: int) -> None:
        """Return as soon as so many chat requests have arrived."""
        waiter: Future[None] = Future()
        with self._lock:
            self._waiters.append((times, waiter))
            self._wake_waiters()
        await asyncio.shield(asyncio.wrap_future(waiter))

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._converse, "127.0.0.1", self._wanted_port)
        self._port.set_result(server.sockets[0].getsockname()[1])
        await asyncio.wrap_future(self._stopped)
        server.close()
        for connection in self._conversations.values():
            connection.writer.transport.abort()
        if self._conversations:
            await asyncio.wait(self._conversations)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one client's requests until it leaves or a reply breaks the connection."""
        connection = Connection(reader, writer)
        self._hold(connection)
        try:
            while (request := await connection.read()) is not None:
                if not await self._respond(connection, request):
                    return
        except ClientLeft:
            return
        finally:
            writer.close()

    def _hold(self, connection: Connection) -> None:
        """Remember the conversation, so that it ends before the server does."""
        task = asyncio.current_task()
        assert task is not None, "a conversation runs in a task"
        self._conversations[task] = connection
        task.add_done_callback(self._conversations.pop)

    async def _respond(self, connection: Connection, http: HttpRequest) -> bool:
        """Send one answer and say whether the connection goes on."""
        if self._api_key is not None and http.headers.get("authorization") != f"Bearer {self._api_key}":
            return await deliver_body(connection, status(401, message="Wrong key."))
        if (http.method, http.path) == ("POST", "/v1/chat/completions"):
            return await self._chat(connection, http)
        known = (http.method, http.path) == ("GET", "/v1/models")
        reply = raw_body(_list_of(self._names)) if known else status(404, message="There is nothing here.")
        return await deliver_body(connection, reply)

    async def _chat(self, connection: Connection, http: HttpRequest) -> bool:
        request = ChatRequest(http.headers, json.loads(http.body))
        asks_for_intents = INTENTS_TOOL in request.offered
        self._record(request, self._asked_for_intents if asks_for_intents else self._requests)
        reply = await self._reply_to(request, self._intents if asks_for_intents else self._script)
        try:
            goes_on = await deliver_chat(connection, request, reply)
        except ClientLeft:
            self._settle(request, reply, arrived=False)
            request.delivered.set_result(False)
            raise
        self._settle(request, reply, arrived=goes_on)
        request.delivered.set_result(True)
        return goes_on

    async def _reply_to(self, request: ChatRequest, script: Script) -> Reply:
        """Ask a script; what it raises is kept for the end of the test."""
        asked = asyncio.ensure_future(_called(script, request))
        await asyncio.wait({asked})
        if (error := asked.exception()) is None:
            return asked.result()
        self._script_errors.append(error)
        return status(400, message="The script failed.")

    def _record(self, request: ChatRequest, requests: list[ChatRequest]) -> None:
        with self._lock:
            requests.append(request)
            self._wake_waiters()

    def _wake_waiters(self) -> None:
        for times, waiter in self._waiters:
            if times <= len(self._requests) and not waiter.done():
                waiter.set_result(None)

    def _settle(self, request: ChatRequest, reply: Reply, *, arrived: bool) -> None:
        if reply.is_raw:
            return
        with self._lock:
            if arrived and reports_usage(request, reply):
                self._reported[request.model] += count(request, reply)
            else:
                self._unreported += count(request, reply)


async def _called(script: Script, request: ChatRequest) -> Reply:
    return script(request)


def _list_of(names: Iterable[str]) -> JsonValue:
    return {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}
