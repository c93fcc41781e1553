"""Who acts in the running task, and from where: what the audit trail says of each act.

Services are told the principal, and the edge knows the address; an act is written down far below both, in the script
that carries it out. So both are noted here, for the task that serves the request.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol

import orjson

from broker.domain.errors import NotPermitted
from broker.domain.ids import WorkspaceId
from broker.domain.operations.administrators import Administrator
from broker.domain.people.access import Principal


class Refusals(Protocol):
    """Keeps what was refused for lack of permission."""

    async def refused(self, workspace: WorkspaceId, *, operation: str, why: str) -> None:
        """Record one, of the caller who acts now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Of a request or a socket."""

    address: str
    request: str
    """Its id, as the logs of this broker have it."""
    refusals: Refusals


_ORIGIN: ContextVar[Origin | None] = ContextVar("origin", default=None)
_CALLER: ContextVar[Principal | Administrator | None] = ContextVar("caller", default=None)


def came_from(origin: Origin) -> None:
    """The running task serves a request from there."""
    _ORIGIN.set(origin)


def administers(administrator: Administrator) -> None:
    """The running task serves who runs the installation."""
    _CALLER.set(administrator)


@contextmanager
def acting(principal: Principal) -> Iterator[bool]:
    """Within it, what is done is done by that one. Whether nobody was acting before, in the same request."""
    is_first = not isinstance(_CALLER.get(), Principal)
    token = _CALLER.set(principal)
    try:
        yield is_first
    finally:
        _CALLER.reset(token)


async def tell_refused(principal: Principal, *, operation: str, error: NotPermitted) -> None:
    """Record that somebody was refused; nothing where no request is served."""
    origin = _ORIGIN.get()
    if origin is not None:
        await origin.refusals.refused(principal.workspace, operation=operation, why=error.message)


def present_caller() -> bytes:
    """Who acts, as JSON for a record of the audit trail: ids only, as a person's name may have to be forgotten."""
    said: dict[str, str | None] = _said_of(_CALLER.get())
    origin = _ORIGIN.get()
    if origin is not None:
        said |= {"address": origin.address, "request": origin.request}
    return orjson.dumps({name: value for name, value in said.items() if value is not None})


def _said_of(caller: Principal | Administrator | None) -> dict[str, str | None]:
    if caller is None:
        return {"kind": "broker"}
    if isinstance(caller, Administrator):
        return {"kind": "installation", "token": caller.id}
    return {
        "kind": caller.kind.value,
        "token": caller.token_id,
        "member": caller.answerable,
        "account": caller.account,
        "agent": caller.agent,
    }
