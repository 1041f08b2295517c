"""The check of how people sign in: are there keys for tokens, and do they come unchanged?"""

from urllib.parse import urlsplit

from server.doctor.checks import Finding, Verdict
from server.keys import KeySet
from server.loopback import is_loopback
from server.settings import Settings, variable
from server.terminal.wording import counted

SUBJECT = "sign-in"


async def sign_in_finding(settings: Settings) -> Finding:
    """Return what came of looking for the keys that tokens are checked against."""
    if settings.jwt_jwks is not None:
        return await _published(settings.jwt_jwks, settings.jwt_algorithms)
    if settings.jwt_secret is not None:
        return Finding(Verdict.OK, SUBJECT, f"tokens are signed by {variable('jwt_secret')}")
    if is_loopback(settings.host):
        return Finding(Verdict.OK, SUBJECT, "tokens are signed by a key of this installation, for this machine alone")
    step = f"Set {variable('jwt_secret')} or {variable('jwt_jwks')}."
    return Finding(Verdict.FAILED, SUBJECT, f"no keys for tokens, and {variable('host')} is open to others", step)


async def _published(source: str, algorithms: tuple[str, ...]) -> Finding:
    keys = KeySet(source, algorithms)
    await keys.refresh()
    if keys.failure is not None:
        step = f"Check {variable('jwt_jwks')} and the way to it."
        return Finding(Verdict.FAILED, SUBJECT, f"the issuer’s keys: {keys.failure}", step)
    found = f"{counted(len(keys), 'key')} of the issuer can be used"
    if is_exposed(source):
        step = "Use https://, or a file."
        return Finding(Verdict.NOTE, SUBJECT, f"{found}, but anybody on the way may exchange them", step)
    return Finding(Verdict.OK, SUBJECT, found)


def is_exposed(source: str) -> bool:
    """Say whether somebody on the way could exchange what comes from there."""
    return source.startswith("http://") and not is_loopback(urlsplit(source).hostname or "")
