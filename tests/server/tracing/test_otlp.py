"""Who listens to runs: nobody unless it is asked for, and nobody where the extra is not installed."""

import os
import subprocess
import sys
from typing import Final

from graph.turn import nobody
from persistence.pools import Database
from server.engine import engine_of
from tests.roomy import ROOMY

LISTENING: Final = """
import asyncio, logging, sys
if sys.argv[1:]:
    sys.modules["openinference"] = None
from server.tracing.otlp import exported
logging.basicConfig(format="%(message)s")

async def listening():
    async with exported() as listeners:
        print(len(listeners("A request")), "server.tracing.span_handler" in sys.modules)

asyncio.run(listening())
"""


def listening(*without: str, **environment: str) -> tuple[str, str]:
    """Return how many listen in a process with these variables, whether they were imported, and what was said."""
    done = subprocess.run(
        [sys.executable, "-c", LISTENING, *without],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip(), done.stderr.strip()


def test_nobody_listens_and_nothing_is_imported_unless_it_is_asked_for() -> None:
    """The extra costs a start nothing where it is installed and not wanted."""
    assert listening() == ("0 False", "")


def test_one_listens_to_each_run_where_it_is_asked_for() -> None:
    """An endpoint is enough."""
    assert listening(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9") == ("1 True", "")


def test_without_the_extra_a_line_says_what_to_install() -> None:
    """The program starts, and nobody listens."""
    told, said = listening("without the extra", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9")
    assert told == "0 False"
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in said
    assert "pip install 'planwright[otel]'" in said


def test_another_protocol_than_ours_is_told_of() -> None:
    """Spans are sent by HTTP; who asks for gRPC learns it."""
    told, said = listening(OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", OTEL_EXPORTER_OTLP_PROTOCOL="grpc")
    assert told == "1 True"
    assert "OTEL_EXPORTER_OTLP_PROTOCOL asks for grpc" in said


async def test_an_engine_has_no_listeners_of_its_own(database: Database) -> None:
    """No handler is made for a run, so that model calls keep past the library's callbacks."""
    async with engine_of(database, None, None, ROOMY) as engine:
        assert engine.listeners is nobody
    assert nobody("A request") == []
