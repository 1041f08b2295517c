"""Events out of bytes cut anywhere."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from graph.compatible.event_reader import EventReader

STREAM = (
    b': keep-alive\r\n\r\nevent: message\ndata: {"n": 1}\n\ndata:{"n": 2}\r\n\r\n\n\nid: 7\ndata: \n'
    b"data: \xf0\x9f\x97\x93\n\n: waiting\ndata: [DONE]"
)
EVENTS = [b'{"n": 1}', b'{"n": 2}', "🗓".encode(), b"[DONE]"]


def read(blocks: list[bytes]) -> list[bytes]:
    """Return all events of a body that arrives in these blocks."""
    reader = EventReader()
    return [data for block in blocks for data in reader.feed(block)] + reader.end()


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_cuts_change_nothing(places: list[int]) -> None:
    """However the bytes are cut, the same events come out; comments and other fields do not."""
    edges = [0, *sorted(places), len(STREAM)]
    blocks = [STREAM[start:end] for start, end in pairwise(edges)]
    assert read(blocks) == EVENTS


@given(st.binary(max_size=300), st.integers(1, 50))
def test_no_bytes_break_the_reader(body: bytes, size: int) -> None:
    """Whatever a server sends is read without an error, and cutting it changes nothing."""
    blocks = [body[start : start + size] for start in range(0, len(body), size)]
    assert read(blocks) == read([body])


def test_an_event_is_given_out_as_soon_as_its_line_ends() -> None:
    """Nothing is held back until the next event."""
    reader = EventReader()
    assert reader.feed(b'data: {"n": 1}') == []
    assert reader.feed(b"\n") == [b'{"n": 1}']


def test_a_body_that_is_no_stream_is_one_event() -> None:
    """A JSON object over several lines, as sent for errors, comes out whole at the end."""
    reader = EventReader()
    assert reader.feed(b' \n{"error":\n') == []
    assert reader.feed(b'{"code": 1}}\n') == []
    assert b"".join(reader.end()).split() == [b'{"error":', b'{"code":', b"1}}"]
