"""Messages and how far they got."""

from __future__ import annotations

from typing import Any, Self

import strawberry
from strawberry import ID

from broker.domain.messages import messages as domain
from broker.domain.messages.steps import ReceiptState
from graphql_api.types.log.events import MessageSender
from graphql_api.types.node import Node
from graphql_api.types.scalars import DateTime


@strawberry.type(description="One step of a delivery.")
class DeliveryStep:
    """One step."""

    state: str = strawberry.field(description="The step: `queued`, `sent`, `handed`, `in_turn`, …")
    at: DateTime = strawberry.field(description="When it was made.")


@strawberry.type(description="Where a message stands with one recipient.")
class Delivery:
    """One recipient."""

    to: str = strawberry.field(description="The recipient's name.")
    agent_key: ID = strawberry.field(description="The recipient.")
    state: ReceiptState = strawberry.field(description="How far it got.")
    because: str | None = strawberry.field(description="Why it has to wait: `agent_busy`, `proxy_away`, …")
    reason: str | None = strawberry.field(description="Why it is undeliverable.")
    turn: str | None = strawberry.field(description="The turn it is part of.")
    outcome: str | None = strawberry.field(description="How that turn ended.")
    answer: str | None = strawberry.field(description="The closing words of that turn.")
    attempts: int = strawberry.field(description="How often it was handed over.")
    steps: list[DeliveryStep] = strawberry.field(description="Every step so far with its time.")

    @classmethod
    def of(cls, delivery: domain.TracedDelivery) -> Self:
        """As the domain knows it."""
        return cls(
            to=delivery.to,
            agent_key=ID(delivery.agent_id),
            state=delivery.state,
            because=delivery.because,
            reason=delivery.reason,
            turn=delivery.turn_id,
            outcome=delivery.outcome,
            answer=delivery.answer,
            attempts=delivery.attempts,
            steps=[DeliveryStep(state=step.state, at=DateTime(step.at_ms)) for step in delivery.steps],
        )


@strawberry.type(description="Something said to an agent, a `#channel` or all, with its way to each recipient.")
class Message(Node):
    """One message."""

    sender: MessageSender = strawberry.field(description="Who sent it, as the broker attests.")
    to: str = strawberry.field(description="A name, `#channel` or `*`.")
    text: str = strawberry.field(description="What it says, secrets masked.")
    mode: domain.Mode = strawberry.field(description="When it enters the recipients' conversations.")
    thread: ID | None = strawberry.field(description="The key of the message it answers.")
    at: DateTime = strawberry.field(description="When it was accepted.")
    deliveries: list[Delivery] = strawberry.field(description="Its way to each recipient.")

    @classmethod
    def of(cls, trace: domain.Trace) -> Self:
        """As the domain knows it."""
        body: dict[str, Any] = trace.message
        return cls(
            key=ID(body["id"]),
            sender=MessageSender(source=body["from"]),
            to=body["to"],
            text=body["text"],
            mode=domain.Mode(body["mode"]),
            thread=body["thread"],
            at=DateTime(body["at_ms"]),
            deliveries=[Delivery.of(each) for each in trace.deliveries],
        )
