"""A Redis Cluster behind the same protocol as a single server.

Everything of a workspace is in one slot, so that a script, a pipeline or a scan of it is one node's. Keys outside any
workspace are used alone, each in whatever slot it falls. Publications reach every node, so one may be listened to
anywhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import weakref
from collections.abc import AsyncIterator
from typing import Any, cast

from redis.asyncio import ConnectionPool
from redis.asyncio.client import PubSub
from redis.asyncio.cluster import ClusterNode, ClusterPipeline, RedisCluster
from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection
from redis.event import EventDispatcher
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MaxConnectionsError, NoScriptError, RedisClusterException, RedisError
from typing_extensions import override

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis, raise_first
from broker.adapters.redis.connecting.addresses import BadStoreUrl, StoreAddress
from broker.adapters.redis.connecting.connections import (
    MAX_CONNECTIONS,
    PROBE_MS,
    SOCKET_TIMEOUT_S,
    Cancellable,
    cancellable,
    connection_options,
)
from broker.adapters.redis.trouble import no_service, unavailable

_LISTENING = 8
"""Connections that listen, beside those for commands."""
_PROBES = 1000
"""Tags that are tried to find one for each node; a node with so few slots that none fits is not probed."""


class _ClusterStore(RedisCluster):
    """Says `Unavailable` for whatever keeps the cluster from serving."""

    def __init__(self, address: StoreAddress) -> None:
        options = connection_options(address)
        del options["retry_on_error"]
        if issubclass(address.connection, SSLConnection):
            options["ssl"] = True
        listening = {**connection_options(address), "cluster": weakref.proxy(self)}
        most = int(address.pool_options.get("max_connections", MAX_CONNECTIONS))
        nodes = [ClusterNode(host, port) for host, port in address.hosts]
        super().__init__(startup_nodes=nodes, max_connections=2 * most + _LISTENING, **options)
        self._use(cancellable(self.connection_kwargs["connection_class"]))
        # One that waits for a free connection is not refused; a pipeline's commands may be sent one by one, so they
        # must not wait behind pipelines.
        self._commands, self._pipelines = asyncio.Semaphore(most), asyncio.Semaphore(most)
        kind = _listening(address.connection)
        self._listening = ConnectionPool(connection_class=kind, max_connections=_LISTENING, **listening)

    def _use(self, kind: type[AbstractConnection]) -> None:
        self.connection_kwargs["connection_class"] = kind
        for node in self.nodes_manager.startup_nodes.values():
            node.connection_class = cast(type[Connection], kind)

    @override
    async def execute_command(self, *args: Any, **options: Any) -> Any:
        try:
            async with _turn(self._commands):
                await self.initialize()
                return await super().execute_command(*args, **options)
        except (RedisError, RedisClusterException) as error:
            raise _to_error(error) from error

    async def _look_around(self) -> None:
        """Know the nodes. Raises `Unavailable`."""
        try:
            await self.initialize()
        except (RedisError, RedisClusterException) as error:
            raise _to_error(error) from error

    @override
    async def scan(self, cursor: int = 0, match: str | None = None, count: int | None = None, **_: Any) -> Any:  # type: ignore[override]  # one node's, not all
        """The keys of one slot: `match` begins with the tag of a workspace."""
        assert match is not None, "a scan is of one workspace"
        await self._look_around()
        node = self.get_node_from_key(match)
        assert node is not None, "of a primary"
        pieces = [cursor, "MATCH", match, *([] if count is None else ["COUNT", count])]
        cursors, found = await self.execute_command("SCAN", *pieces, target_nodes=node)
        return cursors[node.name], found

    @override
    async def time(self, **_: Any) -> Any:
        """By one node's clock."""
        await self._look_around()
        return await self.execute_command("TIME", target_nodes=self.any_primary())

    @override
    async def info(self, section: str | None = None, *_: str, **__: Any) -> Any:
        """Of one node."""
        await self._look_around()
        return await self.execute_command("INFO", section or "default", target_nodes=self.any_primary())

    @override
    def pipeline(self, transaction: Any = None, shard_hint: Any = None) -> ClusterPipeline:
        assert not transaction, "a cluster's pipelines are no transactions"
        return _ClusterStorePipeline(self, self._pipelines)

    @override
    def pubsub(self, **options: Any) -> PubSub:  # type: ignore[override]  # not bound to a node, which may go
        return PubSub(self._listening, encoder=self.encoder, **options)

    async def require_writable(self) -> None:
        """That all slots are served, and that each primary takes a write."""
        await self._look_around()
        said = await self.execute_command("CLUSTER INFO", target_nodes=self.any_primary())
        if said["cluster_state"] != "ok":
            raise no_service("CLUSTERDOWN")
        for key in self._probe_keys():
            await self.execute_command("SET", key, "1", "PX", PROBE_MS)

    def any_primary(self) -> ClusterNode:
        """One that is known."""
        return random.choice(self.get_primaries())  # noqa: S311 - no secret

    def _probe_keys(self) -> list[str]:
        """A key for each primary."""
        found: dict[str, str] = {}
        missing = len(self.get_primaries())
        for number in range(_PROBES):
            key = f"{keys.PROBE}:{number}"
            node = self.get_node_from_key(key)
            if node is not None and node.name not in found:
                found[node.name] = key
                if len(found) == missing:
                    break
        return list(found.values())

    @override
    async def aclose(self) -> None:
        """Whoever listens closes that itself; redis-py calls this too, whenever the cluster has changed."""
        await super().aclose()
        # redis-py closes nothing of a cluster that it has lost sight of.
        await self.nodes_manager.aclose()
        await self.nodes_manager.aclose("startup_nodes")


