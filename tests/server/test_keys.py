"""The keys of an issuer."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm

from server import keys as keys_module
from server.keys import KEYS_MAX, WAITING_MAX, KeySet, KeysUnusable, usable_keys
from tests.server.issuer import (
    ALGORITHMS,
    RSA_1024,
    RSA_2048,
    Answer,
    Issuer,
    ec_key,
    hangs_up,
    issuing,
    published,
    says,
    says_nothing,
    sends_50_mb,
    set_of,
    trickles,
)
from tests.server.reading import until

EC: Final = ec_key()


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    """Give an issuer whose endpoint answers."""
    async with issuing() as made:
        yield made


@pytest.fixture
def keys(issuer: Issuer) -> KeySet:
    """Give the keys of the issuer, not read yet."""
    return KeySet(issuer.url, ALGORITHMS)


async def asked(issuer: Issuer, times: int) -> bool:
    """Say whether the endpoint was asked so often."""
    return issuer.asked >= times


async def readable(keys: KeySet) -> bool:
    """Say whether the keys could be read."""
    return keys.failure is None


@pytest.mark.parametrize(
    ("entry", "algorithm"),
    [
        pytest.param(published(RSA_2048, "k"), "RS256", id="RSA, no algorithm named"),
        pytest.param(published(RSA_2048, "k", alg="RS256", use="sig"), "RS256", id="RSA"),
        pytest.param(published(EC, "k"), "ES256", id="P-256"),
        pytest.param(published(Ed25519PrivateKey.generate(), "k"), "EdDSA", id="Ed25519"),
        pytest.param(published(RSA_1024, "k"), None, id="RSA of 1,024 bits"),
        pytest.param(published(RSA_2048, "k", alg="PS256"), None, id="an algorithm that nobody chose"),
        pytest.param(published(RSA_2048, "k", alg="ES256"), None, id="an algorithm of another kind of key"),
        pytest.param(published(RSA_2048, "k", alg="none"), None, id="no algorithm"),
        pytest.param(published(RSA_2048, "k", alg=5), None, id="an algorithm that is a number"),
        pytest.param(published(RSA_2048, "k", use="enc"), None, id="for encrypting"),
        pytest.param({**ECAlgorithm.to_jwk(EC, as_dict=True), "kid": "k"}, None, id="a private key"),
        pytest.param(published(RSA_2048, "k", n=5), None, id="a modulus that is a number"),
        pytest.param(published(RSA_2048, "k", e=""), None, id="no exponent"),
        pytest.param(published(EC, "k", crv="P-999"), None, id="an unknown curve"),
        pytest.param(published(EC, "k", x="AAAA"), None, id="a point beside the curve"),
        pytest.param(published(ec_key(SECP384R1()), "k"), None, id="P-384, which nobody chose"),
        pytest.param({"kty": "oct", "k": "c2VjcmV0" * 8, "kid": "k"}, None, id="a shared secret"),
        pytest.param({"kty": "oct", "k": "c2VjcmV0" * 8, "kid": "k", "alg": "HS256"}, None, id="a secret for HS256"),
        pytest.param({"kty": [], "kid": "k"}, None, id="a kind that is a list"),
        pytest.param({"kid": "k"}, None, id="nothing but a name"),
        pytest.param({**published(EC, "k"), "kid": None}, None, id="no name"),
        pytest.param({**published(EC, "k"), "kid": ""}, None, id="an empty name"),
        pytest.param({**published(EC, "k"), "kid": "k" * 10_000}, None, id="a name of 10 KB"),
        pytest.param({**published(EC, "k"), "kid": ["k"]}, None, id="names"),
    ],
)
def test_only_a_public_key_for_a_chosen_algorithm_counts(entry: dict[str, object], algorithm: str | None) -> None:
    """What cannot check a signature by an algorithm of the list is passed over, and spoils no other key of the set."""
    found = usable_keys(set_of(entry, published(EC, "other")), ALGORITHMS)
    assert {name: key.algorithm_name for name, key in found.items()} == {
        "other": "ES256",
        **({"k": algorithm} if algorithm else {}),
    }


def test_a_key_without_an_algorithm_takes_the_first_that_fits() -> None:
    """What the operator named first counts where a key names nothing."""
    found = usable_keys(set_of(published(RSA_2048, "k"), published(ec_key(SECP384R1()), "c")), ("ES384", "PS512"))
    assert {name: key.algorithm_name for name, key in found.items()} == {"k": "PS512", "c": "ES384"}


def test_a_set_is_read_to_a_bound() -> None:
    """Of a set with more keys than anybody has, the first are taken."""
    entry = published(EC, "")
    assert len(usable_keys(set_of(*({**entry, "kid": f"{n}"} for n in range(KEYS_MAX + 50))), ALGORITHMS)) == KEYS_MAX


JSON_VALUES: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
FIELDS: Final = st.sampled_from(["kty", "kid", "alg", "use", "crv", "n", "e", "x", "y", "k", "key_ops"])
KINDS: Final = st.sampled_from([published(RSA_2048, "k"), published(EC, "k"), {"kty": "OKP"}, {"kty": "oct"}])


@settings(max_examples=200)
@given(kind=KINDS, changes=st.dictionaries(FIELDS, JSON_VALUES, max_size=4), beside=JSON_VALUES)
def test_no_entry_breaks_the_reader(kind: dict[str, object], changes: dict[str, object], beside: object) -> None:
    """Whatever stands in a set, its good keys are found."""
    text = json.dumps({"keys": [{**kind, **changes}, beside, published(EC, "good")]}).encode()
    try:
        found = usable_keys(text, ALGORITHMS)
    except KeysUnusable:  # a number that no table takes, and the like: the whole is not read
        return
    assert "good" in found


async def test_a_key_that_is_new_is_found_at_once(issuer: Issuer, keys: KeySet) -> None:
    """A token with a key that the issuer made a moment ago costs one more look at its set."""
    await keys.refresh()
    issuer.keys = {"new": ec_key()}
    assert await keys.find("new") is not None
    assert await keys.find("ec") is None
    assert issuer.asked == 2


async def test_a_storm_of_unknown_keys_is_one_refresh(
    issuer: Issuer, keys: KeySet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many tokens name keys that are not there, the set is read once in five minutes."""
    await keys.refresh()
    names = [f"../../dev/null {number}" for number in range(1000)]
    assert not any(await asyncio.gather(*(keys.find(name) for name in names)))
    assert not any([await keys.find(name) for name in names])
    assert issuer.asked == 2
    monkeypatch.setattr(keys_module, "UNKNOWN_KEY_SECONDS", 0.0)
    assert await keys.find("' or 1=1") is None
    assert issuer.asked == 3


