"""Traces as a collector gets them, of real processes. The collector is a receiver that reads with OpenTelemetry's own
protocol files: its real one is no package of PyPI, npm or Debian."""

from __future__ import annotations

import asyncio
import gzip
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.fixtures.processes import client, machine, up
from tests.fixtures.receiver import Receiver, receiving


def spans_of(receiver: Receiver) -> dict[str, Span]:
    """What has arrived, by span id: a span that came twice is one."""
    found: dict[str, Span] = {}
    for request in receiver.requests:
        assert request.path == "/v1/traces"
        packed = request.headers.get("content-encoding") == "gzip"
        read = ExportTraceServiceRequest.FromString(gzip.decompress(request.body) if packed else request.body)
        for resource in read.resource_spans:
            about = {each.key: each.value.string_value for each in resource.resource.attributes}
            assert about["service.name"] == "relaycast"
            found |= {span.span_id.hex(): span for scope in resource.scope_spans for span in scope.spans}
    return found


async def until(receiver: Receiver, are_there: Callable[[Counter[str]], bool]) -> dict[str, Span]:
    async with asyncio.timeout(60):
        while not are_there(Counter(span.name for span in spans_of(receiver).values())):
            await receiver.until(len(receiver.requests) + 1)
    return spans_of(receiver)


def text_of(span: Span, name: str) -> str:
    (value,) = [each.value.string_value for each in span.attributes if each.key == name]
    return str(value)


async def test_a_run_of_three_agents_is_one_trace_with_every_hop_and_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with receiving() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{receiver.port}")
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        async with (
            up(tmp_path, "--traces", "1") as broker,
            machine(tmp_path, broker.url, Path(broker.ready["token_file"])),
            client(broker) as relay,
        ):
            await relay.spawn("Lead", "demo")
            review = {"name": "Reviewer", "cli": "demo", "task": "edit notes.txt: old => new"}
            work = {"name": "Worker", "cli": "demo", "task": f"call relay_spawn {orjson.dumps(review).decode()}"}
            sent = await relay.send("Lead", f"call relay_spawn {orjson.dumps(work).decode()}")
            answered = {f"deliver {name}" for name in ("Lead", "Worker", "Reviewer")}
            spans = await until(receiver, lambda names: all(names[name] for name in answered))
    assert {span.trace_id.hex() for span in spans.values()} == {sent.message_id.replace("-", "")}
    names = Counter(span.name for span in spans.values())
    for agent in ("Lead", "Worker", "Reviewer"):
        assert names[f"send {agent}"] == names[f"deliver {agent}"] == names[f"invoke_agent {agent}"] == 1
    for step in ("queued", "sent", "received", "handed", "in_turn", "answered"):
        assert names[f"message {step}"] == 3, step
    tools = [span for span in spans.values() if span.name.startswith("execute_tool")]
    assert sorted((span.name, spans[span.parent_span_id.hex()].name) for span in tools) == [
        ("execute_tool edit", "invoke_agent Reviewer"),
        ("execute_tool relay/relay_spawn", "invoke_agent Lead"),
        ("execute_tool relay/relay_spawn", "invoke_agent Worker"),
    ]
    assert all(span.end_time_unix_nano > span.start_time_unix_nano for span in tools if "spawn" in span.name)
    assert all(span.status.code != Status.STATUS_CODE_ERROR for span in spans.values())
    # Every span but the first message's follows from one that is there, and each turn from the one that caused it.
    assert [span.name for span in spans.values() if not span.parent_span_id] == ["send Lead"]
    assert all(span.parent_span_id.hex() in spans for span in spans.values() if span.parent_span_id)
    by_name = {span.name: span for span in spans.values()}
    assert _above(by_name["invoke_agent Reviewer"], spans) == [
        *("deliver Reviewer", "send Reviewer", "invoke_agent Worker", "deliver Worker", "send Worker"),
        *("invoke_agent Lead", "deliver Lead", "send Lead"),
    ]
    assert text_of(by_name["invoke_agent Lead"], "gen_ai.operation.name") == "invoke_agent"


def _above(span: Span, spans: dict[str, Span]) -> list[str]:
    names = []
    while span.parent_span_id:
        span = spans[span.parent_span_id.hex()]
        names.append(span.name)
    return names
