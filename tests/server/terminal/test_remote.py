"""Over HTTP a run is followed to its end, whatever happens to the connection."""

import json
import re
from collections.abc import AsyncGenerator
from uuid import UUID

import pytest

from server.client.following import PAUSES_SECONDS
from server.client.frames import Frame
from server.client.sending import Approvals, Branch, Decided, Question
from server.terminal.exits import CommandFailed, ExitCode
from server.terminal.remote import RemoteBackend, client_for
from tests.server.terminal.scripted import Scripted, refused, scripted, streamed, traced
from tests.told import DONE, PAUSE, RUN, SESSION

FIRST = (1, json.dumps(SESSION))
SAID = (2, '{"type":"text","content":"Five."}')
LAST = (3, json.dumps(DONE))
WAITS = (2, json.dumps(PAUSE))
YES = Decided("0" * 64, approve=True)


class Pauses:
    """Waits for nothing, and remembers how long it should have."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        """Take a pause down."""
        self.taken.append(seconds)


def about(*seconds: float) -> object:
    """Give pauses as they should be: the same, but for a little chance."""
    return pytest.approx(list(seconds), rel=0.25)


async def all_of(frames: AsyncGenerator[Frame]) -> list[int]:
    """Read a stream to its end and give the numbers of its events."""
    return [frame.seq async for frame in frames]


async def asked(server: Scripted, pauses: Pauses | None = None) -> list[int]:
    """Ask a server something; give the numbers of the events that came."""
    async with client_for(server.address, "secret") as client:
        return await all_of(RemoteBackend(client, pauses or Pauses()).ask(Question("What is overdue?")))


async def test_a_message_is_posted_with_a_token_and_a_key() -> None:
    """The request carries the message, the bearer token and an idempotency key."""
    async with scripted(streamed(FIRST, SAID, LAST)) as server:
        assert await asked(server) == [1, 2, 3]
    (request,) = server.requests
    assert request.startswith("POST /api/agent/stream HTTP/1.1")
    assert "authorization: bearer secret" in request.lower()
    assert re.search(r"idempotency-key: [0-9a-f]{32}\r\n", request.lower())
    assert json.loads(request.partition("\r\n\r\n")[2]) == {"message": "What is overdue?", "context_type": "global"}


async def test_a_broken_stream_is_taken_up_behind_its_last_event() -> None:
    """After a break the run's events are asked for from the last one that came, each time."""
    answers = streamed(FIRST, whole=False), streamed(SAID, whole=False), streamed(LAST)
    pauses = Pauses()
    async with scripted(*answers) as server:
        assert await asked(server, pauses) == [1, 2, 3]
    assert [request.split(" HTTP")[0] for request in server.requests] == [
        "POST /api/agent/stream",
        f"GET /api/agent/runs/{RUN}/events",
        f"GET /api/agent/runs/{RUN}/events",
    ]
    assert ["last-event-id: 1" in server.requests[1].lower(), "last-event-id: 2" in server.requests[2].lower()] == [
        True,
        True,
    ]
    assert pauses.taken == about(0.5, 0.5)


async def test_a_stream_that_ends_without_its_last_event_is_a_broken_one() -> None:
    """A clean end of the body is not the end of the run."""
    async with scripted(streamed(FIRST), streamed(SAID, LAST)) as server:
        assert await asked(server) == [1, 2, 3]


async def test_a_message_is_posted_again_only_with_its_first_key() -> None:
    """When nothing was answered the message is sent once more, under the key that makes it one message."""
    async with scripted(b"", refused(503, "Not now."), streamed(FIRST, LAST)) as server:
        assert await asked(server) == [1, 3]
    keys = {re.findall(r"idempotency-key: (\S+)", request.lower())[0] for request in server.requests}
    assert (len(server.requests), len(keys)) == (3, 1)


async def test_a_server_that_stays_away_is_told_with_the_way_back() -> None:
    """After the last pause the command ends with “unreachable” and says how to rejoin the run."""
    pauses = Pauses()
    async with scripted(streamed(FIRST, whole=False)) as server:
        with pytest.raises(CommandFailed, match=f"planwright tail {RUN}") as failure:
            await asked(server, pauses)
    assert failure.value.exit_code is ExitCode.UNREACHABLE
    assert pauses.taken == about(*PAUSES_SECONDS)


