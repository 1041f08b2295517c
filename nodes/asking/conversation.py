"""An agent's conversation: stored message by message, and sent to models as it stands.

What is stored is the truth. A run that goes on after a crash finds the model's
last answer here and does not ask for it again.
"""

import hashlib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final
from uuid import UUID

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, InvalidToolCall, SystemMessage, ToolMessage
from langchain_core.messages.tool import ToolCall, invalid_tool_call, tool_call

from nodes.asking.reply import Reply, WantedCall
from nodes.asking.trimming import trimmed
from nodes.vocabulary.context import Context
from nodes.vocabulary.stand_in import Place
from persistence.record import conversations
from persistence.record.conversations import NewMessage, Opening, Row, SenderType
from persistence.scope import Scope
from persistence.text import storable
from persistence.visible import visible
from tools.arguments import parse_object
from tools.errors import ArgumentsInvalid
from tools.gateway import Asked, Store
from tools.tool import ToolAnswer, answer_text, refused

NO_RESULT: Final = answer_text(refused("There is no result: the call was interrupted.", "interrupted"))
REPEATS_BEFORE_STOP: Final = 3  # the same calls with the same arguments, answer after answer


@dataclass(frozen=True, slots=True)
class OpenCall:
    """A tool call of the last answer that has no result yet, with its place in the run."""

    wanted: WantedCall
    asked: Asked


class Conversation:
    """One conversation as it stands, and the one way to add to it."""

    def __init__(self, context: Context, conversation_id: UUID, rows: list[Row]) -> None:
        self.id = conversation_id
        self._context = context
        self._rows = rows
        self._owed: list[Store] = []
        self._open_calls: tuple[int, list[OpenCall]] = (0, [])  # behind how many messages, and which

    @classmethod
    async def load(cls, context: Context, conversation_id: UUID) -> "Conversation":
        """Return a conversation: as this attempt knows it, or from the tables."""
        if conversation_id not in context.memory.said:
            async with context.writing() as scope:
                scope.ends_with_next()
                context.memory.said[conversation_id] = [*await conversations.messages(scope, conversation_id)]
        return cls(context, conversation_id, context.memory.said[conversation_id])

    @classmethod
    def begin(cls, context: Context, opening: Opening, first: Sequence[NewMessage]) -> "Conversation":
        """Make a conversation of its first messages; `open` stores it."""
        context.memory.said[opening.id] = [*first]
        return cls(context, opening.id, context.memory.said[opening.id])

    def open(self, scope: Scope, opening: Opening, first: Sequence[NewMessage]) -> None:
        """Store a conversation that was made of its first messages, in the caller's transaction."""
        conversations.open_conversation(scope, opening)
        conversations.add(scope, self.id, self._context.session_id, *first)

    def __len__(self) -> int:
        """Return how many messages there are."""
        return len(self._rows)

    @property
    def messages(self) -> list[BaseMessage]:
        """Return what a model is sent: the result of each call stands directly behind it, as providers demand.

        Of a conversation that is too long, the oldest results are left out.
        """
        results = {row.tool_call_id: row.content for row in self._rows if row.role == "tool"}
        whole = [message for row in self._rows if row.role != "tool" for message in _as_messages(row, results)]
        return trimmed(whole, self._context.limits.prompt_chars)

    @property
    def place(self) -> Place:
        """Return where the next message is going to stand."""
        return Place(self.id, len(self._rows) + 1)

    @property
    def turns(self) -> int:
        """Return how often a model has answered here."""
        return sum(row.role == "assistant" and row.model_used is not None for row in self._rows)

    @property
    def last_content(self) -> str:
        """Return the text of the last message, whoever wrote it."""
        return self._rows[-1].content if self._rows else ""

    @property
    def results(self) -> list[str]:
        """Return the JSON text of each tool result, oldest first."""
        return [row.content for row in self._rows if row.role == "tool"]

    @property
    def last_text(self) -> str:
        """Return the text of the last answer."""
        return next((row.content for row in reversed(self._rows) if row.role == "assistant"), "")

    def awaits_model(self) -> bool:
        """Say whether the model has to speak next."""
        return not self._rows or self._rows[-1].role != "assistant"

    def open_calls(self) -> list[OpenCall]:
        """Return the calls of the last answer that have no result yet, in order."""
        if self._open_calls[0] != len(self._rows):
            self._open_calls = len(self._rows), self._found_open()
        return self._open_calls[1]

    def _found_open(self) -> list[OpenCall]:
        place = next((at for at in range(len(self._rows) - 1, -1, -1) if self._rows[at].role == "assistant"), None)
        if place is None:
            return []
        answered = {row.tool_call_id for row in self._rows[place + 1 :]}
        return [
            OpenCall(_wanted(call), self._asked(place + 1, ordinal, call))
            for ordinal, call in enumerate(self._rows[place].tool_calls or [])
            if call["id"] not in answered
        ]

    def repeats(self) -> int:
        """Return how many answers in a row, the last included, asked for exactly the same calls."""
        asked = [_signature(row) for row in self._rows if row.role == "assistant"]
        if not asked or not asked[-1]:
            return 0
        return next((back for back, signature in enumerate(reversed(asked)) if signature != asked[-1]), len(asked))

    def add(self, scope: Scope, message: NewMessage) -> None:
        """Append a message in the caller's transaction."""
        conversations.add(scope, self.id, self._context.session_id, message)
        self._rows.append(message)

    def add_reply(self, scope: Scope, reply: Reply, sender: SenderType, agent_id: UUID) -> None:
        """Append a model's answer; from then on its calls are frozen."""
        self.add(scope, _answer(reply, sender, agent_id))

    def owe_reply(self, reply: Reply, sender: SenderType, agent_id: UUID, settle: Store) -> None:
        """Append a model's answer, and leave it to `pay` to settle its call and to store it."""
        self._owed.append(settle)
        self.owe(_answer(reply, sender, agent_id))

    def keeping(self, sender: SenderType, agent_id: UUID) -> Callable[[Scope, Reply], Awaitable[None]]:
        """Return what appends an answer in the transaction that settles its call."""

        async def keep(scope: Scope, reply: Reply) -> None:
            self.add_reply(scope, reply, sender, agent_id)

        return keep

    def add_result(self, scope: Scope, call: WantedCall, answer: ToolAnswer) -> None:
        """Append what a tool call came to."""
        self.add(scope, _result(call, answer))

    def owe_result(self, call: WantedCall, answer: ToolAnswer, store: Store, call_id: UUID | None = None) -> None:
        """Append what a tool call came to, and leave it to `pay` to store that, and what `store` stores with it.

        With an id only if the ledger has that call by then.
        """
        self._owed.append(store)
        self._owed.append(self._later(_result(call, answer), call_id))

    def owe(self, message: NewMessage) -> None:
        """Append a message, and leave it to `pay` to store it."""
        self._owed.append(self._later(message))

    def later_result(self, call: WantedCall, answer: ToolAnswer) -> Store:
        """Append what a tool call came to; return what stores it."""
        return self._later(_result(call, answer))

    def owe_store(self, store: Store) -> None:
        """Leave it to `pay` to store what belongs to the last message."""
        self._owed.append(store)

    @property
    def owes(self) -> bool:
        """Say whether something is left to `pay`."""
        return bool(self._owed)

    def pay(self, scope: Scope) -> None:
        """Store what is owed, before anything else is added, in the caller's transaction."""
        if owed := len(self._owed):
            scope.after_commit(partial(self._paid, owed))
            for store in self._owed:
                store(scope)

    def _paid(self, owed: int) -> None:
        del self._owed[:owed]

    def _later(self, message: NewMessage, call_id: UUID | None = None) -> Store:
        self._rows.append(message)

        def store(scope: Scope) -> None:
            if call_id is None:
                conversations.add(scope, self.id, self._context.session_id, message)
            else:
                conversations.add_result(scope, self.id, self._context.session_id, message, call_id)

        return store

    def _asked(self, position: int, ordinal: int, call: dict[str, str]) -> Asked:
        digest = hashlib.sha256(call["arguments"].encode()).hexdigest()[:16]
        return Asked(f"{self.id}:{position}:{ordinal}:{call['name']}:{digest}", call["name"], call["arguments"])


