"""All that is in Redis, as lines of JSON: each key with its type, its value and its end.

It says what keys hold, not how a server writes that down, so it can be restored into any server: another version,
Valkey or Redis. While it is read, writes wait (`CLIENT PAUSE … WRITE`), so that it is all of one moment.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any, cast

import orjson
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from broker.adapters.redis import keys
from broker.adapters.redis.connecting.addresses import StoreKind, read_address
from broker.adapters.redis.connecting.opening import open_redis
from broker.domain.errors import BadRequest, Conflict

_OURS = "rc:*"
_PAUSE_MS = 10_000
_RENEW_S = 3.0
"""A pause is renewed so often; one whose backup was killed ends by itself after it."""
_AT_ONCE = 200
"""Keys for one round trip."""
_FLEETING = (keys.FORMAT_LOCK, keys.PROBE, keys.PROCESSES)
"""Of the processes that ran when it was made."""
_SESSION = re.compile(r"rc:\{[^}]*\}:s:[^:]+")
_LINK = re.compile(r"rc:\{[^}]*\}:l:.+")
_LONGEST_EPOCH = 256
Json = dict[str, Any]


@asynccontextmanager
async def open_store(url: str) -> AsyncIterator[Redis]:
    """The store at a URL. Raises `BadRequest` for a Cluster, whose nodes cannot be stopped at one moment."""
    if read_address(url).kind is StoreKind.CLUSTER:
        raise BadRequest("a Redis Cluster cannot be backed up from here: use what its servers have for that")
    store = open_redis(url)
    try:
        yield cast(Redis, store)  # which it is; `TextRedis` names only what the broker needs
    finally:
        await store.aclose()


@asynccontextmanager
async def pause_writes(store: Redis) -> AsyncIterator[None]:
    """Let writes wait for the block."""

    async def hold() -> None:
        while True:
            await store.client_pause(_PAUSE_MS, all=False)
            held.set()
            await asyncio.sleep(_RENEW_S)

    held = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        holding = tasks.create_task(hold(), name="pause")
        await held.wait()
        try:
            yield
        finally:
            holding.cancel()
            await store.client_unpause()


async def read_all(store: Redis) -> AsyncIterator[bytes]:
    """A line for each key; call it while the store is paused."""
    names = await _names(store)
    for some in _batches(names):
        pipe = store.pipeline(transaction=False)
        for name in some:
            pipe.type(name)
            pipe.execute_command("PEXPIRETIME", name)
        found = await pipe.execute()
        kinds, ends = found[::2], found[1::2]
        for name, kind, end, value in zip(some, kinds, ends, await _values(store, some, kinds), strict=True):
            if kind != "none":  # it has ended since it was listed
                yield orjson.dumps({"key": name, "type": kind, "ends_at_ms": end if end > 0 else None, "value": value})


async def write_all(store: Redis, lines: Iterable[bytes]) -> int:
    """Make the keys of lines again in an empty store; how many. Each log begins a new branch where it ends here, and
    so do the commands for each machine.

    Raises `Conflict` (NOT_EMPTY) for a store that holds something of ours.
    """
    if await _names(store):
        raise Conflict("there is an installation in this store already; restore into an empty one", code="NOT_EMPTY")
    tag, written = secrets.token_hex(4), 0
    for some in _batches(map(orjson.loads, lines)):
        pipe = store.pipeline(transaction=False)
        for row in some:
            _make(pipe, row["key"], row["type"], _branch(row, tag))
            if row["ends_at_ms"] is not None:
                pipe.execute_command("PEXPIREAT", row["key"], row["ends_at_ms"])
        await pipe.execute()
        written += len(some)
    return written


def _branch(row: Json, tag: str) -> Any:
    """What has numbers, so that no number behind its end is taken for the one that was given before."""
    value = row["value"]
    if row["type"] != "hash" or "epoch" not in value:
        return value
    if _LINK.fullmatch(row["key"]):  # `attach_link.lua` compares it with what the machine has seen
        return {**value, "restored": value.get("sent", "0")}
    if _SESSION.fullmatch(row["key"]):  # as `fork_log` of `lib/log.lua` leaves it
        epoch = f"{value['epoch']}.{value['offset']}-{tag}"
        value = {name: held for name, held in value.items() if name != "history"}
        return {**value, "epoch": epoch if len(epoch) <= _LONGEST_EPOCH else tag}
    return value


async def _names(store: Redis) -> list[str]:
    found = {name async for name in store.scan_iter(match=_OURS, count=1000)}
    return sorted(name for name in found if not name.startswith(_FLEETING))


async def _values(store: Redis, names: Sequence[str], kinds: Sequence[str]) -> list[Any]:
    pipe = store.pipeline(transaction=False)
    for name, kind in zip(names, kinds, strict=True):
        _ask(pipe, name, kind)
    answers = iter(await pipe.execute())
    return [_describe(answers, kind) for kind in kinds]


def _ask(pipe: Pipeline, name: str, kind: str) -> None:
    match kind:
        case "string":
            pipe.get(name)
        case "hash":
            pipe.hgetall(name)
        case "set":
            pipe.smembers(name)
        case "zset":
            pipe.zrange(name, 0, -1, withscores=True)
        case "list":
            pipe.lrange(name, 0, -1)
        case "stream":
            pipe.xrange(name)
            pipe.xinfo_stream(name)
        case "none":
            pass
        case _:
            raise BadRequest(f"{name} is a {kind}, which this version does not know")


def _describe(answers: Iterator[Any], kind: str) -> Any:
    match kind:
        case "none":
            return None
        case "set":
            return sorted(next(answers))
        case "stream":
            return {"entries": next(answers), "last": next(answers)["last-generated-id"]}
        case _:
            return next(answers)


def _make(pipe: Pipeline, name: str, kind: str, value: Any) -> None:
    match kind:
        case "string":
            pipe.set(name, value)
        case "hash":
            pipe.hset(name, mapping=value)
        case "set":
            pipe.sadd(name, *value)
        case "zset":
            pipe.zadd(name, dict(value))
        case "list":
            pipe.rpush(name, *value)
        case "stream":
            for entry, fields in value["entries"]:
                pipe.xadd(name, fields, id=entry)
            if not value["entries"]:  # one that is empty is there all the same, and remembers its last number
                pipe.xadd(name, {"e": ""}, id=value["last"] if value["last"] != "0-0" else "0-1")
                pipe.xtrim(name, maxlen=0, approximate=False)
            pipe.execute_command("XSETID", name, value["last"])


def _batches(all_: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(all_)
    while some := list(islice(rest, _AT_ONCE)):
        yield some
