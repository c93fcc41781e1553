"""Streamed fragments on their way to the log: no secret is split over two, no word is lost, moved or doubled."""

import dataclasses
import random
from collections import defaultdict
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.adapters.trigger_search import automaton
from broker.domain.hooks.events import HookEvent
from broker.domain.ids import AgentId, MessageId
from broker.domain.logs.redaction import Redactor
from broker.protocol.agents.events import TextSpoken, TextStreamed, ThoughtStreamed, TurnEnded, TurnOutcome, TurnStarted
from broker.protocol.agents.session import Direction, Frame, HookQuestion
from broker.protocol.fragments import Fragments, ReportedFragments, fragment_of
from broker.protocol.proxy import FrameRecorded
from tests.domain.logs.redaction.secret_corpus import SECRETS
from tests.domain.logs.redaction.test_streaming import TEXTS, fragments
from tests.protocol.agents.test_transcripts import recordings
from tests.protocol.player import play

REDACTOR = Redactor(search=automaton)
SECRET = next(sample.secret for sample in SECRETS if sample.name == "GitHub ghp")
VENDORS = ("claude", "codex", "acp")


def streamed(vendor: str, text: str, *, number: int = 1) -> Frame:
    """A fragment as the vendor sends it."""
    raws: dict[str, dict[str, Any]] = {
        "claude": {
            "type": "stream_event",
            "uuid": f"u{number}",
            "parent_tool_use_id": None,
            "event": {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}},
        },
        "codex": {"method": "item/agentMessage/delta", "params": {"threadId": "t", "itemId": "msg_1", "delta": text}},
        "acp": {
            "method": "session/update",
            "params": {
                "sessionId": "s",
                "update": {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": text}},
            },
        },
    }
    raw = raws[vendor]
    kind = {
        "claude": "stream_event:content_block_delta",
        "codex": "item/agentMessage/delta",
        "acp": "session/update:agent_message_chunk",
    }
    return Frame(
        direction=Direction.FROM_AGENT,
        raw=orjson.dumps(raw),
        type=kind[vendor],
        transient=True,
        events=(TextStreamed(delta=text),),
        value=raw if number % 2 else None,  # as it is read, and as a test or a note may make it
    )


def spoken(vendor: str, text: str) -> Frame:
    """The frame that repeats it whole."""
    raw = {
        "claude": {"type": "assistant", "parent_tool_use_id": None, "message": {"content": [{"text": text}]}},
        "codex": {"method": "item/completed", "params": {"item": {"id": "msg_1", "text": text}}},
        "acp": {"method": "session/update", "params": {"sessionId": "s", "update": {"sessionUpdate": "tool_call"}}},
    }[vendor]
    event = TextSpoken(text=text)
    return Frame(direction=Direction.FROM_AGENT, raw=orjson.dumps(raw), type="whole", events=(event,))


def text_of(frame: Frame) -> str:
    """What readers see of a fragment: the same in the event and in the vendor's own frame."""
    fragment = fragment_of(frame.type, orjson.loads(frame.raw))
    assert fragment is not None
    text = fragment.given
    assert [event for event in frame.events if isinstance(event, TextStreamed)] == [TextStreamed(delta=text)]
    return str(text)


@pytest.mark.parametrize("vendor", VENDORS)
@given(text=TEXTS, seed=st.integers(0, 2**32))
def test_what_is_let_through_is_the_text_masked_and_comes_before_what_repeats_it(
    vendor: str, text: str, seed: int
) -> None:
    gate, dice = Fragments(REDACTOR), random.Random(seed)
    parts, out, late = fragments(text, seed=seed), [], False
    for number, part in enumerate(parts):
        out += gate.cut([streamed(vendor, part, number=number)])
        if dice.random() < 0.02:
            out, late = out + gate.release(), True
    whole = spoken(vendor, text)
    out += gate.cut([whole])
    assert out[-1] is whole
    assert not gate.holds
    if not late:
        assert "".join(map(text_of, out[:-1])) == REDACTOR.text(text).text


