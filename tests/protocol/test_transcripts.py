"""Every recorded conversation with a real CLI, played through its codec."""

import json
import random
from collections import Counter
from itertools import pairwise

import orjson
import pytest

from broker.protocol.agent_events import (
    AgentBroken,
    AgentEvent,
    AgentReady,
    ApprovalRequested,
    ApprovalWithdrawn,
    CommandRan,
    FilesChanged,
    PromptAccepted,
    PromptJoinedTurn,
    PromptRefused,
    ToolReturned,
    TurnEnded,
    TurnStarted,
    Unrecognised,
)
from broker.protocol.agent_session import Direction, Frame
from tests.protocol.player import TRANSCRIPTS, entries, play


def recordings() -> list[tuple[str, str | None]]:
    """Each recording, and each client of those with several."""
    found: list[tuple[str, str | None]] = []
    for path in sorted(TRANSCRIPTS.glob("*.ndjson")):
        clients = {json.loads(line).get("client") for line in path.read_text().splitlines()}
        found += [(path.stem, client) for client in sorted(clients - {None}) or [None]]
    return found


def digest(event: AgentEvent) -> str | None:
    """What the sequences below are written in."""
    match event:
        case AgentReady():
            return "ready"
        case AgentBroken():
            return f"broken {event.code}"
        case PromptAccepted():
            return "seen" if event.already_seen else "accepted"
        case PromptRefused():
            return "refused"
        case PromptJoinedTurn():
            return "joined"
        case TurnStarted():
            return "turn"
        case TurnEnded():
            return f"{event.outcome}"
        case ApprovalRequested():
            return f"ask {event.tool}"
        case ApprovalWithdrawn():
            return "withdrawn"
        case CommandRan():
            return f"ran {event.command}"
        case FilesChanged():
            return f"wrote {event.changes[0].path}"
        case ToolReturned():
            return "result" if event.ok else "no result"
        case _:
            return None


def events_of(frames: list[Frame]) -> list[AgentEvent]:
    return [event for frame in frames for event in frame.events]


@pytest.mark.parametrize(("name", "client"), recordings())
def test_a_recording_is_understood_to_its_last_frame(name: str, client: str | None) -> None:
    frames = play(name, client=client)
    assert [event for event in events_of(frames) if isinstance(event, Unrecognised)] == []
    for frame in frames:
        orjson.loads(frame.raw)
    told = sum(frame.direction is Direction.FROM_AGENT for frame in frames)
    assert told > 0 or not [each for each in entries(name, client=client) if each[0] == "cli->server"]


@pytest.mark.parametrize(("name", "client"), recordings())
def test_turns_and_approvals_come_in_pairs(name: str, client: str | None) -> None:
    frames = play(name, client=client)
    events = events_of(frames)
    started = [event.turn_id for event in events if isinstance(event, TurnStarted)]
    ended = [event.turn_id for event in events if isinstance(event, TurnEnded)]
    assert max(Counter(started).values(), default=0) <= 1
    assert ended == started[: len(ended)]
    assert len(started) - len(ended) <= 1  # the process may have been ended in the middle
    asked = {event.native_id for event in events if isinstance(event, ApprovalRequested)}
    assert {event.native_id for event in events if isinstance(event, ApprovalWithdrawn)} <= asked


@pytest.mark.parametrize(("name", "client"), recordings())
@pytest.mark.parametrize("seed", range(2))
def test_any_split_of_a_recording_gives_the_same_frames(name: str, client: str | None, seed: int) -> None:
    dice = random.Random(seed)

    def cut(data: bytes) -> list[bytes]:
        places = sorted(dice.randrange(len(data)) for _ in range(3))
        return [data[start:end] for start, end in pairwise([0, *places, len(data)])]

    assert play(name, client=client, cut=cut) == play(name, client=client)
