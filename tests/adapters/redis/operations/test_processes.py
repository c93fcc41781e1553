from pathlib import Path
from uuid import uuid4

from broker.adapters.redis import keys
from broker.adapters.redis.operations.processes import RedisProcesses
from broker.app import Adapters
from broker.domain.operations.status import BrokerProcess, ProcessKind
from tests.fixtures.redis_servers import data_server, opened


def process(kind: ProcessKind) -> BrokerProcess:
    return BrokerProcess(id=uuid4().hex, kind=kind, version="1.0", host="h", pid=7, started_at_ms=5, url="http://x")


async def left_ms(adapters: Adapters, one: BrokerProcess) -> int:
    """How long it counts as alive without another beat."""
    return int(await adapters.redis.eval("return redis.call('PTTL', KEYS[1])", 1, keys.process(one.id)))


async def test_a_process_is_there_while_it_says_so_and_gone_after_its_end(adapters: Adapters) -> None:
    one = process(ProcessKind.WORKER)
    await adapters.processes.beat(one)
    assert one in await adapters.processes.alive()
    assert 0 < await left_ms(adapters, one) <= 20_000
    await adapters.processes.end(one)
    assert one not in await adapters.processes.alive()


async def test_one_that_was_killed_is_forgotten(adapters: Adapters) -> None:
    one = process(ProcessKind.GATEWAY)
    await adapters.processes.beat(one)
    await adapters.redis.delete(keys.process(one.id))  # what its expiry does
    assert one not in await adapters.processes.alive()
    assert one.id not in await adapters.redis.smembers(keys.PROCESSES)


async def test_one_whose_life_is_too_long_by_the_clock_lives_as_long_as_any(adapters: Adapters) -> None:
    """The store's clock was set back since its last beat."""
    one = process(ProcessKind.WORKER)
    await adapters.processes.beat(one)
    await adapters.redis.pexpire(keys.process(one.id), 3_600_000)
    assert one in await adapters.processes.alive()
    assert await left_ms(adapters, one) <= 20_000


async def test_a_store_that_takes_no_writes_tells_who_lives(tmp_path: Path) -> None:
    async with data_server(tmp_path / "store") as store, opened(store.url) as redis:
        processes = RedisProcesses(redis)
        here, gone, early = (process(ProcessKind.GATEWAY) for _ in range(3))
        for each in (here, gone, early):
            await processes.beat(each)
        await redis.delete(keys.process(gone.id))
        await redis.pexpire(keys.process(early.id), 3_600_000)
        await store.ask("REPLICAOF", "127.0.0.1", 1)
        assert {each.id for each in await processes.alive()} == {here.id, early.id}
