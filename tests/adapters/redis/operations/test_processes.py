from uuid import uuid4

from broker.adapters.redis import keys
from broker.app import Adapters
from broker.domain.operations.status import BrokerProcess, ProcessKind


def process(kind: ProcessKind) -> BrokerProcess:
    return BrokerProcess(id=uuid4().hex, kind=kind, version="1.0", host="h", pid=7, started_at_ms=5, url="http://x")


async def test_a_process_is_there_while_it_says_so_and_gone_after_its_end(adapters: Adapters) -> None:
    one = process(ProcessKind.WORKER)
    await adapters.processes.beat(one)
    assert one in await adapters.processes.alive()
    left_ms = await adapters.redis.eval("return redis.call('PTTL', KEYS[1])", 1, keys.process(one.id))
    assert 0 < left_ms <= 20_000
    await adapters.processes.end(one)
    assert one not in await adapters.processes.alive()


async def test_one_that_was_killed_is_forgotten(adapters: Adapters) -> None:
    one = process(ProcessKind.GATEWAY)
    await adapters.processes.beat(one)
    await adapters.redis.delete(keys.process(one.id))  # what its expiry does
    assert one not in await adapters.processes.alive()
    assert one.id not in await adapters.redis.smembers(keys.PROCESSES)
