"""Events come out of a stream whole, however the network cut its bytes."""

from itertools import pairwise
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.client.frames import Frame, FrameReader

LINES: Final = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), min_size=1, max_size=30)
FRAMES: Final = st.lists(st.builds(Frame, st.integers(0, 10**12), LINES), max_size=8)


def sent(frames: list[Frame], end: str = "\n") -> bytes:
    """Give frames as a server sends them, a heartbeat between any two."""
    parts = (f"id: {frame.seq}{end}data: {frame.payload}{end}{end}: keep-alive{end}{end}" for frame in frames)
    return "".join(parts).encode()


def read(pieces: list[bytes]) -> list[Frame]:
    """Feed pieces to one reader and give all that comes out."""
    reader = FrameReader()
    return [frame for piece in pieces for frame in reader.feed(piece)]


@given(FRAMES, st.lists(st.integers(0, 400), max_size=12), st.sampled_from(["\n", "\r\n"]))
def test_a_stream_cut_anywhere_gives_the_same_events(frames: list[Frame], cuts: list[int], end: str) -> None:
    """Cutting the bytes anywhere, inside a letter or between CR and LF, changes nothing."""
    stream = sent(frames, end)
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    pieces = [stream[begin:stop] for begin, stop in pairwise(places)]
    assert read(pieces) == frames


@given(FRAMES)
def test_a_stream_byte_by_byte_gives_the_same_events(frames: list[Frame]) -> None:
    """The smallest pieces there are give every event once."""
    assert read([bytes([byte]) for byte in sent(frames)]) == frames


@pytest.mark.parametrize(
    ("stream", "frames"),
    [
        pytest.param(b"id: 3\ndata: {}\n", [], id="an event without its blank line is not there yet"),
        pytest.param(b"data: {}\n\n", [], id="an event without a number cannot be placed"),
        pytest.param(b"id: x\ndata: {}\n\n", [], id="a number that is none is no number"),
        pytest.param(b"id: 1\nevent: x\nretry: 5\ndata:{}\n\n", [Frame(1, "{}")], id="other fields are passed over"),
        pytest.param(b"id: 1\ndata: a\ndata: b\n\n", [Frame(1, "a\nb")], id="several data lines are one text"),
        pytest.param(b"id: " + b"9" * 5000 + b"\ndata: {}\n\n", [], id="a number of 5,000 digits is not read"),
        pytest.param(b"id: 1\ndata: \xff\n\n", [Frame(1, "\N{REPLACEMENT CHARACTER}")], id="broken UTF-8 is marked"),
    ],
)
def test_what_a_frame_is(stream: bytes, frames: list[Frame]) -> None:
    """A frame has a number and a text, and ends with a blank line."""
    assert read([stream]) == frames


@pytest.mark.parametrize(
    ("line", "retry_ms"),
    [(b"retry: 1500", 1500), (b"retry:0", 0), (b"retry: -1", None), (b"retry: soon", None), (b"retry: 100000", None)],
)
def test_a_server_may_say_when_to_come_back(line: bytes, retry_ms: int | None) -> None:
    """A hint that is no number, or asks for more than 99 seconds, is none."""
    reader = FrameReader()
    reader.feed(line + b"\n\n")
    assert reader.retry_ms == retry_ms
