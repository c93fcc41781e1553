"""A message's way, from the script that accepts it to the spans that are made of the shipped log."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from broker.adapters.clickhouse.store import ClickHouseLogStore
from broker.adapters.redis.messages.mailroom import RedisMailroom
from broker.adapters.redis.scripts import Scripts
from broker.domain.traces.context import message_context
from broker.domain.traces.spans import Span
from broker.protocol.agents.events import TurnEnded, TurnOutcome, TurnStarted
from broker.protocol.proxy import Deliver
from broker.services.logs.shipping import Shipper
from broker.services.logs.tracing import Tracing
from broker.telemetry.correlation import follow_trace
from tests.fixtures.desk import Desk


class Collected:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def take(self, spans: Sequence[Span]) -> None:
        self.spans += spans

    def named(self, name: str) -> Span:
        (found,) = [span for span in self.spans if span.name == name]
        return found


@pytest.fixture
def traced(desk: Desk) -> Callable[[float], None]:
    def trace(ratio: float) -> None:
        mailroom = RedisMailroom(desk.adapters.redis, Scripts(desk.adapters.redis), trace_ratio=ratio)
        desk.adapters = replace(desk.adapters, mailroom=mailroom)

    return trace


async def shipped(desk: Desk, logs: ClickHouseLogStore) -> Collected:
    collected = Collected()
    adapters = desk.adapters
    tracing = Tracing(collected, ratio=1)
    await Shipper(adapters.tail, adapters.backlog, logs, adapters.registry, tracing=tracing).ship([desk.workspace])
    return collected


async def test_every_step_of_a_message_is_a_span_of_its_trace(
    desk: Desk, logs: ClickHouseLogStore, traced: Callable[[float], None]
) -> None:
    traced(1)
    await desk.adapters.backlog.begin(desk.workspace)
    bob = await desk.idle("Bob")
    message, _ = await desk.send("Bob")
    await desk.handed(bob, message)
    await desk.turn(bob, message)
    made = await shipped(desk, logs)
    assert {span.trace_id for span in made.spans} == {message.replace("-", "")}
    steps = [span.name for span in made.spans if span.name.startswith("message ")]
    assert steps == [f"message {state}" for state in ("queued", "sent", "received", "handed", "in_turn", "answered")]
    sent, way, turn = made.named("send Bob"), made.named("deliver Bob"), made.named("invoke_agent Bob")
    assert (way.parent_id, turn.parent_id) == (sent.span_id, way.span_id)


async def test_the_machine_is_told_where_a_message_is_in_its_trace(desk: Desk, traced: Callable[[float], None]) -> None:
    traced(1)
    await desk.idle("Bob")
    message, _ = await desk.send("Bob")
    (order,) = [each for each in await desk.commands() if isinstance(each, Deliver)]
    assert order.trace == str(message_context(message, ratio=1))


async def test_what_an_agent_sends_in_its_turn_follows_from_that_turn(
    desk: Desk, logs: ClickHouseLogStore, traced: Callable[[float], None]
) -> None:
    traced(1)
    await desk.adapters.backlog.begin(desk.workspace)
    lead, bob = await desk.idle("Lead"), await desk.idle("Bob")
    asked, _ = await desk.send("Lead")
    await desk.state(lead, TurnStarted(turn_id="t1", message_id=asked))
    passed_on, _ = await desk.send("Bob", by=desk.acting_as(lead))
    child = await desk.spawn("Child", task="help", by=desk.acting_as(lead))
    done = TurnEnded(turn_id="t1", outcome=TurnOutcome.COMPLETED, message_ids=(asked,))
    await desk.state(lead, done)
    await desk.turn(bob, passed_on)
    later, _ = await desk.send("Child", by=desk.acting_as(lead))
    made = await shipped(desk, logs)
    turn = made.named("invoke_agent Lead")
    own = [span for span in made.spans if span.trace_id == asked.replace("-", "")]
    assert {span.parent_id for span in own if span.name in {"send Bob"}} == {turn.span_id}
    assert made.named("invoke_agent Bob").trace_id == turn.trace_id
    sent = {str(span.attributes["messaging.message.id"]): span for span in made.spans if span.name == "send Child"}
    assert sent.pop(later).trace_id == later.replace("-", ""), "said outside of a turn"
    (task,) = sent.values()
    assert (task.trace_id, task.parent_id) == (turn.trace_id, turn.span_id)
    assert child.name == "Child"


async def test_what_a_caller_says_it_follows_from_counts(
    desk: Desk, logs: ClickHouseLogStore, traced: Callable[[float], None]
) -> None:
    traced(1)
    await desk.adapters.backlog.begin(desk.workspace)
    await desk.idle("Bob")
    follow_trace(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    await desk.send("Bob")
    sent = (await shipped(desk, logs)).named("send Bob")
    assert (sent.trace_id, sent.parent_id) == ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331")


async def test_a_message_that_was_not_chosen_passes_that_on_and_is_told_as_if_nothing_were_traced(
    desk: Desk, traced: Callable[[float], None]
) -> None:
    traced(1e-12)
    lead = await desk.idle("Lead")
    await desk.idle("Bob")
    asked, _ = await desk.send("Lead")
    await desk.state(lead, TurnStarted(turn_id="t1", message_id=asked))
    traced(1)
    await desk.send("Bob", by=desk.acting_as(lead))
    assert not [event for event in await desk.events() if "trace" in event["data"]]


async def test_without_tracing_nothing_says_a_word_of_it(desk: Desk) -> None:
    bob = await desk.idle("Bob")
    message, _ = await desk.send("Bob")
    await desk.turn(bob, message)
    assert not [event for event in await desk.events() if "trace" in event["data"]]
    assert [each.trace for each in await desk.commands() if isinstance(each, Deliver)] == [None]
