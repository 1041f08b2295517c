"""Bearer tokens that are JSON Web Tokens: what they must say, whoever signed them."""

import hmac
import json
import time
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Final
from uuid import UUID, uuid4

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jwt.utils import base64url_encode

from server.refusals import SignInRefused
from server.scopes import USUAL, Scope
from server.tokens import (
    KEY_ID_MAX_CHARS,
    LEEWAY_SECONDS,
    TOKEN_MAX_CHARS,
    Rules,
    TokenLifetimeInvalid,
    claims_of,
    issue_token,
    key_id_of,
)
from tests.server.reading import until

KEY: Final = "a key of thirty-two letters or more"
DAY: Final = 86_400
OWN: Final = Rules()
THEIRS: Final = Rules(issuer="https://issuer.example", audience="planwright", clients=("page",), max_days=2)
SOMEBODY: Final = str(UUID(int=7))
ALPHABET: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."


def saying(
    claims: Mapping[str, object],
    key: str | None = KEY,
    algorithm: str = "HS256",
    headers: dict[str, object] | None = None,
) -> str:
    """Return a token of our shape with some claims replaced; None takes a claim away."""
    usual: dict[str, object] = {"sub": SOMEBODY, "exp": time.time() + DAY}
    held = {name: value for name, value in {**usual, **claims}.items() if value is not None}
    return jwt.PyJWS().encode(json.dumps(held).encode(), key or "", algorithm, headers)


def signed(
    key: str | None = KEY, algorithm: str = "HS256", headers: dict[str, object] | None = None, **claims: object
) -> str:
    """Return a token that says `claims`."""
    return saying(claims, key, algorithm, headers)


def theirs(claims: Mapping[str, object] = MappingProxyType({})) -> str:
    """Return a token as `THEIRS` wants them, with some claims replaced."""
    return saying({"iss": THEIRS.issuer, "aud": THEIRS.audience, "azp": "page", "sub": "Ada|1", **claims})


def refused(token: str, rules: Rules = OWN) -> bool:
    """Say whether a token is refused, in the one way there is."""
    with pytest.raises(SignInRefused) as refusal:
        claims_of(token, KEY, rules)
    return (refusal.value.status, refusal.value.code) == (401, "unauthorized")


def test_an_issued_token_names_its_user() -> None:
    """What was issued is read back as the same user, who may read and write."""
    user_id = uuid4()
    claims = claims_of(issue_token(KEY, user_id, 30), KEY, OWN)
    assert (claims.subject, claims.scopes) == (str(user_id), USUAL)


@pytest.mark.parametrize("days", [0, -1, 31, 10**9])
def test_a_token_lives_for_at_most_a_month(days: int) -> None:
    """No token is issued for no time or for more than 30 days."""
    with pytest.raises(TokenLifetimeInvalid):
        issue_token(KEY, uuid4(), days)


@pytest.mark.parametrize(
    ("claim", "seconds", "taken"),
    [
        ("exp", -20, True),
        ("exp", -60, False),
        ("nbf", 20, True),
        ("nbf", 600, False),
        ("iat", 20, True),
        ("iat", 600, False),
    ],
)
def test_clocks_may_differ_by_half_a_minute(claim: str, seconds: int, taken: bool) -> None:  # noqa: FBT001 - a table
    """What is wrong by less than the leeway is right: an expiry that is past, a beginning that is to come."""
    token = saying({claim: time.time() + seconds})
    assert claims_of(token, KEY, OWN).subject == SOMEBODY if taken else refused(token)


def taken(token: str, key: str = KEY, rules: Rules = OWN) -> bool:
    """Say whether a token signs somebody in."""
    try:
        claims_of(token, key, rules)
    except SignInRefused:
        return False
    return True


