"""Planwright in a notebook: one line opens it, the next asks something and shows the run while it runs.

    bench = await workbench()
    run = await bench.ask("Help me organize my project tasks for next week")
    run.history(), run.usage(), run.tools()
    await run.fork(from_step=3, words="List the open tasks of the project Lumen")
    await bench.close()

Without settings it is an installation for the moment: a database in a temporary
folder, the demo workspace, the offline model, whatever the environment says.
"""

from collections.abc import AsyncIterator, Generator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final
from uuid import UUID

from langchain_core.language_models import BaseChatModel
from langgraph.types import StateSnapshot

from graph.build import build
from graph.debug import Table, checkpoints_of, history
from graph.offline.model import OfflineModel
from persistence.checkpoints import Checkpoints
from persistence.runs.events import LoggedEvent
from persistence.scope import Identity, Role
from server.accept import accept
from server.app import serving
from server.bodies import Ask, Decision, Fork
from server.client.sending import Branch, Decided, Question
from server.deciding import decide
from server.exports.bundle import bundle_of
from server.notebooks.live import watched
from server.notebooks.recorded import Recorded
from server.passing import passing_folder
from server.rate import Rate
from server.refusals import Refused
from server.rerunning import fork, replay
from server.settings import Settings
from server.tail import tail
from server.terminal.people import DEMO, user_id_of
from server.tokens import issue_token
from server.wiring import Planwright, opened

TOKEN_DAYS: Final = 1


@dataclass(frozen=True, repr=False)
class Run(Recorded):
    """A run of a workbench: what is recorded of it, what LangGraph kept of it, and what can be made of it."""

    bench: "Workbench"
    kept: tuple[StateSnapshot, ...]

    def history(self) -> Table:
        """List its checkpoints, the newest first."""
        return history(self.kept, self.bundle.trace.run.created_at)

    async def replay(self) -> "Run":
        """Let it happen again from its record: no model is asked, nothing is changed.

        Raises:
            Refused: its record is not whole.
        """
        return await self.bench.replay(self.id)

    async def fork(
        self,
        *,
        from_step: int | None = None,
        words: str | None = None,
        message: str | None = None,
        model: str | None = None,
        live: bool = False,
    ) -> "Run":
        """Let it go another way: from a step on, in other words perhaps, or from the beginning with another message.

        Its writes are only tried out, unless it is `live`.

        Raises:
            Refused: there is no such step or model, or its record is not whole.
            ValidationError: words without a step, or a step and a message.
        """
        return await self.bench.fork(self.id, Branch(from_step, message, model, live, words))

    async def decide(self, *, approve: bool, note: str | None = None) -> "Run":
        """Have the calls that it waits for run, or not, and return it when it ended or waits again.

        Raises:
            Refused: it waits for nothing, or somebody decided before.
        """
        return await self.bench.decide(self, approve=approve, note=note)


@dataclass(frozen=True)
class Served:
    """A workbench over HTTP: its address, and a token that signs its user in."""

    address: str
    token: str = field(repr=False)


