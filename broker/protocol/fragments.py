"""Streamed fragments of an agent's text, cut anew so that no secret is split over two of them.

A reader of the log puts fragments together; each is masked by itself before it is stored. So what may be the beginning
of a secret waits here, with the frame that brought it, for the next fragment of the same text (`StreamMask`). A text is
known by its place in the vendor's frame:

* Claude Code 2.1: `stream_event`, `content_block_delta` (Anthropic's Messages API, streaming)
* Codex app-server 0.1: `item/…/delta`, `item/…Delta`
* Agent Client Protocol 1: `session/update`, `agent_message_chunk` and `agent_thought_chunk`
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson
from typing_extensions import TypeIs

from broker.domain.ids import AgentId
from broker.domain.logs.redaction import Redactor
from broker.domain.logs.redaction.streaming import StreamMask
from broker.protocol.agents.events import AgentBroken, AgentEvent, StateEvent, TextStreamed, ThoughtStreamed, TurnEnded
from broker.protocol.agents.session import Direction, Frame
from broker.protocol.json_text import dumps
from broker.protocol.proxy import Exited, FrameRecorded, Report, Started

RELEASE_S = 0.2
"""How long a word may wait for its end. Models send the next part of one within 0.05 s; people see nothing of this."""
_STREAMED = (TextStreamed, ThoughtStreamed)
_FRAGMENTS = frozenset({"text_delta", "thought_delta"})
_IN_UPDATE = ("params", "update", "content", "text")
_IN_PARAMS = ("params", "delta")
_MOST_TEXTS = 64
"""That one agent streams at a time; sub-agents and parallel commands are a few."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fragment:
    """Where a frame's fragment stands, and of which text it is."""

    stream: str
    """Whose text: the frame that repeats it whole has the same."""
    text: str
    """Which one, of those that one stream has at a time."""
    given: str
    """The fragment itself."""
    place: tuple[str, ...]
    """The names of the members that lead to it."""

    def replaced_in(self, raw: Json, shown: str) -> Json:
        """The frame with another fragment; `raw` stays as it is."""
        return _replaced(raw, self.place, shown)


def fragment_of(frame_type: str, raw: Any) -> Fragment | None:
    """The fragment in a transient frame; None when there is none."""
    if not isinstance(raw, dict):
        return None
    if frame_type == "stream_event:content_block_delta":
        event = _at(raw, "event")
        delta = _at(event, "delta")
        for member in ("text", "partial_json", "thinking"):
            if isinstance(given := delta.get(member), str):
                return Fragment(_stream(raw), f"{event.get('index')}:{member}", given, ("event", "delta", member))
        return None
    place = _IN_UPDATE if frame_type.startswith("session/update") else _IN_PARAMS
    holder: Any = raw
    for name in place:
        holder = holder.get(name) if isinstance(holder, dict) else None
    return Fragment(_stream(raw), frame_type, holder, place) if isinstance(holder, str) else None


def _replaced(raw: Json, place: tuple[str, ...], shown: str) -> Json:
    name, *below = place
    return {**raw, name: _replaced(raw[name], tuple(below), shown) if below else shown}


def _stream(raw: Json) -> str:
    params = _at(raw, "params")
    item = params.get("itemId") or _at(params, "item").get("id")
    return str(item or params.get("sessionId") or raw.get("parent_tool_use_id") or "")


def _at(value: Any, *names: str) -> Json:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