async def test_a_token_that_was_good_is_refused_once_it_has_expired() -> None:
    """That a token was taken before does not make it live longer, nor good with another key or by other rules."""
    token = signed(exp=int(time.time()) - LEEWAY_SECONDS + 2)
    assert taken(token)
    assert not taken(token, key=KEY[::-1])
    assert not taken(token, rules=THEIRS)

    async def expired() -> bool:
        return not taken(token)

    await until(expired)


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="nothing"),
        pytest.param("a.b.c", id="three letters"),
        pytest.param("..", id="three times nothing"),
        pytest.param("a" * 1_000_000, id="1 MB"),
        pytest.param(signed(key="another key of thirty-two letters!!"), id="signed by somebody else"),
        pytest.param(signed()[:-8], id="a signature cut short"),
        pytest.param(signed(key=None, algorithm="none"), id="not signed"),
        pytest.param(signed(algorithm="HS512", key=KEY * 2), id="another algorithm"),
        pytest.param(signed(headers={"crit": ["b64x"], "b64x": True}), id="an extension that must be understood"),
        pytest.param(signed(headers={"typ": "logout+jwt"}), id="a token for signing out"),
        pytest.param(signed(headers={"typ": 5}), id="of a type that is a number"),
        pytest.param(signed(exp=None), id="no expiry"),
        pytest.param(signed(exp=time.time() + 40 * DAY), id="lives for more than a month"),
        pytest.param(signed(exp=str(int(time.time()) + DAY)), id="an expiry as text"),
        pytest.param(signed(exp="never"), id="an expiry that is no time"),
        pytest.param(signed(exp=True), id="an expiry that is true"),
        pytest.param(signed(exp=[]), id="an expiry that is a list"),
        pytest.param(signed(exp=float("nan")), id="an expiry that is no number"),
        pytest.param(signed(exp=float("inf")), id="an expiry that is infinite"),
        pytest.param(signed(exp=float(10**300)), id="an expiry at the end of time"),
        pytest.param(signed(exp=10**400), id="an expiry beyond every float"),
        pytest.param(signed(nbf="0"), id="valid from a text"),
        pytest.param(signed(iat=False), id="issued at false"),
        pytest.param(signed(aud="another service"), id="for another service"),
        pytest.param(signed(sub=None), id="for nobody"),
        pytest.param(signed(sub=""), id="for an empty name"),
        pytest.param(signed(sub="\0"), id="for NUL"),
        pytest.param(signed(sub="\ud800"), id="for half a character"),
        pytest.param(signed(sub={"id": SOMEBODY}), id="for an object"),
        pytest.param(signed(sub=7), id="for a number"),
        pytest.param(signed(sub="admin"), id="for somebody by name"),
        pytest.param(signed(sub="a" * 5000), id="for a long name"),
        pytest.param(signed(sub=SOMEBODY.replace("0", "A", 1)), id="for an id in upper case"),
        pytest.param(signed(sub="{" + SOMEBODY + "}"), id="for an id in braces"),
        pytest.param(signed(sub=f"urn:uuid:{SOMEBODY}"), id="for an id as a name"),
        pytest.param(signed(sub=SOMEBODY + "\n"), id="for an id and a line end"),
        pytest.param(signed(scope={"read": True}), id="scopes as an object"),
        pytest.param(signed(scope=[["read"]]), id="scopes in a list of lists"),
        pytest.param(signed(scope=7), id="scopes as a number"),
        pytest.param(signed(nonce="n"), id="an ID token by its nonce"),
        pytest.param(signed(at_hash="h"), id="an ID token by its hash"),
        pytest.param(signed(typ="ID"), id="an ID token by its own word"),
        pytest.param(signed(typ="Refresh"), id="a token for getting tokens"),
        pytest.param(signed(token_use="id"), id="an ID token by its use"),
        pytest.param(signed(jti=5), id="an id of its own that is a number"),
    ],
)
def test_any_other_token_is_refused_in_one_way(token: str) -> None:
    """Whatever is wrong with a token, the refusal is the same."""
    assert refused(token)


@pytest.mark.parametrize("spelling", ["nOnE", "NONE", "", None, [], "HS256 ", "hs256", "RS256", "ES256"])
def test_an_algorithm_is_one_that_was_chosen(spelling: object) -> None:
    """Whatever a header names instead of the one algorithm, with or without a signature, is refused."""
    header, payload, signature = signed().split(".")
    forged = base64url_encode(json.dumps({"typ": "JWT", "alg": spelling}).encode()).decode()
    assert refused(f"{forged}.{payload}.{signature}")
    assert refused(f"{forged}.{payload}.")
    assert claims_of(f"{header}.{payload}.{signature}", KEY, OWN).subject == SOMEBODY


def test_a_token_of_an_issuer_is_taken_for_its_subject() -> None:
    """With an issuer set, the subject is the issuer's own word for somebody, as it stands."""
    assert claims_of(theirs(), KEY, THEIRS).subject == "Ada|1"
    assert claims_of(theirs({"sub": "ada|1"}), KEY, THEIRS).subject == "ada|1"


@pytest.mark.parametrize(
    ("claims", "taken"),
    [
        pytest.param({"aud": ["other", "planwright"]}, True, id="for us among others"),
        pytest.param({"azp": None, "client_id": "page"}, True, id="its client in the other claim"),
        pytest.param({"typ": "Bearer", "token_use": "access"}, True, id="says that it is for access"),
        pytest.param({"iss": None}, False, id="no issuer"),
        pytest.param({"iss": "https://issuer.example/"}, False, id="nearly the issuer"),
        pytest.param({"iss": ["https://issuer.example"]}, False, id="issuers"),
        pytest.param({"aud": None}, False, id="no audience"),
        pytest.param({"aud": "Planwright"}, False, id="nearly the audience"),
        pytest.param({"aud": ["other"]}, False, id="for others"),
        pytest.param({"aud": ["planwright", 5]}, False, id="for us and a number"),
        pytest.param({"aud": {"planwright": 1}}, False, id="for an object"),
        pytest.param({"azp": "other"}, False, id="from another client"),
        pytest.param({"azp": None}, False, id="from no client"),
        pytest.param({"azp": ["page"]}, False, id="from clients"),
        pytest.param({"exp": time.time() + 3 * DAY}, False, id="lives longer than is set"),
        pytest.param({"sub": "a" * 256}, False, id="a subject of 256 characters"),
        pytest.param({"sub": " ada"}, False, id="a subject that begins with a space"),
        pytest.param({"sub": "adä"}, False, id="a subject beyond ASCII"),
    ],
)
def test_what_is_set_has_to_match(claims: dict[str, object], taken: bool) -> None:  # noqa: FBT001 - a table
    """Issuer, audience, client and lifetime are held against what the operator set."""
    token = theirs(claims)
    assert refused(token, THEIRS) if not taken else claims_of(token, KEY, THEIRS)


