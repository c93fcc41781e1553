"""One message on its way, told whole at each step until it has arrived everywhere or cannot."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from broker.domain.agents.sessions import Session
from broker.domain.ids import MessageId
from broker.domain.logs.event_filter import EventFilter
from broker.domain.logs.events import Cursor, EventKind
from broker.domain.messages.messages import Trace
from broker.domain.messages.steps import ReceiptState
from broker.domain.people.access import Principal
from broker.services.live.feeds import Logged
from graphql_api.context import ApiServices
from graphql_api.subscriptions.session_events import SessionEvents
from graphql_api.types.messages import Message

_RECEIPTS = EventFilter(kinds=frozenset({EventKind.MESSAGE_RECEIPT}))
_ENDED = frozenset({ReceiptState.ANSWERED, ReceiptState.UNDELIVERABLE})


async def follow_receipts(
    principal: Principal, services: ApiServices, *, session: Session, message: MessageId
) -> AsyncGenerator[Message, None]:
    """As it stands now and after each step."""
    head = Cursor(session.epoch, session.offset)
    reader = services.feeds.reader(principal.workspace, session.id, head=head, after=head)
    last: Trace | None = None
    async with aclosing(SessionEvents(reader, _RECEIPTS).items()) as items:
        async for item in items:
            if isinstance(item, Logged) and item.json["data"].get("message") != message:
                continue
            trace = await services.router.trace(principal, session, message)
            if trace != last:
                last = trace
                yield Message.of(trace)
            if all(each.state in _ENDED for each in trace.deliveries):
                return
