"""The HTTP API of the logs: searches over the history, and pages of one session's log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from broker.domain.errors import BadRequest
from broker.domain.instants import to_ms
from broker.domain.logs.damage import LogDamage
from broker.domain.logs.events import parse_cursor
from broker.domain.logs.pages import MAX_PAGE, Facet, parse_search_cursor
from broker.domain.logs.search.parser import instant
from broker.domain.people.access import Principal
from broker.gateway.serving.answers import Answer, guard, integer, measure
from broker.gateway.serving.credentials import credential
from broker.services.container import Services
from broker.services.logs.reader import LogSpan
from broker.services.logs.search import MAX_CONTEXT, MAX_HITS, FoundHit, FoundLine

_PLACES = ("before", "after", "at")


class LogsApi:
    """The endpoints. Each authenticates, calls one service and answers with its result."""

    def __init__(self, services: Services) -> None:
        self._s = services

    def routes(self) -> list[BaseRoute]:
        """All routes; every one only reads."""
        table = {
            "/v1/logs/search": self.search,
            "/v1/logs/histogram": self.histogram,
            "/v1/logs/facets": self.facets,
            "/v1/sessions/{session}/log": self.page,
        }
        return [Route(path, measure(path, guard(endpoint)), methods=["GET"]) for path, endpoint in table.items()]

    async def search(self, request: Request) -> Response:
        """Lines that match, newest first: `?q=&session=&limit=&before=&context=`."""
        principal = await self._caller(request)
        before = request.query_params.get("before")
        found = await self._s.log_search.search(
            principal,
            _query(request),
            session=request.query_params.get("session"),
            limit=integer(request, "limit", default=50, most=MAX_HITS),
            before=parse_search_cursor(before) if before else None,
            context=integer(request, "context", default=0, least=0, most=MAX_CONTEXT),
        )
        return Answer(
            {
                "hits": [_hit(hit) for hit in found.hits],
                "next": str(found.next) if found.next else None,
                "incomplete": _describe(found.damage),
            }
        )

    async def histogram(self, request: Request) -> Response:
        """Counts over time: `?q=&session=&buckets=`."""
        principal = await self._caller(request)
        buckets = await self._s.log_search.histogram(
            principal,
            _query(request),
            session=request.query_params.get("session"),
            buckets=integer(request, "buckets", default=60, most=MAX_PAGE),
        )
        shown = [
            {
                "at_ms": to_ms(bucket.at),
                "span_ms": round(bucket.span.total_seconds() * 1000),
                "count": bucket.count,
                "failed": bucket.failed,
            }
            for bucket in buckets
        ]
        return Answer({"buckets": shown, "incomplete": _describe(self._s.log_search.damage)})

    async def facets(self, request: Request) -> Response:
        """The most frequent values of a field: `?field=&q=&session=&limit=`."""
        principal = await self._caller(request)
        field = request.query_params.get("field", "")
        if field not in set(Facet):
            raise BadRequest(f"field: one of {', '.join(Facet)}")
        counts = await self._s.log_search.facets(
            principal,
            _query(request),
            Facet(field),
            session=request.query_params.get("session"),
            limit=integer(request, "limit", default=20, most=MAX_HITS),
        )
        return Answer({"field": field, "values": counts, "incomplete": _describe(self._s.log_search.damage)})

    async def page(self, request: Request) -> Response:
        """A page of one session's log: `?after=<cursor>`, `?before=<cursor>`, `?at=<time>`, else the newest."""
        principal = await self._caller(request)
        session = await self._s.sessions.get(principal, request.path_params["session"])
        limit = integer(request, "limit", default=100, most=MAX_PAGE)
        match [(name, text) for name in _PLACES if (text := request.query_params.get(name))]:
            case []:
                span = await self._s.log_reader.before(principal, session, before=None, limit=limit)
            case [("before", text)]:
                span = await self._s.log_reader.before(principal, session, before=parse_cursor(text), limit=limit)
            case [("after", text)]:
                after = None if text == "0" else parse_cursor(text)
                span = await self._s.log_reader.after(principal, session, after=after, limit=limit)
            case [(_, text)]:
                span = await self._s.log_reader.at(principal, session, at=_time(text), limit=limit)
            case _:
                raise BadRequest(f"one of {', '.join(_PLACES)} at a time")
        return _span(span)

    async def _caller(self, request: Request) -> Principal:
        return await self._s.access.authenticate(credential(request))


def _query(request: Request) -> str:
    return request.query_params.get("q", "")


def _time(text: str) -> datetime:
    try:
        return instant(text, datetime.now(UTC))
    except (ValueError, OverflowError):
        raise BadRequest("at: an age such as 2h or 7d, or a time like 2026-01-31T10:00") from None


def _describe(damage: LogDamage | None) -> str | None:
    return None if damage is None else str(damage)


def _span(span: LogSpan) -> Response:
    """The events are JSON texts already."""
    places = {
        "before": str(span.before) if span.before else None,
        "after": str(span.after),
        "head": str(span.head),
        "reset": span.reset,
        "incomplete": _describe(span.damage),
    }
    head = orjson.dumps(places)
    body = b'{"ok":true,"data":{"events":[%s],%s}' % (",".join(span.events).encode(), head[1:])
    return Response(body, media_type="application/json")


def _hit(hit: FoundHit) -> dict[str, Any]:
    return {
        **_line(hit.line),
        "before": [_line(each) for each in hit.before],
        "after": [_line(each) for each in hit.after],
    }


def _line(line: FoundLine) -> dict[str, Any]:
    row = line.row
    return {
        "session": row.session,
        "session_name": line.session_name,
        "epoch": row.epoch,
        "offset": row.offset,
        "at_ms": row.at_ms,
        "kind": row.kind,
        "event": row.event,
        "agent": row.agent,
        "cli": row.cli,
        "tool": row.tool,
        "command": row.command,
        "exit_code": row.exit_code,
        "paths": row.paths,
        "ok": row.ok,
        "text": line.excerpt.text,
        "spans": [[span.start, span.end] for span in line.excerpt.spans],
    }
