"""One PostgreSQL cluster in one folder: set it up, start it, find it, stop it.

Nothing here guards against another process doing the same: `persistence.embedded`
calls it under its lock.
"""

import os
import secrets
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from psycopg.conninfo import make_conninfo

from persistence.errors import PersistenceError

COMMAND_TIMEOUT_SECONDS: Final = 120  # initdb takes 1 s; a slow disk may need a hundred times that
START_TIMEOUT_SECONDS: Final = 60  # recovery after a crash reads the log of the last five minutes
STOP_TIMEOUT_SECONDS: Final = 30  # a fast stop writes one last checkpoint
RETRY_SECONDS: Final = 10.0  # a killed server is a zombie for a moment, and its children outlive it by another
RETRY_PAUSE_SECONDS: Final = 0.1
CONNECT_TIMEOUT_SECONDS: Final = 5
SOCKET_PATH_BYTES: Final = 103  # macOS; Linux allows 107
SOCKET_PORT: Final = 5432
SOCKET_NAME: Final = ".s.PGSQL.5432"
LOG_BYTES: Final = 4 * 1024 * 1024  # past this a start sets the log aside
LOG_TAIL_CHARS: Final = 1000
PASSWORD_BYTES: Final = 32
LOOPBACK: Final = "127.0.0.1"
PID_FILE_PORT: Final = 3  # the fourth line of postmaster.pid

SETTINGS: Final[Mapping[str, str]] = {
    "max_connections": "100",
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_min_messages": "log",  # what failed for a client goes to the client; its text does not belong in a log
}
LOCALES: Final = (  # first the one that is the same everywhere (17 and later), then what the system has
    ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
    ("--locale=C.UTF-8",),
    ("--locale=C",),
)


class ServerDidNotStart(PersistenceError):
    """PostgreSQL refused to be set up or to start; its own words are in the text."""

    def __init__(self, log: Path, said: str) -> None:
        super().__init__(f"PostgreSQL did not start. The end of {log}:\n{said}")


