"""Searching and paging the logs of a workspace, typed."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from broker.domain.ids import SessionId
from connect.sdk.api_client import ApiClient
from connect.sdk.types import Event, Wire

_MOST_HITS = 100
"""What the broker gives at once."""


class LogLine(Wire):
    """One line of the history; `text` is a piece of it, and `spans` where the search's words stand in that piece."""

    session: SessionId
    session_name: str = ""
    epoch: str
    offset: int
    at_ms: int
    kind: str
    event: str = ""
    agent: str = ""
    cli: str = ""
    tool: str = ""
    command: str = ""
    exit_code: int | None = None
    paths: tuple[str, ...] = ()
    ok: bool = True
    text: str = ""
    spans: tuple[tuple[int, int], ...] = ()


class LogHit(LogLine):
    """A line that matches, and what was logged around it."""

    before: tuple[LogLine, ...] = ()
    after: tuple[LogLine, ...] = ()


class LogHits(Wire):
    """Hits, newest first; pass `next` as `before` to go on behind them."""

    hits: tuple[LogHit, ...] = ()
    next: str | None = None
    incomplete: str | None = None
    """What may be missing, in words, when a part of the history cannot be read."""


class LogBucket(Wire):
    """How many lines match in a span of time."""

    at_ms: int
    span_ms: int
    count: int
    failed: int = 0


class LogCount(Wire):
    """How many lines have a value."""

    value: str
    count: int
    name: str = ""
    """Of a session, whose value is its id."""


class LogPage(Wire):
    """Events of one session in order, and the places on both sides of them."""

    events: tuple[Event, ...] = ()
    before: str | None = None
    """None at the beginning of what is kept."""
    after: str
    head: str
    reset: bool = False
    incomplete: str | None = None
    """What may be missing, in words, when a part of the history cannot be read."""


class Logs:
    """Asks one broker. A search without a session looks in all that the token may see."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    async def search(
        self, query: str, *, session: str | None = None, limit: int = 50, before: str | None = None, context: int = 0
    ) -> LogHits:
        """The newest `limit` hits, in as many requests as that takes. Raises `BadRequest` with the place at fault."""
        hits: list[LogHit] = []
        while True:
            asked = {"limit": min(_MOST_HITS, limit - len(hits)), "context": context, "before": before}
            page = LogHits.model_validate(await self._ask("search", query, session, asked))
            hits += page.hits
            before = page.next
            if before is None or len(hits) >= limit:
                return LogHits(hits=tuple(hits), next=before, incomplete=page.incomplete)

    async def histogram(self, query: str, *, session: str | None = None, buckets: int = 60) -> list[LogBucket]:
        """Counts over time in at most `buckets` equal spans; empty ones are left out."""
        found = await self._ask("histogram", query, session, {"buckets": buckets})
        return [LogBucket.model_validate(each) for each in found["buckets"]]

    async def facets(self, query: str, field: str, *, session: str | None = None, limit: int = 20) -> list[LogCount]:
        """The most frequent values of a field."""
        found = await self._ask("facets", query, session, {"field": field, "limit": limit})
        return [LogCount.model_validate(each) for each in found["values"]]

    async def page(
        self,
        session: str,
        *,
        before: str | None = None,
        after: str | None = None,
        at: str | None = None,
        limit: int = 100,
    ) -> LogPage:
        """A page of one session's log, by one of its places; without any the newest."""
        query = _drop_unset({"before": before, "after": after, "at": at, "limit": limit})
        return LogPage.model_validate(
            await self._api.call("GET", f"/v1/sessions/{quote(session, safe='')}/log", query=query)
        )

    async def _ask(self, what: str, query: str, session: str | None, more: dict[str, str | int | None]) -> Any:
        asked = _drop_unset({"q": query, "session": session, **more})
        return await self._api.call("GET", f"/v1/logs/{what}", query=asked)


def _drop_unset(query: dict[str, str | int | None]) -> dict[str, str | int]:
    return {name: value for name, value in query.items() if value is not None}
