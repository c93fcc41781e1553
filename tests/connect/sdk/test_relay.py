import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from starlette.responses import Response

from broker.domain.approvals.answers import ApprovalStatus, Verdict
from broker.domain.errors import Conflict, NotAuthenticated, NotFound, PlanLimitReached, Unavailable
from broker.domain.ids import ApprovalId
from broker.domain.messages.messages import Mode
from broker.domain.messages.steps import ReceiptState
from broker.domain.timings import TIMINGS
from broker.protocol.close_codes import UNAUTHENTICATED
from broker.services.agents.spawner import MAX_WAIT_S
from connect.sdk import AgentRelay
from connect.sdk.types import Event, LinkLost, LinkUp, Reset
from tests.connect.api_double import TOKEN, ApiDouble, refusal


async def test_spawn_send_release_are_one_line_each(relay: AgentRelay, broker: ApiDouble) -> None:
    agent = await relay.spawn("Worker", "codex", "Build the feature")
    sent = await relay.send("Worker", "Add error handling")
    released = await relay.release("Worker")

    assert (agent.name, agent.cli, agent.state) == ("Worker", "codex", "idle")
    assert sent.deliveries[0].to == "Worker"
    assert released.state == "released"
    assert broker.agents == {}


async def test_options_that_were_not_given_are_not_sent(relay: AgentRelay, broker: ApiDouble) -> None:
    await relay.spawn("Worker", "codex", on="box", timeout_s=5)
    await relay.send("Worker", "now", mode=Mode.STEER)

    assert broker.calls[1][2] == {"name": "Worker", "cli": "codex", "on": "box", "wait": True, "timeout_s": 5}
    assert broker.calls[2][2] == {"to": "Worker", "text": "now", "mode": "steer"}


async def test_a_lost_answer_is_asked_for_again_with_the_same_key(relay: AgentRelay, broker: ApiDouble) -> None:
    await relay.spawn("Worker", "codex")
    broker.broken_answers = [Response(status_code=502), refusal(503, "STORE_UNAVAILABLE", "away", retryable=True)]

    await relay.send("Worker", "once")

    assert sorted(broker.keys.values()) == [1, 3]
    assert sum(event["kind"] == "message.accepted" for event in broker.events) == 1


async def test_a_refusal_that_trying_again_cannot_change_is_raised_at_once(
    relay: AgentRelay, broker: ApiDouble
) -> None:
    await relay.session()
    broker.broken_answers = [refusal(429, "QUOTA_EXCEEDED", "100 messages today; resets at 00:00 UTC")]

    with pytest.raises(PlanLimitReached, match="resets at"):
        await relay.send("Worker", "one too many")
    assert len(broker.calls) == 2


async def test_refusals_come_back_as_the_domains_errors(relay: AgentRelay, broker: ApiDouble) -> None:
    await relay.spawn("Worker", "codex")

    with pytest.raises(Conflict) as taken:
        await relay.spawn("Worker", "codex")
    with pytest.raises(NotFound):
        await relay.send("Nobody", "hi")
    async with AgentRelay(broker.url, "rk_live_wrong") as stranger:
        with pytest.raises(NotAuthenticated):
            await stranger.agents()
    assert taken.value.code == "NAME_TAKEN"


