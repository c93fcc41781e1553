"""Days that a request asks about."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from starlette.requests import Request

from broker.domain.errors import BadRequest


def period(request: Request) -> tuple[date, date]:
    """`?from=&to=`, UTC days, both included: the last 30 where it does not say. Raises `BadRequest`."""
    until = _date(request, "to", default=datetime.now(UTC).date())
    return _date(request, "from", default=until - timedelta(days=29)), until


def _date(request: Request, name: str, *, default: date) -> date:
    text = request.query_params.get(name)
    try:
        return date.fromisoformat(text) if text else default
    except ValueError:
        raise BadRequest(f"{name}: a day such as {default}") from None
