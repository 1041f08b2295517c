"""Writes docs/configuration.md from the settings and limits in the code: `make docs`."""

import io
import re
import tokenize
from collections.abc import Iterator, Mapping
from dataclasses import fields
from inspect import getsource
from types import MappingProxyType
from typing import Final

from nodes.vocabulary.limits import Limits
from server.settings import USUAL_ALGORITHMS, Settings, variable
from tests.house.project import ROOT

PAGE: Final = ROOT / "docs" / "configuration.md"

HEAD: Final = """\
# Configuration

Settings are environment variables. A file `.env` in the working directory is read too; the environment counts first. A
variable that begins with `PLANWRIGHT_` and is not listed here stops the program at its start, and so does a value that
cannot be used. `planwright doctor` checks what is set.

`make docs` writes this page from `server/settings.py` and `nodes/vocabulary/limits.py`.

## A language model

Unset, the built-in offline model answers: rules, not a language model; its tokens are shown and not charged. Any
OpenAI-compatible endpoint takes its place:

```sh
PLANWRIGHT_MODEL_BASE_URL=https://models.example.org/v1
PLANWRIGHT_MODEL_API_KEY=…
PLANWRIGHT_PLANNER_MODEL=large-model
PLANWRIGHT_EXECUTOR_MODEL=small-model
```

`DEEPSEEK_API_KEY` alone is enough for DeepSeek: address and model names have defaults. `OPENAI_API_KEY` counts only
beside `PLANWRIGHT_PLANNER_MODEL`.
"""

# What a setting means to an operator. A setting without a line here fails the test of this page.
SETTINGS: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "Server and database": {
            "host": "Address to listen on. Another than loopback needs `PLANWRIGHT_JWT_SECRET` or"
            " `PLANWRIGHT_JWT_JWKS`.",
            "port": "Port to listen on; 0 takes a free one.",
            "database_url": "PostgreSQL 15.14 or newer, by a login that may create roles. Unset: the embedded server.",
            "data_dir": "Folder of the embedded server and of the kept secret.",
            "secret": "At least 32 characters; database passwords and keys derive from it. All processes on one"
            " database share it. Unset: made once and kept in the data folder.",
            "time_zone": "IANA time zone of users who are made here.",
            "log_format": "`text` for people or `json`, one object a line: [operations.md](operations.md#logs).",
            "log_level": "`debug`, `info`, `warning` or `error`: what `serve` and `worker` say at least.",
            "lease_seconds": "A worker that is silent this long has lost its runs; the same in all processes.",
            "heartbeat_seconds": "How often a worker shows that it is alive; at most half the lease.",
            "approval_hours": "How long a run waits for a person’s decision; after that it is cancelled.",
            "max_concurrent_runs": "Runs that one process works on at once.",
            "event_days": "Days that the events of a run that ended are kept, for rejoining its stream; 0 keeps them."
            " Messages, plans and tool calls stay.",
            "checkpoint_days": "Days that LangGraph’s checkpoints are kept, for a run’s history; 0 keeps them.",
            "link_hosts": "Comma list of hosts that an answer may link to; every other address is left as words.",
            "tools": "`module:attribute`, a list of further tools: [adding.md](adding.md).",
            "searxng_url": "Address of a SearxNG that answers in JSON, such as `http://127.0.0.1:8888/search`. With it,"
            " and the extra `web` installed, there is a 13th read tool, `search_web`. What it asks leaves this place.",
            "tools_digest": "Pins all tools, as `planwright tools` prints it: with others nothing starts.",
        },
        "Sign-in": {
            "jwt_secret": "Key that signs bearer tokens (HS256), at least 32 characters. Unset: derived from the"
            " secret, on loopback only.",
            "jwt_jwks": "Instead of that key: the published keys of an issuer (a JWK Set), as a file or an address."
            " Issuer and audience must be set too.",
            "jwt_issuer": "What `iss` must be. With it `sub` is the issuer’s word for a user, without it the id of a"
            " user here.",
            "jwt_audience": "What `aud` must be or hold. Unset: tokens with an `aud` are refused.",
            "jwt_algorithms": "Comma list of what published keys may sign with.",
            "jwt_clients": "Comma list of what `azp` or `client_id` may be. Unset: tokens of every client are taken.",
            "jwt_max_days": "A token that expires later than this is refused.",
            "jwt_sign_up": "Make a user for whomever the issuer vouches for. Off: only those whom"
            " `planwright user link` let in.",
        },
        "Models": {
            "model_base_url": "Address of an OpenAI-compatible endpoint.",
            "model_api_key": "Key for it. It counts before the two below.",
            "deepseek_api_key": "Key for DeepSeek, used when neither of the two above is set.",
            "openai_api_key": "Key for OpenAI, or for the address above.",
            "planner_model": "Model that decides, plans, writes and answers.",
            "executor_model": "Model of the executors. Unset: the planner’s, or DeepSeek’s small one.",
            "planner_fallbacks": "Comma list of models to ask when the planner’s fails.",
            "executor_fallbacks": "The same for the executors.",
        },
        "Terminal": {
            "server": "Server that `ask`, `chat`, `tail` and `cancel` talk to. Unset: they run in their own process.",
            "token": "Bearer token they sign in with there.",
        },
    }
)

TOLD_DEFAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "data_dir": "the user’s data folder; `/var/lib/planwright` for root",
        "jwt_algorithms": f"`{','.join(USUAL_ALGORITHMS)}`",
        "time_zone": "the machine’s",
    }
)


def page() -> str:
    """Return the page as it should be."""
    sections = [
        _table(title, ([f"`{_variable(name)}`", _default(name), text] for name, text in told.items()))
        for title, told in SETTINGS.items()
    ]
    return "\n".join([HEAD, *sections, _table("Limits of a turn", _limits(), "bounds, or why")])


def told_settings() -> set[str]:
    """Return the settings that the page explains."""
    return {name for told in SETTINGS.values() for name in told}


def _table(title: str, rows: Iterator[list[str]], last: str = "meaning") -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([f"## {title}\n", f"| variable | default | {last} |", "|---|---|---|", *lines, ""])


def _variable(name: str) -> str:
    alias = Settings.model_fields[name].validation_alias
    return variable(name) if alias is None else name.upper()


def _default(name: str) -> str:
    default: object = Settings.model_fields[name].default
    if name in TOLD_DEFAULTS:
        return TOLD_DEFAULTS[name]
    return "unset" if default in {None, ()} else f"`{_text(default)}`"


def _text(default: object) -> str:
    """Return a default as an operator would write it."""
    match default:
        case bool():
            return str(default).lower()
        case float():
            return f"{default:g}"
        case _:
            return str(default)


def _limits() -> Iterator[list[str]]:
    reasons = _reasons()
    defaults = Limits()
    for limit in fields(Limits):
        value: float = getattr(defaults, limit.name)
        yield [f"`{variable(f'limit_{limit.name}')}`", f"`{value:g}`", reasons[limit.name]]


def _reasons() -> dict[str, str]:
    """Return the comment beside each limit."""
    source = getsource(Limits)
    comments = {
        token.start[0]: token.string.lstrip("# ")
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    lines = enumerate(source.splitlines(), start=1)
    return {found[1]: comments[row] for row, line in lines if (found := re.match(r"    (\w+): ", line))}


if __name__ == "__main__":
    PAGE.write_text(page())
