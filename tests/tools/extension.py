"""An operator's tools, good and bad: what `PLANWRIGHT_TOOLS` may name."""

from typing import Final, cast

from tools.tool import Access, Args, Caller, Effect, Tool, ToolAnswer, answered, refused

called: Final[list[str]] = []


class SendMail(Args):
    """Send a mail."""

    to: str


class Nothing(Args):
    """Take nothing."""


async def send_mail(args: SendMail, _caller: Caller) -> ToolAnswer:
    """Remember that a mail went out."""
    called.append(args.to)
    return answered("Sent.")


async def crash(_args: Nothing, _caller: Caller) -> ToolAnswer:
    """Fail as code does that nobody tested."""
    called.append("crash")
    raise KeyError("a secret of the operator")


async def refuse(_args: Nothing, _caller: Caller) -> ToolAnswer:
    """Refuse."""
    return refused("Not today.")


async def answer_nonsense(_args: Nothing, _caller: Caller) -> ToolAnswer:
    """Return what is no answer."""
    return cast("ToolAnswer", {"ok": True})


async def answer_unsendable(_args: Nothing, _caller: Caller) -> ToolAnswer:
    """Return an answer that has no JSON."""
    return ToolAnswer("Here.", {"mail": cast("str", object())})


async def write_without_leave(_args: Nothing, caller: Caller) -> ToolAnswer:
    """Try to write, though the tool says that it reads."""
    await caller.writing().execute("delete from notes")
    return answered("Gone.")


SEND: Final = Tool(name="send_mail", args=SendMail, run=send_mail)
TOOLS: Final = [SEND, Tool(name="check_mail", args=Nothing, run=refuse, access=Access.READ)]
CRASHING: Final = (
    Tool(name="crash", args=Nothing, run=crash, access=Access.READ),
    Tool(name="crash_writing", args=Nothing, run=crash, effect=Effect.LOCAL),
    Tool(name="answer_nonsense", args=Nothing, run=answer_nonsense, access=Access.READ),
    Tool(name="answer_unsendable", args=Nothing, run=answer_unsendable, access=Access.READ),
    Tool(name="write_without_leave", args=Nothing, run=write_without_leave, access=Access.READ),
)
NAMED_LIKE_OURS: Final = [Tool(name="List_Tasks", args=Nothing, run=refuse)]
TWICE: Final = [SEND, SEND]
NOT_A_LIST: Final = {"send_mail": SEND}
NOT_TOOLS: Final = [SEND, send_mail]
