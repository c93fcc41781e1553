"""Short ways to talk with a codec in a test."""

from __future__ import annotations

from typing import Any

import orjson

from broker.domain.ids import MessageId
from broker.protocol.agents.events import AgentEvent
from broker.protocol.agents.session import AgentSession, Direction, Frame, Opening, Prompt

FIRST = MessageId("00000000-0000-4000-8000-000000000001")
SECOND = MessageId("00000000-0000-4000-8000-000000000002")


def opening(*, resume: str | None = None, model: str | None = None) -> Opening:
    return Opening(
        cwd="/tmp/project",
        instructions="You are Bob.",
        mcp_url="http://127.0.0.1:8222/mcp",
        mcp_token="relay-secret",
        resume=resume,
        model=model,
    )


def message(message_id: MessageId = FIRST, *, steer: bool = False, nudge: str | None = None) -> Prompt:
    text = f'<relay-message id="{message_id}" from="Alice" role="peer">\nbuild the API'
    return Prompt(message_id=message_id, text=text, steer=steer, nudge=nudge)


def hear(session: AgentSession, *said: dict[str, Any]) -> list[Frame]:
    """What the codec makes of these messages of the agent."""
    return session.receive(b"".join(orjson.dumps(each) + b"\n" for each in said))


def events(frames: list[Frame]) -> list[AgentEvent]:
    return [event for frame in frames for event in frame.events]


def written(frames: list[Frame]) -> list[dict[str, Any]]:
    """What goes to the agent."""
    return [orjson.loads(frame.raw) for frame in frames if frame.direction is Direction.TO_AGENT]
