"""A PostgreSQL server of our own, shared by every process that uses its folder.

Whoever comes first starts it, whoever leaves last stops it. Two locks keep that
true, and the kernel drops both when a process dies: `start.lock` is held while
somebody starts or stops the server, `users.lock` is shared by all who use it.
"""

import atexit
import os
import sys
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from persistence.binaries import Unreachable, closed_to, find_binaries, open_to
from persistence.cluster import SETTINGS, Account, Cluster
from persistence.errors import PersistenceError

if sys.platform != "win32":
    import fcntl
    import pwd

START_LOCK: Final = "start.lock"
USERS_LOCK: Final = "users.lock"


class UnsupportedPlatform(PersistenceError):
    """The embedded server needs POSIX file locks."""

    def __init__(self) -> None:
        super().__init__("The embedded PostgreSQL needs Linux or macOS. Set PLANWRIGHT_DATABASE_URL instead.")


class EmbeddedServer:
    """One process's hold on a running server, until `close` or the interpreter's exit."""

    def __init__(self, cluster: Cluster, users: int, dsn: str) -> None:
        self.dsn: Final = dsn
        self._cluster: Final = cluster
        self._users: Final = users
        self._pid: Final = os.getpid()
        self._closed = False
        atexit.register(self.close)

    def close(self) -> None:
        """Let go of the server, and stop it when nobody else uses it; a second call does nothing."""
        if self._closed or os.getpid() != self._pid:  # a forked child shares the lock, but the server is not its own
            return
        self._closed = True
        atexit.unregister(self.close)
        with _locked(self._cluster.root / START_LOCK):
            _leave(self._cluster, self._users)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def start(data_dir: Path, *, settings: Mapping[str, str] = {}, binaries: Path | None = None) -> EmbeddedServer:
    """Attach to the server of this folder, which is created and started when it has to be.

    `settings` count for the process that starts the server. `binaries` names the
    programs' folder; without it they are found.

    Raises:
        BinariesMissing: there is no PostgreSQL here.
        ServerDidNotStart: with the end of the server's log.
        Unreachable: we are root, and the user nobody cannot get to the folder.
        UnsupportedPlatform: this is Windows.
    """
    if sys.platform == "win32":
        raise UnsupportedPlatform
    programs = find_binaries() if binaries is None else binaries
    account = _account()
    root = _prepare(data_dir, account)
    with _locked(root / START_LOCK):
        if account.uid is not None:
            programs = open_to(account.uid, programs, root)
        cluster = Cluster(root, account, programs)
        users = _lock(root / USERS_LOCK, fcntl.LOCK_SH)
        with ExitStack() as undo:
            undo.callback(_leave, cluster, users)
            dsn = cluster.running() or cluster.launch({**SETTINGS, **settings})
            undo.pop_all()
    return EmbeddedServer(cluster, users, dsn)


def default_data_dir() -> Path:
    """Return where the data lives when nobody says: a place that the server's user can reach."""
    if os.geteuid() == 0:
        return Path("/var/lib/planwright")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Planwright"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "planwright"


def _account() -> Account:
    """Root becomes nobody, since PostgreSQL refuses root; everyone else stays who they are."""
    if os.geteuid() != 0:
        return Account()
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def _prepare(data_dir: Path, account: Account) -> Path:
    """Make the folder; one that exists is taken as it is, and no other folder is ever opened up."""
    root = data_dir.expanduser().resolve()
    if account.uid is not None and (closed := closed_to(account.uid, root)) is not None:
        raise Unreachable(root, closed)
    mode = 0o700 if account.uid is None else 0o711
    for folder in reversed([root, *root.parents]):
        if not folder.exists():
            folder.mkdir(exist_ok=True)
            folder.chmod(mode)
    return root


def _lock(path: Path, kind: int) -> int:
    """Lock a file and return its descriptor, which is the lock: no child inherits it."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(file, kind)
    return file


@contextmanager
def _locked(path: Path) -> Generator[None, None, None]:
    file = _lock(path, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(file)


def _leave(cluster: Cluster, users: int) -> None:
    """Give up a place among the users; the last one out stops the server."""
    if _alone(users):
        cluster.stop()
    os.close(users)


def _alone(users: int) -> bool:
    """Whether nobody else holds the users' lock; asking gives up our own share."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
