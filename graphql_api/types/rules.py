"""What a rule would have answered."""

from __future__ import annotations

from typing import Self

import strawberry

from broker.domain.approvals import rule_trial as domain
from broker.domain.approvals.rule_trial import TrialOutcome
from broker.domain.approvals.rules import KeptRule
from broker.services.approvals import rule_book
from graphql_api.types.approvals import Approval, Rule


@strawberry.type(description="A request that a rule matches.")
class TriedRequest:
    """One request."""

    approval: Approval = strawberry.field(description="What was asked.")
    outcome: TrialOutcome = strawberry.field(description="What would have become of it.")
    by: Rule = strawberry.field(description="The rule that decides: the tried one, or the one that goes over it.")

    @classmethod
    def of(cls, tried: domain.TriedRequest) -> Self:
        """As the domain knows it."""
        return cls(approval=Approval.of(tried.approval), outcome=tried.outcome, by=Rule.of(KeptRule(rule=tried.by)))


@strawberry.type(description="What a rule would have done with the requests of the last days.")
class RuleTrial:
    """A trial."""

    looked_at: int = strawberry.field(description="How many requests it was tried on, as far as they are kept.")
    whole: bool = strawberry.field(description="Whether those were all; else the newest.")
    matched: int = strawberry.field(description="How many of them the rule matches.")
    requests: list[TriedRequest] = strawberry.field(description="The newest of those, 100 at most.")

    @classmethod
    def of(cls, trial: rule_book.RuleTrial) -> Self:
        """As the service found it."""
        return cls(
            looked_at=trial.looked_at,
            whole=trial.whole,
            matched=trial.matched,
            requests=[TriedRequest.of(each) for each in trial.shown],
        )