class _ClusterStorePipeline(ClusterPipeline):
    _event_dispatcher = EventDispatcher()  # what redis-py's declares and does not set

    def __init__(self, store: _ClusterStore, pipelines: asyncio.Semaphore) -> None:
        super().__init__(store)
        self._pipelines = pipelines

    @override
    async def execute(self, raise_on_error: bool = True, allow_redirections: bool = True) -> list[Any]:
        try:
            async with _turn(self._pipelines):
                await self.cluster_client.initialize()
                results = await super().execute(raise_on_error=False, allow_redirections=allow_redirections)
        except (RedisError, RedisClusterException) as error:
            raise _to_error(error) from error
        results = [_to_error(each) if isinstance(each, RedisError) else each for each in results]
        if raise_on_error:
            raise_first(results)
        return results


def _to_error(error: RedisError | RedisClusterException) -> Exception:
    """What to raise; a script that is not known is for the script's owner."""
    return error if isinstance(error, NoScriptError) else unavailable(error) or error


@contextlib.asynccontextmanager
async def _turn(free: asyncio.Semaphore) -> AsyncIterator[None]:
    """Wait for a connection's worth of room."""
    try:
        async with asyncio.timeout(SOCKET_TIMEOUT_S):
            await free.acquire()
    except TimeoutError:
        raise MaxConnectionsError("all connections are in use") from None
    try:
        yield
    finally:
        free.release()


class _ListeningConnection(Cancellable):
    """Leads to any node that is there: the one it led to may be gone when it has to be made anew."""

    def __init__(self, *, cluster: _ClusterStore, **options: Any) -> None:
        super().__init__(**options)
        self._cluster = cluster

    @override
    async def connect_check_health(self, check_health: bool = True, retry_socket_connect: bool = True) -> None:
        if not self.is_connected:
            try:
                await self._cluster.initialize()
            except RedisClusterException as error:
                raise RedisConnectionError(str(error)) from error
            node = self._cluster.any_primary()
            self.host, self.port = node.host, node.port
        await super().connect_check_health(check_health, retry_socket_connect)


def _listening(kind: type[AbstractConnection]) -> type[AbstractConnection]:
    return type(kind.__name__, (_ListeningConnection, kind), {})


def open_cluster(address: StoreAddress) -> TextRedis:
    """A client for the cluster that has these nodes. Raises `BadStoreUrl`."""
    try:
        store = _ClusterStore(address)
    except TypeError as error:
        raise BadStoreUrl(f"has an option that a cluster does not know: {str(error).rpartition(' ')[2]}") from None
    # Its pool decodes every reply, which redis-py's types cannot say.
    return cast(TextRedis, store)
