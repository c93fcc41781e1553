"""Usage counters."""

from __future__ import annotations

from datetime import date
from typing import Self

import strawberry
from strawberry import ID

from broker.domain.instants import to_ms
from broker.domain.plans import usage as domain
from graphql_api.types.scalars import BigInt, DateTime


@strawberry.type(description="The counters of one day, session, agent, person or model; what it is not about is null.")
class Usage:
    """One line of usage."""

    day: date | None = strawberry.field(description="The UTC day it is about.")
    session_key: ID | None = strawberry.field(description="The session it is about.")
    agent: str | None = strawberry.field(description="The name of the agent, or of who only writes, it is about.")
    person: str | None = strawberry.field(description="Who is behind the agents it is about; empty: nobody known.")
    model: str | None = strawberry.field(description="The model it is about; empty: none was named.")
    messages: int = strawberry.field(description="Messages that were accepted.")
    frames: int = strawberry.field(description="Native frames, without streaming fragments.")
    bytes: BigInt = strawberry.field(description="Of all events as they are kept.")
    turns: int = strawberry.field(description="Turns that ended.")
    input_tokens: BigInt = strawberry.field(description="Tokens that went into models.")
    output_tokens: BigInt = strawberry.field(description="Tokens that models wrote.")
    cached_tokens: BigInt = strawberry.field(description="Tokens that models took from a cache.")
    cost_usd: float = strawberry.field(
        description="At least so much, as the vendors report it: those that report none add nothing, and Claude Code"
        " before `model_usage_since_last_result` may hide a part after a crash."
    )
    estimated_usd: float = strawberry.field(
        description="An estimate, beside that: what the installation's prices for models make of tokens for which no"
        " vendor reported a cost."
    )

    @classmethod
    def of(cls, line: domain.Usage) -> Self:
        """As the domain knows it."""
        counts = line.counts
        return cls(
            day=line.day,
            session_key=None if line.session is None else ID(line.session),
            agent=line.agent,
            person=line.person,
            model=line.model,
            messages=counts.messages,
            frames=counts.frames,
            bytes=BigInt(counts.bytes),
            turns=counts.turns,
            input_tokens=BigInt(counts.input_tokens),
            output_tokens=BigInt(counts.output_tokens),
            cached_tokens=BigInt(counts.cached_tokens),
            cost_usd=counts.cost_usd,
            estimated_usd=counts.estimated_usd,
        )


@strawberry.type(description="The messages that were accepted on this UTC day, against what the plan allows.")
class MessagesToday:
    """Today's count."""

    count: int = strawberry.field(description="How many were accepted.")
    limit: int | None = strawberry.field(description="How many the plan allows; null for as many as you like.")
    resets_at: DateTime = strawberry.field(description="When the count begins again.")

    @classmethod
    def of(cls, today: domain.MessagesToday) -> Self:
        """As the domain knows it."""
        return cls(count=today.count, limit=today.limit, resets_at=DateTime(to_ms(today.resets_at)))
