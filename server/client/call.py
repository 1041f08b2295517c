"""A request for what is stored, and how its answer is read."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import TypeAdapter

from server.client.following import Wish

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Call(Generic[Answer]):
    """One request of `docs/http.md`; its answer is a row of the server's own, or several."""

    wish: Wish
    answer: type[Answer]

    def read(self, body: bytes) -> Answer:
        """Return the body of the answer as what it is.

        Raises:
            ValidationError: it is something else.
        """
        return TypeAdapter(self.answer).validate_json(body or b"null")
