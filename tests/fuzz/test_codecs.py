"""Whatever an agent writes: frames that every reader behind takes, the same for every split, bounded in memory."""

import json
from collections.abc import Sequence
from pathlib import Path

import orjson
import pydantic_core
import pytest

from broker.domain.agents.agents import Dialect
from broker.domain.approvals.answers import ApprovalAnswer, Verdict
from broker.protocol.agents.events import ApprovalRequested, TurnEnded, TurnStarted
from broker.protocol.agents.session import AgentSession, Frame
from broker.protocol.json_text import MAX_DEPTH
from broker.protocol.jsonrpc import Connection, message_name
from broker.protocol.ndjson import Document, Line, LineReader
from tests.fuzz.harness import fuzz, memory_bound, patient, split
from tests.protocol.dialects import session_for
from tests.protocol.player import TRANSCRIPTS
from tests.protocol.talking import SECOND, events, message, opening

pytestmark = patient

PREFIX = {Dialect.CLAUDE: "claude", Dialect.CODEX: "codex", Dialect.ACP: "gemini"}


def recorded(path: Path) -> bytes:
    """What the agent wrote in a recording."""
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    return b"".join(orjson.dumps(each["frame"]) + b"\n" for each in entries if each["dir"] == "cli->server")


CORPUS = {
    dialect: [recorded(path) for path in sorted(TRANSCRIPTS.glob(f"{PREFIX[dialect]}*.ndjson"))] for dialect in Dialect
}
ALL = [each for corpus in CORPUS.values() for each in corpus]


def read(pieces: Sequence[bytes], *, max_bytes: int) -> list[Line]:
    reader = LineReader(max_bytes=max_bytes)
    return [line for piece in [*pieces, b"\n"] for line in reader.feed(piece)]


@pytest.mark.parametrize("max_bytes", [1 << 24, 4096, 100])
def test_any_bytes_give_lines_that_every_reader_takes(max_bytes: int) -> None:
    def check(data: bytes) -> None:
        lines = read([data], max_bytes=max_bytes)
        for line in lines:
            if isinstance(line, Document):
                assert pydantic_core.from_json(line.raw) == orjson.loads(line.raw) == line.value
                assert depth(line.value) <= MAX_DEPTH
        assert read(split(len(data), data), max_bytes=max_bytes) == lines

    fuzz(check, ALL)


def test_any_message_of_a_peer_is_one_of_json_rpc() -> None:
    def check(data: bytes) -> None:
        connection: Connection[str] = Connection(versioned=True)
        for _ in range(5):
            connection.request("x", {})
        for line in read([data], max_bytes=1 << 24):
            if isinstance(line, Document):
                assert isinstance(message_name(connection.read(line.value)), str)

    fuzz(check, ALL)


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("resume", [False, True])
def test_any_conversation_gives_well_formed_frames_and_turns(dialect: Dialect, resume: bool) -> None:
    def check(data: bytes) -> None:
        frames = converse(fresh(dialect, resume=resume), [data])
        assert frames == converse(fresh(dialect, resume=resume), split(len(data), data))
        for frame in frames:
            assert b"\n" not in frame.raw
            pydantic_core.from_json(frame.raw)
        assert_turns_pair(frames)

    fuzz(check, CORPUS[dialect], parts=2)


@pytest.mark.parametrize("dialect", Dialect)
def test_a_long_conversation_of_odd_frames_keeps_no_more_than_it_needs(dialect: Dialect) -> None:
    session = fresh(dialect, resume=False)
    session.start()
    noisy = b"noise " * 200 + b'\n{"type":"x","method":"y","a":NaN}\n{"type":\n'
    with memory_bound(4_000_000):
        for _ in range(5000):
            session.receive(noisy)


def fresh(dialect: Dialect, *, resume: bool) -> AgentSession:
    return session_for(dialect, opening(resume="s1" if resume else None), session_id="s1")


def converse(session: AgentSession, pieces: Sequence[bytes]) -> list[Frame]:
    frames = session.start() + session.prompt(message(nudge="go on"))
    for piece in pieces:
        frames += session.receive(piece)
    frames += session.prompt(message(SECOND))
    for event in events(frames):
        if isinstance(event, ApprovalRequested):
            frames += session.answer(event.native_id, ApprovalAnswer(verdict=Verdict.DENY, interrupt=True))
    return frames + session.interrupt() + session.receive(b"\n") + session.close()


def assert_turns_pair(frames: Sequence[Frame]) -> None:
    running: list[str] = []
    for event in events(list(frames)):
        if isinstance(event, TurnStarted):
            assert running == []
            running.append(event.turn_id)
        elif isinstance(event, TurnEnded):
            assert running == [event.turn_id]
            running.clear()


def depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0
