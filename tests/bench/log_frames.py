"""Frames as agents write them, and a process that reports them: `python -m tests.bench.log_frames COUNT`.

It appends through the same adapter and scripts as a gateway, to a session of its own, on a line from stdin.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import Sequence
from typing import Any

import orjson

from broker.app import build_adapters
from broker.domain.agents.agents import Agent
from broker.domain.ids import WorkspaceId
from broker.protocol.proxy import FrameRecorded
from tests.bench.log_rows import COMMANDS, WORDS
from tests.fixtures.desk import Desk, open_desk

LAST = "lastofall"
"""A word of the last frame alone: when a search finds it, everything is there."""
_BATCH = 100
_SHAPES = ("text",) * 9 + ("command",) * 5 + ("tool",) * 4 + ("files",) * 2


def frames(agent: Agent, count: int, *, seed: int = 1) -> list[FrameRecorded]:
    """The same frames for the same seed; about a kilobyte each in the log."""
    dice = random.Random(seed)
    return [_frame(agent, _content(dice)) for _ in range(count)]


def last_frame(agent: Agent) -> FrameRecorded:
    return _frame(agent, {"type": "text", "text": f"done {LAST}"})


async def report(desk: Desk, made: Sequence[FrameRecorded]) -> None:
    """Report as a link does, by the hundred."""
    for first in range(0, len(made), _BATCH):
        await desk.report(*made[first : first + _BATCH])


def _frame(agent: Agent, content: dict[str, Any]) -> FrameRecorded:
    raw = {"type": "assistant", "message": {"role": "assistant", "content": [content]}, "session_id": agent.id}
    return FrameRecorded(
        agent=agent.id,
        generation=agent.generation,
        direction="out",
        frame_type="assistant",
        events=[content],
        raw=raw,
    )


def _content(dice: random.Random) -> dict[str, Any]:
    said = " ".join(_word(dice) for _ in range(dice.randint(8, 70)))
    match dice.choice(_SHAPES):
        case "text":
            return {"type": "text", "text": said}
        case "command":
            code = int(dice.random() < 0.1)
            return {"type": "command", "command": dice.choice(COMMANDS), "exit_code": code, "output": said}
        case "tool":
            given = {"path": f"/home/dev/app/src/{_word(dice)}.py", "pattern": said}
            return {"type": "tool_call", "call_id": str(dice.random()), "tool": "Grep", "input": given}
        case _:
            change = {
                "path": f"/home/dev/app/src/{_word(dice)}.py",
                "change": "update",
                "diff": f"@@ -1 +1 @@\n+{said}",
            }
            return {"type": "files", "changes": [change]}


def _word(dice: random.Random) -> str:
    """By Zipf's law; beyond the vocabulary are numbers."""
    rank = int(20_000 ** dice.random()) - 1
    return WORDS[rank] if rank < len(WORDS) else f"w{rank}"


async def _append(redis_url: str, count: int) -> None:
    adapters = build_adapters(redis_url)
    desk = await open_desk(adapters, WorkspaceId(os.environ["BENCH_WORKSPACE"]))
    agent = await desk.idle("Backend")
    made = [*frames(agent, count - 1), last_frame(agent)]
    print(orjson.dumps({"session": desk.session.id}).decode(), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await report(desk, made)
    print("done", flush=True)
    await adapters.redis.aclose()


if __name__ == "__main__":
    asyncio.run(_append(os.environ["BENCH_REDIS_URL"], int(sys.argv[1])))
