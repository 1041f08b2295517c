"""Every way to fail answers with the small body of a refusal, whoever noticed it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from persistence.errors import DatabaseUnavailable, StatementTimedOut, StoodStill
from server.counted import REFUSALS
from server.refusals import Refused, Unavailable

_CODE_OF_STATUS: Final[Mapping[int, str]] = MappingProxyType({404: "not_found", 405: "method_not_allowed"})


def answered(refused: Refused) -> JSONResponse:
    """Return a refusal as it is sent, and count it."""
    REFUSALS.labels(refused.code).inc()
    return JSONResponse({"error": str(refused), "code": refused.code}, refused.status, dict(refused.headers))


def answer_refusals(app: FastAPI) -> None:
    """Make every way to fail answer with a small body of ours."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _framework_refused)
    for away in (DatabaseUnavailable, StatementTimedOut, StoodStill):
        app.add_exception_handler(away, _unavailable)


async def _refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused), "registered for this class"
    return answered(error)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    """A path or query parameter that FastAPI checked; those that are ids say so."""
    assert isinstance(error, RequestValidationError), "registered for this class"
    about_id = any(str(part).endswith("_id") for fault in error.errors() for part in fault["loc"])
    return answered(Refused("invalid_id" if about_id else "invalid_field"))


async def _framework_refused(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException), "registered for this class"
    return answered(Refused(_CODE_OF_STATUS.get(error.status_code, "bad_request"), error.headers or {}))


async def _unavailable(_request: Request, _error: Exception) -> JSONResponse:
    return answered(Unavailable("database_unavailable"))
