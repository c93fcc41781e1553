"""Sending messages."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import ID

from broker.domain.ids import MessageId
from broker.domain.messages.messages import Mode
from broker.telemetry import MESSAGES
from graphql_api.context import Info
from graphql_api.mutations.fields import GIVEN, Repeatable, mutation, short
from graphql_api.mutations.sessions import SESSION
from graphql_api.node_ids import key_of
from graphql_api.refusals import Refused
from graphql_api.types.messages import Message
from graphql_api.types.sessions import session_named


@strawberry.input(description="A message to be sent.")
class SendMessageInput(Repeatable):
    """A message to be sent."""

    session: ID = strawberry.field(description=SESSION)
    to: str = strawberry.field(description="An agent's name, a `#channel`, or `*` for all.")
    text: str = strawberry.field(description="What to say, 256 KiB at most.")
    mode: Mode = strawberry.field(default=Mode.WAIT, description="When it enters the recipients' conversations.")
    thread: ID | None = strawberry.field(default=None, description="The message it answers: its id or key.")
    ttl_seconds: int | None = strawberry.field(
        default=None, description="How long it may wait for a busy or absent agent; a day unless given, a week at most."
    )


@strawberry.type(description="The message was accepted.")
class MessageSent:
    """The message."""

    sent: Message = strawberry.field(description="The message, and where it stands with each recipient.")


SendMessageResult = Annotated[
    MessageSent | Refused, strawberry.union("SendMessageResult", description="The message, or why it was not sent.")
]


@strawberry.type
class MessageMutations:
    """Mutations of messages."""

    @mutation("Send a message.")
    async def send_message(self, info: Info, input: Annotated[SendMessageInput, GIVEN]) -> SendMessageResult:
        """A repeat answers with the message of the first one."""
        principal, router = info.context.principal, info.context.services.router
        session = await session_named(info, input.session)
        thread = None if input.thread is None else MessageId(short("thread", key_of("Message", input.thread)))
        sent = await router.send(
            principal,
            session,
            to=short("to", input.to),
            text=input.text,
            mode=input.mode,
            thread=thread,
            ttl_s=input.ttl_seconds,
            idempotency_key=input.retry_id,
        )
        MESSAGES.labels(input.mode).inc()
        return MessageSent(sent=Message.of(await router.trace(principal, session, sent.message_id)))
