"""Messages that come twice, at once, or too early: one run a key, one run at a time in a session."""

import asyncio
from uuid import UUID, uuid4

import httpx
import pytest

from tests.faults.client import Client, Frame, Stream, accepted
from tests.faults.reference import message_of
from tests.faults.site import Site
from tests.faults.striking import Begun, begin, ended, new_token
from tests.faults.trials import IN_TIME, Trials, count, site_group

pytestmark = [site_group("sending"), pytest.mark.figure, IN_TIME]

AT_ONCE = 5
SESSION = """
    select r.id, r.status, r.started_at, r.finished_at,
        (select position from chat_messages m where m.run_id = r.id and role = 'user') as asked,
        (select position from chat_messages m where m.run_id = r.id and role = 'assistant') as answered
    from runs r where session_id = %s order by created_at, id
"""


async def test_a_double_click_makes_one_run(site: Site, request: pytest.FixtureRequest) -> None:
    """The same key at both servers at once: one run, one message, and both get its stream."""
    trials = Trials("double clicks with one key")
    for _ in range(count("clicks", short=2, full=50)):
        person, token, key = await site.person(), new_token("tool"), uuid4().hex
        clients = [Client(person, server) for server in site.servers]
        one, other = await asyncio.gather(*(_stream(client, message_of("tool", token), key) for client in clients))
        runs = await site.rows("select id from runs where user_id = %s", person.id)
        asked = await site.rows("select id from chat_messages where user_id = %s and role = 'user'", person.id)
        problems = [] if (len(runs), len(asked)) == (1, 1) else [f"{len(runs)} runs, {len(asked)} messages"]
        if [frame.raw for frame in one] != [frame.raw for frame in other]:
            problems.append(f"the streams have {len(one)} and {len(other)} events")
        with pytest.raises(httpx.HTTPStatusError, match="422"):
            await clients[0].send(message_of("simple", token), key=key)
        for client in clients:
            await client.close()
        trials.tell(token, problems)
    trials.conclude(request, floor=trials.made)


async def _stream(client: Client, message: str, key: str) -> list[Frame]:
    async with client.sending(message, key=key) as answer:
        answer.raise_for_status()
        return [frame async for frame in Stream(answer)]


async def test_messages_at_once_run_one_after_the_other(site: Site, request: pytest.FixtureRequest) -> None:
    """Two messages sent to one session at one moment are both answered, in the order they were accepted."""
    trials = Trials("pairs of messages at once")
    pairs = count("pairs", short=5, full=100)
    for _ in range(pairs // AT_ONCE):
        for problems in await asyncio.gather(*(_pair(site) for _ in range(AT_ONCE))):
            trials.tell("a pair", problems)
    trials.conclude(request, floor=trials.made)


async def _pair(site: Site) -> list[str]:
    first = await begin(site, "simple", site.servers[0])
    clients = [Client(first.person, server) for server in site.servers]
    await clients[0].follow(first.run_id)
    both = await asyncio.gather(
        *(client.send(message_of("tool", new_token("tool")), session_id=first.session_id) for client in clients)
    )
    for run in both:
        await clients[0].follow(run.run_id)
    for client in clients:
        await client.close()
    _, one, other = await site.rows(SESSION, first.session_id)
    problems = [f"{run['id']} is {run['status']}" for run in (one, other) if run["status"] != "done"]
    if problems:
        return problems
    if other["started_at"] < one["finished_at"]:
        problems.append("they ran at once")
    if not (one["asked"] < other["asked"] and one["answered"] < other["answered"]):
        problems.append(f"they stand as {one} and {other}")
    return problems


async def test_a_busy_session_refuses_when_asked_to(site: Site, request: pytest.FixtureRequest) -> None:
    """Of two messages at once with ?if_busy=reject one is accepted and the other gets 409."""
    trials = Trials("pairs with ?if_busy=reject")
    for _ in range(count("busy", short=1, full=50)):
        first = await begin(site, "simple", site.servers[0])
        clients = [Client(first.person, server) for server in site.servers]
        await clients[0].follow(first.run_id)
        tokens = [new_token("simple") for _ in clients]
        for token in tokens:
            site.script.hold(token, 1)
        answers = await asyncio.gather(
            *(
                _rejecting(client, message_of("simple", token), first.session_id)
                for client, token in zip(clients, tokens, strict=True)
            )
        )
        site.script.release()
        for (code, run_id), token in zip(answers, tokens, strict=True):
            if run_id is not None:
                record = await ended(site, Begun(first.person, token, run_id, first.session_id), site.servers[0])
                assert (code, record.status) == (200, "done")
        for client in clients:
            await client.close()
        codes = sorted(code for code, _ in answers)
        trials.tell("a pair", [] if codes == [200, 409] else [f"they got {codes}"])
    trials.conclude(request, floor=trials.made)


async def _rejecting(client: Client, message: str, session_id: UUID) -> tuple[int, UUID | None]:
    async with client.sending(message, session_id=session_id, query="?if_busy=reject") as answer:
        if answer.status_code != 200:
            return answer.status_code, None
        async for frame in Stream(answer):
            return answer.status_code, accepted(frame).run_id
    raise AssertionError("a stream begins with an event")
