"""Tracing by LangSmith's standard variables, so that it can slow nothing down and hold nothing up.

Its client sends from threads of its own. Measured with langsmith 0.15.0 and an endpoint that
does not answer: a flush waits for a minute, and the process ends two minutes after it was told
to. So an endpoint that does not answer when the program starts is not used, the threads end
with the process, and what is left is sent for some seconds at most.
"""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

from langsmith import configure
from langsmith.run_trees import get_cached_client
from langsmith.utils import tracing_is_enabled  # pyright: ignore[reportUnknownVariableType]

ANSWERS_WITHIN_SECONDS: Final = 2.0
FLUSHED_WITHIN_SECONDS: Final = 3.0
SENT_WITHIN_MILLISECONDS: Final = 5_000

log = logging.getLogger(__name__)


@asynccontextmanager
async def traced() -> AsyncGenerator[None]:
    """Have runs traced inside, if the environment says so and the endpoint answers."""
    if not tracing_is_enabled():
        yield
        return
    os.environ.setdefault("LANGSMITH_USE_DAEMON", "true")
    client = get_cached_client(timeout_ms=SENT_WITHIN_MILLISECONDS)
    if not await _answers(client.api_url):
        log.warning("Nothing is traced: the endpoint of LANGSMITH_TRACING does not answer")
        configure(enabled=False)
        yield
        return
    try:
        yield
    finally:
        await asyncio.to_thread(client.close, FLUSHED_WITHIN_SECONDS)


async def _answers(address: str) -> bool:
    """Say whether anybody listens there."""
    parts = urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        async with asyncio.timeout(ANSWERS_WITHIN_SECONDS):
            _, writer = await asyncio.open_connection(parts.hostname, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
