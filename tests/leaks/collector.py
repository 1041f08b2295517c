"""A server that takes traces as LangSmith's does, and keeps them."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final

INFO: Final = {
    "batch_ingest_config": {
        "use_multipart_endpoint": False,
        "size_limit": 100,
        "size_limit_bytes": 10**7,
        "scale_up_nthreads_limit": 2,
        "scale_up_qsize_trigger": 1000,
    }
}


@dataclass
class Collector:
    """Where it listens, everything that it was sent, and the runs in it."""

    address: str = ""
    sent: list[bytes] = field(default_factory=list[bytes])
    runs: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])

    def take(self, headers: str, body: bytes) -> None:
        """Keep what came; what is told of a run later is added to it."""
        self.sent.append(headers.encode() + body)
        told: dict[str, list[dict[str, Any]]] = json.loads(body) if body else {}
        for run in [*told.get("post", []), *told.get("patch", [])]:
            known = self.runs.setdefault(run["id"], {})
            known.update({name: value for name, value in run.items() if value is not None or name not in known})

    def named(self, name: str) -> list[dict[str, Any]]:
        """Return the runs whose name begins so, in the order in which they began."""
        found = [run for run in self.runs.values() if str(run["name"]).startswith(name)]
        return sorted(found, key=lambda run: str(run["start_time"]))

    def above(self, run: dict[str, Any]) -> list[str]:
        """Return the names of what a run is part of, the nearest first."""
        names = list[str]()
        while (parent := run.get("parent_run_id")) is not None:
            run = self.runs[parent]
            names.append(run["name"])
        return names


@contextmanager
def collecting() -> Generator[Collector]:
    """Give a server that takes everything."""
    collector = Collector()

    class Collecting(BaseHTTPRequestHandler):
        """Answers a question of what it can do, and takes what comes."""

        def do_GET(self) -> None:
            """Say what this server takes: batches of JSON."""
            self._answer(json.dumps(INFO).encode())

        def do_POST(self) -> None:
            """Keep what comes."""
            collector.take(str(self.headers), self.rfile.read(int(self.headers["Content-Length"])))
            self._answer(b"{}")

        def _answer(self, body: bytes) -> None:
            self.send_response(202)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collecting)
    collector.address = f"http://127.0.0.1:{server.server_port}"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
