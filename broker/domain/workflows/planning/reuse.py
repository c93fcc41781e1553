"""What of one run another may go on from: completed steps that come to the same by its own file and values."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter

from broker.domain.workflows.files.definition import AgentEntry, StepEntry, VarValue, WorkflowEntry, WorkflowFile
from broker.domain.workflows.files.placeholders import placeholders
from broker.domain.workflows.graphs.graph import compile_workflow
from broker.domain.workflows.graphs.preflight import all_steps, preflights_of
from broker.domain.workflows.runs.run import Run
from broker.domain.workflows.runs.steps import StepState


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """All that makes a run do what it does."""

    file: WorkflowFile
    entry: WorkflowEntry
    values: Mapping[str, VarValue]
    machine: str | None
    folder: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reuse:
    """By step, in the order of the new file: why each is done again; '' for one that is kept."""

    steps: Mapping[str, str]
    gone: tuple[str, ...]
    """Steps of the old file that the new one has not."""

    @property
    def kept(self) -> tuple[str, ...]:
        """What is not done again."""
        return tuple(name for name, why in self.steps.items() if not why)


def reusable(run: Run, old: Given, new: Given, *, first: str | None = None) -> Reuse:
    """What `new` may take over from `run`, which was made from `old`; from the step `first` on nothing."""
    workflow = compile_workflow(new.file, new.entry.name)
    steps = {each.name: each for each in all_steps(new.entry)}
    before = {each.name: each for each in all_steps(old.entry)}
    found: dict[str, str] = {}
    for name in TopologicalSorter(workflow.before).static_order():
        again = sorted(each for each in workflow.before[name] if found.get(each))
        if name == first:
            found[name] = "asked for"
        elif name not in before:
            found[name] = "new"
        elif not _is_completed(run, name):
            found[name] = "it was not completed"
        elif _fingerprint(before[name], old) != _fingerprint(steps[name], new):
            found[name] = "changed"
        else:
            found[name] = f"behind {again[0]}" if again else ""
    ordered = {name: found[name] for name in steps}
    return Reuse(steps=ordered, gone=tuple(each for each in before if each not in steps))


def _is_completed(run: Run, name: str) -> bool:
    """A compensation never is: what it would undo is done anew, or is to be undone in the other run."""
    if name not in run.steps or run.workflow.steps[name].compensates is not None:
        return False
    return run.steps[name].state is StepState.COMPLETED and not run.steps[name].undone


def _fingerprint(step: StepEntry, given: Given) -> str:
    """All that the step's attempt depends on, but the outputs of other steps."""
    agents = [given.file.agent(name) for name in _agents_of(step)]
    preflight = preflights_of(given.entry).get(step.name)
    called = given.file.workflow(step.workflow) if step.workflow else None
    paths = {each.name: each.path for each in given.file.paths}
    said = {
        "step": step.model_dump(mode="json", exclude={"description", "depends_on"}),
        "after": sorted(step.depends_on),
        "preflight": preflight.model_dump(mode="json") if preflight else None,
        "agents": [each.model_dump(mode="json") for each in agents if each],
        "called": called.model_dump(mode="json") if called else None,
        "values": {name: given.values.get(name, _usual(given.file, name)) for name in _vars_of(step, agents, given)},
        "place": [given.file.swarm.machine or given.machine, given.folder],
        "paths": [paths.get(each) for each in _dirs(step, agents)],
    }
    return json.dumps(said, sort_keys=True, default=str)


def _agents_of(step: StepEntry) -> Iterator[str]:
    yield from (each for each in (step.agent, step.review) if each is not None)


def _vars_of(step: StepEntry, agents: Collection[AgentEntry | None], given: Given) -> list[str]:
    """Names of variables in its texts. A workflow that it calls may use any."""
    if step.workflow is not None:
        return sorted({*given.values, *given.file.list_vars()})
    texts = [step.model_dump_json(), *(each.task for each in agents if each and each.task)]
    return sorted({each.name for text in texts for each in placeholders(text) if each.step is None})


def _usual(file: WorkflowFile, name: str) -> VarValue:
    declared = file.list_vars()
    return declared[name].default if name in declared else None


def _dirs(step: StepEntry, agents: Collection[AgentEntry | None]) -> Iterator[str]:
    yield from (each for each in (step.workdir, *(agent.workdir for agent in agents if agent)) if each is not None)