@pytest.mark.parametrize("vendor", VENDORS)
def test_no_half_of_a_secret_reaches_a_reader(vendor: str) -> None:
    for at in range(1, len(SECRET)):
        gate = Fragments(REDACTOR)
        out = gate.cut([streamed(vendor, f"use {SECRET[:at]}")])
        out += gate.release()
        out += gate.cut([streamed(vendor, f"{SECRET[at:]} now")])
        out += gate.end()
        shown = "".join(map(text_of, out))
        assert shown.endswith("[redacted:github-token] now")
        assert shown.startswith("use ")
        assert SECRET[:8] not in shown
        assert b"_" + SECRET[5:9].encode() not in b"".join(frame.raw for frame in out)


def test_a_rest_has_a_name_of_its_own_where_frames_are_known_by_one() -> None:
    gate = Fragments(REDACTOR)
    first = gate.cut([streamed("claude", "Hello wor", number=3)])
    (rest,) = gate.release()
    assert [orjson.loads(frame.raw)["uuid"] for frame in [*first, rest]] == ["u3", "u3:1"]
    assert gate.cut([streamed("claude", "ld, ", number=4)])[0].events == (TextStreamed(delta="ld, "),)


@pytest.mark.parametrize("vendor", VENDORS)
def test_what_a_codec_has_read_is_left_as_it_was_and_what_is_told_is_known_without_reading_it(vendor: str) -> None:
    gate = Fragments(REDACTOR)
    part = streamed(vendor, f"use {SECRET[:9]}")
    before = orjson.loads(part.raw)
    out = [*gate.cut([part]), *gate.end()]
    assert [text_of(each) for each in out] == ["use ", SECRET[:9]]
    assert part.value == before
    assert [each.value for each in out] == [orjson.loads(each.raw) for each in out]


def test_a_frame_that_says_something_else_is_the_same_in_all_other_respects() -> None:
    frame = Frame(
        direction=Direction.TO_AGENT,
        raw=b"{}",
        type="t",
        transient=True,
        events=(TextSpoken(text="x"),),
        hands_over=MessageId("m"),
        consults=HookQuestion(native_id="1", event=HookEvent.BEFORE_STOP),
        value={},
    )
    untouched = {each.name for each in dataclasses.fields(Frame)} - {"raw", "value", "events"}
    assert all(getattr(frame, name) != each.default for each in dataclasses.fields(Frame) for name in [each.name])
    other = frame.saying(b'{"a":1}', {"a": 1}, events=())
    assert (other.raw, other.value, other.events) == (b'{"a":1}', {"a": 1}, ())
    assert all(getattr(other, name) == getattr(frame, name) for name in untouched)


def test_a_turns_end_lets_everything_go_first() -> None:
    gate = Fragments(REDACTOR)
    ended = Frame(
        direction=Direction.FROM_AGENT,
        raw=b'{"id":1,"result":{}}',
        type="result",
        events=(TurnEnded(turn_id="t", outcome=TurnOutcome.COMPLETED),),
    )
    assert gate.cut([streamed("acp", "bye")]) == []
    rest, last = gate.cut([ended])
    assert (text_of(rest), last) == ("bye", ended)


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("parts", [["I begin. A pass", "word"], ["I", " begin"], ["I begin now, at last. "]])
def test_what_else_a_fragment_brings_is_told_once_and_at_once(vendor: str, parts: list[str]) -> None:
    begun, gate = TurnStarted(turn_id="t", message_id=None), Fragments(REDACTOR)
    first = streamed(vendor, parts[0])
    out = gate.cut([dataclasses.replace(first, events=(begun, *first.events))])
    assert [event for frame in out for event in frame.events if event == begun] == [begun]
    out += gate.release()
    for number, part in enumerate(parts[1:], 2):
        out += gate.cut([streamed(vendor, part, number=number)])
    out += gate.release() + gate.cut([spoken(vendor, "".join(parts))])
    events = [event for frame in out for event in frame.events]
    assert events.count(begun) == 1
    assert "".join(event.delta for event in events if isinstance(event, TextStreamed)) == "".join(parts)


