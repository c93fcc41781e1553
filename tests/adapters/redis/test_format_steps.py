"""What the steps from one format of the data to the next do to data that lacks what the next has."""

from typing import Any

from broker.adapters.redis import keys
from broker.adapters.redis.format_steps import STEPS
from broker.domain.logs.events import Cursor
from broker.protocol.proxy import FrameRecorded
from tests.fixtures.desk import Desk


async def asked(desk: Desk, *command: Any) -> Any:
    """The store's answer to a command of no use to the product."""
    script = "return redis.call(unpack(ARGV))"
    return await desk.adapters.redis.eval(script, 1, keys.root(desk.workspace), *command)


async def timers(desk: Desk) -> list[str]:
    return await desk.adapters.redis.zrange(keys.key(desk.workspace, "timers"), 0, -1)


async def marks(desk: Desk) -> tuple[list[str], str | None]:
    """Where the log's bytes are known, and how many there are."""
    found = await desk.adapters.redis.zrange(keys.key(desk.workspace, "sizes", desk.session.id), 0, -1)
    return found, await desk.adapters.redis.hget(keys.key(desk.workspace, "session", desk.session.id), "written")


async def step(desk: Desk) -> None:
    await STEPS[1](desk.adapters.redis, desk.workspace)


async def test_a_log_that_was_never_measured_is_measured_as_if_it_always_had_been(desk: Desk) -> None:
    agent = await desk.idle("Worker")
    for size in (10, 300_000, *[2_000] * 150, 1_000_000, 5):
        raw = {"text": "x" * size}
        about = {"agent": agent.id, "generation": agent.generation}
        await desk.report(FrameRecorded(**about, direction="out", frame_type="t", raw=raw))  # type: ignore[arg-type]  # the names are right
    known = await marks(desk)
    assert len(known[0]) == 3
    await asked(desk, "DEL", keys.key(desk.workspace, "sizes", desk.session.id))
    await asked(desk, "HDEL", keys.key(desk.workspace, "session", desk.session.id), "written")
    await step(desk)
    await step(desk)  # as after a death in the middle
    assert await marks(desk) == known
    page = await desk.adapters.tail.read(
        desk.workspace, desk.session.id, after=Cursor("log-epoch", 0), limit=1000, max_bytes=500_000
    )
    assert sum(map(len, page.events)) < 1_000_000  # it ends ahead of the largest


async def test_ended_agents_and_machines_that_are_away_get_an_end(desk: Desk) -> None:
    runs, ended = await desk.idle("Runs"), await desk.idle("Ended")
    await desk.adapters.mailroom.release(desk.workspace, ended.id, by="operator")
    await desk.exited(ended, expected=True)
    await desk.detach()
    forget, unused = f"forget|{ended.id}|{desk.session.id}", f"unused|{desk.link}"
    assert {forget, unused} <= set(await timers(desk))
    for timer in (forget, unused):
        await asked(desk, "ZREM", keys.key(desk.workspace, "timers"), timer)
    await asked(desk, "HDEL", keys.key(desk.workspace, "link", desk.link), "machine")
    await asked(desk, "HSET", keys.key(desk.workspace, "proxies"), "machine-1", desk.link)
    await step(desk)
    found = set(await timers(desk))
    assert {forget, unused} <= found
    assert f"forget|{runs.id}|{desk.session.id}" not in found
    assert await desk.adapters.redis.hget(keys.key(desk.workspace, "link", desk.link), "machine") == "machine-1"


async def test_a_machine_that_is_here_is_not_given_up(desk: Desk) -> None:
    await asked(desk, "HSET", keys.key(desk.workspace, "proxies"), "machine-1", desk.link)
    await step(desk)
    assert f"unused|{desk.link}" not in await timers(desk)