@dataclass(frozen=True, slots=True)
class Account:
    """Whom the server runs as; empty stands for whoever we are."""

    uid: int | None = None
    gid: int | None = None

    def own(self, path: Path) -> None:
        """Hand a file or folder to this user."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


class Cluster:
    """The folder of one server, and what can be done with it."""

    def __init__(self, root: Path, account: Account, binaries: Path) -> None:
        self.root: Final = root
        self._account: Final = account
        self._binaries: Final = binaries
        self._data: Final = root / "cluster"
        self._pid_file: Final = root / "cluster" / "postmaster.pid"
        self._sockets: Final = root / "socket"
        self._password: Final = root / "password"
        self._log: Final = root / "postgres.log"
        self._uses_socket: Final = _fits(self._sockets)

    def running(self) -> str | None:
        """Return the conninfo of the server that runs here, or None when none answers."""
        port = self._recorded_port()
        if port is None:
            return None
        dsn = self._dsn(port)
        return dsn if _answers(dsn) else None

    def launch(self, settings: Mapping[str, str]) -> str:
        """Start the server, on new data when there is none, and return its conninfo."""
        written = self._begin_log()
        if not self._data.exists():
            self._initialise(written)
        port = SOCKET_PORT if self._uses_socket else _free_port(self._recorded_port())
        give_up = time.monotonic() + RETRY_SECONDS
        while (dsn := self._try_to_start(port, settings)) is None:
            if time.monotonic() > give_up:
                raise self._did_not_start(written)
            time.sleep(RETRY_PAUSE_SECONDS)
            port = SOCKET_PORT if self._uses_socket else _free_port(port)
        return dsn

    def stop(self) -> None:
        """End every connection, then the server, if it runs."""
        if self._pid_file.exists():
            self._run("pg_ctl", "stop", "--mode=fast", f"--timeout={STOP_TIMEOUT_SECONDS}")

    def _initialise(self, written: int) -> None:
        """Create the data beside its place and move it there whole: half a cluster is never found."""
        fresh = self.root / "cluster.new"
        if fresh.exists():
            shutil.rmtree(fresh)
        fresh.mkdir(mode=0o700)
        self._account.own(fresh)
        self._new_password()
        if not any(self._initdb(fresh, locale) for locale in LOCALES):
            raise self._did_not_start(written)
        fresh.rename(self._data)

    def _new_password(self) -> None:
        self._password.unlink(missing_ok=True)
        with os.fdopen(os.open(self._password, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(PASSWORD_BYTES))
            file.flush()
            os.fsync(file.fileno())
        self._account.own(self._password)

    def _initdb(self, data: Path, locale: tuple[str, ...]) -> bool:
        options = ("--username=postgres", f"--pwfile={self._password}", "--auth=scram-sha-256", "--encoding=UTF8")
        return self._run("initdb", *options, *locale, "--no-instructions", f"--pgdata={data}")

    def _try_to_start(self, port: int, settings: Mapping[str, str]) -> str | None:
        self._forget_the_dead()
        pairs = {**settings, **self._listening(port)}
        options = shlex.join(word for name, value in pairs.items() for word in ("-c", f"{name}={value}"))
        self._run("pg_ctl", "start", f"--timeout={START_TIMEOUT_SECONDS}", f"--options={options}")
        return self.running()

    def _forget_the_dead(self) -> None:
        """Remove the lock files whose number is a zombie's or another program's by now.

        PostgreSQL would take it for a server: for as long as nobody reaps the
        zombie, or after a container restart for good. A dead server's children
        still prevent a start: they are found by their shared memory.
        """
        for file in (self._pid_file, self._sockets / f"{SOCKET_NAME}.lock"):
            lines = _lines(file)
            if lines and not _may_be_postgres(lines[0].strip()):
                file.unlink()

    def _listening(self, port: int) -> dict[str, str]:
        if not self._uses_socket:
            return {"port": str(port), "listen_addresses": LOOPBACK, "unix_socket_directories": ""}
        self._sockets.mkdir(mode=0o700, exist_ok=True)
        self._account.own(self._sockets)
        return {"port": str(port), "listen_addresses": "", "unix_socket_directories": f'"{self._sockets}"'}

    def _recorded_port(self) -> int | None:
        """Return what the running server, or one that was killed, wrote about itself."""
        lines = _lines(self._pid_file)
        return int(lines[PID_FILE_PORT]) if len(lines) > PID_FILE_PORT else None

    def _dsn(self, port: int) -> str:
        """Name the server; a stranger on its port is asked for scram and learns no password."""
        return make_conninfo(
            host=str(self._sockets) if self._uses_socket else LOOPBACK,
            port=port,
            dbname="postgres",
            user="postgres",
            password=self._password.read_text(),
            sslmode="disable",
            require_auth="scram-sha-256",
        )

    def _run(self, program: str, *arguments: str) -> bool:
        """Run a program to its end as the server's user, all it says going to the log.

        It gets no terminal, so Ctrl-C does not reach it, and no pipe that a
        server would keep open. Of our environment it sees nothing: a stray
        PGOPTIONS would change the server.
        """
        with self._log.open("ab") as log:
            try:
                done = subprocess.run(
                    [self._binaries / program, *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self.root,
                    env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", "PGDATA": str(self._data)},
                    user=self._account.uid,
                    group=self._account.gid,
                    extra_groups=None if self._account.uid is None else [],
                    umask=0o077,
                    start_new_session=True,
                    timeout=COMMAND_TIMEOUT_SECONDS,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                return False
        return done.returncode == 0

    def _begin_log(self) -> int:
        """Set a long log aside; return how much of the current one is old."""
        self._log.touch(mode=0o600)
        if self._log.stat().st_size > LOG_BYTES:
            self._log.replace(self._log.with_suffix(".log.1"))
            self._log.touch(mode=0o600)
        return self._log.stat().st_size

    def _did_not_start(self, written: int) -> ServerDidNotStart:
        said = self._log.read_bytes()[written:].decode(errors="replace")
        return ServerDidNotStart(self._log, said[-LOG_TAIL_CHARS:].strip())


def _fits(sockets: Path) -> bool:
    """Whether the kernel takes so long a path, and libpq one that its lists do not break."""
    path = str(sockets / SOCKET_NAME)
    return len(os.fsencode(path)) <= SOCKET_PATH_BYTES and not set(path) & set(',"')


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text().splitlines()
    except FileNotFoundError:
        return []


def _may_be_postgres(pid: str) -> bool:
    """Whether a process of this number could be a server; yes where there is no /proc to ask."""
    try:
        _, name, state, *_ = Path("/proc", pid, "stat").read_text().split()
    except FileNotFoundError:
        return True
    return name == "(postgres)" and state != "Z"


def _answers(dsn: str) -> bool:
    try:
        psycopg.connect(dsn, connect_timeout=CONNECT_TIMEOUT_SECONDS).close()
    except psycopg.OperationalError:
        return False
    return True


def _free_port(wished: int | None) -> int:
    """Return a free loopback port, the wished one if it can be: others may know the server by it."""
    try:
        return _bound(wished or 0)
    except OSError:
        return _bound(0)


def _bound(port: int) -> int:
    with socket.create_server((LOOPBACK, port)) as probe:
        return int(probe.getsockname()[1])