class Workbench:
    """An installation that is open in this process, and in whose name it is used.

    One that nobody names any more, as after its cell was run again, stays open until
    it is closed or the process ends: a stack that is forgotten would take the folder
    away from under its server.
    """

    _still_open: ClassVar[set["Workbench"]] = set()

    def __init__(self, planwright: Planwright, user_id: UUID, stack: AsyncExitStack) -> None:
        self.planwright: Final = planwright
        self.user_id: Final = user_id
        self._stack: Final = stack
        self._still_open.add(self)

    async def ask(self, question: Question | str) -> Run:
        """Send a message, show its run while it runs, and return it when it ended or waits for a person.

        Raises:
            Refused: the message cannot be taken; `TooMany`, not now.
        """
        asked = Question(question) if isinstance(question, str) else question
        here, ask = self.planwright, Ask.model_validate(asked.body())
        rate = Rate(here.engine.limits, here.engine.least_tokens(ask.message))
        accepted = await accept(here.database, self.user_id, ask, queue=here.queue, rate=rate)
        return await self._seen(accepted.run.id)

    async def replay(self, run_id: UUID) -> Run:
        """Let a run happen again from its record; see `Run.replay`."""
        run = await replay(self.planwright.engine, self.user_id, run_id, self.planwright.queue)
        return await self._seen(run.id)

    async def fork(self, run_id: UUID, branch: Branch) -> Run:
        """Let a run go another way; see `Run.fork`."""
        said = Fork.model_validate(branch.body())
        run = await fork(self.planwright.engine, self.user_id, run_id, said, self.planwright.queue)
        return await self._seen(run.id)

    async def decide(self, run: Run, *, approve: bool, note: str | None = None) -> Run:
        """Decide on the calls that a run waits for; see `Run.decide`."""
        here, asked = self.planwright, run.bundle.trace.approvals
        if not asked:
            raise Refused("not_waiting")
        decided = Decided(asked[-1].approval.digest, approve, note=note)
        said = Decision.model_validate(decided.body())
        await decide(here.database, here.engine.registry, self.user_id, run.id, said, here.queue)
        here.hub.told(run.id)
        return await self._seen(run.id)

    async def load(self, run_id: UUID) -> Run:
        """Return a run as it stands.

        Raises:
            Refused: there is none, or it is somebody else's.
        """
        database, identity = self.planwright.database, Identity(self.user_id)
        async with database.acting(Role.API, identity) as scope:
            bundle = await bundle_of(scope, run_id)
        if bundle is None:
            raise Refused("not_found")
        graph = build(Checkpoints(database, identity))
        return Run(bundle, self, tuple(await checkpoints_of(graph, bundle.session.id, run_id)))

    async def serve(self) -> Served:
        """Serve it over HTTP on a free port of this machine, until it is closed."""
        server = await self._stack.enter_async_context(serving(self.planwright))
        return Served(server.address, issue_token(self.planwright.token_key, self.user_id, TOKEN_DAYS))

    def tools(self) -> Table:
        """List the tools that models are offered."""
        registry = self.planwright.engine.registry
        rows = tuple((tool.name, tool.access.value, tool.args.__doc__ or "") for tool in registry.tools.values())
        return Table(f"{len(rows)} tools", ("tool", "access", "what models read"), rows)

    async def close(self) -> None:
        """Stop everything that was started, and remove a folder that was made for it."""
        await self._stack.aclose()
        self._still_open.discard(self)

    async def _seen(self, run_id: UUID) -> Run:
        await watched(self._events(run_id))
        return await self.load(run_id)

    async def _events(self, run_id: UUID) -> AsyncIterator[LoggedEvent]:
        async for told in tail(self.planwright.database, self.user_id, run_id, 0, self.planwright.hub):
            if isinstance(told, LoggedEvent):
                yield told


class Opening:
    """A workbench that is going to be opened: awaited, or for as long as an `async with` lasts."""

    def __init__(
        self, settings: Settings | None, user: str | None, model: BaseChatModel | None, tools: str | None
    ) -> None:
        self._settings: Final = settings
        self._user: Final = user
        self._model: Final = model
        self._tools: Final = tools
        self._bench: Workbench | None = None

    def __await__(self) -> Generator[Any, None, Workbench]:
        return self._opened().__await__()

    async def __aenter__(self) -> Workbench:
        self._bench = await self._opened()
        return self._bench

    async def __aexit__(self, *_: object) -> None:
        assert self._bench is not None, "it was entered"
        await self._bench.close()

    async def _opened(self) -> Workbench:
        async with AsyncExitStack() as stack:
            settings, user, model = self._settings, self._user, self._model
            if settings is None:
                settings, user, model = stack.enter_context(_passing()), user or DEMO, model or OfflineModel()
            if self._tools is not None:
                settings = settings.model_copy(update={"tools": self._tools})
            planwright = await stack.enter_async_context(opened(settings, spoken_by=model))
            user_id = await user_id_of(planwright.database, user, settings)
            return Workbench(planwright, user_id, stack.pop_all())


def workbench(
    settings: Settings | None = None,
    *,
    user: str | None = None,
    model: BaseChatModel | None = None,
    tools: str | None = None,
) -> Opening:
    """Open Planwright in this process, with a worker of its own. Await what this returns, or use it by `async with`.

    Args:
        settings: of an installation; `Settings()` is the one of this machine. Without them, one for the moment.
        user: whose runs they are, an e-mail address or “demo”; else this machine's own user, or for the moment “demo”.
        model: any LangChain chat model, asked in place of the models that the settings name.
        tools: more tools, as “module:attribute”; of a cell of the notebook, “__main__:TOOLS”.

    Raises:
        PersistenceError: there is no usable database.
        ModelProfileInvalid, ToolsRefused: a model or a tool is not usable.
    """
    return Opening(settings, user, model, tools)


@contextmanager
def _passing() -> Generator[Settings]:
    """Give the settings of an installation that is there for the moment."""
    with passing_folder() as folder:
        yield Settings(data_dir=folder / "data", database_url=None, tools=None, tools_digest=None, searxng_url=None)
