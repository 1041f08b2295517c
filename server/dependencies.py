"""What endpoints are given: the running program, and ids that are ids."""

from typing import Annotated

from fastapi import Depends, Request

from server.wiring import Planwright


async def planwright_of(request: Request) -> Planwright:
    """Return the program that this request reached; FastAPI would send a plain function to a thread."""
    planwright: object = request.app.state.planwright
    assert isinstance(planwright, Planwright), "create_app put it there"
    return planwright


TheServer = Annotated[Planwright, Depends(planwright_of)]
