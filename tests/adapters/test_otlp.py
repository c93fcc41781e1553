"""Spans as a collector gets them from the real exporter."""

from pathlib import Path

import orjson
import pytest

from broker import __version__
from broker.adapters.otlp import otlp_spans
from broker.domain.traces.spans import Span, SpanKind
from tests.fixtures.collector import collecting, read_spans

_TRACE = "67ac27df2cde599db9e1f31e58f20063"
# As https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/ shows one, written by OpenTelemetry's collector.
_OF_THE_SPECIFICATION = (
    '{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"a"}}]},"scopeSpans":[{"scope":'
    '{},"spans":[{"traceId":"","spanId":"","parentSpanId":"","name":"operationB","startTimeUnixNano":"1581452772000000321",'
    '"endTimeUnixNano":"1581452773000000789","links":[{"traceId":"","spanId":"","droppedAttributesCount":1}],"status":{}}]}]}]}\n'
)


async def test_a_span_stands_in_a_collectors_file_as_the_specification_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    span = Span(
        name="deliver Wörker",
        trace_id=_TRACE,
        span_id="00f067aa0ba902b7",
        parent_id="cd7b2c9ec4bb5218",
        start_ms=1_796_023_780_813,
        end_ms=1_796_023_780_868,
        kind=SpanKind.CONSUMER,
        attributes={"relaycast.attempt": 2, "relaycast.messages": ("m1", "m2"), "relaycast.agent": "ü"},
        error="expired",
        links=((_TRACE, "14399ffe2cae2625"),),
    )
    async with collecting(tmp_path) as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        async with otlp_spans() as sink:
            sink.take([span])
    [line] = (tmp_path / "traces.jsonl").read_bytes().splitlines()
    [resource] = orjson.loads(line)["resourceSpans"]
    about = {each["key"]: each["value"] for each in resource["resource"]["attributes"]}
    assert about["service.name"] == {"stringValue": "relaycast"}
    assert about["service.version"] == {"stringValue": __version__}
    [scope] = resource["scopeSpans"]
    [written] = scope["spans"]
    assert written.pop("flags", 0) & 0xFF in {0, 1}
    [link] = written.pop("links")
    assert (link["traceId"], link["spanId"]) == (_TRACE, "14399ffe2cae2625")
    assert written == {
        "traceId": _TRACE,
        "spanId": "00f067aa0ba902b7",
        "parentSpanId": "cd7b2c9ec4bb5218",
        "name": "deliver Wörker",
        "kind": 5,
        "startTimeUnixNano": "1796023780813000000",
        "endTimeUnixNano": "1796023780868000000",
        "attributes": [
            {"key": "relaycast.attempt", "value": {"intValue": "2"}},
            {
                "key": "relaycast.messages",
                "value": {"arrayValue": {"values": [{"stringValue": "m1"}, {"stringValue": "m2"}]}},
            },
            {"key": "relaycast.agent", "value": {"stringValue": "ü"}},
        ],
        "status": {"code": 2, "message": "expired"},
    }


def test_a_file_that_opentelemetrys_collector_wrote_is_read(tmp_path: Path) -> None:
    file = tmp_path / "traces.jsonl"
    file.write_text(_OF_THE_SPECIFICATION)
    [span] = read_spans(file)
    assert (span.name, span.parent_id, span.start_ns, span.is_error) == (
        "operationB",
        None,
        1_581_452_772_000_000_321,
        False,
    )
