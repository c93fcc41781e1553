"""The HTTP API of the audit trail: pages for people, and the chain for whoever verifies it elsewhere."""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from broker.domain.audit.acts import Act
from broker.domain.audit.archived import ImportedTrail
from broker.domain.audit.records import AuditFilter
from broker.domain.errors import BadRequest
from broker.domain.people.access import Principal
from broker.gateway.serving.answers import Answer, guard, integer, measure
from broker.gateway.serving.credentials import credential
from broker.services.audit.trail import MAX_CHAIN, MAX_PAGE
from broker.services.container import Services

_LONGEST_WORD = 200
_INSTANT = re.compile(r"[0-9]{1,15}")


class AuditApi:
    """The endpoints. Each authenticates, calls one service and answers with its result."""

    def __init__(self, services: Services) -> None:
        self._s = services

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        table: list[tuple[str, str, Any]] = [
            ("GET", "/v1/audit", self.page),
            ("GET", "/v1/audit/chain", self.chain),
            ("GET", "/v1/audit/imported", self.imported),
            ("GET", "/v1/audit/imported/{trail}/chain", self.imported_chain),
        ]
        return [Route(path, measure(path, guard(endpoint)), methods=[method]) for method, path, endpoint in table]

    async def _caller(self, request: Request) -> Principal:
        return await self._s.access.authenticate(credential(request))

    async def page(self, request: Request) -> Response:
        """Records, the newest first: `?act=&by=&on=&since_ms=&until_ms=&before=&limit=`."""
        principal = await self._caller(request)
        before = integer(request, "before", default=0, most=999_999_999)
        limit = integer(request, "limit", default=MAX_PAGE, most=MAX_PAGE)
        page = await self._s.audit.page(principal, _read_filter(request), before=before or None, limit=limit)
        names = await self._s.audit.names(principal, page.records)
        ids = {
            each for record in page.records for each in (record.by.token, record.by.member, record.by.service) if each
        }
        said = {each: names[each] for each in ids if each in names}
        return Answer({"records": page.records, "next": page.next, "names": said})

    async def chain(self, request: Request) -> Response:
        """Records exactly as they are kept with their seals, the oldest first, and the head: `?after=&limit=`."""
        principal = await self._caller(request)
        after = integer(request, "after", default=0, most=999_999_999, least=0)
        limit = integer(request, "limit", default=MAX_CHAIN, most=MAX_CHAIN)
        chain = await self._s.audit.chain(principal, after=after, limit=limit)
        return Answer(
            {"workspace": principal.workspace, "head": chain.head, "entries": chain.entries, "keys": chain.keys}
        )

    async def imported(self, request: Request) -> Response:
        """The trails that came with archives: whose each is, how far it goes, and its signed checkpoint."""
        found = await self._s.trail_archiving.trails(await self._caller(request))
        return Answer(
            {"trails": [{"id": each.id, "at_ms": each.at_ms, "last": each.last, **_show(each)} for each in found]}
        )

    async def imported_chain(self, request: Request) -> Response:
        """Records of one of them as they were kept where it comes from, as `/v1/audit/chain`: `?after=&limit=`."""
        principal = await self._caller(request)
        after = integer(request, "after", default=0, most=999_999_999, least=0)
        limit = integer(request, "limit", default=MAX_CHAIN, most=MAX_CHAIN)
        found, chain = await self._s.trail_archiving.chain(
            principal, request.path_params["trail"], after=after, limit=limit
        )
        return Answer({**_show(found), "entries": chain.entries})


def _show(found: ImportedTrail) -> dict[str, Any]:
    trail = found.trail
    return {"workspace": trail.workspace, "head": trail.head, "keys": trail.keys, "checkpoint": trail.checkpoint}


def _read_filter(request: Request) -> AuditFilter:
    act = _word(request, "act")
    if act is not None and not any(each.startswith(act) for each in Act):
        raise BadRequest(f"act: no act begins with {act[:80]!r}; there are {', '.join(Act)}")
    return AuditFilter(
        act=act,
        by=_word(request, "by"),
        on=_word(request, "on"),
        since_ms=_instant(request, "since_ms"),
        until_ms=_instant(request, "until_ms"),
    )


def _word(request: Request, name: str) -> str | None:
    text = request.query_params.get(name) or None
    if text is not None and len(text) > _LONGEST_WORD:
        raise BadRequest(f"{name}: at most {_LONGEST_WORD} characters")
    return text


def _instant(request: Request, name: str) -> int | None:
    text = request.query_params.get(name)
    if not text:
        return None
    if not _INSTANT.fullmatch(text):
        raise BadRequest(f"{name}: milliseconds since 1970-01-01T00:00Z")
    return int(text)
