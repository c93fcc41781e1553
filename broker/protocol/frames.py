"""Builders for the frames a codec hands to its owner."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import ValidationError

from broker.domain.ids import MessageId
from broker.protocol.agent_events import AgentEvent, PromptAccepted, Unrecognised
from broker.protocol.agent_session import Direction, Frame
from broker.protocol.ndjson import Document, Noise, dumps


def from_agent(document: Document, frame_type: str, *events: AgentEvent, transient: bool = False) -> Frame:
    """A frame the agent wrote."""
    return Frame(direction=Direction.FROM_AGENT, raw=document.raw, type=frame_type, transient=transient, events=events)


def to_agent(
    message: dict[str, Any] | bytes, frame_type: str, *events: AgentEvent, hands_over: MessageId | None = None
) -> Frame:
    """A frame for the agent."""
    raw = message if isinstance(message, bytes) else dumps(message)
    return Frame(direction=Direction.TO_AGENT, raw=raw, type=frame_type, events=events, hands_over=hands_over)


def noise(line: Noise) -> Frame:
    """A stray line, kept as a JSON string because a frame is one JSON document."""
    return Frame(
        direction=Direction.FROM_AGENT, raw=dumps(line.text), type="noise", events=(Unrecognised(frame_type="noise"),)
    )


def already_seen(message_id: MessageId) -> Frame:
    """The codec's own note, for vendors that cannot say themselves that they have had a message before."""
    note = dumps({"type": "relaycast/already_seen", "message_id": message_id})
    return Frame(
        direction=Direction.FROM_AGENT,
        raw=note,
        type="relaycast/already_seen",
        events=(PromptAccepted(message_id=message_id, already_seen=True),),
    )


def reaction(
    document: Document, frame_type: str, said: Iterable[AgentEvent | Frame], *, transient: bool = False
) -> list[Frame]:
    """The agent's frame with the events among `said`, then the frames among it, which answer the agent.

    A frame that is known by name but not in this shape is `Unrecognised`: the vendors change them weekly, and one odd
    frame is no reason to end the conversation. What was said before the odd part was found stays said.
    """
    events: list[AgentEvent] = []
    answers: list[Frame] = []
    try:
        for part in said:
            if isinstance(part, Frame):
                answers.append(part)
            else:
                events.append(part)
    except ValidationError:
        events.append(Unrecognised(frame_type=frame_type))
    return [from_agent(document, frame_type, *events, transient=transient), *answers]
