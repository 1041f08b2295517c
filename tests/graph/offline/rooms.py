"""A person with the demo workspace, whose models are the offline one; everything else is real."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from graph.offline.model import OfflineModel
from graph.turn import Engine
from persistence.pools import Database
from persistence.scope import Role
from persistence.workspace import demo
from tests.conftest import Person
from tests.roomy import ROOMY
from tests.scripted_model.server import ScriptedModel
from tests.turns import Desk
from tools.registry import Registry


async def offline_desk(database: Database, person: Person) -> Desk:
    """Give a desk in the demo workspace, at which the offline model plans and executes."""
    model = OfflineModel()
    engine = Engine(database, Registry.build(), (model,), (model,), ROOMY)
    async with database.acting(Role.WORKER, person.identity) as scope:
        await demo.seed(scope, datetime.now(UTC), ZoneInfo("Europe/Berlin"))
    return Desk(database, person, engine, ScriptedModel([]))
