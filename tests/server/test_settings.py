"""What an operator may set."""

import os
import stat
import threading
from dataclasses import fields
from pathlib import Path
from typing import Final

import pytest

from nodes.vocabulary.limits import Limits
from server.settings import (
    DEEPSEEK_EXECUTOR,
    DEEPSEEK_PLANNER,
    DEEPSEEK_URL,
    OPENAI_URL,
    SettingsInvalid,
    kept_secret,
    read_settings,
)

LONG_ENOUGH = "a secret of thirty-two letters or more"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Start from an environment that sets nothing, in a folder without a `.env`."""
    for name in os.environ:
        if name.startswith("PLANWRIGHT_") or name in {"DEEPSEEK_API_KEY", "OPENAI_API_KEY", "TZ"}:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_nothing_needs_to_be_set() -> None:
    """Without any setting the server is this machine's alone, and the offline model answers."""
    settings = read_settings()
    assert (settings.host, settings.port, settings.models, settings.limit) == ("127.0.0.1", 8000, None, Limits())
    assert (settings.lease_seconds, settings.heartbeat_seconds) == (8.0, 2.0)


def test_a_file_is_read_and_the_environment_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """`.env` sets what the environment does not; other programs' names in it are let be."""
    Path(".env").write_text("PLANWRIGHT_PORT=1\nPLANWRIGHT_HOST=::1\nOTHER=x\n", "utf-8")
    monkeypatch.setenv("PLANWRIGHT_PORT", "2")
    settings = read_settings()
    assert (settings.host, settings.port) == ("::1", 2)


@pytest.mark.parametrize("name", [limit.name for limit in fields(Limits)])
def test_every_limit_can_be_set_and_none_to_nothing(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Each limit has a variable of its own; zero and less are refused at the start."""
    variable, usual = f"PLANWRIGHT_LIMIT_{name.upper()}", getattr(Limits(), name)
    monkeypatch.setenv(variable, str(usual + 1))
    assert getattr(read_settings().limit, name) == usual + 1
    for value in ("0", "-1", "nan", "inf", "1e999", "x"):
        monkeypatch.setenv(variable, value)
        with pytest.raises(SettingsInvalid):
            read_settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PLANWRIGHT_PROT", "8000"),
        ("PLANWRIGHT_LIMIT_MODEL_CALL", "7"),
        ("PLANWRIGHT_LIMIT", "7"),
        ("PLANWRIGHT_LIMIT_MESSAGE_BYTES", "131073"),
        ("PLANWRIGHT_LIMIT_EVENT_BYTES", "16383"),
        ("PLANWRIGHT_LIMIT_EVENT_BYTES", "262145"),
        ("PLANWRIGHT_PORT", "70000"),
        ("PLANWRIGHT_PORT", "http"),
        ("PLANWRIGHT_JWT_SECRET", "short"),
        ("PLANWRIGHT_SECRET", "short"),
        ("PLANWRIGHT_TIME_ZONE", "Mars/Base"),
        ("PLANWRIGHT_LEASE_SECONDS", "0"),
        ("PLANWRIGHT_LEASE_SECONDS", "inf"),
        ("PLANWRIGHT_HEARTBEAT_SECONDS", "4.1"),
        ("PLANWRIGHT_MAX_CONCURRENT_RUNS", "-1"),
        ("PLANWRIGHT_MODEL_BASE_URL", "http://localhost:1234/v1"),
    ],
)
def test_a_wrong_setting_stops_the_start_in_one_line(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A name that is not known and a value that cannot be used are told in one line, which names a variable."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsInvalid) as refusal:
        read_settings()
    assert str(refusal.value).startswith("PLANWRIGHT_")
    assert "\n" not in str(refusal.value)


JWKS: Final = {
    "PLANWRIGHT_JWT_JWKS": "https://issuer.example/keys",
    "PLANWRIGHT_JWT_ISSUER": "https://issuer.example",
    "PLANWRIGHT_JWT_AUDIENCE": "planwright",
}


def test_an_issuers_tokens_are_taken_by_public_keys_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an issuer's keys, issuer and audience the rest has safe defaults: no shared secret, nobody made."""
    for name, value in JWKS.items():
        monkeypatch.setenv(name, value)
    settings = read_settings()
    assert settings.jwt_algorithms == ("RS256", "ES256", "EdDSA")
    assert (settings.jwt_secret, settings.jwt_sign_up, settings.jwt_max_days) == (None, False, 30)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        pytest.param({"JWT_ISSUER": ""}, "JWT_ISSUER", id="keys without an issuer"),
        pytest.param({"JWT_AUDIENCE": ""}, "JWT_AUDIENCE", id="keys without an audience"),
        pytest.param({"JWT_SECRET": LONG_ENOUGH}, "JWT_SECRET", id="keys and a secret"),
        pytest.param({"JWT_ALGORITHMS": "RS256,HS256"}, "JWT_ALGORITHMS", id="a secret's algorithm for keys"),
        pytest.param({"JWT_ALGORITHMS": "none"}, "JWT_ALGORITHMS", id="no signature"),
        pytest.param({"JWT_ALGORITHMS": ","}, "JWT_ALGORITHMS", id="no algorithm"),
        pytest.param({"JWT_MAX_DAYS": "0"}, "JWT_MAX_DAYS", id="no lifetime"),
        pytest.param({"JWT_MAX_DAYS": "3650"}, "JWT_MAX_DAYS", id="a lifetime of ten years"),
        pytest.param({"JWT_JWKS": "file:///etc/keys"}, "JWT_JWKS", id="keys by another scheme"),
        pytest.param({"JWT_JWKS": ""}, "JWT_ISSUER", id="an issuer without keys"),
        pytest.param({"JWT_JWKS": "", "JWT_ISSUER": "", "JWT_AUDIENCE": ""}, None, id="nothing"),
        pytest.param({"JWT_JWKS": "", "JWT_ISSUER": "", "JWT_SIGN_UP": "true"}, "JWT_SIGN_UP", id="users of no issuer"),
        pytest.param({"JWT_JWKS": "", "JWT_SECRET": LONG_ENOUGH}, None, id="an issuer that shares a secret"),
        pytest.param(
            {"JWT_JWKS": "", "JWT_SECRET": LONG_ENOUGH, "JWT_ALGORITHMS": "RS256"},
            "JWT_ALGORITHMS",
            id="public by secret",
        ),
    ],
)
def test_half_a_sign_in_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], named: str | None
) -> None:
    """Settings that would let in others than they seem to are refused, and the one to mend is named."""
    for name, value in {**JWKS, **{f"PLANWRIGHT_{name}": value for name, value in changes.items()}}.items():
        monkeypatch.setenv(name, value)
    if named is None:
        read_settings()
        return
    with pytest.raises(SettingsInvalid, match=f"^PLANWRIGHT_{named}: "):
        read_settings()


