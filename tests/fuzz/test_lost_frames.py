"""A frame that is lost, doubled, torn or late leaves no agent working for ever, and no message without an end.

One frame of a recording is changed; then the agent is one that answers as it should. With its codec, what watches over
its silence and the broker's timers it is idle within `OVERDUE_S + STOP_S`, and takes the next prompt, or it was said
that it is not: its process is ended, or people are told that a tool runs on. Where the vendor can say that it is idle
nothing has to be ended.
"""

import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from broker.domain.approvals.answers import ApprovalAnswer, Verdict
from broker.domain.ids import MessageId
from broker.protocol.agents.events import (
    AgentBroken,
    AgentReady,
    ApprovalRequested,
    ApprovalWithdrawn,
    PromptAccepted,
    PromptRefused,
    TurnEnded,
    TurnOutcome,
    TurnStarted,
)
from broker.protocol.agents.session import Activity, AgentSession, Frame
from connect.machine.silence import LOOK_S, OVERDUE_S, STOP_S, Silence, Step
from tests.fuzz.harness import patient, reproducible, seeds, watchdog
from tests.fuzz.test_codecs import assert_turns_pair
from tests.protocol.player import TORN, TRANSCRIPTS, Json, Player, entries, player_of
from tests.protocol.talking import events, hear, message, written

pytestmark = patient

LAST = MessageId("00000000-0000-4000-8000-0000000000ff")
Lines = list[tuple[str, Json]]


def clients(path: Path) -> set[str | None]:
    """Those of a recording; None where it has but one, who is not named."""
    named = {json.loads(line).get("client") for line in path.read_text().splitlines()} - {None}
    return named or {None}


RECORDINGS = [
    (path.stem, client)
    for path in sorted(TRANSCRIPTS.glob("*.ndjson"))
    for client in sorted(clients(path), key=str)
    if any(direction == "cli->server" for direction, _ in entries(path.stem, client=client))
]


@pytest.mark.parametrize("vendor", ["claude", "codex", "gemini"])
def test_no_lost_or_late_frame_leaves_an_agent_working_for_ever(vendor: str) -> None:
    recordings = [each for each in RECORDINGS if each[0].startswith(vendor)]
    ways: Counter[str] = Counter()
    for seed in seeds(2):
        name, client = recordings[seed % len(recordings)]
        changed = change(seed, [*entries(name, client=client)])
        with reproducible(seed, (name, client, changed.what)), watchdog():
            ways[check(player_of(name, client=client), changed.lines)] += 1
    assert ways["idle"] > sum(ways.values()) / 2


@pytest.mark.parametrize("vendor", ["claude", "codex"])
def test_an_agent_that_says_when_it_is_idle_is_not_ended_for_a_frame(vendor: str) -> None:
    recordings = [each for each in RECORDINGS if each[0].startswith(vendor) and each[0] not in _BROKEN_OFF]
    for seed in seeds():
        name, client = recordings[seed % len(recordings)]
        changed = change(seed, [*telling_states(entries(name, client=client))])
        with reproducible(seed, (name, client, changed.what)), watchdog():
            assert check(player_of(name, client=client), changed.lines) not in {"ended", "told of a tool"}


_BROKEN_OFF = {
    "claude-sdkurl-2.1.112", "claude-sdkurl-2.1.120-idle", "claude-sdkurl-2.1.120-pending-approval-drop",
    "claude-stdio-eof-midturn", "claude-stdio-sigterm", "claude-stdio-no-permission-tool",
}  # fmt: skip
"""Recordings of a process that ended, or of one whose host did not answer."""


@dataclass(frozen=True, slots=True)
class Changed:
    what: str
    lines: Lines


