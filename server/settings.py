"""What an operator may set: environment variables that begin with PLANWRIGHT_, and a `.env` file.

Read once, at start. Values go down from here, this object never does.
"""

import os
import re
import tempfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import available_timezones

from dotenv import dotenv_values
from pydantic import AfterValidator, AliasChoices, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from nodes.vocabulary.limits import Limits
from persistence.embedded import default_data_dir
from server.logs import Format, Level

PREFIX: Final = "PLANWRIGHT_"
ENV_FILE: Final = ".env"
LOCALTIME: Final = Path("/etc/localtime")
DEEPSEEK_URL: Final = "https://api.deepseek.com"
DEEPSEEK_PLANNER: Final = "deepseek-v4-pro"
DEEPSEEK_EXECUTOR: Final = "deepseek-v4-flash"
OPENAI_URL: Final = "https://api.openai.com/v1"
ELSEWHERE: Final = frozenset({f"{PREFIX}SERVER", f"{PREFIX}TOKEN"})  # the terminal reads these
SECRET_MIN_CHARS: Final = 32  # what HS256 asks of its key (RFC 7518, section 3.2)
PUBLIC_KEY_ALGORITHMS: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
USUAL_ALGORITHMS: Final = ("RS256", "ES256", "EdDSA")
MESSAGE_BYTES_AT_MOST: Final = 128 * 1024  # half of what the body of a request may have
EVENT_BYTES_AT_LEAST: Final = 16 * 1024  # the plan of twelve steps, with every text of it cut
EVENT_BYTES_AT_MOST: Final = 256 * 1024  # a slow reader holds 32 of them
KEPT_IN: Final = "secret"
SECRET_BYTES: Final = 32
_HOST: Final = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*")


class SettingsInvalid(ValueError):
    """A setting is unknown or cannot be used; the text is one line for the operator."""


def _listed(text: str | tuple[str, ...]) -> tuple[str, ...]:
    parts = text.split(",") if isinstance(text, str) else text
    return tuple(part.strip() for part in parts if part.strip())


def _hosts(names: tuple[str, ...]) -> tuple[str, ...]:
    if wrong := next((name for name in names if not _HOST.fullmatch(name.lower())), None):
        raise ValueError(f"{wrong!r} is not a host’s name, such as docs.example.com")
    return tuple(name.lower() for name in names)


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("is not a time zone of the IANA list, such as Europe/Berlin")
    return name


