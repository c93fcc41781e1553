"""A store in trouble is said as such, wherever it is noticed, and goes on by itself."""

import asyncio
import contextlib
import resource
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import pytest
from redis.exceptions import BusyLoadingError, RedisError

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.scripts import Call, Scripts
from broker.domain.errors import Unavailable
from broker.domain.ids import WorkspaceId
from tests.fixtures.redis_servers import Server, about_session, data_server, opened, until_answering

WORKSPACE = WorkspaceId("w1")
Job = Callable[[TextRedis], Awaitable[object]]


async def command(redis: TextRedis) -> object:
    return await redis.hset("rc:{w1}:x", "field", "1")


async def pipeline(redis: TextRedis) -> object:
    pipe = redis.pipeline(transaction=False)
    pipe.hget("rc:{w1}:x", "field")
    pipe.hset("rc:{w1}:x", "field", "1")
    return await pipe.execute()


async def transaction(redis: TextRedis) -> object:
    pipe = redis.pipeline(transaction=True)
    pipe.hset("rc:{w1}:x", "field", "1")
    return await pipe.execute()


async def script(redis: TextRedis) -> object:
    return await Scripts(redis).run("create_session", WORKSPACE, **about_session())


async def script_once(redis: TextRedis) -> object:
    return await Scripts(redis).run_once("create_session", WORKSPACE, **about_session())


async def scripts_in_order(redis: TextRedis) -> None:
    calls = [Call("create_session", **about_session()) for _ in range(2)]
    await Scripts(redis).run_in_order(WORKSPACE, calls)


async def readiness(redis: TextRedis) -> None:
    await redis.require_writable()


JOBS = [command, pipeline, transaction, script, script_once, scripts_in_order, readiness]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Server]:
    async with data_server(tmp_path / "store") as made:
        yield made


async def refusals(redis: TextRedis) -> set[tuple[str, str]]:
    """What each way to write comes to, as (reason, message)."""
    found = set()
    for job in JOBS:
        with pytest.raises(Unavailable) as refused:
            await job(redis)
        error = refused.value
        assert (error.code, error.http_status, error.retryable) == ("STORE_UNAVAILABLE", 503, True)
        assert error.retry_after_s
        found.add((str(error.details["reason"]), error.message))
    return found


async def all_work(redis: TextRedis) -> None:
    for job in JOBS:
        await job(redis)


async def test_a_server_that_became_a_copy_says_so_and_is_left(store: Server, tmp_path: Path) -> None:
    async with opened(store.url) as redis, data_server(tmp_path / "other") as other:
        await all_work(redis)
        before = {each["id"] for each in await connections(store)}
        await store.ask("REPLICAOF", "127.0.0.1", other.port)
        ((reason, message),) = await refusals(redis)
        assert reason == "READONLY"
        assert "another server is taking over" in message
        assert not before & {each["id"] for each in await connections(store)}
        await store.ask("REPLICAOF", "NO", "ONE")
        await all_work(redis)


async def connections(server: Server) -> list[dict[str, str]]:
    """Those of the client under test."""
    return [each for each in await server.ask("CLIENT LIST") if each["cmd"] not in {"client|list", "psync", "replconf"}]


async def test_who_listens_on_a_server_that_became_a_copy_is_told_to_look_again(store: Server) -> None:
    async with opened(store.url) as redis:
        pubsub = redis.pubsub()
        await pubsub.subscribe("channel")
        confirmed = await anext(pubsub.listen())
        await store.ask("REPLICAOF", "127.0.0.1", 1)
        with pytest.raises(Unavailable):
            await command(redis)
        async with asyncio.timeout(20):
            again = await anext(pubsub.listen())
        assert (confirmed["type"], again["type"]) == ("subscribe", "subscribe")
        await pubsub.aclose()  # type: ignore[no-untyped-call]  # redis-py's has no types


async def test_a_full_memory_is_said_as_such(store: Server) -> None:
    async with opened(store.url) as redis:
        await all_work(redis)
        await store.ask("CONFIG", "SET", "maxmemory", 1)
        ((reason, message),) = await refusals(redis)
        assert (reason, "no memory left" in message) == ("OOM", True)
        await store.ask("CONFIG", "SET", "maxmemory", 0)
        await all_work(redis)


