"""Executes a request once, however often its caller sends it."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import orjson

from broker.domain.errors import BadRequest, Conflict, RelayError, Unavailable
from broker.domain.people.access import Principal
from broker.services.messages.router import digest
from broker.services.permissions import open_to_all
from broker.services.ports import RequestRecords

REMEMBERED_S = 24 * 3600
"""How long after it was carried out the same request is known again."""
_IN_HAND_S = 60
"""A request that is not carried out by now was given up by its process: it may be tried again."""
_LONGEST_KEY = 200


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a request came to: mostly the id of a thing."""

    text: str
    repeated: bool = False
    """It was carried out before, and not now."""


class Requests:
    """Knows what each caller asked for under a key of its own choice."""

    def __init__(self, records: RequestRecords) -> None:
        self._records = records

    @open_to_all("what is asked for requires something")
    async def once(
        self, principal: Principal, key: str | None, *, about: tuple[object, ...], act: Callable[[], Awaitable[str]]
    ) -> Outcome:
        """Carry a request out, or tell what it came to before. Without a key it is always new.

        `about` is what was asked. Raises what `act` does, `Conflict` (IDEMPOTENCY_MISMATCH), `BadRequest`, and
        `Unavailable` (IN_PROGRESS) while the same is being carried out, or might have been when the store went away.
        """
        if key is None:
            return Outcome(await act())
        workspace, asked = principal.workspace, digest(*about)
        request = digest(principal.token_id, check_key(key))
        entry = orjson.dumps({"asked": asked, "attempt": secrets.token_hex(8)})
        known = await self._records.begin(workspace, request, entry, seconds=_IN_HAND_S)
        if known is not None:
            return _read_known(known, asked)
        try:
            text = await act()
        except Unavailable:
            raise  # it may have been carried out, in part or all: nobody can say until the entry has ended
        except RelayError:
            await self._records.drop(workspace, request, entry)
            raise
        done = orjson.dumps({"asked": asked, "outcome": text})
        await self._records.finish(workspace, request, entry, done, seconds=REMEMBERED_S)
        return Outcome(text)


def check_key(key: str) -> str:
    """A caller's own id for a request. Raises `BadRequest`."""
    if not 1 <= len(key) <= _LONGEST_KEY:
        raise BadRequest(f"an id for a request has 1 to {_LONGEST_KEY} characters")
    return key


def _read_known(entry: str, asked: str) -> Outcome:
    found = orjson.loads(entry)
    if found["asked"] != asked:
        raise Conflict("this id was used for another request", code="IDEMPOTENCY_MISMATCH")
    if "outcome" not in found:
        raise Unavailable("the same request is being carried out; ask again", code="IN_PROGRESS", retry_after_s=1)
    return Outcome(found["outcome"], repeated=True)
