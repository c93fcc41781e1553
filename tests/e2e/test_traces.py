"""Traces of real processes, as they stand in a collector's file."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from broker.domain.ids import MessageId
from connect.sdk.relay import AgentRelay
from tests.fixtures.collector import Collector, Recorded, Spans, collecting
from tests.fixtures.processes import client, machine, up

_PRODUCER, _CONSUMER = 4, 5
STEPS = ("queued", "sent", "received", "handed", "in_turn", "answered")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A broker that traces everything, with the machines `one` and `two`."""

    relay: AgentRelay
    collector: Collector

    async def until_answered(self, *agents: str) -> Spans:
        """What is collected once each agent has answered a message, and one turn of each is over."""
        ends = {f"{what} {agent}" for agent in agents for what in ("deliver", "invoke_agent")}
        return await self.collector.until(lambda spans: ends <= {span.name for span in spans.values()})


@pytest.fixture
async def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    async with contextlib.AsyncExitStack() as stack:
        collector = await stack.enter_async_context(collecting(tmp_path))
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        broker = await stack.enter_async_context(up(tmp_path, "--traces", "1"))
        token_file = Path(broker.ready["token_file"])
        for name in ("one", "two"):
            await stack.enter_async_context(machine(tmp_path, broker.url, token_file, name=name))
        yield Scene(relay=await stack.enter_async_context(client(broker)), collector=collector)


async def test_a_message_over_two_machines_has_a_span_for_each_hop_with_its_ids(scene: Scene) -> None:
    lead, worker = [await scene.relay.spawn(name, "demo", on=on) for name, on in (("Lead", "one"), ("Worker", "two"))]
    passed_on = {"to": "Worker", "text": "edit notes.txt: old => new"}
    first = await scene.relay.send("Lead", f"call relay_send {orjson.dumps(passed_on).decode()}")
    spans = await scene.until_answered("Lead", "Worker")
    by_name = {span.name: span for span in spans.values()}
    second = MessageId(str(by_name["send Worker"].attributes["messaging.message.id"]))
    session = (await scene.relay.session()).id
    for message, agent, sender in ((first.message_id, lead, "operator"), (second, worker, "Lead")):
        send, deliver, turn = (by_name[f"{what} {agent.name}"] for what in ("send", "deliver", "invoke_agent"))
        assert (send.kind, deliver.kind) == (_PRODUCER, _CONSUMER)
        assert send.attributes["relaycast.sender"] == sender
        assert (deliver.parent_id, turn.parent_id) == (send.span_id, deliver.span_id)
        assert turn.attributes["relaycast.messages"] == (message,)
        for span in (deliver, turn):
            assert span.attributes["relaycast.session"] == session
            assert span.attributes["gen_ai.agent.id"] == agent.id
            assert span.attributes["relaycast.machine"] == agent.machine
        # What the broker itself keeps of the way is what the collector has: each receipt, and when.
        [kept] = (await scene.relay.trace(message)).deliveries
        steps = [span for span in spans.values() if span.parent_id == deliver.span_id and span != turn]
        assert {(span.name, span.end_ns // 1_000_000) for span in steps} == {
            (f"message {step.state}", step.at_ms) for step in kept.steps if step.state in STEPS
        }
        assert sorted(span.name for span in steps) == sorted(f"message {step}" for step in STEPS)
        assert {span.attributes["messaging.message.id"] for span in (send, deliver, *steps)} == {message}
    assert [agent.machine for agent in (lead, worker)] == ["one", "two"]
    assert _above(by_name["invoke_agent Worker"], spans) == [
        *("deliver Worker", "send Worker", "invoke_agent Lead", "deliver Lead", "send Lead")
    ]
    assert all(span.service == "relaycast" and not span.is_error for span in spans.values())


async def test_a_run_of_three_agents_is_one_trace_with_every_hop_and_turn(scene: Scene) -> None:
    await scene.relay.spawn("Lead", "demo", on="one")
    review = {"name": "Reviewer", "cli": "demo", "task": "edit notes.txt: old => new"}
    work = {"name": "Worker", "cli": "demo", "task": f"call relay_spawn {orjson.dumps(review).decode()}"}
    sent = await scene.relay.send("Lead", f"call relay_spawn {orjson.dumps(work).decode()}")
    spans = await scene.until_answered("Lead", "Worker", "Reviewer")
    assert {span.trace_id for span in spans.values()} == {sent.message_id.replace("-", "")}
    names = Counter(span.name for span in spans.values())
    for agent in ("Lead", "Worker", "Reviewer"):
        assert names[f"send {agent}"] == names[f"deliver {agent}"] == names[f"invoke_agent {agent}"] == 1
    for step in STEPS:
        assert names[f"message {step}"] == 3, step
    tools = [span for span in spans.values() if span.name.startswith("execute_tool")]
    assert sorted((span.name, spans[span.parent_id or ""].name) for span in tools) == [
        ("execute_tool edit", "invoke_agent Reviewer"),
        ("execute_tool relay/relay_spawn", "invoke_agent Lead"),
        ("execute_tool relay/relay_spawn", "invoke_agent Worker"),
    ]
    assert all(span.end_ns > span.start_ns for span in tools if "spawn" in span.name)
    assert not any(span.is_error for span in spans.values())
    # Every span but the first message's follows from one that is there, and each turn from the one that caused it.
    assert [span.name for span in spans.values() if span.parent_id is None] == ["send Lead"]
    assert all(span.parent_id in spans for span in spans.values() if span.parent_id)
    by_name = {span.name: span for span in spans.values()}
    assert _above(by_name["invoke_agent Reviewer"], spans) == [
        *("deliver Reviewer", "send Reviewer", "invoke_agent Worker", "deliver Worker", "send Worker"),
        *("invoke_agent Lead", "deliver Lead", "send Lead"),
    ]
    lead = by_name["invoke_agent Lead"].attributes
    assert (lead["gen_ai.operation.name"], lead["gen_ai.agent.name"]) == ("invoke_agent", "Lead")
    assert {span.attributes["gen_ai.operation.name"] for span in tools} == {"execute_tool"}
    assert {span.attributes["gen_ai.tool.name"] for span in tools} == {"edit", "relay/relay_spawn"}


def _above(span: Recorded, spans: Spans) -> list[str]:
    names = []
    while span.parent_id:
        span = spans[span.parent_id]
        names.append(span.name)
    return names
