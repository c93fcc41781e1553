"""What can still become of the steps of a run: which are ready, blocked, not needed, or failed for good."""

from __future__ import annotations

from broker.domain.workflows.files.definition import BarrierMode, Strategy
from broker.domain.workflows.graphs.graph import Step
from broker.domain.workflows.runs.meeting import awaits_votes, is_held, is_met
from broker.domain.workflows.runs.run import Run
from broker.domain.workflows.runs.steps import StepState


def is_ready(run: Run, spec: Step) -> bool:
    """Whether all that has to come before the step has come."""
    if not all(is_met(run, each) for each in spec.after):
        return False
    if not all(is_held(run, each) is False for each in spec.gates):
        return False
    if spec.instead_of is not None and run.steps[spec.instead_of].state is not StepState.FAILED:
        return False
    return not awaits_votes(run.workflow, spec) or (run.voted and run.choice is not None)


def explain_block(run: Run, spec: Step) -> str | None:
    """Why the step can never start; None when it may."""
    for each in spec.after:
        if run.steps[each].state.final and not is_met(run, each):
            return f"{each} was not completed"
    for gate in spec.gates:
        if is_held(run, gate) is None:
            return f"the barrier {gate} is broken: {run.broken_gates[gate]}"
    return None


def is_not_needed(run: Run, spec: Step) -> str | None:
    """Why a fallback is not needed; None when it is none, or may be needed."""
    if spec.instead_of is None:
        return None
    state = run.steps[spec.instead_of].state
    settled = state in {StepState.COMPLETED, StepState.SKIPPED}
    return f"{spec.instead_of} did not fail" if settled else None


def is_fatal(run: Run, name: str) -> bool:
    """Whether the step has failed and nothing makes up for it, so that the run cannot be completed."""
    spec = run.workflow.steps[name]
    if run.steps[name].state is StepState.SKIPPED:
        return _was_owed(run, spec)
    if run.steps[name].state is not StepState.FAILED or spec.optional:
        return False
    fallback = run.workflow.fallbacks.get(name)
    if fallback is not None:
        return run.steps[fallback.name].state is StepState.SKIPPED
    return not _is_outvoted(run, name)


def fatal_steps(run: Run) -> list[str]:
    """The steps that keep the run from being completed: those that failed, or else those that were left out."""
    found = [name for name in run.roster.names(StepState.FAILED, StepState.SKIPPED) if is_fatal(run, name)]
    failed = [name for name in found if run.steps[name].state is StepState.FAILED]
    return failed if failed or run.early else found


def _was_owed(run: Run, spec: Step) -> bool:
    """Whether a step that was left out is missing: not when it would only have stood in for another, or is optional."""
    return not spec.optional and spec.instead_of is None and spec.compensates is None


def _is_outvoted(run: Run, name: str) -> bool:
    """Whether others of its barriers are enough, and nothing else depends on it."""
    gates = [gate for gate in run.workflow.gates.values() if name in gate.wait_for and gate.mode is not BarrierMode.ALL]
    if not gates or any(is_held(run, gate.name) is None for gate in gates):
        return False
    return not any(name in spec.after for spec in run.workflow.steps.values())


def is_winding_down(run: Run) -> str | None:
    """Why nothing new starts any more; None while the run goes on."""
    if run.cancelled:
        return "the run was cancelled"
    if run.overdue:
        return "the run's time is over"
    if run.early:
        return "the run is completed"
    if run.workflow.strategy is Strategy.CONTINUE and run.roster.unsettled:
        return None
    fatal = next(iter(fatal_steps(run)), None)
    if fatal is None or run.workflow.strategy is Strategy.CONTINUE:
        settled = run.roster.unsettled == 0
        return f"{fatal} has not succeeded" if fatal is not None and settled else None
    return f"{fatal} has not succeeded"


def next_compensation(run: Run) -> Step | None:
    """The compensation of the newest completed step that has one which was not tried."""
    if run.early:
        return None
    for name in reversed(run.completed):
        spec = run.workflow.compensations.get(name)
        if spec is not None and run.steps[spec.name].state is StepState.PENDING:
            return spec
    return None
