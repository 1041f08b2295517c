"""Many calls over one provider's connections."""

import asyncio
from typing import Final

from pydantic import SecretStr

from graph.compatible.model_connection import ModelConnection
from tests.scripted_model.gate import Gate
from tests.scripted_model.replies import text
from tests.scripted_model.server import ScriptedModel

CALLS: Final = 200  # fifty people whose plans have four steps at work
PATIENCE_SECONDS: Final = 30


async def test_a_call_does_not_wait_for_another() -> None:
    """However many answers are under way, the next call reaches the model at once."""
    gate = Gate()
    with ScriptedModel(lambda _: text("Here.").gated(gate)) as server:
        connection = ModelConnection(server.base_url, SecretStr(""), connect_seconds=5, total_seconds=60)
        async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as calls:
            for _ in range(CALLS):
                calls.create_task(connection.whole({"model": "deep", "messages": []}))
            await server.requested(CALLS)
            gate.open()
        await connection.close()
