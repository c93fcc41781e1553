"""The HTTP API that `relaycast export` and `import` use, page by page."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from broker.domain.audit.archived import ArchivedTrail
from broker.domain.audit.chain import Entry
from broker.domain.errors import BadRequest
from broker.domain.ids import SessionId
from broker.domain.logs.archive import ARCHIVE_VERSION, MAX_ROWS, row_to_json
from broker.domain.people.access import Principal
from broker.gateway.serving.answers import Answer, Body, guard, integer, measure, read_body
from broker.gateway.serving.credentials import credential
from broker.services.container import Services
from broker.services.logs.archive import ControlPlane

_MAX_IMPORT_BYTES = 64 * 1024 * 1024
"""One line may hold a native frame at its cap of 16 MiB, escaped as text."""
_CONTROL: TypeAdapter[ControlPlane] = TypeAdapter(ControlPlane)
_TRAIL: TypeAdapter[ArchivedTrail] = TypeAdapter(ArchivedTrail)
_Shape = TypeVar("_Shape")


class _Import(BaseModel):
    # An archive of a newer version may say more than this one knows.
    model_config = ConfigDict(extra="ignore")

    version: int
    control: dict[str, Any]
    trail: dict[str, Any] | None = None


class _Rows(Body):
    rows: list[dict[str, Any]]


class _Record(Body):
    number: int = Field(ge=1, lt=2**53)
    record: str
    seal: str | None


class _Records(Body):
    trail: str
    entries: list[_Record]


class TransferApi:
    """The endpoints. Each authenticates, calls one service and answers with its result."""

    def __init__(self, services: Services) -> None:
        self._s = services

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        table: list[tuple[str, str, Any]] = [
            ("GET", "/v1/export", self.contents),
            ("GET", "/v1/export/rows", self.rows),
            ("POST", "/v1/import", self.restore),
            ("POST", "/v1/import/rows", self.restore_rows),
            ("POST", "/v1/import/trail", self.restore_trail),
        ]
        return [Route(path, measure(path, guard(endpoint)), methods=[method]) for method, path, endpoint in table]

    async def _caller(self, request: Request) -> Principal:
        return await self._s.access.authenticate(credential(request))

    async def contents(self, request: Request) -> Response:
        """What there is to export: `?session=` for one session."""
        principal = await self._caller(request)
        wanted = request.query_params.get("session")
        session = await self._s.sessions.get(principal, wanted) if wanted else None
        contents = await self._s.transfer.contents(principal, session)
        trail = None if session else await self._s.trail_archiving.take(principal)
        return Answer({"version": ARCHIVE_VERSION, "control": contents.control, "logs": contents.logs, "trail": trail})

    async def rows(self, request: Request) -> Response:
        """Lines of one log: `?session=<id>&epoch=&after=&limit=`."""
        principal = await self._caller(request)
        query = request.query_params
        after = integer(request, "after", default=0, most=2**53, least=0)
        limit = integer(request, "limit", default=MAX_ROWS, most=MAX_ROWS)
        session = SessionId(query.get("session", ""))
        page = await self._s.transfer.rows(principal, session, query.get("epoch", ""), after=after, limit=limit)
        return Answer({"rows": [row_to_json(row) for row in page.rows], "more": page.more})

    async def restore(self, request: Request) -> Response:
        """Make an archive's sessions, agents, rules, people and groups again; what became of the latter."""
        principal = await self._caller(request)
        body = await read_body(request, _Import, most=_MAX_IMPORT_BYTES)
        if body.version > ARCHIVE_VERSION:
            raise BadRequest(f"the archive has version {body.version}; this broker reads up to {ARCHIVE_VERSION}")
        control = _read(_CONTROL, body.control)
        trail = None if body.trail is None else _read(_TRAIL, body.trail)
        outcomes = await self._s.transfer.restore(principal, control)
        kept = trail and await self._s.trail_archiving.begin(principal, trail)
        return Answer({"outcomes": outcomes, "trail": kept and {"id": kept.id, "last": kept.last}})

    async def restore_trail(self, request: Request) -> Response:
        """Put records into the trail that the archive has brought, which is kept beside the workspace's own."""
        principal = await self._caller(request)
        body = await read_body(request, _Records, most=_MAX_IMPORT_BYTES)
        entries = [Entry(number=each.number, record=each.record, seal=each.seal) for each in body.entries]
        await self._s.trail_archiving.add(principal, body.trail, entries)
        return Answer({})

    async def restore_rows(self, request: Request) -> Response:
        """Put lines into the log of restored sessions."""
        principal = await self._caller(request)
        body = await read_body(request, _Rows, most=_MAX_IMPORT_BYTES)
        await self._s.transfer.restore_rows(principal, body.rows)
        return Answer({})


def _read(shape: TypeAdapter[_Shape], value: dict[str, Any]) -> _Shape:
    """A part of an archive. Raises `BadRequest` that names the member at fault."""
    try:
        return shape.validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise BadRequest(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}") from None
