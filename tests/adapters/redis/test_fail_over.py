"""A replica that becomes the primary may lack the last events: readers are told, and what is new is kept."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from broker.adapters.embedded import server_binary
from broker.adapters.redis.client import TextRedis
from broker.app import Adapters, build_adapters
from broker.domain.agents.agents import Agent, AgentState
from broker.domain.agents.stops import WORKSPACE, StopHow
from broker.domain.errors import Conflict
from broker.domain.ids import WorkspaceId
from broker.domain.logs.events import Cursor
from broker.domain.messages.steps import ReceiptState
from broker.protocol.agents.events import AgentReady, ApprovalWithdrawn
from broker.protocol.proxy import Deliver, ReportsLost, Spawn
from broker.services.live.hub import position_of
from broker.services.ports import Held
from tests.fixtures.desk import Desk, a_hello, live, open_desk

W = WorkspaceId("w")


async def command(redis: TextRedis, *words: str) -> str:
    pipe = redis.pipeline(transaction=False)
    pipe.execute_command(*words)
    return str((await pipe.execute())[0])


@contextlib.asynccontextmanager
async def server(folder: Path, name: str) -> AsyncIterator[Adapters]:
    """Adapters on a server of its own."""
    path = folder / f"{name}.sock"
    words = ["--port", "0", "--unixsocket", str(path), "--dir", str(folder), "--dbfilename", name, "--save", ""]
    words += ["--repl-diskless-sync-delay", "0"]
    process = await asyncio.create_subprocess_exec(server_binary(), *words, stdout=asyncio.subprocess.DEVNULL)
    adapters = build_adapters(f"unix://{path}")
    try:
        async with asyncio.timeout(10):
            while not path.exists():
                await asyncio.sleep(0.01)
        yield adapters
    finally:
        await adapters.redis.aclose()
        process.kill()
        await process.wait()


async def open_port(redis: TextRedis) -> str:
    """Let replicas reach a server."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    await command(redis, "CONFIG", "SET", "port", port)
    return port


async def follow(replica: TextRedis, primary: TextRedis) -> None:
    """Let one replicate the other, and wait until it has all."""
    await command(replica, "REPLICAOF", "127.0.0.1", await open_port(primary))
    async with asyncio.timeout(20):
        while "'master_link_status': 'up'" not in await command(replica, "INFO", "replication"):
            await asyncio.sleep(0.01)
        while await command(primary, "WAIT", "1", "100") != "1":
            await asyncio.sleep(0.01)


async def part(primary: TextRedis) -> None:
    """Cut the link between them."""
    await command(primary, "CONFIG", "SET", "port", "0")
    await command(primary, "CLIENT", "KILL", "TYPE", "REPLICA")


class Pair:
    """A session on a primary whose last events its replica, now the primary, never got."""

    def __init__(self, desk: Desk, *, common: Cursor, lost: Cursor) -> None:
        self.desk = desk
        self.common = common
        self.lost = lost

    async def head(self) -> Cursor:
        return await self.desk.adapters.log.head(W, self.desk.session.id)


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    async with server(tmp_path, "b") as second:
        async with server(tmp_path, "a") as first:
            desk = await open_desk(first, W)
            await first.workspaces.create(W, name="w", plan=desk.plan)
            await first.backlog.begin(W)
            await desk.spawn("Kept")
            await follow(second.redis, first.redis)
            common = await first.log.head(W, desk.session.id)
            await part(first.redis)
            await desk.spawn("Lost")
            lost = await first.log.head(W, desk.session.id)
        await command(second.redis, "REPLICAOF", "NO", "ONE")
        desk.adapters = second
        yield Pair(desk, common=common, lost=lost)


async def test_a_reader_of_lost_events_is_told_before_anything_new_is_there(pair: Pair) -> None:
    page = await pair.desk.adapters.log.read(W, pair.desk.session.id, after=pair.lost, limit=100)
    assert page.reset
    assert position_of(page.events[0]).offset == 1


async def test_a_reader_of_lost_events_is_told_when_their_numbers_were_given_to_others(pair: Pair) -> None:
    for name in ("New1", "New2", "New3"):
        await pair.desk.spawn(name)
    assert (await pair.head()).offset > pair.lost.offset
    page = await pair.desk.adapters.log.read(W, pair.desk.session.id, after=pair.lost, limit=100)
    assert page.reset
    assert sum("New" in text for text in page.events if "agent.spawning" in text) == 3


async def test_new_events_have_no_number_that_a_lost_one_had(pair: Pair) -> None:
    await pair.desk.spawn("New")
    page = await pair.desk.adapters.log.read(W, pair.desk.session.id, after=None, limit=100)
    new = [position_of(text) for text in page.events][pair.common.offset :]
    assert {cursor.epoch for cursor in new} == {(await pair.head()).epoch}
    assert (await pair.head()).epoch != pair.lost.epoch


