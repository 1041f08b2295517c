"""In whose name a command acts in this process: the machine's own user, another, or today's demo user."""

from datetime import UTC, date, datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from persistence.pools import Database
from persistence.record import users
from persistence.scope import Identity, Role
from persistence.workspace.demo import seed
from server.settings import Settings
from server.terminal.exits import CommandFailed, ExitCode
from server.wiring import LOCAL_EMAIL

DEMO: Final = "demo"
NOBODY: Final = Identity(UUID(int=0))


def demo_email(today: date) -> str:
    """Return the address of the user whose demo workspace is laid around this day.

    Each day has its own: the workspace's dates stay right, and nothing that
    someone tried in an earlier one is lost.
    """
    return f"demo-{today.isoformat()}@localhost"


def email_of(user: str | None, settings: Settings) -> str:
    """Return the address that `--user` means.

    Raises:
        CommandFailed: it is no address.
    """
    if user == DEMO:
        return demo_email(datetime.now(ZoneInfo(settings.time_zone)).date())
    if user is not None and "@" not in user:
        raise CommandFailed(ExitCode.USAGE, f"--user takes an e-mail address, or “{DEMO}”.")
    return user or LOCAL_EMAIL


async def user_id_of(database: Database, user: str | None, settings: Settings) -> UUID:
    """Return the user that `--user` means, made if absent; this machine's own when it is not given.

    The demo user has the demo workspace, laid around today once.
    """
    email = email_of(user, settings)
    async with database.acting(Role.API, NOBODY) as scope:
        user_id = await users.sign_up(scope, email, settings.time_zone)
    if user == DEMO:
        async with database.acting(Role.WORKER, Identity(user_id)) as scope:
            await seed(scope, datetime.now(UTC), ZoneInfo(settings.time_zone))
    return user_id
