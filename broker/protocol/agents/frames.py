"""What an agent writes, read as frames; and builders for the frames a codec hands to its owner."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, assert_never

from pydantic import ValidationError

from broker.domain.ids import MessageId
from broker.protocol.agents.events import AgentEvent, ProblemNoted, PromptAccepted, Unrecognised
from broker.protocol.agents.session import Direction, Frame, HookQuestion
from broker.protocol.json_text import dumps
from broker.protocol.ndjson import Broken, Document, LineReader, Noise

UNREADABLE = "relaycast/unreadable"
"""The type of the frame that stands for one that could not be read."""

NOT_SHOWN = "Denied without asking anybody: the request is too deep or too long to be shown whole."
"""A permission request of which a part is missing is put to nobody: they would allow what they cannot see."""

_ALREADY_SEEN = "relaycast/already_seen"

Reaction = Iterator[AgentEvent | Frame | HookQuestion]


class AgentOutput:
    """The agent's lines, each given to the codec; what had to be mended, cut or given up is told as a problem.

    Of each kind of problem the first is told, then the tenth, the hundredth and so on: an agent that writes NaN into
    every frame would fill its log with nothing else.
    """

    def __init__(self) -> None:
        self._lines = LineReader()
        self._problems: Counter[str] = Counter()

    def read(
        self, data: bytes, *, whole: Callable[[Document], list[Frame]], broken: Callable[[Broken], Reaction]
    ) -> list[Frame]:
        """Take bytes. `whole` is what a frame leads to, `broken` what the loss of one does to the conversation."""
        frames: list[Frame] = []
        for line in self._lines.feed(data):
            match line:
                case Document():
                    frames += self._with_problems(whole(line), line.mended)
                case Noise():
                    frames.append(_own_note(line.text, "noise", Unrecognised(frame_type="noise")))
                case Broken():
                    frames += self._unreadable(line, broken(line))
                case _ as other:
                    assert_never(other)
        return frames

    def _with_problems(self, frames: list[Frame], mended: tuple[str, ...]) -> list[Frame]:
        problems = [problem for each in mended for problem in self._tell_problems(each, f"a frame was changed: {each}")]
        if not (problems and frames):
            return frames
        return [dataclasses.replace(frames[0], events=(*problems, *frames[0].events)), *frames[1:]]

    def _unreadable(self, line: Broken, said: Reaction) -> list[Frame]:
        detail = f"a frame of {line.size} bytes could not be read ({line.reason}); it begins: {line.excerpt}"
        events: list[AgentEvent] = [*self._tell_problems("unreadable", detail), Unrecognised(frame_type=UNREADABLE)]
        answers: list[Frame] = []
        _sort(said, events, answers, [])
        note = {"type": UNREADABLE, "bytes": line.size, "reason": line.reason, "begins": line.excerpt}
        return [_own_note(note, UNREADABLE, *events), *answers]

    def _tell_problems(self, kind: str, detail: str) -> Iterator[ProblemNoted]:
        self._problems[kind] += 1
        count = self._problems[kind]
        if count == 1:
            yield ProblemNoted(detail=detail)
        elif set(str(count)[1:]) == {"0"} and str(count)[0] == "1":
            yield ProblemNoted(detail=f"{detail} (the {count}th time; the others are only counted)")


def from_agent(document: Document, frame_type: str, *events: AgentEvent, transient: bool = False) -> Frame:
    """A frame the agent wrote."""
    return Frame(
        direction=Direction.FROM_AGENT,
        raw=document.raw,
        type=frame_type,
        transient=transient,
        events=events,
        value=document.value,
    )


def to_agent(
    message: dict[str, Any] | bytes, frame_type: str, *events: AgentEvent, hands_over: MessageId | None = None
) -> Frame:
    """A frame for the agent."""
    raw = message if isinstance(message, bytes) else dumps(message)
    return Frame(direction=Direction.TO_AGENT, raw=raw, type=frame_type, events=events, hands_over=hands_over)


def already_seen(message_id: MessageId) -> Frame:
    """The codec's own note, for vendors that cannot say themselves that they have had a message before."""
    accepted = PromptAccepted(message_id=message_id, already_seen=True)
    return _own_note({"type": _ALREADY_SEEN, "message_id": message_id}, _ALREADY_SEEN, accepted)


def reaction(
    document: Document, frame_type: str, said: Iterable[AgentEvent | Frame | HookQuestion], *, transient: bool = False
) -> list[Frame]:
    """The agent's frame with the events among `said`, then the frames among it, which answer the agent.

    A frame that is known by name but not in this shape is `Unrecognised`: the vendors change them weekly, and one odd
    frame is no reason to end the conversation. What was said before the odd part was found stays said.
    """
    events: list[AgentEvent] = []
    answers: list[Frame] = []
    questions: list[HookQuestion] = []
    if not _sort(said, events, answers, questions):
        events.append(Unrecognised(frame_type=frame_type))
    frame = from_agent(document, frame_type, *events, transient=transient)
    return [dataclasses.replace(frame, consults=questions[0]) if questions else frame, *answers]


def _sort(
    said: Iterable[AgentEvent | Frame | HookQuestion],
    events: list[AgentEvent],
    answers: list[Frame],
    questions: list[HookQuestion],
) -> bool:
    """Tell events, answers and questions apart; False when the codec found a part in a shape it does not know."""
    try:
        for part in said:
            if isinstance(part, Frame):
                answers.append(part)
            elif isinstance(part, HookQuestion):
                questions.append(part)
            else:
                events.append(part)
    except ValidationError:
        return False
    return True


def _own_note(content: object, frame_type: str, *events: AgentEvent) -> Frame:
    """A frame that the agent did not write as it stands there: one JSON document, as every frame is."""
    return Frame(direction=Direction.FROM_AGENT, raw=dumps(content), type=frame_type, events=events)
