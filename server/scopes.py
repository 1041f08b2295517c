"""What whoever is signed in may do: read, write, administer."""

from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # the command line offers the scopes, and `--help` waits for nothing heavy
    from pydantic import JsonValue


class Scope(StrEnum):
    """One right; none of them includes another."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


USUAL: Final = frozenset({Scope.READ, Scope.WRITE})  # of a token that says nothing about it


class ScopesUnreadable(ValueError):
    """A claim about scopes is neither a text nor a list of texts."""


def scopes_of(claim: "JsonValue") -> frozenset[Scope]:
    """Return which of our scopes a claim names: words in one text, or in a list. Other words are for other services.

    Raises:
        ScopesUnreadable: it is none of these.
    """
    if claim is None:
        return USUAL
    words = claim.split(" ") if isinstance(claim, str) else claim
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ScopesUnreadable
    return frozenset(scope for scope in Scope if scope in words)
