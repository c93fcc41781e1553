"""Where every subscription begins.

Each field checks what the caller may see before it returns its items: asked again with another caller, it refuses an
operation that is no longer permitted.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated, cast

import strawberry
from strawberry import ID

from broker.domain.agents.sessions import Session
from broker.domain.ids import MessageId
from broker.domain.logs.events import Cursor
from broker.domain.people.access import Permission, Principal
from broker.services.plans.budgets import require_budgets
from graphql_api.context import ApiServices, Info
from graphql_api.node_ids import key_of
from graphql_api.subscriptions.activity import follow_activity
from graphql_api.subscriptions.agents import AgentsFollower
from graphql_api.subscriptions.approvals import follow_approvals
from graphql_api.subscriptions.budgets import follow_budgets
from graphql_api.subscriptions.needs import follow_needs
from graphql_api.subscriptions.receipts import follow_receipts
from graphql_api.subscriptions.session_events import SessionEvents
from graphql_api.subscriptions.usage import follow_usage
from graphql_api.types.budgets import Budget
from graphql_api.types.fields import follow
from graphql_api.types.log.event_filter import read_filter
from graphql_api.types.log.event_pages import OnlyEvents
from graphql_api.types.log.events import SessionItem
from graphql_api.types.log.live_items import ActivityItem, AgentsItem, ApprovalsItem
from graphql_api.types.messages import Message
from graphql_api.types.needs import NeedsItem
from graphql_api.types.scalars import BEGINNING
from graphql_api.types.usage import MessagesToday

_AnySessionId = Annotated[
    ID | None, strawberry.argument(description="The session's id or key; null is all that the caller sees.")
]
_SessionId = Annotated[ID, strawberry.argument(description="The session's id or key.")]


@strawberry.type(description="What can be followed live.")
class Subscription:
    """The root of subscriptions."""

    @follow(
        "The events of a session, each once and in order, without gap over reconnects: subscribe again after the cursor"
        " of the last one. `CaughtUp` comes once, `Reset` where history is gone.",
        requires=Permission.READ,
    )
    async def session_events(
        self,
        info: Info,
        session: _SessionId,
        after: Annotated[
            Cursor | None,
            strawberry.argument(description="Where to begin; only new events without it, from the first with `0`."),
        ] = None,
        filter: OnlyEvents = None,  # noqa: A002 - the schema's name
    ) -> AsyncGenerator[SessionItem, None]:
        """Follow one session."""
        principal, services = _read_caller(info)
        found = await services.sessions.get(principal, key_of("Session", session))
        head = Cursor(found.epoch, found.offset)
        reader = services.feeds.reader(
            principal.workspace,
            found.id,
            head=head,
            after=head if after is None else None if after == BEGINNING else after,
        )
        items = SessionEvents(reader, read_filter(filter))
        return cast(AsyncGenerator[SessionItem, None], items)  # the executor asks for no more than to iterate it

    @follow(
        "Agents: all of them first, then each that has changed. All of them again when changes may have been missed.",
        requires=Permission.READ,
    )
    async def agents(self, info: Info, session: _AnySessionId = None) -> AsyncGenerator[AgentsItem, None]:
        """Of one session, or of all that the caller sees."""
        return AgentsFollower(*_read_caller(info), session=await _session(info, session)).items()

    @follow("Approvals: all that wait first, then each that is asked for or waits no longer.", requires=Permission.READ)
    async def approvals(self, info: Info, session: _AnySessionId = None) -> AsyncGenerator[ApprovalsItem, None]:
        """Of one session, or of all that the caller sees."""
        return follow_approvals(*_read_caller(info), session=await _session(info, session))

    @follow(
        "Everything that needs a person, as far as the caller sees it: all of it first, then what changes. All of it"
        " again when changes may have been missed.",
        requires=Permission.READ,
    )
    async def needs(self, info: Info) -> AsyncGenerator[NeedsItem, None]:
        """Of all sessions that the caller sees."""
        return follow_needs(*_read_caller(info))

    @follow(
        "A message, whole, as it is now and after each step; it ends when the message has settled everywhere.",
        requires=Permission.READ,
    )
    async def receipts(
        self, info: Info, message: Annotated[ID, strawberry.argument(description="The message's id or key.")]
    ) -> AsyncGenerator[Message, None]:
        """Until all of its deliveries have ended."""
        principal, services = _read_caller(info)
        key = MessageId(key_of("Message", message))
        session = await services.sessions.by_id(principal, await services.router.session_of(principal, key))
        return follow_receipts(principal, services, session=session, message=key)

    @follow(
        "Today's messages against what the plan allows: now and at each change, at most once a second.",
        requires=Permission.METER,
    )
    async def usage(self, info: Info) -> AsyncGenerator[MessagesToday, None]:
        """For who may see what was used."""
        principal, services = _read_caller(info)
        return follow_usage(principal, services)

    @follow(
        "All budgets, as far as the caller sees them: now, and again whenever one of them is another, at most once a"
        " second. For who may see the whole workspace, or pays for it.",
        requires=require_budgets,
    )
    async def budgets(self, info: Info) -> AsyncGenerator[list[Budget], None]:
        """Those of the workspace."""
        return follow_budgets(*_read_caller(info))

    @follow(
        "What happens in all sessions that the caller sees, but frames and receipts. It cannot be resumed: `Reset`"
        " comes first and whenever some may have been missed; read what you show again then.",
        requires=Permission.READ,
    )
    async def activity(self, info: Info) -> AsyncGenerator[ActivityItem, None]:
        """Of all sessions."""
        principal, services = _read_caller(info)
        return follow_activity(principal, services)


def _read_caller(info: Info) -> tuple[Principal, ApiServices]:
    return info.context.principal, info.context.services


async def _session(info: Info, reference: str | None) -> Session | None:
    principal, services = _read_caller(info)
    return None if reference is None else await services.sessions.get(principal, key_of("Session", reference))
