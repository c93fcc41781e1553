"""Where steps meet: barriers and votes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import ceil

from broker.domain.workflows.graphs.graph import Gate, Step, Workflow
from broker.domain.workflows.runs.journal import BreakBarrier, Command, CountVotes, OpenBarrier
from broker.domain.workflows.runs.run import Run
from broker.domain.workflows.runs.steps import StepState


def decide_gates(run: Run) -> Iterator[Command]:
    """Open barriers of which enough steps are completed; break those that never will have enough, or not in time."""
    for gate in run.workflow.gates.values():
        if is_held(run, gate.name) is not True:
            continue
        states = [run.steps[each].state for each in gate.wait_for]
        completed = sum(is_met(run, each) for each in gate.wait_for)
        lost = sum(state.final for state in states) - completed
        if completed >= gate.needed:
            yield OpenBarrier(barrier=gate.name)
        elif len(states) - lost < gate.needed:
            yield BreakBarrier(barrier=gate.name, reason="too many of its steps are not completed")
        elif gate.name in run.overdue_gates:
            yield BreakBarrier(barrier=gate.name, reason="its time is over")


def is_held(run: Run, gate: str) -> bool | None:
    """Whether a barrier still holds: False once it is open, None once it is broken."""
    if gate in run.broken_gates:
        return None
    return gate not in run.open_gates


def is_met(run: Run, name: str) -> bool:
    """Whether what depends on the step may start: it is completed, or the run does not need it."""
    state = run.steps[name].state
    return state is StepState.COMPLETED or (run.workflow.steps[name].optional and state.final)


def decide_votes(run: Run) -> Iterator[Command]:
    """Count the votes once every voter is settled."""
    voters = run.workflow.voters
    if not voters or run.voted or not all(run.steps[each].state.final for each in voters):
        return
    choices = [run.steps[each].choice for each in voters if run.steps[each].state is StepState.COMPLETED]
    if choices or any(awaits_votes(run.workflow, each) for each in _not_settled(run)):
        yield CountVotes(choice=winner(run.workflow, [each for each in choices if each is not None], len(choices)))


def _not_settled(run: Run) -> Iterator[Step]:
    return (each for each in run.workflow.forward if not run.steps[each.name].state.final)


def winner(workflow: Workflow, choices: list[str], voters: int) -> str | None:
    """The choice that enough have made, and more than any other; None without one."""
    ranking = Counter(choices).most_common(2)
    if not ranking or (len(ranking) == 2 and ranking[0][1] == ranking[1][1]):
        return None
    choice, count = ranking[0]
    return choice if count >= _count_needed(workflow, voters) else None


def _count_needed(workflow: Workflow, voters: int) -> int:
    if workflow.unanimous:
        return voters
    if workflow.threshold is None:
        return voters // 2 + 1
    return ceil(workflow.threshold * voters) if workflow.threshold <= 1 else ceil(workflow.threshold)


def awaits_votes(workflow: Workflow, spec: Step) -> bool:
    """Whether the step goes by what was chosen: it comes after a voter and votes not itself."""
    return not spec.vote and bool(set(workflow.voters) & {*spec.after, *find_gated(workflow, spec)})


def find_gated(workflow: Workflow, spec: Step) -> set[str]:
    """The steps that the step's barriers stand for."""
    gates: list[Gate] = [workflow.gates[each] for each in spec.gates]
    return {name for gate in gates for name in gate.wait_for}