async def test_a_full_disk_is_said_in_the_servers_words(tmp_path: Path) -> None:
    """A limit on the size of its files ends its writes as a full disk does."""

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))

    async with data_server(tmp_path / "store", limit=limited) as store, opened(store.url) as redis:
        with pytest.raises(Unavailable):  # what is accepted last is written when there is room
            async with asyncio.timeout(60):
                while True:
                    await redis.set(f"rc:{uuid4().hex}", "x" * 10_000)
        ((reason, message),) = await refusals(redis)
        assert reason == "MISCONF"
        assert "its disk is full (Errors writing to the AOF file: No space left on device)" in message
        await give_room(store)
        async with asyncio.timeout(60):
            while True:
                with contextlib.suppress(Unavailable):
                    await redis.require_writable()
                    break
        await all_work(redis)


async def give_room(store: Server) -> None:
    process = store.process.pid
    resource.prlimit(process, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


async def test_a_long_script_is_said_as_such(store: Server) -> None:
    async with opened(store.url) as redis:
        await all_work(redis)
        await store.ask("CONFIG", "SET", "busy-reply-threshold", 1)
        looping = asyncio.create_task(store.ask("EVAL", "while true do end", 0))
        try:
            async with asyncio.timeout(20):
                while True:
                    with contextlib.suppress(Exception):
                        await store.ask("PING")
                        continue
                    break
            ((reason, message),) = await refusals(redis)
            assert (reason, "one long script" in message) == ("BUSY", True)
        finally:
            await store.ask("SCRIPT", "KILL")
            await asyncio.gather(looping, return_exceptions=True)
        await all_work(redis)


async def test_loading_is_said_as_such(tmp_path: Path) -> None:
    """The server is told to take its time over each key that it loads."""
    async with data_server(tmp_path / "store", "appendonly no") as store:
        await store.ask("EVAL", "for n = 1, 60000 do redis.call('SET', 'rc:' .. n, string.rep('x', 1000)) end", 0)
        await store.ask("SAVE")
    slow = ("appendonly no", "key-load-delay 300", "loading-process-events-interval-bytes 1024")
    slowly = data_server(tmp_path / "store", *slow, answering=False)
    async with slowly as store, opened(store.url) as redis:
        async with asyncio.timeout(30):
            while not await is_loading(store):
                await asyncio.sleep(0.02)
        assert {reason for reason, _ in await refusals(redis)} == {"LOADING"}
        await store.ask("CONFIG SET", "key-load-delay", 0)
        await until_answering(store)
        await all_work(redis)


async def is_loading(store: Server) -> bool:
    try:
        await store.ask("PING")
    except BusyLoadingError:
        return True
    except RedisError:
        return False
    raise AssertionError("it has loaded all")


async def test_a_server_that_is_gone_is_waited_for(tmp_path: Path) -> None:
    async with data_server(tmp_path / "store") as store, opened(store.url) as redis:
        await all_work(redis)
        await store.kill()
        ((reason, _),) = await refusals(redis)
        assert reason == "AWAY"
        async with data_server(tmp_path / "store", port=store.port):
            await all_work(redis)


async def test_a_wrong_password_and_missing_rights_are_said_as_such(store: Server) -> None:
    await store.ask("ACL", "SETUSER", "broker", "on", ">secret", "~rc:*", "&rc:*", "+@all", "-@dangerous", "-@admin")
    host = f"127.0.0.1:{store.port}"
    async with opened(f"redis://broker:wrong@{host}/0") as redis:
        assert {reason for reason, _ in await refusals(redis)} == {"WRONGPASS"}
    async with opened(f"redis://broker:secret@{host}/0") as redis:
        await all_work(redis)
        await store.ask("ACL", "SETUSER", "broker", "-set", "-hset", "-evalsha", "-eval")
        assert {reason for reason, _ in await refusals(redis)} == {"NOPERM"}


async def test_a_script_that_the_server_has_forgotten_is_sent_again_and_only_once(store: Server) -> None:
    async with opened(store.url) as redis:
        for job in (script, script_once, scripts_in_order):
            await store.ask("SCRIPT", "FLUSH")
            await job(redis)
        await store.ask("CONFIG", "RESETSTAT")
        await store.ask("ACL", "SETUSER", "default", "-eval")
        await store.ask("SCRIPT", "FLUSH")
        with pytest.raises(Unavailable):
            await scripts_in_order(redis)
        calls = await store.ask("INFO", "commandstats")
        assert calls["cmdstat_evalsha"]["calls"] == 3  # two, then the second of them once more


async def test_the_key_that_is_written_for_the_probe_ends_by_itself(store: Server) -> None:
    async with opened(store.url) as redis:
        await redis.require_writable()
        assert 0 < await store.ask("PTTL", keys.PROBE) <= 10_000
        await until_answering(store)