async def test_a_reader_of_what_both_have_goes_on_without_a_word(pair: Pair) -> None:
    await pair.desk.spawn("New")
    page = await pair.desk.adapters.log.read(W, pair.desk.session.id, after=pair.common, limit=100)
    assert not page.reset
    assert [position_of(text).offset for text in page.events] == list(
        range(pair.common.offset + 1, page.head.offset + 1)
    )


async def test_the_epoch_changes_once(pair: Pair) -> None:
    await pair.desk.spawn("New1")
    epoch = (await pair.head()).epoch
    await pair.desk.spawn("New2")
    assert (await pair.head()).epoch == epoch


async def test_what_was_shipped_before_does_not_hide_what_is_new(pair: Pair) -> None:
    """A shipper marks what it had read of the old primary."""
    backlog, session = pair.desk.adapters.backlog, pair.desk.session.id
    await backlog.mark(W, session, pair.lost, keep=2000)
    await pair.desk.spawn("New")
    assert (await backlog.read_shipped(W, session)).offset <= pair.common.offset
    assert session in await backlog.waiting(W)
    await backlog.mark(W, session, pair.lost, keep=2000)
    assert (await backlog.read_shipped(W, session)).offset <= pair.common.offset


async def test_a_server_that_starts_again_with_its_data_goes_on_in_the_same_epoch(tmp_path: Path) -> None:
    async with server(tmp_path, "a") as first:
        desk = await open_desk(first, W)
        before = await first.log.head(W, desk.session.id)
        await command(first.redis, "SAVE")
    async with server(tmp_path, "a") as again:
        desk.adapters = again
        await desk.spawn("Worker")
        after = await again.log.head(W, desk.session.id)
        assert (after.epoch, after.offset > before.offset) == (before.epoch, True)
        page = await again.log.read(W, desk.session.id, after=before, limit=100)
        assert not page.reset


async def test_what_was_stopped_stays_stopped_after_a_fail_over(tmp_path: Path) -> None:
    async with server(tmp_path, "b") as second:
        async with server(tmp_path, "a") as first:
            desk = await open_desk(first, W)
            await first.workspaces.create(W, name="w", plan=desk.plan)
            await desk.idle("Worker")
            await first.stops.stop(W, WORKSPACE, name="", how=StopHow.PAUSE, by="Ada", member=None, note="")
            await follow(second.redis, first.redis)
            await part(first.redis)
        await command(second.redis, "REPLICAOF", "NO", "ONE")
        desk.adapters = second
        message, (delivery,) = await desk.send("Worker")
        assert delivery.because == "stopped"
        await second.stops.lift(W, WORKSPACE, by="Bob", member=None, note="")
        assert await desk.receipt(message) is ReceiptState.SENT


async def test_commands_under_the_numbers_of_lost_ones_are_taken(tmp_path: Path) -> None:
    """The machine stays connected over the fail-over, and knows commands that the new primary has never seen."""
    async with server(tmp_path, "b") as second:
        async with server(tmp_path, "a") as first:
            desk = await open_desk(first, W)
            await first.workspaces.create(W, name="w", plan=desk.plan)
            await desk.idle("Worker")
            await follow(second.redis, first.redis)
            await part(first.redis)
            await desk.send("Worker", "lost with the primary")
            seen = [seq for seq, _ in await first.links.commands(W, desk.link, after=0)][-1]
            await first.links.acknowledge(W, desk.link, fence=desk.attached.fence, seq=seen)
        await command(second.redis, "REPLICAOF", "NO", "ONE")
        desk.adapters = second
        before = desk.attached
        message, _ = await desk.send("Worker", "under its number")
        await desk.spawn("Other")
        # What the machine says it has seen does not let go of what it has not, and its gateway is told to let it go.
        await second.links.acknowledge(W, desk.link, fence=before.fence, seq=seen)
        assert await told_at_renewal(desk) == ["!kick"]
        attached = await desk.attach(a_hello(epoch=before.epoch, commands_seen=seen), epoch="next")
        assert attached.epoch == "next"
        taken = [each for each in await desk.commands(after=attached.commands_acked) if isinstance(each, Deliver)]
        assert [each.message_id for each in taken] == [message]
        assert await told_at_renewal(desk) == []


@contextlib.asynccontextmanager
async def promoted(tmp_path: Path) -> AsyncIterator[tuple[Desk, Callable[[], Awaitable[None]]]]:
    """A desk with an idle agent, Worker, and what promotes a replica that got nothing of what was done meanwhile."""
    async with server(tmp_path, "b") as second, server(tmp_path, "a") as first:
        desk = await open_desk(first, W)
        await first.workspaces.create(W, name="w", plan=desk.plan)
        await desk.idle("Worker")
        await follow(second.redis, first.redis)

        async def promote() -> None:
            await command(second.redis, "REPLICAOF", "NO", "ONE")
            desk.adapters = second

        yield desk, promote


