"""HTML that cannot be broken out of: a text is escaped where it enters, and only `element` makes markup."""

from dataclasses import dataclass
from html import escape
from typing import Final

from persistence.visible import visible

VOID: Final = frozenset({"meta"})


@dataclass(frozen=True, slots=True)
class Markup:
    """A piece of HTML, made here."""

    html: str


Inner = Markup | str


def element(name: str, /, *inner: Inner, **attributes: str) -> Markup:
    """Return an element. `name` and the names of attributes are the program's own, never a text from outside.

    An underscore stands for a hyphen, and one at the end of a name for nothing.
    """
    named = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(visible(value))}"' for key, value in attributes.items()
    )
    if name in VOID:
        return Markup(f"<{name}{named}>")
    return Markup(f"<{name}{named}>{joined(*inner).html}</{name}>")


def joined(*inner: Inner) -> Markup:
    """Return the pieces one after the other; what is text is escaped, and nothing in it is hidden."""
    return Markup("".join(piece.html if isinstance(piece, Markup) else escape(visible(piece)) for piece in inner))