async def test_nobody_at_the_address_is_told_at_once() -> None:
    """A server that was never reached is not waited for."""
    async with scripted() as server:
        pass
    pauses = Pauses()
    with pytest.raises(CommandFailed, match="Nobody answers") as failure:
        await asked(server, pauses)
    assert (failure.value.exit_code, pauses.taken) == (ExitCode.UNREACHABLE, [])


async def test_a_server_that_stops_says_when_to_come_back() -> None:
    """The hint of a stream that its server ended is the first pause; a server that stays away is tried as usual."""
    answers = streamed(FIRST, asked_back_after=1200), b"", streamed(SAID, LAST)
    pauses = Pauses()
    async with scripted(*answers) as server:
        assert await asked(server, pauses) == [1, 2, 3]
    assert pauses.taken[0] == 1.2
    assert pauses.taken[1:] == about(PAUSES_SECONDS[1])


async def test_a_stream_is_over_when_the_run_waits_for_its_person() -> None:
    """Nothing is asked for again: the run goes on when somebody decides."""
    async with scripted(streamed(FIRST, WAITS)) as server:
        assert await asked(server) == [1, 2]
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(streamed(FIRST, WAITS, whole=False), id="a break"),
        pytest.param(streamed(FIRST, WAITS, asked_back_after=500), id="a server that stops"),
    ],
)
async def test_a_stream_that_broke_at_an_old_pause_goes_on(first: bytes) -> None:
    """A run that was decided on long ago has more behind its pause, and that is asked for."""
    async with scripted(first, streamed(LAST)) as server:
        assert await asked(server) == [1, 2, 3]


async def test_a_decision_is_posted_until_its_stream_begins() -> None:
    """The same decision twice is one, so an answer that got lost is asked for again; then the run is followed."""
    answers = b"", streamed(SAID, whole=False), streamed(LAST)
    async with scripted(*answers) as server, client_for(server.address, "secret") as client:
        backend = RemoteBackend(client, Pauses())
        assert await all_of(backend.decide(RUN, YES)) == [2, 3]
    assert [request.split(" HTTP")[0] for request in server.requests] == [
        f"POST /api/agent/runs/{RUN}/decision",
        f"POST /api/agent/runs/{RUN}/decision",
        f"GET /api/agent/runs/{RUN}/events",
    ]
    assert json.loads(server.requests[1].partition("\r\n\r\n")[2]) == YES.body()


async def test_a_decision_at_no_server_is_told_at_once() -> None:
    """Nothing is decided by waiting for a server that is not there."""
    async with scripted() as server:
        pass
    async with client_for(server.address, "secret") as client:
        with pytest.raises(CommandFailed, match="Nobody answers"):
            await all_of(RemoteBackend(client, Pauses()).decide(RUN, YES))


async def test_how_a_session_is_opened_is_sent() -> None:
    """`--approvals` goes to the server as a field of the message."""
    async with scripted(streamed(FIRST, LAST)) as server, client_for(server.address, "secret") as client:
        await all_of(RemoteBackend(client).ask(Question("Plan my day", approvals=Approvals.ASK)))
    assert json.loads(server.requests[0].partition("\r\n\r\n")[2])["approvals"] == "ask"


async def test_whether_a_run_waits_is_read_from_its_trace() -> None:
    """Only a run that waits can be decided on."""
    answers = traced("waiting"), traced("running")
    async with scripted(*answers) as server, client_for(server.address, "secret") as client:
        backend = RemoteBackend(client)
        assert [await backend.waits(RUN), await backend.waits(RUN)] == [True, False]


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        pytest.param(refused(401, "A valid bearer token is needed."), ExitCode.NOT_SIGNED_IN, "token new", id="401"),
        pytest.param(refused(404, "There is nothing here."), ExitCode.FAILED, "There is nothing here.", id="404"),
        pytest.param(refused(409, "The session has a run."), ExitCode.FAILED, "The session has a run.", id="409"),
        pytest.param(refused(422, "The message says nothing."), ExitCode.USAGE, "says nothing", id="422"),
        pytest.param(
            refused(429, "Slow down.", "Retry-After: 7\r\n"), ExitCode.LIMIT, "Slow down. Try again in 7 s.", id="429"
        ),
        pytest.param(refused(500, "Wrong \\u001b[2J"), ExitCode.FAILED, "Wrong \N{REPLACEMENT CHARACTER}", id="500"),
    ],
)
async def test_a_refusal_has_its_exit_code(answer: bytes, code: ExitCode, words: str) -> None:
    """Each kind of refusal has its code, and is told in the server's words, made safe to print."""
    async with scripted(answer) as server:
        with pytest.raises(CommandFailed) as failure:
            await asked(server)
    assert (failure.value.exit_code, words in str(failure.value)) == (code, True)


