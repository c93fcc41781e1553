"""The HTTP API around what is kept: what is masked in it, how long it stays, what was used."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from broker.domain.errors import BadRequest
from broker.domain.people.access import Principal
from broker.domain.plans.retention import Retention
from broker.domain.plans.usage import UsageBy, show_csv
from broker.gateway.serving.answers import Answer, Body, guard, measure, read_body
from broker.gateway.serving.credentials import credential
from broker.gateway.serving.periods import period
from broker.gateway.serving.repeating import once
from broker.services.container import Services


class _RedactionRule(Body):
    name: str = Field(max_length=100)
    pattern: str = Field(max_length=1000)


class _RedactionRules(Body):
    rules: list[_RedactionRule]


class _Days(Body):
    days: int | None


class LogKeepingApi:
    """The endpoints. Each authenticates, calls one service and answers with its result."""

    def __init__(self, services: Services) -> None:
        self._s = services

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        table: list[tuple[str, str, Any]] = [
            ("GET", "/v1/redaction", self.redaction),
            ("PUT", "/v1/redaction", self.set_redaction),
            ("GET", "/v1/usage", self.usage),
            ("GET", "/v1/retention", self.retention),
            ("PUT", "/v1/retention", self.set_retention),
            ("DELETE", "/v1/sessions/{session}", once(self._s, self.delete_session)),
            ("DELETE", "/v1/logs", once(self._s, self.delete_log)),
        ]
        return [Route(path, measure(path, guard(endpoint)), methods=[method]) for method, path, endpoint in table]

    async def _caller(self, request: Request) -> Principal:
        return await self._s.access.authenticate(credential(request))

    async def redaction(self, request: Request) -> Response:
        """The workspace's own redaction rules."""
        return Answer({"rules": _show(await self._s.redaction.rules(await self._caller(request)))})

    async def set_redaction(self, request: Request) -> Response:
        """Replace them."""
        principal = await self._caller(request)
        body = await read_body(request, _RedactionRules)
        rules = [(rule.name, rule.pattern) for rule in body.rules]
        return Answer({"rules": _show(await self._s.redaction.set_rules(principal, rules))})

    async def usage(self, request: Request) -> Response:
        """Counters: `?from=&to=&by=day|session|agent|person|model`, by default the last 30 days by day.

        `format=csv`: as a table. `month`: what this month has cost, and comes to if it goes on so.
        """
        principal = await self._caller(request)
        since, until = period(request)
        by = request.query_params.get("by", UsageBy.DAY)
        if by not in set(UsageBy):
            raise BadRequest(f"by: one of {', '.join(UsageBy)}")
        usage = await self._s.meter.usage(principal, since=since, until=until, by=UsageBy(by))
        if request.query_params.get("format") == "csv":
            name = f'attachment; filename="usage-by-{by}.csv"'
            return Response(show_csv(usage), media_type="text/csv", headers={"Content-Disposition": name})
        month = await self._s.meter.month(principal)
        return Answer({"from": since, "to": until, "by": by, "usage": usage, "month": month})

    async def retention(self, request: Request) -> Response:
        """How long logs are kept."""
        return Answer(_describe(await self._s.retention.get(await self._caller(request))))

    async def set_retention(self, request: Request) -> Response:
        """Keep logs for fewer days than the plan does; `null` goes back to the plan."""
        principal = await self._caller(request)
        body = await read_body(request, _Days)
        return Answer(_describe(await self._s.retention.set(principal, body.days)))

    async def delete_session(self, request: Request) -> Response:
        """Remove a session whose agents have ended, with its whole log."""
        principal = await self._caller(request)
        session = await self._s.sessions.get(principal, request.path_params["session"])
        return Answer(await self._s.retention.delete_session(principal, session))

    async def delete_log(self, request: Request) -> Response:
        """Forget all events of the workspace's sessions; they go on."""
        return Answer(await self._s.retention.delete_log(await self._caller(request)))


def _describe(retention: Retention) -> dict[str, int | None]:
    return {"days": retention.days, "own_days": retention.own_days, "plan_days": retention.plan_days}


def _show(rules: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "pattern": pattern} for name, pattern in rules]