async def test_a_storm_holds_few_requests(issuer: Issuer, keys: KeySet, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the endpoint is slow, a bounded number of requests waits for it; the others are answered at once."""
    monkeypatch.setattr(keys_module, "FETCH_SECONDS", 0.5)
    issuer.answer = says_nothing
    asking = [asyncio.create_task(keys.find(f"{number}")) for number in range(WAITING_MAX + 50)]
    await until(lambda: asked(issuer, 1))
    assert sum(task.done() for task in asking) == 50
    assert not any(await asyncio.gather(*asking))
    assert issuer.asked == 1


NO_SET: Final = "What is there is not a set of keys."
NO_USE: Final = "None of the keys there can be used."
IN_TIME: Final = "They did not come within 0.3 s."
TOO_LARGE: Final = "They have more than 256 KB."


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        pytest.param(says(b"", "500 Internal Server Error"), "The answer has status 500.", id="500"),
        pytest.param(says(b"", "302 Found", "Location: /\r\n"), "The answer has status 302.", id="sends elsewhere"),
        pytest.param(says(b"<!doctype html><p>Maintenance"), NO_SET, id="HTML"),
        pytest.param(says(b""), NO_SET, id="nothing"),
        pytest.param(says(b"[]"), NO_SET, id="a list"),
        pytest.param(says(b'{"keys": {}}'), NO_SET, id="no list of keys"),
        pytest.param(says(b'{"keys": []}'), NO_USE, id="no keys"),
        pytest.param(says(set_of({"kty": "RSA", "kid": "ec", "n": "!", "e": 1})), NO_USE, id="a malformed key"),
        pytest.param(says(b'{"keys":' + b"[" * 100_000), NO_SET, id="nested without end"),
        pytest.param(says(b'{"keys": [\xff\xfe]}'), NO_SET, id="no UTF-8"),
        pytest.param(says(gzip.compress(set_of()), headers="Content-Encoding: gzip\r\n"), NO_SET, id="packed"),
        pytest.param(hangs_up, "They cannot be reached (RemoteProtocolError).", id="cut short"),
        pytest.param(trickles, IN_TIME, id="slow"),
        pytest.param(says_nothing, IN_TIME, id="silent"),
        pytest.param(sends_50_mb, TOO_LARGE, id="50 MB"),
    ],
)
async def test_an_endpoint_that_fails_takes_no_key_away(
    issuer: Issuer, keys: KeySet, answer: Answer, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is wrong with an answer, known keys go on, and the operator is told in a sentence."""
    await keys.refresh()
    if told == IN_TIME:
        monkeypatch.setattr(keys_module, "FETCH_SECONDS", 0.3)
    issuer.answer = answer
    async with asyncio.timeout(10):
        assert await keys.find("unknown") is None
    assert await keys.find("ec") is not None
    assert (len(keys), keys.failure) == (3, told)
    issuer.answer = None
    await keys.refresh()
    assert keys.failure is None


async def test_an_endpoint_that_is_not_there_fails_like_any_other(issuer: Issuer) -> None:
    """Nobody listening, and an address that is none, are told and nothing else."""
    for url in ("http://127.0.0.1:9/keys", "http://keys.invalid/keys", "https://"):
        keys = KeySet(url, ALGORITHMS)
        assert await keys.find("ec") is None
        assert keys.failure is not None


async def test_a_withdrawn_key_is_believed_for_ten_minutes(
    issuer: Issuer, keys: KeySet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The set is read again without anybody asking, so that a key that is no longer there counts no longer."""
    monkeypatch.setattr(keys_module, "REFRESH_SECONDS", 0.01)
    fresh = asyncio.create_task(keys.keep_fresh())
    await until(lambda: asked(issuer, 1))
    assert await keys.find("rsa") is not None
    del issuer.keys["rsa"]
    enough = issuer.asked + 2
    await until(lambda: asked(issuer, enough))
    fresh.cancel()
    assert await keys.find("rsa") is None


async def test_a_failing_endpoint_is_asked_again_soon(
    issuer: Issuer, keys: KeySet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An issuer that was away at the start is found when it is back."""
    monkeypatch.setattr(keys_module, "RETRY_SECONDS", 0.01)
    issuer.answer = says(b"", "503 Service Unavailable")
    fresh = asyncio.create_task(keys.keep_fresh())
    await until(lambda: asked(issuer, 3))
    assert keys.failure is not None
    issuer.answer = None
    await until(lambda: readable(keys))
    fresh.cancel()
    assert len(keys) == 3


async def test_keys_stand_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is read like an endpoint: replaced for new keys, kept when it is gone or too large."""
    file = tmp_path / "keys.json"
    file.write_bytes(set_of(published(EC, "a")))
    keys = KeySet(str(file), ALGORITHMS)
    assert await keys.find("a") is not None
    monkeypatch.setattr(keys_module, "UNKNOWN_KEY_SECONDS", 0.0)
    file.write_bytes(set_of(published(EC, "b")))
    assert await keys.find("b") is not None
    assert await keys.find("a") is None
    for spoil in (lambda: file.write_bytes(b" " * 1_000_000), file.unlink):
        spoil()
        assert await keys.find("c") is None
        assert await keys.find("b") is not None
        assert keys.failure is not None
