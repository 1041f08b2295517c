"""A run in work, whose models follow a script over real HTTP: what tests of single nodes' parts begin with."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from langchain_core.messages import HumanMessage

from graph.models import ModelProfile, chat_models, close_chat_models
from nodes.asking.ask import OnText, Question, ask
from nodes.asking.reply import Reply as Answer
from nodes.vocabulary.context import Context
from nodes.vocabulary.early_tasks import EarlyTasks
from nodes.vocabulary.journal import ToolEvents
from nodes.vocabulary.limits import Limits
from nodes.vocabulary.log import EventLog
from persistence.attempts import Attempt
from persistence.pools import Database
from persistence.runs import usage
from persistence.runs.usage import ModelCall
from tests.conftest import Person
from tests.roomy import ROOMY
from tests.run_rows import Office, new_planner
from tests.scripted_model.intents import everything
from tests.scripted_model.replies import Reply
from tests.scripted_model.script import Script
from tests.scripted_model.server import ScriptedModel
from tools.consent import Consent, Mode
from tools.gateway import Bounds, Gateway
from tools.registry import Registry
from tools.tool import Caller

NOW: Final = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)
BERLIN: Final = ZoneInfo("Europe/Berlin")
PATIENT: Final = replace(ROOMY, first_token_seconds=20, token_gap_seconds=20, call_seconds=30)


@dataclass
class Room:
    """One run's context, its planner, and the server its models ask. `paused` is what was waited for, in seconds."""

    context: Context
    planner_id: UUID
    model: ScriptedModel
    paused: list[float]

    async def ask(
        self, on_text: OnText | None = None, *, limits: Limits | None = None, only: int | None = None
    ) -> Answer:
        """Ask the planner's models something; nobody waits between the tries."""
        context = self.context if limits is None else replace(self.context, limits=limits)

        async def pause(seconds: float) -> None:
            self.paused.append(seconds)

        question = Question(self.planner_id, "decide", [HumanMessage("What is overdue?")])
        return await ask(context, context.planner[:only], question, on_text, pause=pause)

    async def spent(self) -> list[ModelCall]:
        """Return the run's rows of `model_usage`."""
        async with self.context.writing() as scope:
            return await usage.of_run(scope, self.context.run_id)


@asynccontextmanager
async def room(
    database: Database,
    person: Person,
    script: Script | Iterable[Reply],
    *,
    fallbacks: tuple[str, ...] = (),
    intents: Script = everything,
) -> AsyncGenerator[Room]:
    """Give a run in work whose planner is the model `deep`, with these fallbacks."""
    office = Office(database, person)
    identity = await office.begin()
    attempt = Attempt(database, identity)
    run = await office.row(attempt.run_id)
    registry, log = Registry.build(), EventLog(lambda _events: None)
    with ScriptedModel(script, intents=intents) as server:
        models = tuple(chat_models(ModelProfile("deep", server.base_url, fallbacks=fallbacks)))
        context = Context(
            attempt=attempt,
            run_id=run.id,
            session_id=run.session_id,
            context_type="global",
            entity_id=None,
            said_before=(),
            request="What is overdue?",
            quoted_history=None,
            time_zone=BERLIN,
            now=NOW,
            registry=registry,
            gateway=Gateway(
                registry=registry,
                attempt=attempt,
                caller=Caller(database, person.id, BERLIN, NOW),
                journal=ToolEvents(log),
                consent=Consent(Mode.AUTO, "What is overdue?"),
                bounds=Bounds(100, 8),
            ),
            planner=models,
            executor=models,
            limits=PATIENT,
            log=log,
            early=EarlyTasks(PATIENT.plan_width),
        )
        async with context.writing() as scope:
            planner_id = new_planner(scope, run.session_id, run.id, registry.names(), "You plan.")
        try:
            yield Room(context, planner_id, server, [])
        finally:
            await close_chat_models(models)
