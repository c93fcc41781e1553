"""How the plan of a workflow is shown to a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from broker.domain.workflows.planning.plan import Place, Plan, PlannedStep

_DIGEST_SHOWN = 12


def show_plan(plan: Plan, *, missing: Sequence[str]) -> Iterator[str]:
    """The lines of a plan."""
    title = plan.name if plan.workflow == plan.name else f"{plan.name} / {plan.workflow}"
    yield f"{title}: {len(plan.steps)} steps, {plan.pattern}"
    yield f"Order: {plan.rule}"
    steps = {each.name: each for each in plan.steps}
    for number, wave in enumerate(plan.waves, 1):
        yield f"\nWave {number}"
        for name in wave:
            yield f"  {_step(steps[name])}"
    undoing = [each for each in plan.steps if each.compensates is not None]
    if undoing:
        yield "\nOnly when the run has failed"
        yield from (f"  {_step(each)}, undoes {each.compensates}" for each in undoing)
    yield from _agents(plan)
    yield f"\nAt once: at most {plan.peak} of {plan.cap} places, {plan.peak_talking} of them agents that talk"
    yield from _consents(plan)
    yield from (f"\nNote: {each}" for each in plan.notes)
    if missing:
        yield f"\nNo value: {', '.join(missing)} (give --var NAME=VALUE)"


def _step(step: PlannedStep) -> str:
    what = f"agent {step.agent}" if step.agent else str(step.kind)
    parts = [f"{step.name}: {what} {_at(step.place)}" if step.place else f"{step.name}: {what}"]
    if step.after:
        parts.append(f"after {', '.join(step.after)}")
    if step.instead_of:
        parts.append(f"only if {step.instead_of} fails")
    if step.attempts > 1:
        parts.append(f"up to {step.attempts} attempts")
    if step.rounds > 1:
        parts.append(f"up to {step.rounds} rounds")
    if step.timeout_ms:
        parts.append(f"{step.timeout_ms / 1000:g} s each")
    return ", ".join(parts)


def _at(place: Place) -> str:
    return f"on {place.machine or 'the machine of the run'} in {place.folder}"


def _agents(plan: Plan) -> Iterator[str]:
    if plan.agents:
        yield "\nAgents"
    for each in plan.agents:
        machines = ", ".join(machine or "the machine of the run" for machine in each.machines)
        how = "talks" if each.talks else "one task, one answer"
        steps = "1 step" if each.steps == 1 else f"{each.steps} steps"
        yield f"  {each.name}: {each.cli} on {machines}, {each.access}, {how}, {steps}"
    if plan.extra:
        yield "\nAgents that may be started beside"
    for extra in plan.extra:
        yield f"  up to {extra.at_most} times: {extra.what} of {extra.step} by {extra.agent}"


def _consents(plan: Plan) -> Iterator[str]:
    for each in plan.consents:
        yield f"\nNeeds consent {_at(each.place)} ({each.digest[:_DIGEST_SHOWN]})"
        for template in each.templates:
            first, *more = template.splitlines()
            rest = f" (and {len(more)} lines more)" if more else ""
            yield f"  {first}{rest}"
