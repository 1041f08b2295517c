"""The one way to call a tool: access, strict arguments, budget, ledger.

What an agent may call is decided here, at the call, whatever the model was
shown and whatever its plan says. A local write runs in the transaction of its
own ledger row, so it takes effect exactly when the row says `applied`.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, Protocol
from uuid import UUID, uuid5

from persistence.again import unless_in_conflict
from persistence.attempts import Attempt
from persistence.errors import PersistenceError
from persistence.runs import approvals, intents, ledger, undo
from persistence.runs.approvals import Ruling
from persistence.runs.ledger import CallState, CameTo, Entry, Frozen, LedgerRow, Standing
from persistence.scope import Scope
from persistence.text import shortened, storable
from tools.arguments import MAX_ARGUMENT_CHARS, validated
from tools.conduct import AS_ASKED, Conduct
from tools.consent import Consent
from tools.errors import AwaitsPerson, CallsSpent, MayNotWrite, NotOffered, ToolError, UnknownTool
from tools.intents import NOTHING, from_json, most
from tools.outcomes import OUTCOME_UNKNOWN, as_far_as_known, fitting, outcome_unknown, replayed, state_of
from tools.registry import Registry
from tools.rehearsing import rehearsed, told
from tools.rulings import as_decided, asked_enough, left_as_it_is, ran_again, said_no
from tools.running import ran, undone_if_refused
from tools.tool import Access, AnyTool, Args, Caller, Effect, ToolAnswer, answer_text, refused

CALL_TIMEOUT_SECONDS: Final = 20.0  # four times the statement limit of the SELECT-only role
MAX_NAME_CHARS: Final = 100  # what is kept of a name that no tool has


@dataclass(frozen=True, slots=True)
class Holder:
    """An agent's capability: which tools it holds, and the most it may do with them."""

    agent_id: UUID
    access: Access
    tools: frozenset[str]
    step_number: int | None = None
    is_executor: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A call as a model asked for it. The key is its place in the run, never the model's own id."""

    key: str
    tool: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many calls a run may make, how often its person is asked, how long a call may take, and how it is made."""

    calls: int
    approvals: int
    call_seconds: float = CALL_TIMEOUT_SECONDS
    conduct: Conduct = AS_ASKED


class Journal(Protocol):
    """Who is told of each call, in the transaction that stores it."""

    def called(self, scope: Scope, holder: Holder, call_id: UUID, asked: Asked) -> None:
        """Tell that a call began, unless that was told before or the ledger does not have it by now."""

    def returned(self, scope: Scope, holder: Holder, call_id: UUID, answer: ToolAnswer, duration_ms: int) -> None:
        """Tell what a call came to."""

    def called_and_returned(
        self, scope: Scope, holder: Holder, call_id: UUID, asked: Asked, answer: ToolAnswer, duration_ms: int
    ) -> None:
        """Tell that a call began, and what it came to, unless the ledger does not have it by now."""


Store = Callable[[Scope], None]
Keep = Callable[[ToolAnswer, Store], Awaitable[None]]


class Gateway:
    """The tool calls of one attempt of one run."""

    def __init__(
        self,
        *,
        registry: Registry,
        attempt: Attempt,
        caller: Caller,
        journal: Journal,
        consent: Consent,
        bounds: Bounds,
        asked: dict[UUID, str] | None = None,
    ) -> None:
        self._registry: Final = registry
        self._attempt: Final = attempt
        self._run_id: Final = attempt.run_id
        self._caller: Final = caller
        self._journal: Final = journal
        self._consent: Final = consent
        self._bounds: Final = bounds
        self._conduct: Final = bounds.conduct
        self._one_write_at_a_time: Final = asyncio.Lock()
        self._asked: Final = dict[UUID, str]() if asked is None else asked  # the access of each call of this attempt

    def telling(self, journal: Journal) -> "Gateway":
        """Return a gateway to the same run's tools that tells another journal, for holders that only read."""
        return Gateway(
            registry=self._registry,
            attempt=self._attempt,
            caller=self._caller,
            journal=journal,
            consent=self._consent,
            bounds=self._bounds,
            asked=self._asked,
        )

    @property
    def has_writes(self) -> bool:
        """Say whether a call that is no read was asked for in this attempt, whatever became of it."""
        return any(access != Access.READ for access in self._asked.values())

    @property
    def reader(self) -> Caller:
        """Return who reads in the person's name; it cannot write."""
        return self._caller

    def call_id(self, asked: Asked) -> UUID:
        """Return the id of a call: the same one whenever the same place of the run is reached."""
        return uuid5(self._run_id, asked.key)

    async def call(
        self, holder: Holder, asked: Asked, frozen: "Frozen | Held | None" = None, keep: Keep | None = None
    ) -> ToolAnswer:
        """Call a tool, or refuse to, and write down which.

        Every foreseen failure is an answer that the model can act on. `frozen` says
        that the call was written down before, or is `hold`'s; `keep` gets what it came to, unless an
        earlier attempt did, with what stores that in the transaction it is given.

        Raises:
            AwaitsPerson: a person has to decide first, whether it may run or, when its outcome is unknown, run again.
            Fenced: another attempt holds the run.
            CancelRequested: the run is to be stopped, and the call had not acted yet.
            DatabaseUnavailable: the database went away.
            Exception: a tool of ours broke; the call is written down as failed.
        """
        asked = _storable(asked)
        at = await self._freeze(holder, asked) if frozen is None else _At.of(frozen)
        return await self._call(holder, asked, replace(at, keep=keep), agreed=False)

    def freeze(self, scope: Scope, holder: Holder, calls: Sequence[Asked]) -> list[Frozen]:
        """Write calls down that are going to be made, in the caller's transaction, and tell of them."""
        kept = [_kept(_storable(asked)) for asked in calls]
        entries = [self._entry(holder, asked) for asked in kept]
        self._asked.update((entry.id, entry.access) for entry in entries)
        frozen = [ledger.freeze(scope, self._run_id, entry) for entry in entries]
        for asked in kept:
            self._journal.called(scope, holder, self.call_id(asked), asked)
        return frozen

    def is_unseen(self, name: str) -> bool:
        """Say whether a call of a tool only reads, and in our own database, so that nobody else could notice it."""
        tool = self._registry.find(name)
        return tool is not None and (tool.access, tool.effect) == (Access.READ, Effect.LOCAL)

    def hold(self, holder: Holder, asked: Asked) -> tuple["Held", Store]:
        """Begin a call that no attempt has made and that `is_unseen`; return it with what writes it down.

        It may act before that is stored. When its run is to be stopped by then, nobody is told of it.
        """
        kept = _kept(_storable(asked))
        entry = self._entry(holder, kept)
        self._asked[entry.id] = entry.access
        held = Held(Standing(ledger.begun(entry), len(self._asked)))

        def store(scope: Scope) -> None:
            if held.returned is None:
                scope.after_commit(held.was_stored)
                ledger.write_down(scope, self._run_id, entry)
                self._journal.called(scope, holder, entry.id, kept)
            else:
                ledger.write_down(scope, self._run_id, entry, _came_to(*held.returned))
                self._journal.called_and_returned(scope, holder, entry.id, kept, *held.returned)

        return held, store

    def _entry(self, holder: Holder, asked: Asked) -> Entry:
        tool = self._registry.find(asked.tool)
        return Entry(
            id=self.call_id(asked),
            key=asked.key,
            agent_id=holder.agent_id,
            step_number=holder.step_number,
            tool=asked.tool,
            access=Access.WRITE if tool is None else tool.access,
            arguments=asked.arguments,
        )

    def rests_on_intents(self, holder: Holder, asked: Asked) -> bool:
        """Say whether a call can only run when the run's write intents cover it, or a person agrees."""
        asked = _storable(asked)
        try:
            tool = self._permitted(holder, asked.tool, calls_so_far=0)
            args = validated(tool, asked.arguments)
            return self._conduct.needs_intents and self._consent.rests_on_intents(tool, args)
        except ToolError:
            return False

    async def held(self, holder: Holder, asked: Asked) -> UUID | None:
        """Freeze a call that will have to wait for a person, to be asked about with others; None for any other.

        Raises:
            Fenced, CancelRequested, DatabaseUnavailable: as `call`.
        """
        asked = _storable(asked)
        try:
            tool = self._permitted(holder, asked.tool, calls_so_far=0)
            if not await self._lacks_consent(tool, validated(tool, asked.arguments)):
                return None
        except ToolError:
            return None
        frozen = await self._freeze(holder, asked)
        undecided = frozen.ruling is None and frozen.row.state in {CallState.INTENT, CallState.UNKNOWN}
        return frozen.row.id if undecided else None

    async def cut_off(self, holder: Holder) -> list[UUID]:
        """Say of the holder's calls that began elsewhere and were stopped that nobody knows what they did; return them.

        Raises:
            Fenced, DatabaseUnavailable: as `call`.
        """
        async with self._attempt.writing() as scope:
            begun = [
                call
                for call in await ledger.open_of_run(scope, self._run_id)
                if call.started_at is not None
                and (call.agent_id, call.step_number) == (holder.agent_id, holder.step_number)
            ]
            for call in begun:
                self._settle(scope, holder, call.id, fitting(outcome_unknown(call.tool)), 0)
        return [call.id for call in begun]

    async def _call(self, holder: Holder, asked: Asked, at: "_At", *, agreed: bool) -> ToolAnswer:
        """Do with a frozen call what is left to do; `agreed` when a person has decided on it as another call."""
        if at.row.state == CallState.UNKNOWN:
            return await self._after_unknown(holder, asked, at)
        if (answer := await self._known(holder, asked, at)) is not None:
            return answer
        try:
            tool = self._permitted(holder, asked.tool, at.calls_so_far)
            args = validated(tool, at.arguments or asked.arguments)
        except ToolError as error:
            return await self._settled(holder, at, refused(str(error), error.code), 0)
        if at.ruling is None and not agreed and await self._lacks_consent(tool, args):
            if await self._has_asked_enough():
                return await self._settled(holder, at, asked_enough(self._bounds.approvals), 0)
            raise AwaitsPerson(at.row.id)
        answer = await self._ran(holder, at, tool, args)
        if answer.code == OUTCOME_UNKNOWN:
            raise AwaitsPerson(at.row.id)
        return as_decided(at.ruling, answer)

    async def _known(self, holder: Holder, asked: Asked, at: "_At") -> ToolAnswer | None:
        """Return what a call comes to that is not made: it was before, here or in another run, or a person said no."""
        if at.row.state != CallState.INTENT:
            return as_decided(at.ruling, replayed(at.row))
        if self._conduct.outcomes is not None and (known := await self._conduct.outcomes.outcome_of(asked.key)):
            return await self._settled(holder, at, known.answer, known.duration_ms)
        if at.ruling is not None and not at.ruling.allows:
            return await self._settled(holder, at, said_no(at.ruling), 0)
        return None

    async def _lacks_consent(self, tool: AnyTool, args: Args) -> bool:
        """Say whether a call has to wait for a person; a run whose intents were not taken yet has none."""
        if tool.access is Access.READ or self._conduct.dry:
            return False
        async with self._attempt.writing() as scope:
            stored = await intents.of_run(scope, self._run_id)
            made = await ledger.count_applied(scope, self._run_id, tool.name)
        wanted = NOTHING if stored is None else from_json(stored)
        room = most(wanted, tool)
        allowed = NOTHING if room is not None and made >= room else wanted
        return await self._consent.is_missing(tool, args, self._caller, allowed)

    async def _has_asked_enough(self) -> bool:
        async with self._attempt.writing() as scope:
            return await approvals.next_position(scope, self._run_id) > self._bounds.approvals

    async def _after_unknown(self, holder: Holder, asked: Asked, at: "_At") -> ToolAnswer:
        """Run a call again, as a call of its own, when a person said so; nothing else runs it again.

        Raises:
            AwaitsPerson: nobody has decided yet.
        """
        if at.ruling is None:
            raise AwaitsPerson(at.row.id)
        if not at.ruling.allows:
            return left_as_it_is(at.row.tool, at.ruling)
        arguments = at.arguments or at.row.arguments
        again = replace(asked, key=f"{asked.key}:again", arguments=arguments)
        answer = await self._call(holder, again, await self._freeze(holder, again), agreed=True)
        return ran_again(at.row.tool, as_decided(at.ruling, answer))

    async def _ran(self, holder: Holder, at: "_At", tool: AnyTool, args: Args) -> ToolAnswer:
        try:
            return await self._act(holder, at, tool, args)
        except PersistenceError:
            raise  # nothing can be written down now, or this attempt may not
        except Exception:
            await self._settled(holder, at, refused(f"{tool.name} failed inside.", "tool_crashed"), 0)
            raise

    async def _act(self, holder: Holder, at: "_At", tool: AnyTool, args: Args) -> ToolAnswer:
        """Run a call that is allowed."""
        if tool.access is Access.READ:
            return await self._outside(holder, at, tool, args)
        async with self._one_write_at_a_time:
            if self._conduct.dry and tool.effect is Effect.EXTERNAL:
                return await self._settled(holder, at, told(), 0)
            if tool.effect is Effect.LOCAL:
                return await unless_in_conflict(partial(self._write, holder, at.row.id, tool, args))
            async with self._attempt.writing() as scope:
                await ledger.may_act(scope, at.row.id)
                begins = await ledger.begin(scope, at.row.id)
            if not begins:
                return await self._settled(holder, at, outcome_unknown(tool.name), 0)
            return await self._outside(holder, at, tool, args)

    async def _freeze(self, holder: Holder, asked: Asked) -> "_At":
        """Write the call down before it acts, or find what an earlier attempt wrote.

        Arguments that a person gave it stand in the ledger before it runs.
        """
        async with self._attempt.writing() as scope:
            [frozen] = self.freeze(scope, holder, [asked])
            await scope.sent()
            at = _At.of(frozen)
            if at.row.access != Access.WRITE:
                return at
            is_unknown = at.row.state == CallState.UNKNOWN
            ruling = await approvals.ruling_on(scope, at.row.id, outcome_unknown=is_unknown)
            if ruling is not None and ruling.arguments is not None and not is_unknown:
                await ledger.put_arguments(scope, at.row.id, ruling.arguments)
            return replace(at, ruling=ruling)

    def _permitted(self, holder: Holder, name: str, calls_so_far: int) -> AnyTool:
        """Return the tool, if there is one and the holder may call it now.

        Raises:
            CallsSpent: the run has made all the calls it may.
            UnknownTool: there is none of that name.
            MayNotWrite: it writes and the agent may only read.
            NotOffered: the agent was not given it.
        """
        if calls_so_far > self._bounds.calls:
            raise CallsSpent(self._bounds.calls)
        tool = self._registry.find(name)
        if tool is None:
            raise UnknownTool(name, sorted(holder.tools))
        if tool.access is Access.WRITE and holder.access is not Access.WRITE:
            raise MayNotWrite
        if name not in holder.tools:
            raise NotOffered(name, sorted(holder.tools))
        return tool

    async def _outside(self, holder: Holder, at: "_At", tool: AnyTool, args: Args) -> ToolAnswer:
        """Run a tool whose effect, if any, is not in our transaction."""
        started = time.monotonic()
        answer = as_far_as_known(tool, await ran(tool, args, self._caller, self._bounds.call_seconds))
        return await self._settled(holder, at, answer, _elapsed_ms(started))

    async def _write(self, holder: Holder, call_id: UUID, tool: AnyTool, args: Args) -> ToolAnswer:
        """Run a write and store its outcome in one transaction; a refusal undoes what it began.

        The run's fence lets one such transaction in at a time, so a call that has
        an outcome by now, since it was asked for twice at once, is not run again.
        """
        started = time.monotonic()
        async with self._attempt.writing(lent=True) as scope:
            row = await ledger.find(scope, call_id)
            if row is not None and row.state != CallState.INTENT:
                return replayed(row)
            await ledger.may_act(scope, call_id)
            undo.keep_changes(scope, call_id)
            writer = replace(self._caller, write_scope=scope)
            act = rehearsed if self._conduct.dry else undone_if_refused
            answer = fitting(await act(scope, tool, args, writer, self._bounds.call_seconds))
            self._settle(scope, holder, call_id, answer, _elapsed_ms(started))
            return answer

    async def _settled(self, holder: Holder, at: "_At", answer: ToolAnswer, duration_ms: int) -> ToolAnswer:
        kept, held = fitting(answer), at.held
        if held is not None:
            held.returned = kept, duration_ms

        def store(scope: Scope) -> None:
            if held is None or held.is_stored:
                self._settle(scope, holder, at.row.id, kept, duration_ms)

        if at.keep is not None:
            await at.keep(kept, store)
        else:
            async with self._attempt.writing() as scope:
                store(scope)
        return kept

    def _settle(self, scope: Scope, holder: Holder, call_id: UUID, answer: ToolAnswer, duration_ms: int) -> None:
        ledger.settle(scope, call_id, _came_to(answer, duration_ms))
        self._journal.returned(scope, holder, call_id, answer, duration_ms)