async def test_a_machine_whose_reports_were_lost_comes_again_though_nothing_happens(tmp_path: Path) -> None:
    async with promoted(tmp_path) as (desk, promote):
        worker = await named(desk, "Worker")
        await part(desk.adapters.redis)
        await desk.state(worker, AgentReady(native_id="again"))
        await promote()
        assert await told_at_renewal(desk) == ["!kick"]
        await desk.attach(a_hello(spool_id="spool-2"))
        assert await told_at_renewal(desk) == []


async def test_reports_that_were_lost_come_again_and_are_applied_once(tmp_path: Path) -> None:
    """The end of a turn was lost: without it the agent would be busy for ever."""
    async with promoted(tmp_path) as (desk, promote):
        worker = await named(desk, "Worker")
        message, _ = await desk.send("Worker")
        await desk.handed(worker, message)
        while await command(desk.adapters.redis, "WAIT", "1", "100") != "1":
            await asyncio.sleep(0.01)
        await part(desk.adapters.redis)
        await desk.turn(worker, message, text="done once")
        await promote()
        with pytest.raises(Conflict, match="came after"):
            await desk.report(ReportsLost(lost=0, sent_again=0))
        attached = await desk.attach(a_hello(spool_id="spool-2"))
        assert attached.reports_seen == 0
        await desk.turn(worker, message, text="done once")
        await desk.report(ReportsLost(lost=4, sent_again=2))
        assert (await desk.receipt(message), await desk.state_of(worker)) == (ReceiptState.ANSWERED, AgentState.IDLE)
        assert [each["data"]["text"] for each in await desk.events("turn.ended")] == ["done once"]
        (told,) = await desk.events("link.reports_lost")
        assert told["data"] == {"proxy": desk.link, "machine": "laptop", "lost": 4, "sent_again": 2}
        assert (await desk.agent(worker.id)).generation == worker.generation


async def test_where_states_are_lost_for_good_a_new_process_goes_on_with_what_was_in_flight(tmp_path: Path) -> None:
    async with promoted(tmp_path) as (desk, promote):
        worker = await named(desk, "Worker")
        await part(desk.adapters.redis)
        await promote()
        message, _ = await desk.send("Worker")
        await desk.attach(a_hello(spool_id="spool-2", agents=live(worker)))
        before = len(await desk.commands())
        await desk.report(ReportsLost(lost=9000, sent_again=3, states=True))
        (spawn,) = (await desk.commands())[before:]
        assert isinstance(spawn, Spawn)
        assert (spawn.agent, spawn.generation) == (worker.id, worker.generation + 1)
        await desk.ready(await desk.agent(worker.id))
        again = [each for each in await desk.commands() if isinstance(each, Deliver)][-1]
        assert (again.message_id, again.generation) == (message, worker.generation + 1)


async def test_a_process_that_was_begun_in_the_lost_seconds_is_replaced_and_not_left_unheard(tmp_path: Path) -> None:
    async with promoted(tmp_path) as (desk, promote):
        worker = await named(desk, "Worker")
        await part(desk.adapters.redis)
        await desk.exited(worker)
        later = await desk.agent(worker.id)
        assert later.generation == worker.generation + 1
        await promote()
        await desk.attach(a_hello(spool_id="spool-2", agents=live(later)))
        spawn = (await desk.commands())[-1]
        assert isinstance(spawn, Spawn)
        assert spawn.generation == (await desk.agent(worker.id)).generation == later.generation + 1


async def test_nobody_is_asked_for_long_what_was_answered_in_the_lost_seconds(tmp_path: Path) -> None:
    async with promoted(tmp_path) as (desk, promote):
        worker = await named(desk, "Worker")
        await part(desk.adapters.redis)
        await promote()
        await desk.attach(a_hello(spool_id="spool-2", agents=live(worker)))
        await desk.ask(worker, "7")
        await desk.state(worker, ApprovalWithdrawn(native_id="7"), ApprovalWithdrawn(native_id="unknown"))
        (resolved,) = await desk.events("approval.resolved")
        assert resolved["data"]["status"] == "withdrawn"


async def named(desk: Desk, name: str) -> Agent:
    """The agent of that name."""
    agents = await desk.adapters.registry.agents(W, desk.session.id)
    return next(agent for agent in agents if agent.name == name)


async def told_at_renewal(desk: Desk) -> list[str]:
    """What the gateway of the desk's machine hears when it renews its lease."""
    redis = desk.adapters.redis
    async with redis.pubsub() as pubsub:
        await pubsub.subscribe(f"rc:{{{W}}}:l:{desk.link}")
        await desk.adapters.links.renew(W, {desk.link: Held(fence=desk.attached.fence, reports=desk.reported)})
        told = [await pubsub.get_message(timeout=0.5) for _ in range(3)]
    return [each["data"] for each in told if each and each["type"] == "message"]
