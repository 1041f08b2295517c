"""Who may sign in, as an administrator says at the terminal; and what `doctor` says about it."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from tests.server.issuer import AUDIENCE, NAME, Issuer, issuing, says
from tests.server.terminal.command_line import CommandLine
from tests.server.terminal.conftest import Rows


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    """Give an issuer whose endpoint answers."""
    async with issuing() as made:
        yield made


def trusting(installed: CommandLine, source: str) -> CommandLine:
    """Return the installation with an issuer."""
    return installed.given(PLANWRIGHT_JWT_JWKS=source, PLANWRIGHT_JWT_ISSUER=NAME, PLANWRIGHT_JWT_AUDIENCE=AUDIENCE)


def test_a_user_is_disabled_and_let_in_again(installed: CommandLine, email: str, rows: Rows) -> None:
    """By address or by id; what was disabled twice is let in once."""
    installed.run("token", "new", "--user", email)
    [(user_id,)] = rows.of("select id from users where email = %s", email)

    def state() -> str:
        [line] = [line for line in installed.run("user", "list").stdout.splitlines() if line.startswith(str(user_id))]
        return line.removeprefix(str(user_id)).removesuffix(email).strip()

    assert state() == "may sign in"
    for who in (email.upper(), str(user_id)):
        assert installed.run("user", "disable", who).returncode == 0
        assert state() == "disabled"
    assert installed.run("user", "enable", str(user_id)).returncode == 0
    assert state() == "may sign in"


def test_a_subject_is_linked_to_one_user(installed: CommandLine, email: str, rows: Rows) -> None:
    """The issuer's subject becomes a user with that address; another user cannot have it too."""
    command, subject = trusting(installed, "https://issuer.example/keys"), uuid4().hex
    assert command.run("user", "link", email, subject).returncode == 0
    assert rows.of("select issuer, subject from users where email = %s", email) == [(NAME, subject)]
    taken = command.run("user", "link", f"not-{email}", subject)
    assert (taken.returncode, taken.stderr) == (1, "planwright: That subject is another user already.\n")
    assert command.run("user", "link", email, f"{subject}-new").returncode == 0
    assert rows.of("select subject from users where email = %s", email) == [(f"{subject}-new",)]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param(["user", "disable", "nobody@example.org"], 1, "There is no such user", id="nobody"),
        pytest.param(["user", "link", "bob", "b"], 2, "takes an e-mail address", id="no address"),
        pytest.param(["user", "link", "a@b.c", "ä"], 2, "1 to 255 characters of ASCII", id="no subject"),
        pytest.param(["user", "link", "a@b.c", "a" * 256], 2, "1 to 255 characters", id="a long subject"),
    ],
)
def test_what_cannot_be_done_is_told(installed: CommandLine, arguments: list[str], code: int, words: str) -> None:
    """One line says why."""
    done = trusting(installed, "https://issuer.example/keys").run(*arguments)
    assert (done.returncode, words in done.stderr, done.stderr.count("\n")) == (code, True, 1)


def test_a_subject_needs_an_issuer(installed: CommandLine, email: str) -> None:
    """Without an issuer nobody knows whose subject it is."""
    done = installed.run("user", "link", email, "ada")
    assert (done.returncode, "PLANWRIGHT_JWT_ISSUER" in done.stderr) == (2, True)


async def test_the_doctor_reads_the_issuers_keys(installed: CommandLine, issuer: Issuer) -> None:
    """Keys that can be used are counted; an endpoint that fails is told with a next step, without its address."""
    command = trusting(installed, issuer.url)
    well = await asyncio.to_thread(command.run, "doctor")
    assert "ok      sign-in: 3 keys of the issuer can be used" in well.stdout
    issuer.answer = says(b"", "500 Internal Server Error")
    ill = await asyncio.to_thread(command.run, "doctor")
    assert "failed  sign-in: the issuer’s keys: The answer has status 500." in ill.stdout
    assert "Check PLANWRIGHT_JWT_JWKS and the way to it." in ill.stdout
    assert issuer.url not in ill.stdout + ill.stderr


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "ok      sign-in: tokens are signed by a key of this installation"),
        ({"PLANWRIGHT_JWT_SECRET": "k" * 32}, "ok      sign-in: tokens are signed by PLANWRIGHT_JWT_SECRET"),
        ({"PLANWRIGHT_HOST": "0.0.0.0"}, "failed  sign-in: no keys for tokens"),  # noqa: S104 - what is to be refused
    ],
    ids=["this machine alone", "a secret", "open to others"],
)
def test_the_doctor_says_how_people_sign_in(installed: CommandLine, settings: dict[str, str], words: str) -> None:
    """Each way to sign in has its line."""
    assert words in installed.given(**settings).run("doctor").stdout