@dataclass(slots=True)
class Held:
    """A call that is written down with what it came to, unless it takes its time: then it `is_stored` before.

    `returned` is its answer, and how many milliseconds it took.
    """

    standing: Standing
    returned: tuple[ToolAnswer, int] | None = None
    is_stored: bool = False

    def was_stored(self) -> None:
        """Know that it stands in the ledger without an outcome."""
        self.is_stored = True


@dataclass(frozen=True, slots=True)
class _At:
    """Where a call stands: frozen or held, what a person said of it, and who is told what it comes to."""

    row: LedgerRow
    calls_so_far: int
    ruling: Ruling | None = None
    keep: Keep | None = None
    held: "Held | None" = None

    @classmethod
    def of(cls, frozen: "Frozen | Held") -> "_At":
        """Return where a call stands that was just frozen.

        Raises:
            CancelRequested: it has not acted yet, and its run is to be stopped.
        """
        standing = frozen.standing
        return cls(standing.row, standing.calls_so_far, held=frozen if isinstance(frozen, Held) else None)

    @property
    def arguments(self) -> str | None:
        """Return the arguments that a person gave the call in place of the model's."""
        return None if self.ruling is None else self.ruling.arguments


def _came_to(answer: ToolAnswer, duration_ms: int) -> CameTo:
    return CameTo(state_of(answer), answer_text(answer), answer.code, duration_ms)


def _storable(asked: Asked) -> Asked:
    return Asked(asked.key, storable(asked.tool), storable(asked.arguments))


def _kept(asked: Asked) -> Asked:
    """Return what the ledger and the log keep of a call; what is longer than this is refused anyway."""
    return Asked(asked.key, shortened(asked.tool, MAX_NAME_CHARS), shortened(asked.arguments, MAX_ARGUMENT_CHARS))


def _elapsed_ms(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
