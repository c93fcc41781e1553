"""Opens the store at a URL with the settings that this product needs."""

from __future__ import annotations

from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.connecting.addresses import StoreKind, read_address
from broker.adapters.redis.connecting.cluster import open_cluster
from broker.adapters.redis.connecting.primary import open_primary


def open_redis(url: str) -> TextRedis:
    """A client for the store at a URL. Raises `BadStoreUrl`.

    `from_url` of redis-py retries nothing unless told; every script of ours may be sent twice, so retrying is safe.
    """
    address = read_address(url)
    return open_cluster(address) if address.kind is StoreKind.CLUSTER else open_primary(address)
