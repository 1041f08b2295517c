"""What the bodies of requests hold, field by field."""

import re
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    Strict,
    WithJsonSchema,
    model_validator,
)

from persistence.runs.approvals import NOTE_MAX_CHARS
from persistence.text import says_nothing
from server.credentials import TOKEN_DAYS_MAX, TOKEN_DAYS_USUAL, TOKEN_NAME_MAX_CHARS
from server.refusals import Refused

TITLE_MAX_CHARS: Final = 200  # as the table has it
CODE_MAX_CHARS: Final = 100
MODEL_MAX_CHARS: Final = 200  # as the table has it
STEP_WORDS_MAX_CHARS: Final = 4000  # as the table has it
STEP_MOST: Final = 10_000  # far more than any plan has
ID_TEXT: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def canonical_id(text: object) -> UUID:
    """Return an id from its one accepted spelling: lower case, with hyphens, nothing around it."""
    if isinstance(text, UUID):
        return text
    if not isinstance(text, str) or ID_TEXT.fullmatch(text) is None:
        raise ValueError("not an id")
    return UUID(text)


Approvals = Literal["auto", "ask"]
Id = Annotated[UUID, BeforeValidator(canonical_id), WithJsonSchema({"type": "string", "format": "uuid"})]


def _message(text: str) -> str:
    if says_nothing(text):
        raise Refused("message_empty")
    return text


def _title(text: str) -> str:
    if says_nothing(text):
        raise Refused("title_empty")
    return " ".join(text.split())


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Quoted(BaseModel):
    """One message that a client says was said. Whatever else it carries is dropped."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)

    role: Literal["user", "assistant", "system", "tool"]
    content: str


class Ask(_Strict):
    """What `POST /api/agent/stream` takes.

    `session_id` continues a session; without it a new one is opened about the
    place that `context_type` and `entity_id` name, whose writes wait for a person
    or not as `approvals` says (`auto` if it does not). An existing session keeps
    what it was opened with, and takes no history from outside. `route` is of this
    message alone: the planner decides, or makes a plan in any case, or answers at
    once without looking anything up.
    """

    message: Annotated[str, AfterValidator(_message)] = Field(description="At most 16 KiB of UTF-8")
    session_id: Id | None = None
    context_type: Literal[
        "global",
        "general",
        "project",
        "task",
        "calendar",
        "project_create",
        "project_update",
        "project_audit",
        "project_forecast",
        "task_update",
        "daily_brief_update",
    ] = "global"
    entity_id: Id | None = None
    approvals: Approvals | None = None
    route: Literal["auto", "plan", "answer"] = "auto"
    history: tuple[Quoted, ...] = Field(
        default=(), strict=False, validation_alias=AliasChoices("conversationHistory", "conversation_history")
    )

    @property
    def place(self) -> str:
        """Return the context type by its own name: `general` is another word for `global`."""
        return "global" if self.context_type == "general" else self.context_type


class SessionChange(_Strict):
    """What `PATCH /api/agent/sessions/{id}` takes: another title, another mode of approvals, or both."""

    title: Annotated[str, AfterValidator(_title), Field(max_length=TITLE_MAX_CHARS)] | None = None
    approvals: Approvals | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> "SessionChange":
        if self.title is None and self.approvals is None:
            raise Refused("invalid_field")
        return self


class Code(_Strict):
    """What `POST /api/auth/session` takes, when no header signs in: the code of a one-time link."""

    code: Annotated[str, Field(max_length=CODE_MAX_CHARS)]


class NewToken(_Strict):
    """What `POST /api/auth/tokens` takes. Without scopes it may read and write, as far as who makes it may."""

    name: Annotated[str, AfterValidator(_title), Field(max_length=TOKEN_NAME_MAX_CHARS)]
    days: Annotated[int, Field(ge=1, le=TOKEN_DAYS_MAX)] = TOKEN_DAYS_USUAL
    scopes: Annotated[tuple[Literal["read", "write", "admin"], ...], Strict(strict=False)] | None = None


class Fork(_Strict):
    """What `POST /api/agent/runs/{id}/fork` takes.

    With `from_step`, everything that does not rest on that step stays as it was,
    and `step_words` say in its place what the step is to do; with `message`, the
    run begins anew, so not both. `model` is asked from there
    on. Writes are only tried out unless they are to be `live`.
    """

    from_step: Annotated[int, Field(ge=1, le=STEP_MOST)] | None = None
    step_words: Annotated[str, AfterValidator(_message), Field(max_length=STEP_WORDS_MAX_CHARS)] | None = None
    message: Annotated[str, AfterValidator(_message)] | None = None
    model: Annotated[str, Field(min_length=1, max_length=MODEL_MAX_CHARS)] | None = None
    writes: Literal["dry", "live"] = "dry"

    @model_validator(mode="after")
    def _begins_once(self) -> "Fork":
        if self.message is not None if self.from_step is not None else self.step_words is not None:
            raise Refused("invalid_field")
        return self


class Drop(_Strict):
    """Leave one call out."""

    drop: Literal[True]


class Edit(_Strict):
    """Run one call with other arguments; they replace all of its own."""

    arguments: dict[str, JsonValue]


class Decision(_Strict):
    """What `POST /api/agent/runs/{id}/decision` takes.

    `digest` is the one of the approval that the run waits for. `calls` names by
    their ids those that are to run otherwise than they were shown; with `deny`
    none runs, so it names none.
    """

    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    decision: Literal["approve", "deny"]
    calls: dict[Id, Drop | Edit] = Field(default_factory=dict[UUID, Drop | Edit])
    note: Annotated[str, Field(max_length=NOTE_MAX_CHARS)] | None = None

    @model_validator(mode="after")
    def _denies_all(self) -> "Decision":
        if self.decision == "deny" and self.calls:
            raise Refused("invalid_field")
        return self
