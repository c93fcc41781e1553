"""Runs driven by hand: a definition in few words, and what is told to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from broker.domain.workflows.files.definition import WorkflowFile
from broker.domain.workflows.files.findings import Severity
from broker.domain.workflows.graphs.graph import compile_workflow
from broker.domain.workflows.planning.check import check_file
from broker.domain.workflows.runs import engine
from broker.domain.workflows.runs.journal import (
    Aide,
    AideEnded,
    AttemptEnded,
    Command,
    Entry,
    Fact,
    Outcome,
    RunStarted,
    StartAide,
    StartAttempt,
    TimerFired,
)
from broker.domain.workflows.runs.run import Run, fold
from broker.domain.workflows.runs.steps import StepState

Steps = list[dict[str, Any]]
AGENTS = [
    {"name": "Lead", "cli": "claude", "role": "lead"},
    {"name": "A", "cli": "claude", "preset": "worker"},
    {"name": "B", "cli": "codex", "preset": "worker"},
]


def file_of(steps: Sequence[Mapping[str, Any]], *, pattern: str = "dag", **more: Any) -> WorkflowFile:
    """A checked file; a step without anything is a command. `swarm` and others of the top are keywords."""
    filled = [
        each if {"agent", "type"} & set(each) else {**each, "type": "deterministic", "command": "true"}
        for each in steps
    ]
    filled = [{"task": "x", **each} if "agent" in each else each for each in filled]
    workflow = {"name": "w", "steps": filled, **more.pop("workflow", {})}
    swarm = {"pattern": pattern, "maxConcurrency": 10, **more.pop("swarm", {})}
    value = {"version": "1.0", "name": "t", "swarm": swarm, "agents": AGENTS, "workflows": [workflow], **more}
    file = WorkflowFile.model_validate(value)
    assert [each for each in check_file(file) if each.severity is Severity.ERROR] == []
    return file


class Driven:
    """A run whose journal is kept, as whoever drives it keeps it."""

    def __init__(self, file: WorkflowFile) -> None:
        self.workflow = compile_workflow(file)
        self.journal: list[Entry] = []
        self.now = 0
        self.decided = self.tell(RunStarted(run="r"))

    def tell(self, fact: Fact, *, at_ms: int | None = None) -> list[Command]:
        """Append a fact and what is decided on it."""
        self.now = max(self.now, at_ms or 0)
        self.journal.append(Entry(at_ms=self.now, what=fact))
        self.decided = engine.next(self.workflow, self.journal)
        self.journal.extend(Entry(at_ms=self.now, what=each) for each in self.decided)
        return self.decided

    def end(self, step: str, outcome: Outcome = Outcome.SUCCEEDED, **more: Any) -> list[Command]:
        """The newest attempt of a step ends."""
        attempt = self.run.steps[step].attempt
        return self.tell(AttemptEnded(step=step, attempt=attempt, outcome=outcome, **more))

    def aide(self, step: str, aide: Aide, *, approved: bool = True) -> list[Command]:
        """The reviewer or repair agent of the newest attempt is done."""
        return self.tell(AideEnded(step=step, attempt=self.run.steps[step].attempt, aide=aide, approved=approved))

    def fire(self, name: str) -> list[Command]:
        """A timer is due."""
        return self.tell(TimerFired(name=name), at_ms=self.run.timers[name].at_ms)

    @property
    def run(self) -> Run:
        """The run as of now."""
        return fold(self.workflow, self.journal)

    @property
    def started(self) -> list[str]:
        """What the newest decisions start; a reviewer or repair agent as `step-review`."""
        return [
            each.step if isinstance(each, StartAttempt) else f"{each.step}-{each.aide}"
            for each in self.decided
            if isinstance(each, StartAttempt | StartAide)
        ]

    def states(self) -> dict[str, StepState]:
        """Where every step stands."""
        return {name: step.state for name, step in self.run.steps.items()}
