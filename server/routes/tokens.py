"""`/api/auth/tokens`: the person's API tokens: list them, make one, revoke one."""

from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request

from persistence.record import credentials
from persistence.record.credentials import ApiToken, Kind
from persistence.scope import Identity, Role
from server.api_tokens import add_token
from server.auth import SignedIn, TheCaller
from server.bodies import Id, NewToken
from server.columns import columns_of
from server.credentials import mint
from server.dependencies import TheServer
from server.door import body_of
from server.openapi import body_as, refusing
from server.refusals import Refused

router: Final = APIRouter(prefix="/api/auth/tokens", tags=["sign-in"])


@dataclass(frozen=True, slots=True)
class TokenList:
    """The person's API tokens, the newest first, expired ones too."""

    tokens: list[ApiToken]


@dataclass(frozen=True, slots=True)
class MadeToken(ApiToken):
    """A token that was made just now, with its text, which is shown this once."""

    token: str


@router.get("")
async def listed(planwright: TheServer, user_id: SignedIn) -> TokenList:
    """List the person's API tokens, without their texts: these are kept nowhere."""
    async with planwright.database.acting(Role.API, Identity(user_id)) as scope:
        return TokenList(await credentials.tokens(scope))


@router.post("", status_code=201, responses=refusing("title_empty", "too_many_tokens"), openapi_extra=body_as(NewToken))
async def make(request: Request, planwright: TheServer, user_id: SignedIn, caller: TheCaller) -> MadeToken:
    """Make an API token, and show its text once. It permits no more than the caller may, and outlives no token."""
    wanted = await body_of(request, NewToken)
    text = mint(planwright.sign_in.credential_key, Kind.TOKEN)
    async with planwright.database.acting(Role.API, Identity(user_id)) as scope:
        made = await add_token(scope, caller, text, wanted.name, wanted.days, wanted.scopes)
    return MadeToken(**columns_of(made), token=text)


@router.delete("/{token_id}", status_code=204)
async def revoke(planwright: TheServer, user_id: SignedIn, token_id: Id) -> None:
    """Make a token good for nothing from now on, and what was made or opened with it."""
    async with planwright.database.acting(Role.API, Identity(user_id)) as scope:
        if not await credentials.revoke(scope, token_id):
            raise Refused("not_found")