async def test_a_broker_that_is_not_there_is_said_in_words(
    unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connect.sdk.api_client._FIRST_DELAY_S", 0.001)
    async with AgentRelay(f"http://127.0.0.1:{unused_tcp_port}", TOKEN) as relay:
        with pytest.raises(Unavailable, match="cannot reach http://127") as refused:
            await relay.agents()
    assert refused.value.code == "BROKER_UNREACHABLE"


async def test_a_session_of_a_new_name_is_made(broker: ApiDouble) -> None:
    async with AgentRelay(broker.url, TOKEN, "fresh") as relay:
        session = await relay.session()

    assert session.name == "fresh"
    assert [call[:2] for call in broker.calls] == [("GET", "/v1/sessions/fresh"), ("POST", "/v1/sessions")]


async def test_events_resume_behind_the_last_one_without_gap_or_duplicate(relay: AgentRelay, broker: ApiDouble) -> None:
    async with asyncio.timeout(10), aclosing(relay.feed()) as feed:
        assert isinstance(await anext(feed), LinkUp)
        await broker.append("one", {})
        assert isinstance(await anext(feed), Event)
        await broker.drop_sockets()
        await broker.append("two", {})
        rest = [await anext(feed) for _ in range(3)]

    assert [type(item) for item in rest] == [LinkLost, LinkUp, Event]
    assert isinstance(rest[2], Event)
    assert rest[2].kind == "two"
    assert broker.cursors == [None, "e1:1"]


async def test_an_event_between_the_first_hello_and_a_drop_is_not_lost(relay: AgentRelay, broker: ApiDouble) -> None:
    await broker.append("old", {})
    async with asyncio.timeout(10), aclosing(relay.feed()) as feed:
        await anext(feed)
        await broker.drop_sockets()
        await broker.append("new", {})
        items = [await anext(feed) for _ in range(3)]

    assert [item.kind for item in items if isinstance(item, Event)] == ["new"]
    assert broker.cursors == [None, "e1:1"]


async def test_a_gap_is_told_as_a_reset_and_reading_goes_on(relay: AgentRelay, broker: ApiDouble) -> None:
    broker.first_offset = 50
    await broker.append("kept", {})
    async with asyncio.timeout(10), aclosing(relay.events("e0:3")) as events:
        reset, event = await anext(events), await anext(events)

    assert reset == Reset(epoch="e1", offset=50)
    assert isinstance(event, Event)
    assert event.cursor == "e1:50"


async def test_a_stream_ended_for_good_raises_what_it_was_ended_for(relay: AgentRelay, broker: ApiDouble) -> None:
    async with asyncio.timeout(10), aclosing(relay.feed()) as feed:
        await anext(feed)
        await broker.drop_sockets(4501)
        with pytest.raises(NotAuthenticated):
            await anext(feed)


async def test_wait_for_returns_the_trace_once_the_state_is_reached(relay: AgentRelay, broker: ApiDouble) -> None:
    await relay.spawn("Worker", "codex")
    broker.answers_messages = False
    sent = await relay.send("Worker", "hello")

    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(relay.wait_for(sent.message_id, ReceiptState.IN_TURN))
        while not broker.sockets:
            await asyncio.sleep(0)
        broker.traces[sent.message_id]["deliveries"][0]["state"] = "answered"
        await broker.append("message.receipt", {"message": sent.message_id, "state": "answered"}, name="Worker")

    assert waiting.result().deliveries[0].state is ReceiptState.ANSWERED


async def test_wait_for_gives_up_after_its_timeout(relay: AgentRelay, broker: ApiDouble) -> None:
    await relay.spawn("Worker", "codex")
    broker.answers_messages = False
    sent = await relay.send("Worker", "hello")

    with pytest.raises(TimeoutError):
        await relay.wait_for(sent.message_id, timeout_s=0.05)


async def test_an_approval_is_listed_and_answered_once(relay: AgentRelay, broker: ApiDouble) -> None:
    broker.approvals["ap1"] = {"id": "ap1", "agent": "Lead", "tool": "Bash", "command": "ls", "status": "pending"}

    (asked,) = await relay.approvals()
    answered = await relay.answer(asked.id, Verdict.DENY, note="not now")

    assert (answered.status, answered.note) == (ApprovalStatus.DENIED, "not now")
    with pytest.raises(Conflict):
        await relay.answer(ApprovalId("ap1"), Verdict.ALLOW)


async def test_recent_pages_to_the_head(relay: AgentRelay, broker: ApiDouble) -> None:
    for _ in range(250):
        await broker.append("x", {})

    assert [event.offset for event in await relay.recent(limit=240)] == list(range(11, 251))


class Changing:
    """A token source whose token was replaced by another: the first is what the broker does not know any more."""

    def __init__(self, *tokens: str, due_s: float | None = None) -> None:
        self.tokens = list(tokens)
        self.due_s = due_s
        self.replaced: list[str] = []

    @property
    def token(self) -> str:
        return self.tokens[0]

    async def access(self) -> str:
        if self.due_s == 0 and len(self.tokens) > 1:
            self.tokens.pop(0)
        return self.token

    async def replace(self, refused: str) -> bool:
        self.replaced.append(refused)
        if len(self.tokens) == 1:
            return False
        self.tokens.pop(0)
        return True

    def due_in_s(self) -> float | None:
        return self.due_s


async def test_a_token_that_has_ended_is_replaced_and_the_call_made_again(broker: ApiDouble) -> None:
    tokens = Changing("rk_live_ended", TOKEN)
    async with AgentRelay(broker.url, tokens=tokens) as relay:
        await relay.spawn("Worker", "codex")
    assert tokens.replaced == ["rk_live_ended"]
    assert list(broker.agents) == ["Worker"]


async def test_a_token_that_has_ended_for_good_is_told(broker: ApiDouble) -> None:
    tokens = Changing("rk_live_ended")
    async with AgentRelay(broker.url, tokens=tokens) as relay:
        with pytest.raises(NotAuthenticated):
            await relay.session()
    assert tokens.replaced == ["rk_live_ended"]


async def test_the_feed_presents_a_fresh_token_on_its_open_socket_and_goes_on(broker: ApiDouble) -> None:
    tokens = Changing(TOKEN, "rk_live_fresh", due_s=0.1)
    async with AgentRelay(broker.url, tokens=tokens) as relay, asyncio.timeout(20), aclosing(relay.feed()) as feed:
        assert isinstance(await anext(feed), LinkUp)
        tokens.due_s = 0
        assert await broker.presented.get() == {"type": "auth", "token": "rk_live_fresh"}
        await broker.append("agent.ready", {}, name="Worker")
        event = await anext(feed)
        assert isinstance(event, Event)
        assert event.kind == "agent.ready"
    assert len(broker.cursors) == 1


async def test_the_feed_comes_back_with_another_token_when_its_own_has_ended(broker: ApiDouble) -> None:
    tokens = Changing(TOKEN, TOKEN + "-fresh")
    async with AgentRelay(broker.url, tokens=tokens) as relay, asyncio.timeout(20), aclosing(relay.feed()) as feed:
        assert isinstance(await anext(feed), LinkUp)
        await broker.drop_sockets(UNAUTHENTICATED.code)
        assert isinstance(await anext(feed), LinkLost)
        assert isinstance(await anext(feed), LinkUp)
        await broker.drop_sockets(UNAUTHENTICATED.code)
        with pytest.raises(NotAuthenticated):
            await anext(feed)
    assert tokens.replaced == [TOKEN, TOKEN + "-fresh"]


async def test_wait_for_outlives_a_broker_that_is_away_for_a_while(
    relay: AgentRelay, broker: ApiDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connect.sdk.api_client._FIRST_DELAY_S", 0)
    monkeypatch.setattr("connect.sdk.relay._LOOK_AGAIN_S", 0)
    await relay.spawn("Worker", "codex")
    sent = await relay.send("Worker", "hello")
    away = [refusal(503, "STORE_UNAVAILABLE", "away", retryable=True) for _ in range(12)]  # more than one call tries
    broker.broken_answers = list[Response](away)

    async with asyncio.timeout(10):
        trace = await relay.wait_for(sent.message_id)

    assert trace.deliveries[0].state is ReceiptState.ANSWERED
    assert broker.broken_answers == []


async def test_a_hole_between_two_events_is_told(relay: AgentRelay, broker: ApiDouble) -> None:
    await broker.append("x", {})
    async with asyncio.timeout(10), aclosing(relay.events("0")) as events:
        first = await anext(events)
        broker.first_offset += 3  # what nobody has sent
        await broker.append("x", {})
        told = await anext(events)
        second = await anext(events)
    assert isinstance(first, Event)
    assert isinstance(second, Event)
    assert (first.offset, second.offset) == (1, 5)
    assert told == Reset(epoch="e1", offset=5)


async def test_what_is_no_event_is_passed_over_and_its_place_told(relay: AgentRelay, broker: ApiDouble) -> None:
    await broker.append("x", {})
    async with asyncio.timeout(10), aclosing(relay.feed("0")) as feed:
        await anext(feed)
        await anext(feed)
        [socket] = broker.sockets
        for strange in ("not JSON", "[]", '{"kind": "hint", "of": "a newer broker"}', '{"kind": 7}'):
            await socket.send_text(strange)
        odd = await broker.append("x", {})
        odd["data"] = "of another shape"
        await broker.append("y", {})
        told, event = await anext(feed), await anext(feed)
    assert told == Reset(epoch="e1", offset=3)
    assert isinstance(event, Event)
    assert event.kind == "y"


async def test_closing_ends_what_is_read_and_what_was_left_in_the_middle(broker: ApiDouble) -> None:
    await broker.append("x", {})
    async with asyncio.timeout(10):
        relay = AgentRelay(broker.url, TOKEN)
        left = relay.events("0")
        async for _ in left:
            break
        read: asyncio.Queue[Event | Reset] = asyncio.Queue()
        reading = asyncio.ensure_future(_read_into(read, relay.events("0")))
        await read.get()
        opening = asyncio.ensure_future(_read_into(read, relay.events("0")))  # closed while it is opened
        while len(broker.sockets) < 3:
            await asyncio.sleep(0)
        await relay.close()
        await reading
        await opening
        assert [event async for event in left] == []
        while broker.sockets:
            await asyncio.sleep(0)


async def test_leaving_a_loop_over_events_leaves_nothing_open(relay: AgentRelay, broker: ApiDouble) -> None:
    await broker.append("x", {})
    async with asyncio.timeout(10):
        async for _ in relay.events("0"):
            break
        while broker.sockets:
            await asyncio.sleep(0)


async def _read_into(read: asyncio.Queue[Event | Reset], events: AsyncGenerator[Event | Reset, None]) -> None:
    async for event in events:
        read.put_nowait(event)


async def test_a_start_is_waited_for_longer_than_anybody_takes_to_give_it_up(
    relay: AgentRelay, broker: ApiDouble
) -> None:
    await relay.spawn("Worker", "codex")
    [body] = [body for method, path, body in broker.calls if method == "POST" and path.endswith("/agents")]
    assert TIMINGS.ready_deadline_ms / 1000 < body["timeout_s"] <= MAX_WAIT_S
