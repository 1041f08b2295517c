"""Real chat models from what an operator configured.

`langchain_openai` is imported inside `chat_models`, and only there and in
`graph.compatible.openai_chat`: it costs about a second, and the offline model needs none of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from langchain_core.language_models import BaseChatModel
from pydantic import JsonValue, SecretStr

from nodes.asking.ask import is_free

CONNECT_TIMEOUT_SECONDS: Final = 10.0  # DNS, TCP and TLS together; a far provider needs about one
CALL_TIMEOUT_SECONDS: Final = 300.0  # a thinking model writing a long plan stays below two minutes


class ModelProfileInvalid(ValueError):
    """A model profile could not reach any provider."""


@dataclass(frozen=True, slots=True)
class ModelProfile:
    """Where a model is and how it is asked.

    Attributes:
        name: the model's name at the provider.
        base_url: the address that `/chat/completions` is appended to.
        api_key: sent as a bearer token; empty for a server without keys.
        temperature: 0 to 2; None leaves the choice to the provider.
        fallbacks: names of models at the same provider, asked in this order when the first fails.
        connect_seconds: how long opening a connection may take.
        total_seconds: how long one call may take from the request to the last token.
        extra_body: fields the provider adds to the standard, such as `{"thinking": {"type": "disabled"}}`.

    Raises:
        ModelProfileInvalid: no name, an address that is not http(s), or a key that no header can carry.
    """

    name: str
    base_url: str
    api_key: str = field(default="", repr=False)
    temperature: float | None = None
    fallbacks: tuple[str, ...] = ()
    connect_seconds: float = CONNECT_TIMEOUT_SECONDS
    total_seconds: float = CALL_TIMEOUT_SECONDS
    extra_body: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])

    def __post_init__(self) -> None:
        """Refuse here what would fail at the first call, far from its cause."""
        address = urlsplit(self.base_url)
        if address.scheme not in {"http", "https"} or not address.hostname:
            raise ModelProfileInvalid("The model's base URL must begin with http:// or https:// and name a host.")
        if not self.name.strip():
            raise ModelProfileInvalid("The model needs a name.")
        if not all("!" <= character <= "~" for character in self.api_key):
            raise ModelProfileInvalid("The model's API key holds characters that no key has. Copy it again.")


def chat_models(profile: ModelProfile) -> list[BaseChatModel]:
    """Return the profile's model and its fallbacks, in order, over one pool of connections.

    They never retry by themselves and never force a tool: DeepSeek refuses a forced
    `tool_choice` while thinking. Close them with `close_chat_models`.
    """
    from graph.compatible.model_connection import ModelConnection
    from graph.compatible.openai_chat import CompatibleChat

    connection = ModelConnection(
        profile.base_url,
        SecretStr(profile.api_key),
        connect_seconds=profile.connect_seconds,
        total_seconds=profile.total_seconds,
    )
    return [
        CompatibleChat(
            connection=connection,
            model=name,
            temperature=profile.temperature,
            extra_body=dict(profile.extra_body) or None,
            max_retries=0,
            stream_usage=True,
            use_responses_api=False,
            client=connection,  # any value keeps the vendor's two clients from being built, which takes 0.4 s
            async_client=connection,
        )
        for name in (profile.name, *profile.fallbacks)
    ]


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What may be said of a model to whoever uses it: its name, the host that is asked, whether it is built in."""

    name: str
    provider: str
    offline: bool


def facts_of(model: BaseChatModel) -> ModelFacts:
    """Return what may be said of a model."""
    name = str(getattr(model, "model_name", "") or model.get_name())
    return ModelFacts(name, str(getattr(model, "provider", "")), is_free(model))


async def close_chat_models(models: Iterable[BaseChatModel]) -> None:
    """Close the connections of these models; closing twice is harmless."""
    from graph.compatible.openai_chat import CompatibleChat

    for model in models:
        if isinstance(model, CompatibleChat):
            await model.connection.close()
