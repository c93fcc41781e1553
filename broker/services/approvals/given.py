"""The answer that a decision gives by itself, and any answer in words. Without I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from broker.domain.approvals.answers import AnswerOption, ApprovalAnswer, Verdict, plain_option
from broker.domain.approvals.decision import Allowed, Asked, Decision, Denied, Required


def describe_answer(options: Sequence[AnswerOption], answer: ApprovalAnswer) -> str:
    """What the agent's program is told, for the record."""
    chosen = next((option for option in options if option.id == answer.option_id), None)
    if chosen is not None:
        return chosen.shown
    if options and answer.verdict is Verdict.DENY:
        return "cancelled: none of the answers it offers is a plain no"
    return "yes" if answer.verdict is Verdict.ALLOW else "no"


def read_given(decision: Decision, options: Sequence[AnswerOption]) -> ApprovalAnswer | None:
    """The answer that a decision gives; None where people do."""
    match decision:
        case Denied():
            note = f"denied by {decision.by}" + (f": {decision.why}" if decision.why else "")
            answer = ApprovalAnswer(verdict=Verdict.DENY, note=note)
        case Allowed():
            answer = ApprovalAnswer(verdict=Verdict.ALLOW)
        case Asked() | Required():
            return None
        case _ as other:
            assert_never(other)
    plain = plain_option(options, answer.verdict)
    return answer if plain is None else replace(answer, option_id=plain.id)
