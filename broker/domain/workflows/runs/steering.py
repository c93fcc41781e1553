"""What somebody does to a run of a workflow, in words for the audit trail."""

from __future__ import annotations

from broker.domain.workflows.runs.journal import (
    BudgetRaised,
    CancelAsked,
    Fact,
    FailedByHand,
    ResumeAsked,
    RetriedByHand,
    SkippedByHand,
    VoteSettled,
)


def describe_act(fact: Fact) -> str | None:
    """What was done by telling a fact; None for one that tells of no act."""
    match fact:
        case CancelAsked():
            return "cancel"
        case ResumeAsked():
            return "resume"
        case BudgetRaised(tokens=tokens, micro_usd=micro_usd):
            return f"raise the budget by {tokens} tokens and ${micro_usd / 1_000_000:.2f}"
        case RetriedByHand(step=step):
            return f"retry {step}"
        case SkippedByHand(step=step):
            return f"skip {step}"
        case FailedByHand(step=step):
            return f"fail {step}"
        case VoteSettled(choice=choice):
            return f"vote for {choice}"
        case _:
            return None
