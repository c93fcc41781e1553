"""Whatever an agent writes, a codec gives well-formed frames, however the bytes are cut."""

import json
import random
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.agents.agents import Dialect
from broker.domain.approvals.answers import ApprovalAnswer, Verdict
from broker.protocol.agents.events import ApprovalRequested, TurnEnded, TurnStarted
from broker.protocol.agents.session import AgentSession, Frame
from tests.protocol.dialects import session_for
from tests.protocol.player import TRANSCRIPTS, entries
from tests.protocol.talking import events, message, opening

PREFIX = {Dialect.CLAUDE: "claude", Dialect.CODEX: "codex", Dialect.ACP: "gemini"}
ODD: tuple[object, ...] = (None, True, 0, -1, 2**70, 1.5, "", "x", "1", [], {}, [None], {"text": 1}, "\ud83d")


def recorded(dialect: Dialect) -> list[dict[str, Any]]:
    """One recorded frame of each shape; a codec's own first requests bear the same small ids as the recorded ones."""
    shapes = {
        shape(frame): frame
        for path in sorted(TRANSCRIPTS.glob(f"{PREFIX[dialect]}*.ndjson"))
        for direction, frame in entries(path.stem, client="A2")
        if direction == "cli->server"
    }
    return list(shapes.values())


def shape(frame: dict[str, Any]) -> str:
    params = frame.get("params") or {}
    inner = params.get("item") or params.get("update") or {}
    names = [frame.get(key) for key in ("type", "subtype", "state", "method", "id")]
    return json.dumps([*names, inner.get("type"), inner.get("sessionUpdate")])


FRAMES = {dialect: recorded(dialect) for dialect in Dialect}


def bent(frame: Any, dice: random.Random) -> Any:
    """The frame with one part replaced by something odd."""
    if isinstance(frame, dict) and frame and dice.random() < 0.85:
        key = dice.choice(list(frame))
        return {**frame, key: bent(frame[key], dice)}
    if isinstance(frame, list) and frame and dice.random() < 0.85:
        place = dice.randrange(len(frame))
        return [*frame[:place], bent(frame[place], dice), *frame[place + 1 :]]
    return dice.choice(ODD)


def stream(dialect: Dialect, dice: random.Random, *, lines: int) -> bytes:
    chosen = [dice.choice(FRAMES[dialect]) for _ in range(lines)]
    frames = [bent(frame, dice) if dice.random() < 0.5 else frame for frame in chosen]
    return b"".join(json.dumps(frame).encode() + b"\n" for frame in frames)


def converse(session: AgentSession, pieces: list[bytes]) -> list[Frame]:
    """Give a prompt, then the pieces; answer what is asked."""
    frames = session.start() + session.prompt(message(nudge="go on"))
    for piece in pieces:
        frames += session.receive(piece)
    for event in events(frames):
        if isinstance(event, ApprovalRequested):
            frames += session.answer(event.native_id, ApprovalAnswer(verdict=Verdict.DENY, interrupt=True))
    return frames + session.interrupt() + session.close()


def fresh(dialect: Dialect, *, resume: bool) -> AgentSession:
    return session_for(dialect, opening(resume="s1" if resume else None), session_id="s1")


@pytest.mark.parametrize("dialect", Dialect)
@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_give_frames(dialect: Dialect, data: bytes, resume: bool) -> None:
    converse(fresh(dialect, resume=resume), [data])


@pytest.mark.parametrize("dialect", Dialect)
@given(st.integers(0, 2**32), st.booleans())
def test_any_bent_conversation_gives_well_formed_frames(dialect: Dialect, seed: int, resume: bool) -> None:
    data = stream(dialect, random.Random(seed), lines=20)
    frames = converse(fresh(dialect, resume=resume), [data])
    for frame in frames:
        orjson.loads(frame.raw)
    open_turns: list[str] = []
    for event in events(frames):
        if isinstance(event, TurnStarted):
            open_turns.append(event.turn_id)
        elif isinstance(event, TurnEnded):
            assert open_turns == [event.turn_id]
            open_turns.clear()


@pytest.mark.parametrize("dialect", Dialect)
@given(st.integers(0, 2**32), st.lists(st.integers(min_value=0), max_size=8), st.binary(max_size=20))
def test_any_split_gives_the_same_frames(dialect: Dialect, seed: int, places: list[int], tail: bytes) -> None:
    data = stream(dialect, random.Random(seed), lines=6) + tail
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    pieces = [data[start:end] for start, end in pairwise(edges)]
    assert converse(fresh(dialect, resume=False), pieces) == converse(fresh(dialect, resume=False), [data])
