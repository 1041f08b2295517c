"""Bearer tokens."""

import time
from uuid import UUID, uuid4

import jwt
import pytest

from server.refusals import SignInRefused
from server.tokens import TokenLifetimeInvalid, issue_token, user_of_token

KEY = "a key of thirty-two letters or more"
DAY = 86_400


def signed(
    key: str | None = KEY, algorithm: str = "HS256", headers: dict[str, object] | None = None, **claims: object
) -> str:
    """Return a token of our shape with some claims replaced; None takes a claim away."""
    usual: dict[str, object] = {"sub": str(uuid4()), "exp": time.time() + DAY}
    held = {name: value for name, value in (usual | claims).items() if value is not None}
    return jwt.encode(held, key or "", algorithm, headers=headers)


def test_an_issued_token_names_its_user() -> None:
    """What was issued is read back as the same user."""
    user_id = uuid4()
    assert user_of_token(KEY, issue_token(KEY, user_id, 30)) == user_id


@pytest.mark.parametrize("days", [0, -1, 31, 10**9])
def test_a_token_lives_for_at_most_a_month(days: int) -> None:
    """No token is issued for no time or for more than 30 days."""
    with pytest.raises(TokenLifetimeInvalid):
        issue_token(KEY, uuid4(), days)


def test_clocks_may_differ_by_half_a_minute() -> None:
    """A token that expired 20 seconds ago is still taken."""
    user_id = uuid4()
    assert user_of_token(KEY, signed(sub=str(user_id), exp=time.time() - 20)) == user_id


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="nothing"),
        pytest.param("a.b.c", id="three letters"),
        pytest.param("a" * 1_000_000, id="1 MB"),
        pytest.param(signed(key="another key of thirty-two letters!!"), id="signed by somebody else"),
        pytest.param(signed(key=None, algorithm="none"), id="not signed"),
        pytest.param(signed(algorithm="HS512", key=KEY * 2), id="another algorithm"),
        pytest.param(signed(headers={"crit": ["b64x"], "b64x": True}), id="an extension that must be understood"),
        pytest.param(signed(exp=None), id="no expiry"),
        pytest.param(signed(exp=time.time() - 60), id="expired a minute ago"),
        pytest.param(signed(exp=time.time() + 40 * DAY), id="lives for more than a month"),
        pytest.param(signed(exp=str(int(time.time()) + 60 * DAY)), id="an expiry as text, in two months"),
        pytest.param(signed(exp="never"), id="an expiry that is no time"),
        pytest.param(signed(exp=float(10**300)), id="an expiry at the end of time"),
        pytest.param(signed(nbf=time.time() + 600), id="valid in ten minutes"),
        pytest.param(signed(iat=time.time() + 600), id="issued in ten minutes"),
        pytest.param(signed(aud="another service"), id="for another service"),
        pytest.param(signed(sub=None), id="for nobody"),
        pytest.param(signed(sub=""), id="for an empty name"),
        pytest.param(signed(sub="\0"), id="for NUL"),
        pytest.param(signed(sub="admin"), id="for somebody by name"),
        pytest.param(signed(sub=str(uuid4()).upper().replace("4", "A")), id="for an id in upper case"),
        pytest.param(signed(sub="{" + str(uuid4()) + "}"), id="for an id in braces"),
    ],
)
def test_any_other_token_is_refused_in_one_way(token: str) -> None:
    """Whatever is wrong with a token, the refusal is the same."""
    with pytest.raises(SignInRefused) as refusal:
        user_of_token(KEY, token)
    assert (refusal.value.status, refusal.value.code) == (401, "unauthorized")


def test_a_huge_token_costs_nothing() -> None:
    """1 MB of token is refused in less than 5 ms."""
    begun = time.perf_counter()
    with pytest.raises(SignInRefused):
        user_of_token(KEY, "a." * 500_000)
    assert time.perf_counter() - begun < 0.005


def test_ids_are_told_apart_to_the_last_digit() -> None:
    """Two users whose ids differ in the last digit are two users."""
    first, second = UUID(int=1), UUID(int=2)
    assert user_of_token(KEY, issue_token(KEY, first, 1)) != user_of_token(KEY, issue_token(KEY, second, 1))
