"""What a record says, for readers; and which ones somebody looks for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from broker.domain.audit.chain import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who did it: ids, no names, so that a person can be forgotten and the trail stays as it is."""

    kind: str
    """A kind of token, `installation` for who runs the broker, or `broker` for itself."""
    token: str | None = None
    member: str | None = None
    account: str | None = None
    agent: str | None = None
    service: str | None = None
    """The service account that acted."""
    address: str | None = None
    """Where the request came from, through the proxies that this broker trusts."""
    request: str | None = None
    """The id of the request, as the logs of the broker have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One record."""

    number: int
    at_ms: int
    act: str
    on: str | None
    """What it was done to, as `member <id>`."""
    before: str | None
    after: str | None
    by: Caller


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """What somebody looks for; None: whatever it is."""

    act: str | None = None
    """An act, or what acts begin with, as `member.`."""
    by: str | None = None
    """An id of a token, member or agent."""
    on: str | None = None
    """A part of what it was done to."""
    since_ms: int | None = None
    until_ms: int | None = None

    def admits(self, record: AuditRecord) -> bool:
        """Whether it is one of them."""
        by = record.by
        return (
            (self.act is None or record.act.startswith(self.act))
            and (self.by is None or self.by in {by.token, by.member, by.account, by.agent, by.service, by.kind})
            and (self.on is None or self.on in (record.on or ""))
            and (self.since_ms is None or record.at_ms >= self.since_ms)
            and (self.until_ms is None or record.at_ms < self.until_ms)
        )


def name_of(by: Caller, names: Mapping[str, str]) -> str | None:
    """What the member or the service account is called, else the token; None for what is not there any more."""
    return names.get(by.member or by.service or "") or names.get(by.token or "")


def read_record(entry: Entry) -> AuditRecord:
    """What an entry says. One that was tampered with says what can be read of it."""
    try:
        said = json.loads(entry.record)
    except ValueError:
        said = {}
    said = said if isinstance(said, dict) else {}
    by = said.get("by")
    return AuditRecord(
        number=entry.number,
        at_ms=_integer(said.get("at_ms")),
        act=str(said.get("act") or "unreadable"),
        on=_text(said.get("on")),
        before=_text(said.get("before")),
        after=_text(said.get("after")),
        by=_caller(by if isinstance(by, dict) else {}),
    )


def _caller(by: dict[str, Any]) -> Caller:
    known = {
        name: _text(by.get(name)) for name in ("token", "member", "account", "agent", "service", "address", "request")
    }
    return Caller(kind=_text(by.get("kind")) or "unknown", **known)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _integer(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0