def test_a_secret_is_told_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No secret stands in the settings' own text, nor in a refusal."""
    for name in ("SECRET", "JWT_SECRET", "MODEL_API_KEY", "DATABASE_URL"):
        monkeypatch.setenv(f"PLANWRIGHT_{name}", LONG_ENOUGH)
    monkeypatch.setenv("PLANWRIGHT_PLANNER_MODEL", "m")
    settings = read_settings()
    assert LONG_ENOUGH not in f"{settings!r} {settings.models!r}"
    monkeypatch.setenv("PLANWRIGHT_SECRET", "tooshort")
    with pytest.raises(SettingsInvalid) as refusal:
        read_settings()
    assert "tooshort" not in str(refusal.value)


def test_a_key_for_deepseek_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """With DeepSeek's key alone its documented models are asked; fallbacks follow the preferred one."""
    monkeypatch.setenv("DEEPSEEK_API_KEY", "k")
    monkeypatch.setenv("PLANWRIGHT_PLANNER_FALLBACKS", "a, b,")
    models = read_settings().models
    assert models is not None
    assert (models.base_url, models.api_key.get_secret_value()) == (DEEPSEEK_URL, "k")
    assert (models.planner, models.executor) == ((DEEPSEEK_PLANNER, "a", "b"), (DEEPSEEK_EXECUTOR,))


def test_a_key_for_openai_counts_beside_a_models_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenAI's key alone changes nothing; with a model's name that model is asked by both kinds of agent."""
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    assert read_settings().models is None
    monkeypatch.setenv("PLANWRIGHT_PLANNER_MODEL", "m")
    models = read_settings().models
    assert models is not None
    assert (models.base_url, models.planner, models.executor) == (OPENAI_URL, ("m",), ("m",))


def test_ones_own_address_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A base URL of one's own is asked with one's own key, whatever other keys lie around."""
    monkeypatch.setenv("DEEPSEEK_API_KEY", "other")
    monkeypatch.setenv("PLANWRIGHT_MODEL_BASE_URL", "http://localhost:1234/v1")
    monkeypatch.setenv("PLANWRIGHT_PLANNER_MODEL", "m")
    monkeypatch.setenv("PLANWRIGHT_EXECUTOR_MODEL", "n")
    models = read_settings().models
    assert models is not None
    assert (models.base_url, models.api_key.get_secret_value()) == ("http://localhost:1234/v1", "")
    assert (models.planner, models.executor) == (("m",), ("n",))


def test_the_secret_is_made_once_by_many(tmp_path: Path) -> None:
    """Twenty that start at once have one secret, in a file for its owner only, and nothing else is left behind."""
    made: list[bytes] = []
    barrier = threading.Barrier(20)

    def start() -> None:
        barrier.wait()
        made.append(kept_secret(tmp_path / "new"))

    threads = [threading.Thread(target=start) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    files = list((tmp_path / "new").iterdir())
    assert (len(made), len(set(made)), len(made[0])) == (20, 1, 64)
    assert [file.name for file in files] == ["secret"]
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600


def test_the_secret_of_a_folder_stays(tmp_path: Path) -> None:
    """A second start finds the secret of the first; another folder has another."""
    assert kept_secret(tmp_path) == kept_secret(tmp_path)
    assert kept_secret(tmp_path) != kept_secret(tmp_path / "other")
