import dataclasses
from typing import Any, get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.ids import AgentId, MessageId
from broker.protocol.agents.events import ContentEvent, ToolCalled
from broker.protocol.errors import ProtocolViolation
from broker.protocol.proxy import (
    BROKEN_REPORT,
    Ack,
    FrameRecorded,
    Handed,
    NumberedCommand,
    NumberedReport,
    Probe,
    Reports,
    SpoolOverflowed,
    UnknownMessage,
    UnreadableCommand,
    in_place_of,
    placeholder,
    read_from_broker,
    read_from_proxy,
    readable,
    readable_frame,
    write,
    write_frame,
    write_frame_report,
    write_reports,
)

GOOD = orjson.dumps({"seq": 1, "report": {"type": "handed", "agent": "a", "generation": 1, "message_id": "m"}})


def deep(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


def frame(seq: int, raw: bytes) -> bytes:
    about = b'"type":"frame","agent":"a","generation":3,"direction":"out","frame_type":"x","events":[]'
    return b'{"seq":%d,"report":{%b,"raw":%b}}' % (seq, about, raw)


def read(*reports: bytes) -> list[NumberedReport]:
    message = read_from_proxy(write_reports(list(reports)))
    assert isinstance(message, Reports)
    return message.reports


@pytest.mark.parametrize(
    "broken",
    [
        frame(2, deep(199)),
        frame(2, deep(1000)),
        frame(2, deep(50_000)),
        frame(2, b'"\\ud83d"'),
        frame(2, b"oh"),
        b'{"seq":2,"report":{"type":"frame","agent":"a","generation":3,"direction":"sideways","raw":1}}',
        b'{"seq":2,"report":{"type":"of the future","agent":"a","generation":3,"more":{}}}',
        b'{"seq":2,"report":{"type":"state","agent":"a","generation":3,"event":{"type":"of the future"}}}',
    ],
    ids=lambda broken: repr(broken[:40]),
)
def test_in_place_of_a_report_that_cannot_be_read_stands_one_that_says_so(broken: bytes) -> None:
    before, instead, after = read(GOOD, broken, frame(3, b"{}"))
    assert isinstance(before.report, Handed)
    assert isinstance(after.report, FrameRecorded)
    assert [before.seq, instead.seq, after.seq] == [1, 2, 3]
    assert isinstance(instead.report, FrameRecorded)
    assert (instead.report.agent, instead.report.generation) == ("a", 3)
    assert instead.report.frame_type == BROKEN_REPORT
    assert "could not be read" in instead.report.events[0]["detail"]


@pytest.mark.parametrize(
    "broken",
    [
        b'{"seq":2,"report":{"type":"frame","agent":7,"generation":3}}',
        b'{"seq":2,"report":{"type":"handed","agent":"a","generation":-1,"message_id":"m"}}',
        b'{"seq":2,"report":{"type":"handed","agent":"a","generation":1e30,"message_id":"m"}}',
        b'{"seq":2,"report":[]}',
        b'{"seq":2}',
    ],
)
def test_a_broken_report_of_nobody_is_told_as_a_loss(broken: bytes) -> None:
    (instead,) = read(broken)
    assert instead == NumberedReport(seq=2, report=SpoolOverflowed(dropped_frames=1))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{",
        b'{"type":"reports"}',
        b'{"type":"reports","reports":[{"report":{}}]}',
        b'{"type":"reports","reports":[{"seq":-1,"report":{}}]}',
        b'{"type":"reports","reports":[{"seq":1,"report":{',
        b'{"type":"hello"}',
        b'{"type":7}',
        b'{"type":"ack","seq":"x"}',
        deep(5000),
    ],
)
def test_a_broken_envelope_is_a_violation(text: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        read_from_proxy(text)


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{", b'{"type":"welcome"}', b'{"type":"command"}', b'{"type":7}', deep(5000)]
)
def test_a_broken_message_of_the_broker_is_a_violation(text: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        read_from_broker(text)


def test_a_message_of_a_newer_version_is_passed_over() -> None:
    assert read_from_proxy('{"type":"of the future","x":{}}') == UnknownMessage(type="of the future")
    assert read_from_broker('{"type":"of the future","x":{}}') == UnknownMessage(type="of the future")


def test_unknown_members_are_left_out() -> None:
    assert read_from_proxy('{"type":"ack","seq":3,"new":1}') == Ack(seq=3)
    assert read_from_broker('{"type":"ack","seq":3,"new":{}}') == Ack(seq=3)


def test_a_command_of_a_newer_version_keeps_its_number() -> None:
    read_back = read_from_broker(
        '{"type":"command","seq":7,"command":{"type":"of the future","agent":"a","generation":2}}'
    )
    assert isinstance(read_back, UnreadableCommand)
    assert (read_back.seq, read_back.agent, read_back.generation) == (7, "a", 2)
    assert "of the future" in read_back.reason or "tag" in read_back.reason


def test_a_command_comes_out_as_it_was_written() -> None:
    command = NumberedCommand(seq=1, command=Probe(agent=AgentId("a"), generation=1))
    assert read_from_broker(write(command)) == command


def test_a_readable_report_is_left_as_it_is_and_another_replaced() -> None:
    assert readable(GOOD) is GOOD
    replaced = readable(frame(2, deep(250)))
    assert read(replaced)[0].seq == 2
    assert read(in_place_of(GOOD, "the broker refused it"))[0].report.type == "frame"
    assert read(placeholder(9))[0] == NumberedReport(seq=9, report=SpoolOverflowed(dropped_frames=1))
    assert Handed(agent=AgentId("a"), generation=1, message_id=MessageId("m")) == read(GOOD)[0].report


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
_INPUT = st.none() | st.dictionaries(st.text(st.characters()), _JSON, max_size=3)
_EXAMPLES = st.one_of(*(st.builds(event) for event in get_args(ContentEvent) if event is not ToolCalled)) | st.builds(
    ToolCalled, input=_INPUT
)


@given(events=st.lists(_EXAMPLES, max_size=3))
def test_a_frame_from_its_parts_says_what_its_model_says(events: list[Any]) -> None:
    model = FrameRecorded(
        agent=AgentId("a"),
        generation=3,
        direction="out",
        frame_type="x",
        transient=True,
        events=[dataclasses.asdict(event) for event in events],
        raw=None,
    )
    raw = b'{"a":[1]}'
    written = write_frame(
        2,
        agent=model.agent,
        generation=model.generation,
        direction=model.direction,
        frame_type=model.frame_type,
        transient=model.transient,
        events=events,
        raw=raw,
    )
    assert orjson.loads(written) == orjson.loads(write_frame_report(2, model, raw=raw))
    assert readable_frame(written) == readable(written)


@pytest.mark.parametrize(
    "raw", [deep(199), deep(1000), b'"\\ud83d"', b"oh", b"NaN", b'"\xff"'], ids=lambda raw: repr(raw[:20])
)
def test_a_frame_that_is_no_json_is_replaced_as_any_report_is(raw: bytes) -> None:
    instead = readable_frame(frame(2, raw))
    assert (b"could not be read" in instead) or raw == b"NaN"
    assert read(instead)[0].seq == 2


@pytest.mark.parametrize("broken", [b"", b',{"seq":1,"report":{"type":"x"}}'], ids=["whole", "one broken"])
def test_a_message_of_too_many_reports_is_refused_and_not_read_to_its_end(broken: bytes) -> None:
    text = b'{"type":"reports","reports":[' + b",".join([GOOD] * 50_001) + broken + b"]}"
    with pytest.raises(ProtocolViolation, match="more than 50000 reports"):
        read_from_proxy(text)