async def test_a_run_is_stopped_or_had_ended() -> None:
    """Cancelling says whether there was something to stop."""
    answers = refused(202, ""), refused(409, "The run has ended already.")
    async with scripted(*answers) as server, client_for(server.address, "secret") as client:
        backend = RemoteBackend(client)
        assert [await backend.cancel(RUN), await backend.cancel(RUN)] == [True, False]
    assert server.requests[0].startswith(f"POST /api/agent/runs/{RUN}/cancel")


async def test_following_begins_behind_the_given_event() -> None:
    """A run that is followed from event 1 shows what comes behind it."""
    async with scripted(streamed(SAID, LAST)) as server, client_for(server.address, "secret") as client:
        assert await all_of(RemoteBackend(client).follow(UUID(int=5), 1)) == [2, 3]
    assert server.requests[0].startswith(f"GET /api/agent/runs/{UUID(int=5)}/events")


@pytest.mark.parametrize(
    ("address", "token", "code"),
    [("127.0.0.1:8000", "secret", ExitCode.USAGE), ("http://127.0.0.1:8000", "", ExitCode.NOT_SIGNED_IN)],
)
def test_what_cannot_work_is_told_before_anything_is_sent(address: str, token: str, code: ExitCode) -> None:
    """An address without its scheme, or no token, is the person's to mend."""
    with pytest.raises(CommandFailed) as failure:
        client_for(address, token)
    assert failure.value.exit_code is code


async def test_a_file_is_asked_for_in_its_form() -> None:
    """The page or the document comes as the server made it."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n<!x>"
    async with scripted(answer) as server, client_for(server.address, "secret") as client:
        assert await RemoteBackend(client).export(RUN, "html") == b"<!x>"
    assert server.requests[0].startswith(f"GET /api/agent/runs/{RUN}/export?as=html HTTP/1.1")


async def test_what_came_of_undoing_is_read() -> None:
    """The answer of the server is what the command tells; a refusal is the command's own failure."""
    left = {"call_id": str(RUN), "tool": "send_mail", "message": "Sent.", "code": "elsewhere", "why": "It went out."}
    body = json.dumps({"undone": [], "left": [left]}).encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    answers = answer, refused(409, "The run has not ended yet.")
    async with scripted(*answers) as server, client_for(server.address, "secret") as client:
        undoing = await RemoteBackend(client).undo(RUN)
        assert [(call.tool, call.why) for call in undoing.left] == [("send_mail", "It went out.")]
        with pytest.raises(CommandFailed, match="has not ended"):
            await RemoteBackend(client).undo(RUN)
    assert server.requests[0].startswith(f"POST /api/agent/runs/{RUN}/undo HTTP/1.1")


async def test_a_run_made_from_another_is_named() -> None:
    """A replay and a fork are asked for once; what is wanted of a fork goes along."""
    body = json.dumps({"run": {"id": str(RUN), "status": "queued"}}).encode()
    answer = b"HTTP/1.1 202 Accepted\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    async with scripted(answer, answer) as server, client_for(server.address, "secret") as client:
        assert await RemoteBackend(client).replay(RUN) == RUN
        assert await RemoteBackend(client).fork(RUN, Branch(from_step=2, model="deep")) == RUN
    assert [request.split(" HTTP")[0] for request in server.requests] == [
        f"POST /api/agent/runs/{RUN}/replay",
        f"POST /api/agent/runs/{RUN}/fork",
    ]
    assert json.loads(server.requests[1].partition("\r\n\r\n")[2]) == {
        "from_step": 2,
        "message": None,
        "model": "deep",
        "writes": "dry",
    }