def test_what_another_agent_of_the_same_process_says_lets_nothing_go() -> None:
    gate = Fragments(REDACTOR)
    other = Frame(
        direction=Direction.FROM_AGENT,
        raw=b'{"type":"assistant","parent_tool_use_id":"toolu_1"}',
        type="assistant",
        events=(TextSpoken(text="of a sub-agent"),),
    )
    assert gate.cut([streamed("claude", SECRET[:12]), other]) == [other]
    (masked,) = gate.cut([streamed("claude", SECRET[12:] + " ")])
    assert text_of(masked) == "[redacted:github-token] "


def test_an_agent_that_never_ends_a_text_is_given_no_endless_room() -> None:
    gate = Fragments(REDACTOR)
    out: list[Frame] = []
    for number in range(200):
        frame = streamed("codex", "word")
        out += gate.cut([dataclasses.replace(frame, raw=frame.raw.replace(b"msg_1", b"msg_%d" % number), value=None)])
    assert len(out) == 200 - 64
    assert len(gate.end()) == 64


@pytest.mark.parametrize("vendor", VENDORS)
def test_an_older_relay_connects_fragments_are_cut_as_they_come_in(vendor: str) -> None:
    for at in range(1, len(SECRET)):
        cutter = ReportedFragments(REDACTOR)
        parts = ("use ", SECRET[:at], SECRET[at:], " now ", "wor")
        reports = [cutter.cut(_report(streamed(vendor, part))) for part in parts]
        shown = "".join(each.events[0]["delta"] for each in reports if isinstance(each, FrameRecorded))
        assert shown == "use [redacted:github-token] now "
        assert all(SECRET[4:8] not in each.model_dump_json() for each in reports)
        whole = _report(spoken(vendor, "use it now word"))
        assert cutter.cut(whole) is whole
        again = cutter.cut(_report(streamed(vendor, "And ")))
        assert isinstance(again, FrameRecorded)
        assert again.events == [{"type": "text_delta", "delta": "And "}]


def _report(frame: Frame) -> FrameRecorded:
    return FrameRecorded(
        agent=AgentId("a"),
        generation=1,
        direction=frame.direction.value,
        frame_type=frame.type,
        transient=frame.transient,
        events=[dataclasses.asdict(event) for event in frame.events],
        raw=orjson.loads(frame.raw),
    )


@pytest.mark.parametrize(("name", "client"), recordings())
def test_recordings_keep_every_word_in_order(name: str, client: str | None) -> None:
    frames = play(name, client=client)
    gate = Fragments(REDACTOR)
    out = [*gate.cut(frames), *gate.end()]
    said = [frame for frame in frames if any(isinstance(event, TextStreamed) for event in frame.events)]
    assert all(map(_place, said))
    assert [frame for frame in out if not _place(frame)] == [frame for frame in frames if not _place(frame)]
    assert _texts(out) == _texts(frames)


def _place(frame: Frame) -> tuple[str, str] | None:
    fragment = fragment_of(frame.type, orjson.loads(frame.raw)) if frame.transient else None
    return (fragment.stream, fragment.text) if fragment else None


def _texts(frames: list[Frame]) -> dict[tuple[str, str], str]:
    texts: dict[tuple[str, str], str] = defaultdict(str)
    for frame in frames:
        if place := _place(frame):
            fragment = fragment_of(frame.type, orjson.loads(frame.raw))
            assert fragment is not None
            texts[place] += fragment.given
    return texts


def test_reasoning_is_cut_as_text_is() -> None:
    raw = {"method": "item/reasoning/summaryTextDelta", "params": {"itemId": "r", "delta": f"use {SECRET[:9]}"}}
    part = Frame(
        direction=Direction.FROM_AGENT,
        raw=orjson.dumps(raw),
        type="item/reasoning/summaryTextDelta",
        events=(ThoughtStreamed(delta=f"use {SECRET[:9]}"),),
        transient=True,
    )
    shown = Fragments(REDACTOR).cut([part])
    assert [event for frame in shown for event in frame.events] == [ThoughtStreamed(delta="use ")]
