"""What Redis says when it cannot serve, as the one refusal that callers know: `Unavailable`, with its reason."""

from __future__ import annotations

import re

from redis.asyncio.sentinel import MasterNotFoundError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MaxConnectionsError, RedisClusterException, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from broker.domain.errors import Unavailable

_REASONS = {
    "READONLY": "is a copy now and takes no writes: another server is taking over",
    "LOADING": "is loading its data",
    "MASTERDOWN": "has lost the server that it is a copy of",
    "CLUSTERDOWN": "is a cluster with parts missing",
    "TRYAGAIN": "is moving data between its nodes",
    "MOVED": "is a node of a cluster: the broker has to be given redis+cluster://… for it",
    "ASK": "is a node of a cluster: the broker has to be given redis+cluster://… for it",
    "STANDALONE": "is no cluster: the broker has to be given redis://… for it",
    "BUSY": "is held up by one long script",
    "OOM": "has no memory left (its maxmemory is reached)",
    "MISCONF": "cannot write to its disk",
    "NOREPLICAS": "has too few copies to accept writes",
    "NOAUTH": "wants a password",
    "WRONGPASS": "refuses the broker's user or password",
    "NOPERM": "does not permit its user what the broker needs",
    "SENTINEL": "is a Sentinel: the broker has to be given redis+sentinel://… for it",
    "NOSCRIPT": "forgets the broker's scripts",
}
"""By the word that Redis' answer begins with; the same word when it comes out of a script or a pipeline."""
NOT_AS_GIVEN = frozenset({"MOVED", "ASK", "SENTINEL", "STANDALONE", "NOAUTH", "WRONGPASS", "NOPERM"})
"""The broker was given a wrong address, or one without the rights it needs: that does not pass by itself."""
_OPERATORS = NOT_AS_GIVEN | {"OOM", "MISCONF"}
"""Somebody has to do something first, so there is no hurry to ask again."""
_CODE = re.compile(r"(?:^|caused error: \(['\"])([A-Z]+) ")
"""redis-py puts a pipeline's command before the answer."""
_FULL_DISK = "No space left on device"
_SOON_S, _LATER_S = 1, 5


def unavailable(error: RedisError | RedisClusterException) -> Unavailable | None:
    """The refusal for an answer that says that Redis cannot serve now; None for one that is about the command."""
    code = error.status_code if isinstance(error, RedisError) else None
    if code is None and (found := _CODE.search(str(error))):
        code = found[1]
    if code in _REASONS:
        return no_service(code, str(error))
    if isinstance(error, RedisClusterException) and "not enabled" in str(error):
        return no_service("STANDALONE")
    if isinstance(error, RedisConnectionError | RedisTimeoutError | RedisClusterException):
        return store_away(error)
    return None


def no_service(code: str, text: str = "") -> Unavailable:
    """The refusal for a known code, and what Redis said with it."""
    return _refusal(code, f"the broker's store {_in_words(code, text)}")


def store_away(error: Exception) -> Unavailable:
    """The refusal for a Redis that does not answer."""
    return _refusal("AWAY", f"the broker's store {_silence(error)}")


def _refusal(code: str, problem: str) -> Unavailable:
    again = _LATER_S if code in _OPERATORS else _SOON_S
    advice = "" if code in NOT_AS_GIVEN else "; try again"
    return Unavailable(f"{problem}{advice}", retry_after_s=again, details={"reason": code})


def _in_words(code: str, text: str) -> str:
    if code != "MISCONF":
        return _REASONS[code]
    # Redis names what failed and the system's reason, and nothing of ours: the operator needs both.
    said = text.partition("MISCONF ")[2].partition(" script: ")[0].strip(" .'\",)")
    problem = "has no room left: its disk is full" if _FULL_DISK in text else _REASONS[code]
    return f"{problem} ({said})" if said else problem


def _silence(error: Exception) -> str:
    text = str(error)
    if isinstance(error, MasterNotFoundError):
        return "has no primary that its Sentinels know of"
    if isinstance(error, MaxConnectionsError) or "No connection available" in text:
        return "has not answered earlier requests: all connections to it are in use"
    if "max number of clients" in text:
        return "has too many clients"
    if "certificate" in text.lower():
        return "cannot be trusted: its TLS certificate is not good"
    if isinstance(error, RedisTimeoutError | TimeoutError):
        return "does not answer in time"
    return f"does not answer ({type(error).__name__})"