class Fragments:
    """Between one agent's codec and its log.

    Invariants: what is let through of a text, put together, is that text, masked; frames that are no fragments keep
    their order and come after all of the text that they end.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._texts: dict[tuple[str, str], _Text] = {}

    @property
    def holds(self) -> bool:
        """Whether anything waits; its owner calls `release` a moment later."""
        return any(text.mask.holds for text in self._texts.values())

    def cut(self, frames: Iterable[Frame]) -> list[Frame]:
        """The frames for the log, their fragments cut anew."""
        out: list[Frame] = []
        for frame in frames:
            if frame.direction is Direction.TO_AGENT:
                out.append(frame)
            elif not frame.transient:
                out += self._before(frame)
                out.append(frame)
            elif (fragment := fragment_of(frame.type, raw := _value_of(frame))) is None:
                out.append(frame)
            else:
                out += self._take(_Part(frame, raw, fragment))
        return out

    def release(self) -> list[Frame]:
        """What has waited long enough. The beginning of a secret goes on waiting."""
        return [each for text in self._texts.values() for each in text.rest(text.mask.release())]

    def end(self) -> list[Frame]:
        """All that waits: the conversation is over."""
        return [each for text in list(self._texts) for each in self._end(text)]

    def _take(self, part: _Part) -> list[Frame]:
        frame, fragment = part.frame, part.fragment
        key, out = (fragment.stream, fragment.text), []
        text = self._texts.get(key)
        if text is None:
            out = self._end(next(iter(self._texts))) if len(self._texts) >= _MOST_TEXTS else []
            text = self._texts[key] = _Text(StreamMask(self._redactor))
        text.last = part
        shown = text.mask.take(fragment.given)
        if shown == fragment.given:
            out.append(frame)
        elif shown:
            out.append(part.saying(shown))
        elif others := tuple(event for event in frame.events if not _is_streamed(event)):
            # What else it brought, such as the beginning of a turn, does not wait with its text.
            out.append(dataclasses.replace(part.saying(shown), events=others))
        return out

    def _before(self, frame: Frame) -> list[Frame]:
        """The rest of what a frame ends: it repeats that text, or ends the turn."""
        if not self._texts:
            return []
        if any(isinstance(event, TurnEnded | AgentBroken) for event in frame.events):
            return self.end()
        if all(isinstance(event, StateEvent) for event in frame.events):
            return []
        stream = _stream(raw) if isinstance(raw := _value_of(frame), dict) else ""
        return [each for key in list(self._texts) if key[0] == stream for each in self._end(key)]

    def _end(self, key: tuple[str, str]) -> list[Frame]:
        text = self._texts.pop(key)
        return text.rest(text.mask.end())


class ReportedFragments:
    """The same for reports: of a relay-connect that passes fragments on as they are, or knows no rules of a workspace.

    Its numbers are taken one by one, so a report stays a report, if need be with nothing in it; and what waits when a
    text is complete is left out: the frame that repeats the text is there.
    """

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor
        self._texts: dict[AgentId, dict[tuple[str, str], StreamMask]] = {}

    def cut(self, report: Report) -> Report:
        """A report as it may be stored."""
        if not isinstance(report, FrameRecorded):
            if isinstance(report, Exited | Started):
                self._texts.pop(report.agent, None)
            return report
        if report.direction != Direction.FROM_AGENT.value:
            return report
        if not report.transient:
            self._end(report)
            return report
        fragment = fragment_of(report.frame_type, report.raw)
        return report if fragment is None else self._cut(report, fragment)

    def _cut(self, report: FrameRecorded, fragment: Fragment) -> FrameRecorded:
        texts = self._texts.setdefault(report.agent, {})
        if len(texts) >= _MOST_TEXTS:
            texts.clear()
        mask = texts.setdefault((fragment.stream, fragment.text), StreamMask(self.redactor))
        shown = mask.take(fragment.given)
        events = [{**each, "delta": shown} if each.get("type") in _FRAGMENTS else each for each in report.events]
        return report.model_copy(update={"raw": fragment.replaced_in(report.raw, shown), "events": events})

    def _end(self, report: FrameRecorded) -> None:
        texts = self._texts.get(report.agent)
        if texts and report.events:
            stream = _stream(report.raw) if isinstance(report.raw, dict) else ""
            for key in [key for key in texts if key[0] == stream]:
                del texts[key]


@dataclass(frozen=True, slots=True)
class _Part:
    """A frame with a fragment of a text."""

    frame: Frame
    raw: Json
    fragment: Fragment

    def saying(self, shown: str) -> Frame:
        """It with another fragment."""
        raw = self.fragment.replaced_in(self.raw, shown)
        events = tuple(type(each)(delta=shown) if _is_streamed(each) else each for each in self.frame.events)
        return self.frame.saying(dumps(raw), raw, events=events)


class _Text:
    """One text that is being streamed."""

    def __init__(self, mask: StreamMask) -> None:
        self.mask = mask
        self.last: _Part | None = None
        self._rests = 0

    def rest(self, shown: str) -> list[Frame]:
        """A frame of its own for what waited, in the form of the last one, whose other events were told with it."""
        if not shown or self.last is None:
            return []
        self._rests += 1
        frame, raw = self.last.frame, self.last.raw
        if isinstance(own := raw.get("uuid"), str):  # it says which frames are sent again
            raw = {**raw, "uuid": f"{own}:{self._rests}"}
        streamed = tuple(event for event in frame.events if _is_streamed(event))
        return [_Part(dataclasses.replace(frame, events=streamed), raw, self.last.fragment).saying(shown)]


def _is_streamed(event: AgentEvent) -> TypeIs[TextStreamed | ThoughtStreamed]:
    """Whether a fragment's text is in it."""
    return isinstance(event, _STREAMED)


def _value_of(frame: Frame) -> Any:
    return orjson.loads(frame.raw) if frame.value is None else frame.value
