"""Tracing: off unless an operator switches it on, and what it then gets to see."""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Final
from uuid import uuid4

from tests.leaks.installation import HEADER, installation, secrets
from tests.server.reading import STREAM

MESSAGE: Final = "canary-of-a-message"
ASKED: Final = "from langsmith.utils import tracing_is_enabled; print(tracing_is_enabled())"


@contextmanager
def collector() -> Generator[tuple[str, list[bytes]]]:
    """Give the address of a server that takes traces, and everything that it was sent."""
    sent: list[bytes] = []

    class Collecting(BaseHTTPRequestHandler):
        """Answers everything with an empty object."""

        def do_GET(self) -> None:
            """Say what this server can do: nothing."""
            self._answer()

        def do_POST(self) -> None:
            """Keep what comes."""
            sent.append(str(self.headers).encode() + self.rfile.read(int(self.headers["Content-Length"])))
            self._answer()

        def _answer(self) -> None:
            self.send_response(202)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collecting)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", sent
    finally:
        server.shutdown()
        server.server_close()


def test_tracing_is_off_unless_it_is_switched_on() -> None:
    """In an environment that says nothing of it, nothing is traced."""
    done = subprocess.run([sys.executable, "-c", ASKED], env={}, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_what_is_traced_holds_no_secret(server_dsn: str, tmp_path: Path) -> None:
    """Switched on and told to hide texts, traces hold neither keys nor texts, nor what a client's headers wanted in."""
    with collector() as (address, sent):
        settings = {
            "LANGSMITH_TRACING": "true",
            "LANGSMITH_ENDPOINT": address,
            "LANGSMITH_API_KEY": "x",
            "LANGSMITH_HIDE_INPUTS": "true",
            "LANGSMITH_HIDE_OUTPUTS": "true",
        }
        with installation(server_dsn, str(tmp_path), **settings) as here:
            _, token = here.person()
            headers = {"baggage": f"langsmith-metadata={HEADER}", "langsmith-trace": f"20260101T000000000000Z{uuid4()}"}
            with here.client(token) as client:
                client.post(STREAM, json={"message": MESSAGE}, headers=headers)
                client.post(STREAM, json={"message": f"wrong key {MESSAGE}"}, headers=headers)
            here.stopped()
        traced = b"\n".join(sent)
    assert b"planwright" in traced
    assert [canary for canary in [*secrets(), token, MESSAGE, HEADER] if canary.encode() in traced] == []