def _web_address(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise ValueError("begins with http:// or https://")
    return text


def _usable(limits: Limits) -> Limits:
    for limit in fields(limits):
        if not 0 < getattr(limits, limit.name) < float("inf"):
            raise ValueError(f"{limit.name} must be greater than 0, and a number")
    if limits.message_bytes > MESSAGE_BYTES_AT_MOST:
        raise ValueError(f"message_bytes must be at most {MESSAGE_BYTES_AT_MOST}")
    if not EVENT_BYTES_AT_LEAST <= limits.event_bytes <= EVENT_BYTES_AT_MOST:
        raise ValueError(f"event_bytes must be {EVENT_BYTES_AT_LEAST} to {EVENT_BYTES_AT_MOST}")
    return limits


def _long_enough(secret: SecretStr | None) -> SecretStr | None:
    if secret is not None and len(secret.get_secret_value()) < SECRET_MIN_CHARS:
        raise ValueError(f"must have at least {SECRET_MIN_CHARS} characters")
    return secret


def system_time_zone() -> str:
    """Return the machine's IANA zone, or UTC when it does not say."""
    _, _, linked = str(LOCALTIME.resolve()).partition("/zoneinfo/")
    named = os.environ.get("TZ", "").removeprefix(":") or linked
    return named if named in available_timezones() else "UTC"


Names = Annotated[tuple[str, ...], NoDecode]
Hosts = Annotated[tuple[str, ...], NoDecode, AfterValidator(_hosts)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Hours = Annotated[float, Field(gt=0, le=24 * 365)]
Days = Annotated[int, Field(ge=0, le=36_500)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
Key = Annotated[SecretStr | None, AfterValidator(_long_enough)]


class Settings(BaseSettings):
    """Every setting with its default; the variable is PLANWRIGHT_ and the name in capitals."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=ENV_FILE,
        env_ignore_empty=True,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        extra="ignore",
        frozen=True,
        validate_by_name=True,
        validate_by_alias=True,
    )

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    database_url: SecretStr | None = None  # a login that may create roles; unset: the embedded server
    data_dir: Path = Field(default_factory=default_data_dir)
    secret: Key = None  # one for all processes on one database; unset: kept in the data folder
    jwt_secret: Key = None  # unset: a key derived from the secret, on loopback only
    jwt_jwks: str | None = None  # a file or an address with the keys of an issuer, instead of a secret
    jwt_issuer: str | None = Field(
        default=None, max_length=500
    )  # with it a subject is the issuer's, without it the id of a user here
    jwt_audience: str | None = None
    jwt_algorithms: Names = USUAL_ALGORITHMS
    jwt_clients: Names = ()  # of the issuer, whose tokens are taken; unset: of every client
    jwt_max_days: int = Field(default=30, gt=0, le=366)
    jwt_sign_up: bool = False  # make a user for whomever the issuer vouches for
    time_zone: Annotated[str, AfterValidator(_known_zone)] = Field(default_factory=system_time_zone)

    log_format: Format = "text"
    log_level: Level = "info"

    server: str | None = None  # where the terminal's commands go; unset: they run in their own process
    token: SecretStr | None = None  # what they sign in with there

    model_base_url: str | None = None
    model_api_key: SecretStr | None = None
    deepseek_api_key: SecretStr | None = Field(default=None, validation_alias=AliasChoices("DEEPSEEK_API_KEY"))
    openai_api_key: SecretStr | None = Field(default=None, validation_alias=AliasChoices("OPENAI_API_KEY"))
    planner_model: str | None = None
    executor_model: str | None = None  # unset: the planner's
    planner_fallbacks: Names = ()
    executor_fallbacks: Names = ()
    tools: str | None = None  # module:attribute, a list of more tools
    link_hosts: Hosts = ()  # that an answer may link to; of any other address only the words are left
    searxng_url: WebAddress | None = None  # with it there is a tool that searches the web by that SearxNG
    tools_digest: str | None = None  # what `planwright tools` prints: with other tools nothing starts

    lease_seconds: Seconds = 8.0  # a worker that is silent this long has lost its runs
    heartbeat_seconds: Seconds = 2.0  # three may be missed before the lease runs out
    approval_hours: Hours = 24.0  # that a run waits for a person before it is cancelled
    max_concurrent_runs: int = Field(default=16, gt=0)  # a run waits for models nearly all of its time
    event_days: Days = 30  # for rejoining a stream; what was said, planned and done is kept beside the log
    checkpoint_days: Days = 30  # for looking at a run's steps again, and going on from one of them
    limit: Annotated[Limits, AfterValidator(_usable)] = Limits()  # PLANWRIGHT_LIMIT_MODEL_CALLS and so on

    _split = field_validator(
        "planner_fallbacks", "executor_fallbacks", "jwt_clients", "jwt_algorithms", "link_hosts", mode="before"
    )(_listed)

    @field_validator("jwt_algorithms")
    @classmethod
    def _with_public_keys(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not names or not PUBLIC_KEY_ALGORITHMS.issuperset(names):
            raise ValueError(f"is a comma list of some of {', '.join(sorted(PUBLIC_KEY_ALGORITHMS))}")
        return names

    @field_validator("jwt_jwks")
    @classmethod
    def _file_or_address(cls, source: str | None) -> str | None:
        if source is not None and "://" in source and not source.startswith(("https://", "http://")):
            raise ValueError("is a file, or an address that begins with https:// or http://")
        return source

    @field_validator("heartbeat_seconds")
    @classmethod
    def _within_the_lease(cls, seconds: float, info: ValidationInfo) -> float:
        if 2 * seconds > info.data.get("lease_seconds", 2 * seconds):
            raise ValueError("must be at most half of PLANWRIGHT_LEASE_SECONDS")
        return seconds

    @property
    def models(self) -> "ModelChoice | None":
        """Return the models that are configured; None means the offline model.

        A key for DeepSeek is enough. One for OpenAI counts only beside a model's
        name: many have it in their environment for something else.

        Raises:
            SettingsInvalid: an address or a key is set, but no model.
        """
        own = self.model_api_key is not None or self.model_base_url is not None
        if not own and self.deepseek_api_key is not None:
            return self._choice(DEEPSEEK_URL, self.deepseek_api_key, DEEPSEEK_PLANNER, DEEPSEEK_EXECUTOR)
        if self.planner_model is None:
            if own:
                raise SettingsInvalid(f"{variable('planner_model')}: name the model to use at that address.")
            return None
        key = self.model_api_key or self.openai_api_key or SecretStr("")
        return self._choice(self.model_base_url or OPENAI_URL, key, self.planner_model, self.planner_model)

    @property
    def chosen_tools(self) -> "ToolChoice":
        """Return which tools the operator chose."""
        return ToolChoice(self.tools, self.tools_digest, self.searxng_url)

    def _choice(self, base_url: str, api_key: SecretStr, planner: str, executor: str) -> "ModelChoice":
        return ModelChoice(
            base_url,
            api_key,
            (self.planner_model or planner, *self.planner_fallbacks),
            (self.executor_model or executor, *self.executor_fallbacks),
        )


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """Which tools there are beside the built-in ones, and what all of them must be together."""

    extension: str | None = None
    digest: str | None = None
    searxng_url: str | None = None


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which models are asked and where: for each kind of agent the preferred one, then its fallbacks."""

    base_url: str
    api_key: SecretStr
    planner: tuple[str, ...]
    executor: tuple[str, ...]


def read_settings() -> Settings:
    """Return the settings of the environment and of `.env`, the environment first.

    Raises:
        SettingsInvalid: a name that begins with PLANWRIGHT_ is unknown, or a value cannot be used.
    """
    _refuse_unknown({*os.environ, *dotenv_values(ENV_FILE)})
    try:
        settings = Settings()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = "_".join(str(part) for part in first["loc"])
        raise SettingsInvalid(f"{variable(place)}: {first['msg'].removeprefix('Value error, ')}.") from None
    _refuse_half_a_sign_in(settings)
    _ = settings.models  # refuses half a configuration now, and not at the first message
    return settings


def _refuse_half_a_sign_in(settings: Settings) -> None:
    """Refuse settings for the tokens of an issuer that would let in others than they seem to."""
    if settings.jwt_jwks is not None:
        if settings.jwt_secret is not None:
            raise SettingsInvalid(f"{variable('jwt_secret')}: unset it; {variable('jwt_jwks')} says which keys count.")
        for name in ("jwt_issuer", "jwt_audience"):  # many share one issuer's keys, and not all tokens are for us
            if getattr(settings, name) is None:
                raise SettingsInvalid(f"{variable(name)}: must be set beside {variable('jwt_jwks')}.")
    elif "jwt_algorithms" in settings.model_fields_set:
        raise SettingsInvalid(f"{variable('jwt_algorithms')}: needs {variable('jwt_jwks')}; a secret signs HS256.")
    if settings.jwt_issuer is not None and settings.jwt_jwks is None and settings.jwt_secret is None:
        raise SettingsInvalid(f"{variable('jwt_issuer')}: needs {variable('jwt_jwks')} or {variable('jwt_secret')}.")
    if settings.jwt_issuer is None and settings.jwt_sign_up:
        raise SettingsInvalid(f"{variable('jwt_sign_up')}: needs {variable('jwt_issuer')}.")


def variable(name: str) -> str:
    """Return the environment variable of a setting."""
    return f"{PREFIX}{name.upper()}"


def _refuse_unknown(given: set[str]) -> None:
    known = {variable(name) for name in Settings.model_fields if name != "limit"}
    known |= {variable(f"limit_{limit.name}") for limit in fields(Limits)}
    known |= ELSEWHERE
    unknown = sorted(name for name in given if name.upper().startswith(PREFIX) and name.upper() not in known)
    if unknown:
        raise SettingsInvalid(f"{unknown[0]}: there is no such setting.")


def kept_secret(data_dir: Path) -> bytes:
    """Return the installation's secret from the data folder, made once by whoever comes first.

    The file appears complete or not at all: it is written elsewhere and linked
    into place, and a link that is there already belongs to the one who won.
    """
    place = data_dir / KEPT_IN
    if not place.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=data_dir, prefix=f"{KEPT_IN}-") as made:  # 0600 by itself
            made.write(os.urandom(SECRET_BYTES).hex().encode())
            made.flush()
            os.fsync(made.fileno())
            _link_once(made.name, place)
    return place.read_bytes()


def _link_once(source: str, place: Path) -> None:
    try:
        os.link(source, place)
    except FileExistsError:
        return
