"""What waits for an answer, and every change of that."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from broker.domain.agents.sessions import Session
from broker.domain.approvals import approvals as domain
from broker.domain.approvals.approvals import ApprovalPlace
from broker.domain.errors import NotFound
from broker.domain.ids import ApprovalId
from broker.domain.people.access import Principal
from broker.services.live.feeds import Logged
from broker.services.ports import Happened
from graphql_api.context import ApiServices
from graphql_api.types.approvals import Approval
from graphql_api.types.log.live_items import ApprovalChanged, ApprovalsItem, ApprovalsSnapshot

_MOST_PAGES = 100
"""Of a snapshot: ten thousand that wait are more than anybody answers."""


async def follow_approvals(
    principal: Principal, services: ApiServices, *, session: Session | None
) -> AsyncGenerator[ApprovalsItem, None]:
    """A snapshot and what follows it, of one session or of all that the caller sees."""
    async with aclosing(services.activity.follow(principal)) as happenings:
        async for item in happenings:
            if not isinstance(item, Happened):
                found = await _waiting(principal, services, session=session)
                yield ApprovalsSnapshot(approvals=[Approval.of(each) for each in found])
            elif session is None or item.session == session.id:
                changed = await _read_changed(principal, services, Logged(item.event))
                if changed is not None:
                    yield ApprovalChanged(approval=Approval.of(changed))


async def _waiting(principal: Principal, services: ApiServices, *, session: Session | None) -> list[domain.Approval]:
    found: list[domain.Approval] = []
    after: ApprovalPlace | None = None
    for _ in range(_MOST_PAGES):
        page = await services.desk.waiting(principal, session=session, after=after)
        found += page.approvals
        after = page.next
        if after is None:
            break
    return found


async def _read_changed(principal: Principal, services: ApiServices, event: Logged) -> domain.Approval | None:
    if not event.json["kind"].startswith("approval."):
        return None
    try:
        return await services.desk.get(principal, ApprovalId(event.json["data"]["id"]))
    except NotFound:
        return None
