"""Who acts in the running task, and from where.

Services are told the principal, and the edge knows the address; an act is carried out and written down far below both,
in a script. So both are noted here, for the task that serves the request: for the audit trail, and for the script to
see whether what the caller may do is still what it was when it was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol

import orjson

from broker.domain.errors import AccessChanged, NotPermitted
from broker.domain.ids import SessionId, WorkspaceId
from broker.domain.operations.administrators import Administrator
from broker.domain.people.access import Permission, Principal


class Refusals(Protocol):
    """Keeps what was refused for lack of permission."""

    async def record_refusal(self, workspace: WorkspaceId, *, operation: str, why: str) -> None:
        """Record one, of the caller who acts now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Of a request or a socket."""

    address: str
    request: str
    """Its id, as the logs of this broker have it."""
    refusals: Refusals


@dataclass(slots=True, kw_only=True)
class Acting:
    """What one caller does, from the first method of a service to its end."""

    principal: Principal
    """As it was last read."""
    required: set[Permission] = field(default_factory=set)
    """What it had to be permitted so far."""
    drives: set[SessionId] = field(default_factory=set)
    """Sessions that it does something in."""
    is_checked_within: bool = False
    """Whether some method has looked at the caller by itself."""
    has_changed_access: bool = False
    """Whether it may have done so itself: what is left of it is carried out whatever came of that."""
    is_guarded: bool = True
    """Whether a change of access has to stop it."""

    def go_on_as(self, present: Principal) -> None:
        """The caller was read again. Raises `NotPermitted` for what it may no longer do, and `AccessChanged` where
        nobody can say whether it may."""
        for permission in self.required:
            present.require(permission)
        for session in self.drives:
            present.require_to_drive(session)
        before = self.principal
        is_less = before.owns > present.owns or (
            self.is_checked_within and not before.permissions <= present.permissions
        )
        if is_less:
            raise AccessChanged("your access has just changed: ask again")
        self.principal = present


_ORIGIN: ContextVar[Origin | None] = ContextVar("origin", default=None)
_CALLER: ContextVar[Acting | Administrator | None] = ContextVar("caller", default=None)


def came_from(origin: Origin) -> None:
    """The running task serves a request from there."""
    _ORIGIN.set(origin)


def administers(administrator: Administrator) -> None:
    """The running task serves who runs the installation."""
    _CALLER.set(administrator)


@contextmanager
def acting(
    principal: Principal, required: Iterable[Permission] = (), *, checked_within: bool = False
) -> Iterator[bool]:
    """Within it, what is done is done by that one, who must be permitted that. Whether nobody was acting before, in the
    same request.
    """
    before = _CALLER.get()
    is_first = not isinstance(before, Acting)
    if isinstance(before, Acting) and before.principal.is_same_as(principal):
        before.required.update(required)
        before.is_checked_within |= checked_within
        yield is_first
        return
    act = Acting(principal=principal, required=set(required), is_checked_within=checked_within)
    token = _CALLER.set(act)
    try:
        yield is_first
    finally:
        act.is_guarded = False  # for what was begun within it and goes on
        _CALLER.reset(token)


def drive(principal: Principal, session: SessionId) -> None:
    """The caller does something in a session, and must be allowed to until it is done. Raises `NotPermitted`."""
    principal.require_to_drive(session)
    act = _CALLER.get()
    if isinstance(act, Acting):
        act.drives.add(session)


def find_guarded_act(workspace: WorkspaceId) -> Acting | None:
    """What is under way there and must not go on after a change of access, if the caller was read there."""
    act = _CALLER.get()
    if not isinstance(act, Acting) or not act.is_guarded:
        return None
    return act if act.principal.workspace == workspace and act.principal.access is not None else None


async def tell_refused(principal: Principal, *, operation: str, error: NotPermitted) -> None:
    """Record that somebody was refused; nothing where no request is served."""
    origin = _ORIGIN.get()
    if origin is not None:
        await origin.refusals.record_refusal(principal.workspace, operation=operation, why=error.message)


def present_caller() -> bytes:
    """Who acts, as JSON for a record of the audit trail: ids only, as a person's name may have to be forgotten."""
    said: dict[str, str | None] = _describe(_CALLER.get())
    origin = _ORIGIN.get()
    if origin is not None:
        said |= {"address": origin.address, "request": origin.request}
    return orjson.dumps({name: value for name, value in said.items() if value is not None})


def _describe(acting: Acting | Administrator | None) -> dict[str, str | None]:
    if acting is None:
        return {"kind": "broker"}
    if isinstance(acting, Administrator):
        return {"kind": "installation", "token": acting.id}
    caller = acting.principal
    return {
        "kind": caller.kind.value,
        "token": caller.token_id,
        "member": caller.answerable,
        "account": caller.account,
        "agent": caller.agent,
        "service": caller.service,
    }