@pytest.mark.parametrize(
    ("claim", "scopes"),
    [
        (None, USUAL),
        ("read", {Scope.READ}),
        ("openid write  admin", {Scope.WRITE, Scope.ADMIN}),
        (["read", "profile"], {Scope.READ}),
        ("", set[Scope]()),
        ("READ reader", set[Scope]()),
        ([], set[Scope]()),
    ],
)
def test_a_token_permits_what_it_names(claim: object, scopes: set[Scope]) -> None:
    """Scopes come as a text or a list; other words are nobody's; a token that says nothing may read and write."""
    assert claims_of(signed(scope=claim), KEY, OWN).scopes == scopes


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"kid": ""},
        {"kid": "k" * (KEY_ID_MAX_CHARS + 1)},
        {"kid": "k", "alg": "none"},
    ],
)
def test_a_key_is_looked_up_by_a_short_name(headers: dict[str, object]) -> None:
    """Without a key's id, or with a long one, or with an algorithm that nobody chose, no key is looked for."""
    algorithm = str(headers.get("alg", "HS256"))
    with pytest.raises(SignInRefused):
        key_id_of(signed(key=KEY if algorithm == "HS256" else None, algorithm=algorithm, headers=headers), OWN)


def test_a_huge_token_costs_nothing() -> None:
    """1 MB of token is refused in less than 5 ms."""
    for token in ("a." * 500_000, "a" * 999_000 + ".b.c"):
        begun = time.perf_counter()
        with pytest.raises(SignInRefused):
            claims_of(token, KEY, OWN)
        with pytest.raises(SignInRefused):
            key_id_of(token, OWN)
        assert time.perf_counter() - begun < 0.005


def test_ids_are_told_apart_to_the_last_digit() -> None:
    """Two users whose ids differ in the last digit are two users."""
    first, second = (claims_of(issue_token(KEY, UUID(int=number), 1), KEY, OWN) for number in (1, 2))
    assert first.subject != second.subject


JSON_VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
CLAIMS: Final = st.sampled_from(["sub", "exp", "iat", "nbf", "iss", "aud", "azp", "scope", "typ", "jti", "nonce", "x"])


@settings(max_examples=150)
@given(claims=st.dictionaries(CLAIMS, JSON_VALUES, max_size=6), rules=st.sampled_from([OWN, THEIRS]))
def test_no_claims_break_the_reader(claims: dict[str, object], rules: Rules) -> None:
    """Whatever a well-signed token claims, it is believed or refused, and whoever it names can be looked up."""
    try:
        said = claims_of(theirs(claims), KEY, rules)
    except SignInRefused:
        return
    assert 1 <= len(said.subject) <= 255
    assert said.subject.isascii()
    assert said.subject.isprintable()
    assert said.expires_at < time.time() + 31 * DAY


@settings(max_examples=150)
@given(headers=st.dictionaries(st.sampled_from(["kid", "typ", "alg", "crit", "b64", "x"]), JSON_VALUES, max_size=5))
def test_no_header_breaks_the_reader(headers: dict[str, object]) -> None:
    """Whatever a token's header holds, it is read or refused."""
    head = base64url_encode(json.dumps({"alg": "HS256", **headers}).encode()).decode()
    signing_input = f"{head}.{signed().split('.')[1]}".encode()
    signature = base64url_encode(hmac.digest(KEY.encode(), signing_input, "sha256")).decode()
    token = f"{signing_input.decode()}.{signature}"
    with suppress(SignInRefused):
        key_id_of(token, OWN)
    with suppress(SignInRefused):
        assert claims_of(token, KEY, OWN).subject == SOMEBODY


@settings(max_examples=150)
@given(token=st.text(ALPHABET, max_size=200) | st.text(max_size=100))
def test_no_text_breaks_the_reader(token: str) -> None:
    """A text that nobody signed is refused, whatever it is."""
    assert refused(token)


def test_the_longest_token_is_still_read() -> None:
    """A token is counted in characters before it is decoded; one at the bound is believed, one above is not."""
    claims = {"sub": SOMEBODY, "exp": int(time.time()) + DAY, "x": ""}
    room = TOKEN_MAX_CHARS - len(saying(claims))
    token = saying({**claims, "x": "a" * (room * 3 // 4)})
    assert TOKEN_MAX_CHARS - 4 < len(token) <= TOKEN_MAX_CHARS
    assert claims_of(token, KEY, OWN).subject == SOMEBODY
    assert refused(saying({**claims, "x": "a" * room}))
