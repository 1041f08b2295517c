"""Who may sign in, as an administrator says at the terminal; and what `doctor` says about it."""

from collections.abc import AsyncIterator
from typing import Final
from uuid import uuid4

import pytest
from pydantic import SecretStr

from server.doctor.checks import Verdict
from server.doctor.sign_in_check import is_exposed, sign_in_finding
from server.settings import Settings
from tests.server.issuer import AUDIENCE, NAME, Issuer, issuing, says
from tests.server.terminal.command_line import CommandLine
from tests.server.terminal.conftest import Rows

TRUST: Final = {
    "PLANWRIGHT_JWT_JWKS": "https://issuer.example/keys",
    "PLANWRIGHT_JWT_ISSUER": NAME,
    "PLANWRIGHT_JWT_AUDIENCE": AUDIENCE,
}


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    """Give an issuer whose endpoint answers."""
    async with issuing() as made:
        yield made


def test_a_linked_user_is_disabled_and_let_in_again(installed: CommandLine, email: str, rows: Rows) -> None:
    """A subject becomes a user with an address and nobody else's; address and id both name the user."""
    command, subject = installed.given(**TRUST), uuid4().hex

    def may_sign_in() -> bool:
        return rows.of("select disabled_at is null from users where email = %s", email) == [(True,)]

    assert command.run("user", "link", email, subject).returncode == 0
    taken = command.run("user", "link", f"not-{email}", subject)
    assert (taken.returncode, taken.stderr) == (1, "planwright: That subject is another user already.\n")
    [(user_id, issuer, linked)] = rows.of("select id, issuer, subject from users where email = %s", email)
    assert (issuer, linked, may_sign_in()) == (NAME, subject, True)
    assert command.run("user", "disable", email.upper()).returncode == 0
    assert not may_sign_in()
    assert f"{user_id}  disabled     {email}  {subject}" in command.run("user", "list").stdout.splitlines()
    assert command.run("user", "enable", str(user_id)).returncode == 0
    assert may_sign_in()


@pytest.mark.parametrize(
    ("trust", "arguments", "code", "words"),
    [
        pytest.param(TRUST, ["disable", "nobody@example.org"], 1, "There is no such user", id="nobody"),
        pytest.param(TRUST, ["link", "a@b.c", "ä"], 2, "1 to 255 characters of ASCII", id="no subject"),
        pytest.param({}, ["link", "a@b.c", "ada"], 2, "PLANWRIGHT_JWT_ISSUER", id="nobody's subject"),
    ],
)
def test_what_cannot_be_done_is_told(
    installed: CommandLine, trust: dict[str, str], arguments: list[str], code: int, words: str
) -> None:
    """One line says why."""
    done = installed.given(**trust).run("user", *arguments)
    assert (done.returncode, words in done.stderr, done.stderr.count("\n")) == (code, True, 1)


def trusting(source: str) -> Settings:
    """Return settings with an issuer."""
    return Settings(jwt_jwks=source, jwt_issuer=NAME, jwt_audience=AUDIENCE)


async def test_the_doctor_reads_the_issuers_keys(issuer: Issuer) -> None:
    """Keys that can be used are counted; an endpoint that fails is told with a next step, without its address."""
    well = await sign_in_finding(trusting(issuer.url))
    assert (well.verdict, well.text) == (Verdict.OK, "3 keys of the issuer can be used")
    issuer.answer = says(b"", "500 Internal Server Error")
    ill = await sign_in_finding(trusting(issuer.url))
    assert (ill.verdict, ill.text) == (Verdict.FAILED, "the issuer’s keys: The answer has status 500.")
    assert ill.next_step == "Check PLANWRIGHT_JWT_JWKS and the way to it."


@pytest.mark.parametrize(
    ("settings", "verdict", "words"),
    [
        pytest.param(Settings(), Verdict.OK, "a key of this installation", id="this machine alone"),
        pytest.param(Settings(jwt_secret=SecretStr("k" * 32)), Verdict.OK, "PLANWRIGHT_JWT_SECRET", id="a secret"),
        pytest.param(Settings(host="192.0.2.1"), Verdict.FAILED, "open to others", id="open to others"),
        pytest.param(trusting("/no/such/file"), Verdict.FAILED, "FileNotFoundError", id="no file"),
    ],
)
async def test_the_doctor_says_how_people_sign_in(settings: Settings, verdict: Verdict, words: str) -> None:
    """Each way to sign in has its line."""
    finding = await sign_in_finding(settings)
    assert (finding.verdict, words in finding.text) == (verdict, True)


@pytest.mark.parametrize(
    ("source", "exposed"),
    [
        ("https://issuer.example/keys", False),
        ("http://127.0.0.1:8080/keys", False),
        ("http://[::1]/keys", False),
        ("/etc/keys.json", False),
        ("http://issuer.example/keys", True),
        ("http://127.0.0.1.issuer.example/keys", True),
        ("http://127.0.0.1@issuer.example/keys", True),
    ],
)
def test_keys_that_travel_unprotected_are_told(source: str, exposed: bool) -> None:  # noqa: FBT001 - a table
    """Keys by plain HTTP are fine on this machine; from elsewhere whoever is on the way could exchange them."""
    assert is_exposed(source) is exposed
