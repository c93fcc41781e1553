"""Every recorded conversation with a real CLI, played through its codec."""

import json
import random
from collections import Counter
from itertools import pairwise

import orjson
import pytest

from broker.protocol.agents.events import (
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
    ToolCalled,
    ToolReturned,
    TurnEnded,
    TurnStarted,
    Unrecognised,
)
from broker.protocol.agents.session import Direction, Frame
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
def test_a_result_names_the_tool_of_its_call(name: str, client: str | None) -> None:
    events = events_of(play(name, client=client))
    called = {event.call_id: event.tool for event in events if isinstance(event, ToolCalled)}
    for event in events:
        if isinstance(event, ToolReturned | CommandRan | FilesChanged):
            assert event.tool
            assert event.tool == called.get(event.call_id, event.tool)  # a client may join in the middle of a call


@pytest.mark.parametrize(("name", "client"), recordings())
@pytest.mark.parametrize("seed", range(2))
def test_any_split_of_a_recording_gives_the_same_frames(name: str, client: str | None, seed: int) -> None:
    dice = random.Random(seed)

    def cut(data: bytes) -> list[bytes]:
        places = sorted(dice.randrange(len(data)) for _ in range(3))
        return [data[start:end] for start, end in pairwise([0, *places, len(data)])]

    assert play(name, client=client, cut=cut) == play(name, client=client)


CONVERSATIONS = {
    "claude-sdkurl-2.1.112": "ready|turn|ask Bash|ran touch probe.txt && echo ran|completed|turn|completed",
    "claude-sdkurl-2.1.120": "ready|turn|ask Bash|ran touch probe.txt && echo ran|completed|turn|completed",
    "claude-sdkurl-2.1.120-pending-approval-drop": "turn|ask Bash|no result|completed",
    "claude-stdio-approval-variants": "ready|turn|ask Bash|ran touch a1.txt|completed|turn|ask Bash|ran touch a2.txt|"
    "completed|turn|ask Bash|withdrawn|no result|completed|turn|ask Bash|no result|completed|turn|ran echo harmless|"
    "completed|turn|ran ls -la|completed|turn|ask Bash|ran touch a5.txt|completed|turn|ran touch a6.txt|completed|"
    "turn|interrupted",
    "claude-stdio-controls": "ready|accepted|turn|interrupted|turn|ask Bash|no result|completed|turn|ask Bash|"
    "no result|interrupted|turn|ask Bash|withdrawn|no result|interrupted|turn|ask Write|wrote probe_w.txt|"
    "wrote probe_w2.txt|completed|turn|completed|turn|completed|turn|failed",
    "claude-stdio-dedupe": "ready|accepted|turn|completed|seen|turn|completed",
    "claude-stdio-eof-midturn": "turn|ask Bash|withdrawn|no result|completed",
    "claude-stdio-hooks-sdkmcp": "ready|turn|ask Bash|ran touch h.txt|ask mcp__relay__relay_send|result|completed",
    "claude-stdio-no-permission-tool": "ready|turn|no result|completed",
    "claude-stdio-resume": "ready|turn|completed",
    "claude-stdio-resume-bad": "broken RESUME_FAILED",
    "claude-stdio-sigterm": "turn",
    "codex-stdio-approvals": "ready|accepted|turn|ask commandExecution|ran touch esc1.txt && echo ran|completed|"
    "accepted|turn|ask commandExecution|no result|completed|accepted|turn|ask commandExecution|ran touch esc3.txt|"
    "completed|accepted|turn|ran touch esc3.txt|completed|accepted|turn|ask fileChange|wrote /tmp/project/note.txt|"
    "completed|accepted|turn|ask fileChange|no result|completed|accepted|turn|ask commandExecution|no result|"
    "interrupted|accepted|turn|ask commandExecution|ran touch inside-readonly.txt|completed",
    "codex-stdio-control": "ready|accepted|turn|interrupted|accepted|turn|ask commandExecution|interrupted|withdrawn|"
    "accepted|turn|accepted|joined|completed|accepted|turn|completed",
    "codex-stdio-codemode": "ready|accepted|turn|ran touch cm.txt && echo ran|completed|accepted|turn|"
    "wrote /tmp/project/note-cm.txt|completed|accepted|turn|ask commandExecution|ran touch cm-esc.txt|completed|"
    "accepted|turn|ask mcp__relay__relay_send|result|completed",
    "codex-stdio-mcp-401": "ready",
    "codex-stdio-resume": "ready|accepted|turn|completed",
    "gemini-acp-basic": "ready|accepted|turn|completed|accepted|turn|ask execute|ran touch probe.txt && echo ran|"
    "completed|accepted|turn|ask execute|no result|completed|accepted|turn|ask edit|wrote /tmp/project/note.txt|"
    "completed|accepted|turn|completed|accepted|turn|interrupted|accepted|turn|ask execute|withdrawn|interrupted|"
    "accepted|turn|ask edit|wrote /tmp/project/note3.txt|completed|accepted|turn|failed",
    "gemini-acp-load-after-a-minute": "ready|accepted|turn|completed",
    "gemini-acp-load-history-replay": "ready",
    "gemini-acp-load-same-minute-fails": "broken RESUME_FAILED|refused",
    "gemini-acp-trusted-mcp": "ready|accepted|turn|ask mcp__relay__relay_send|result|completed|accepted|turn|"
    "ask mcp__relay__relay_send|no result|completed|accepted|turn|no result|completed|accepted|turn|"
    "ran touch yolo.txt|completed|accepted|turn|interrupted|accepted|turn|completed",
    "gemini-acp-two-sessions": "ready|accepted|turn|completed",
}


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_a_recording_tells_its_story(name: str) -> None:
    assert "|".join(word for event in events_of(play(name)) if (word := digest(event))) == CONVERSATIONS[name]