def told(content: str) -> NewMessage:
    """Return what the program itself tells a model, as a message in the user's place."""
    return NewMessage("system", "user", storable(content))


def _answer(reply: Reply, sender: SenderType, agent_id: UUID) -> NewMessage:
    calls = [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in reply.calls]
    return NewMessage(
        sender_type=sender,
        sender_agent_id=agent_id,
        role="assistant",
        content=reply.text,
        reasoning=reply.reasoning,
        tool_calls=calls or None,
        tokens_used=0 if reply.usage is None else reply.usage.total,
        model_used=reply.model,
    )


def _result(call: WantedCall, answer: ToolAnswer) -> NewMessage:
    return NewMessage("system", "tool", visible(answer_text(answer)), tool_call_id=call.id)


def _wanted(call: dict[str, str]) -> WantedCall:
    return WantedCall(call["id"], call["name"], call["arguments"])


def _signature(row: Row) -> tuple[tuple[str, str], ...]:
    return tuple((call["name"], call["arguments"]) for call in row.tool_calls or [])


def _as_messages(row: Row, results: Mapping[str | None, str]) -> Iterator[BaseMessage]:
    """Yield a message, and the results of its calls; a call that a crash left without one gets one here."""
    match row.role:
        case "system":
            yield SystemMessage(row.content)
        case "user":
            yield HumanMessage(row.content)
        case _:
            yield _as_answer(row)
            for call in row.tool_calls or []:
                yield ToolMessage(results.get(call["id"], NO_RESULT), tool_call_id=call["id"])


def _as_answer(row: Row) -> AIMessage:
    """Return an answer with its calls; what is no JSON object goes back as the model wrote it."""
    valid: list[ToolCall] = []
    invalid: list[InvalidToolCall] = []
    for call in row.tool_calls or []:
        try:
            valid.append(tool_call(id=call["id"], name=call["name"], args=parse_object(call["arguments"])))
        except ArgumentsInvalid:
            invalid.append(
                invalid_tool_call(id=call["id"], name=call["name"], args=call["arguments"], error="not a JSON object")
            )
    return AIMessage(
        row.content,
        tool_calls=valid,
        invalid_tool_calls=invalid,
        additional_kwargs={} if row.reasoning is None else {"reasoning_content": row.reasoning},
    )