def change(seed: int, lines: Lines) -> Changed:
    """One of the agent's frames lost, doubled, changed with the next, late by up to eleven others, or torn."""
    chance = random.Random(seed)
    places = [place for place, (direction, _) in enumerate(lines) if direction == "cli->server"]
    place = chance.choice(places)
    later = [each for each in places if each > place]
    how, moved = chance.choice(["lost", "doubled", "late", "late", "late", "torn"]), lines[place]
    rest = [*lines[:place], *lines[place + 1 :]]
    match how:
        case "lost":
            made = rest
        case "doubled":
            made = [*lines[: place + 1], moved, *lines[place + 1 :]]
        case "torn":
            made = [*lines[:place], (TORN, moved[1]), *lines[place + 1 :]]
        case _:
            behind = later[min(chance.randrange(11), len(later) - 1)] if later else place
            made = [*rest[:behind], moved, *rest[behind:]]
    return Changed(f"{how}: line {place} {json.dumps(moved[1])[:200]}", made)


def telling_states(lines: Iterator[tuple[str, Json]]) -> Iterator[tuple[str, Json]]:
    """As Claude Code says of itself when it is asked to."""
    for direction, frame in lines:
        kind, subtype = frame.get("type"), frame.get("subtype")
        if direction == "cli->server" and (kind, subtype) == ("system", "init"):
            yield direction, {"type": "system", "subtype": "session_state_changed", "state": "running"}
        yield direction, frame
        if direction == "cli->server" and kind == "result":
            yield direction, {"type": "system", "subtype": "session_state_changed", "state": "idle"}


def check(player: Player, lines: Lines) -> str:
    """Play it, wait for as long as is stated, and hand over one more message; how it went."""
    stage = Stage(player)
    stage.take(player.play(lines))
    if not stage.is_ready or stage.is_broken:
        return "never ready, which has a time of its own"
    stage.answer_all()
    way = stage.wait()
    assert_turns_pair(stage.frames)
    if way != "idle":
        return way
    stage.assert_each_message_has_an_end()
    frames = stage.take(player.session.prompt(message(LAST)))
    ends = [each for each in events(frames) if isinstance(each, TurnEnded) and LAST in each.message_ids]
    assert [each.outcome for each in ends] == [TurnOutcome.COMPLETED]
    assert player.session.standing.activity is Activity.IDLE
    assert_turns_pair(stage.frames)
    return "idle"


