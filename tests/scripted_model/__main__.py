"""Run the scripted model on its own: `python -m tests.scripted_model --port 8081`."""

import argparse
import signal
import threading
from types import FrameType

from tests.scripted_model.demo import organise
from tests.scripted_model.server import ScriptedModel


def main() -> None:
    """Serve the built-in script until stopped, then print what was used."""
    parser = argparse.ArgumentParser(description="An OpenAI-compatible model server that follows a small script.")
    parser.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1; 0 takes a free one")
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    with ScriptedModel(organise, port=parser.parse_args().port) as model:
        print(model.base_url, flush=True)
        stopped.wait()
    print(model.usage)


if __name__ == "__main__":
    main()
