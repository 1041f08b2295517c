"""What a tool is: data plus one function.

The class that describes a tool's arguments is also what the model reads: its
docstring is the tool's description, its fields are the parameters.
"""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from inspect import cleandoc
from types import MappingProxyType
from typing import Any, Generic, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, JsonValue
from pydantic.alias_generators import to_camel

from persistence.pools import Database
from persistence.scope import Identity, Role, Scope
from tools.errors import MayNotWrite


class Access(StrEnum):
    """What a tool does to the workspace."""

    READ = "read"
    WRITE = "write"


class Effect(StrEnum):
    """Where a tool acts. Where a write's effect lands decides what a crash leaves behind."""

    LOCAL = "local"  # in our database, a write in the transaction of its ledger row
    EXTERNAL = "external"  # elsewhere: after a crash the outcome of a write is unknown


class Harm(StrEnum):
    """What a call takes away: such a call needs a person's word even where others do not."""

    DELETES = "deletes"
    ARCHIVES = "archives"


class Args(BaseModel):
    """A tool's arguments: unknown names refused, types as JSON has them.

    Models now and then send `timeMin` for `time_min`; both are understood, the
    schema they are shown has the second.
    """

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
    )


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What a tool says back to the model.

    `message` is one short sentence; `data` is JSON; `code` names the kind of
    refusal and is None when the tool did what it was asked.
    """

    message: str
    data: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    code: str | None = None

    @property
    def success(self) -> bool:
        """Say whether the tool did what it was asked."""
        return self.code is None

    def as_json(self) -> dict[str, JsonValue]:
        """Return what the model reads: the message, the kind of refusal if any, the data."""
        refusal: dict[str, JsonValue] = {} if self.code is None else {"error": self.code}
        return {"message": self.message, **refusal, **self.data}


def answer_text(answer: ToolAnswer) -> str:
    """Return the JSON text of an answer, as models read it and the ledger keeps it."""
    return json.dumps(answer.as_json(), ensure_ascii=False)


def answer_of(text: str, code: str | None) -> ToolAnswer:
    """Return the answer whose text `answer_text` made."""
    data: dict[str, JsonValue] = json.loads(text)
    message = data.pop("message", "")
    if code is not None:
        data.pop("error", None)
    return ToolAnswer(str(message), data, code)


def answered(message: str, **data: JsonValue) -> ToolAnswer:
    """Return a success."""
    return ToolAnswer(message, data)


def refused(message: str, code: str = "refused") -> ToolAnswer:
    """Return a refusal, in a sentence that the model can act on."""
    return ToolAnswer(message, code=code)


@dataclass(frozen=True, slots=True)
class Caller:
    """In whose name a tool runs, and what that lets it touch.

    `now` is fixed for the whole run, so that "tomorrow" cannot change meaning
    half-way. A caller without a `write_scope` cannot write, whatever it tries.
    """

    database: Database
    user_id: UUID
    time_zone: ZoneInfo
    now: datetime
    write_scope: Scope | None = None

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[Scope]:
        """Open a transaction as the SELECT-only role."""
        async with self.database.acting(Role.EXECUTOR, Identity(self.user_id)) as scope:
            yield scope

    def writing(self) -> Scope:
        """Return the open transaction that also holds this call's ledger row.

        Raises:
            MayNotWrite: the caller holds no capability to write.
        """
        if self.write_scope is None:
            raise MayNotWrite
        return self.write_scope


A = TypeVar("A", bound=Args)


def harmless(_args: Args) -> Harm | None:
    """Say of any call that it takes nothing away."""
    return None


@dataclass(frozen=True, slots=True)
class Tool(Generic[A]):
    """One tool. A tool that does not state its access counts as a write tool.

    `kinds` names the kind of change that giving an argument, or a field of `updates`,
    comes to; the empty name stands for the call itself. What is not named there
    is a change of a kind of its own, which bears the tool's name.
    """

    name: str
    args: type[A]
    run: Callable[[A, Caller], Awaitable[ToolAnswer]]
    access: Access = Access.WRITE
    effect: Effect = Effect.LOCAL
    harm: Callable[[A], Harm | None] = harmless
    kinds: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def description(self) -> str:
        """Return what the model reads about the tool."""
        return cleandoc(self.args.__doc__ or "")

    def schema(self) -> dict[str, JsonValue]:
        """Return the tool as models are shown it."""
        return function_schema(self.name, self.args)


@cache
def function_schema(name: str, args: type[Args], *, camel_case: bool = False) -> dict[str, JsonValue]:
    """Return a function in the function-calling format of OpenAI-compatible models; made once, never changed."""
    parameters = args.model_json_schema(by_alias=camel_case)
    parameters.pop("title", None)
    parameters.pop("description", None)
    description = cleandoc(args.__doc__ or "")
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


AnyTool = Tool[Any]
