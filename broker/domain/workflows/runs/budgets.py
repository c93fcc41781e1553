"""What may still be spent: a step starts only where every budget it is paid from has room for what it sets aside."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from broker.domain.workflows.graphs.graph import Limit, Step
from broker.domain.workflows.runs.run import Run
from broker.domain.workflows.runs.steps import UNDER_WAY


def over_budget(run: Run, spec: Step) -> str | None:
    """Why the step may not start: "" when that may change by itself, since others hold what they have reserved."""
    if spec.agent is None:
        return None
    for whose, limit, names in _budgets(run, spec, spec.agent):
        said = _exceeds(run, limit, names, spec=spec)
        if said is not None:
            return said and f"{said} of {whose}"
    return None


def _budgets(run: Run, spec: Step, agent: str) -> Iterator[tuple[str, Limit, Collection[str]]]:
    """Whose budgets the step is paid from, and all steps that are."""
    if run.workflow.budget != Limit():
        yield "the run", run.workflow.budget, run.steps
    if agent in run.workflow.agent_budgets:
        same = {each.name for each in run.workflow.steps.values() if each.agent == agent}
        yield agent, run.workflow.agent_budgets[agent], same
    if spec.budget != Limit():
        yield spec.name, spec.budget, {spec.name}


def _exceeds(run: Run, limit: Limit, names: Collection[str], *, spec: Step) -> str | None:
    if limit.micro_usd is not None:
        paid = sum(paid for each, paid in run.micro_usd.items() if each in names)
        if paid >= limit.micro_usd + run.more_micro_usd:
            return "the money"
    if limit.tokens is None:
        return None
    spent = sum(tokens for each, tokens in run.tokens.items() if each in names)
    held = sum(
        max(run.workflow.steps[each].reserve, run.steps[each].spending)
        for each in run.roster.names(*UNDER_WAY)
        if each in names
    )
    allowed = limit.tokens + run.more_tokens
    if spent < allowed and spent + held + spec.reserve <= allowed:
        return None
    return "" if held and spent < allowed and spent + spec.reserve <= allowed else "the tokens"