@dataclass
class Stage:
    """A codec with an agent behind it that is well, and what the broker knows of it."""

    player: Player
    frames: list[Frame] = field(default_factory=list)
    asked: dict[str, None] = field(default_factory=dict)
    turns: int = 0

    @property
    def session(self) -> AgentSession:
        return self.player.session

    @property
    def is_ready(self) -> bool:
        return any(isinstance(event, AgentReady) for event in events(self.frames))

    @property
    def is_broken(self) -> bool:
        return any(isinstance(event, AgentBroken) for event in events(self.frames))

    def take(self, frames: list[Frame]) -> list[Frame]:
        """Keep frames, and let the agent answer those of them that were not written while it was recorded."""
        taken: list[Frame] = []
        recorded = frames is self.player.frames
        while frames:
            taken += frames
            for event in events(frames):
                match event:
                    case ApprovalRequested():
                        self.asked[event.native_id] = None
                    case ApprovalWithdrawn():
                        self.asked.pop(event.native_id, None)
                    case _:
                        pass
            said = [] if recorded else [each for frame in written(frames) for each in self.replies(frame)]
            recorded, frames = False, hear(self.session, *said) if said else []
        self.frames += taken
        return taken

    def answer_all(self) -> None:
        """What nobody answers is denied in the end."""
        for native_id in list(self.asked):
            self.take(self.session.answer(native_id, ApprovalAnswer(verdict=Verdict.DENY)))

    def wait(self) -> str:
        """Watch over it as relay-connect does."""
        silence, at = Silence(), 0.0
        while at <= OVERDUE_S + STOP_S + 2 * LOOK_S:
            match silence.look(at, self.session.standing):
                case Step.ASK:
                    self.take(self.session.probe())
                case Step.STOP:
                    self.take(self.session.interrupt())
                case Step.SAY:
                    return "told of a tool"
                case Step.GIVE_UP:
                    return "ended"
                case None:
                    pass
            if self.session.standing.activity is Activity.IDLE:
                return "idle" if self.is_each_confirmed() else "deaf, and started again by the broker"
            at += LOOK_S
        raise AssertionError(f"still {self.session.standing}")

    def handed(self) -> set[MessageId]:
        return {frame.hands_over for frame in self.frames if frame.hands_over}

    def is_each_confirmed(self) -> bool:
        """Those that are not the broker takes for a sign of deafness, after ten seconds."""
        known: set[MessageId] = set()
        for event in events(self.frames):
            match event:
                case PromptAccepted() | PromptRefused():
                    known.add(event.message_id)
                case TurnStarted() if event.message_id:
                    known.add(event.message_id)
                case TurnEnded():
                    known.update(event.message_ids)
                case _:
                    pass
        return self.handed() <= known

    def assert_each_message_has_an_end(self) -> None:
        ends: Counter[MessageId] = Counter()
        refused: set[MessageId] = set()
        for event in events(self.frames):
            if isinstance(event, TurnEnded):
                ends.update(event.message_ids)
            elif isinstance(event, PromptRefused):
                refused.add(event.message_id)
        assert self.handed() <= set(ends) | refused
        assert not [each for each, count in ends.items() if count > 1]

    def replies(self, frame: Json) -> list[Json]:
        """What an agent that is idle, and well, answers."""
        self.turns += 1
        turn = f"turn-{self.turns}"
        match frame:
            case {"type": "user", "uuid": str(uuid)}:
                return _claude_turn(uuid, turn)
            case {"type": "control_request", "request_id": asked, "request": {"subtype": "interrupt"}}:
                return [{"type": "control_response", "response": {"subtype": "success", "request_id": asked}}]
            case {"type": "control_request", "request_id": asked}:
                error = {"subtype": "error", "request_id": asked, "error": "Unsupported control request subtype"}
                return [{"type": "control_response", "response": error}]
            case {"method": "thread/read", "id": asked}:
                return [{"id": asked, "result": {"thread": {"id": "T", "status": {"type": "idle"}}}}]
            case {"method": "turn/start", "id": asked, "params": {"threadId": thread}}:
                return _codex_turn(asked, thread=thread, turn=turn)
            case {"method": "session/prompt", "id": asked, "params": {"sessionId": session}}:
                said = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "pong"}}
                update = {"method": "session/update", "params": {"sessionId": session, "update": said}}
                return [update, {"id": asked, "result": {"stopReason": "end_turn"}}]
            case {"method": str(), "id": asked}:
                return [{"id": asked, "error": {"code": -32601, "message": "Method not found"}}]
            case _:
                return []


def _claude_turn(uuid: str, turn: str) -> list[Json]:
    return [
        {"type": "command_lifecycle", "command_uuid": uuid, "state": "queued"},
        {"type": "command_lifecycle", "command_uuid": uuid, "state": "started"},
        {"type": "system", "subtype": "init", "uuid": f"{turn}-init"},
        {"type": "assistant", "message": {"content": [{"type": "text", "text": "pong"}]}, "uuid": f"{turn}-text"},
        {"type": "result", "subtype": "success", "is_error": False, "result": "pong", "uuid": turn},
    ]


def _codex_turn(asked: int, *, thread: str, turn: str) -> list[Json]:
    here = {"threadId": thread}
    return [
        {"id": asked, "result": {"turn": {"id": turn, "status": "inProgress"}}},
        {"method": "turn/started", "params": {**here, "turn": {"id": turn, "status": "inProgress"}}},
        {"method": "turn/completed", "params": {**here, "turn": {"id": turn, "status": "completed"}}},
    ]
