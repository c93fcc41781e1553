"""Commands ahead of a workflow's first step: steps of their own, one after the other, that all others come after."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from broker.domain.workflows.files.definition import Preflight, StepEntry, StepType, WorkflowEntry

_TIMEOUT_MS = 30_000
"""Of the public runner."""
_NAME = re.compile(r"preflight \d+")
_WORDS = ("empty", "non-empty")


def preflights_of(workflow: WorkflowEntry) -> Mapping[str, Preflight]:
    """By the name of the step that each is."""
    return {f"preflight {number}": each for number, each in enumerate(workflow.preflight, 1)}


def preflight_steps(workflow: WorkflowEntry) -> tuple[StepEntry, ...]:
    """The steps that they are. They only look, so one whose end nobody knows is done again."""
    return tuple(
        StepEntry(
            name=name,
            type=StepType.DETERMINISTIC,
            command=each.command,
            description=each.description,
            timeout_ms=_TIMEOUT_MS,
            retries=0,
            idempotent=True,
        )
        for name, each in preflights_of(workflow).items()
    )


def all_steps(workflow: WorkflowEntry) -> tuple[StepEntry, ...]:
    """What a run of the workflow does: its preflight, and its steps."""
    return (*preflight_steps(workflow), *workflow.steps)


def is_reserved(name: str, workflow: WorkflowEntry) -> bool:
    """Whether a step may not have that name, since a command ahead of it has."""
    return bool(workflow.preflight) and _NAME.fullmatch(name) is not None


def objection(preflight: Preflight, output: str) -> str | None:
    """Why a command that has exited with 0 does not let the run go on; None when it does."""
    said = output.strip()
    match preflight.fail_if:
        case None:
            pass
        case "empty":
            if not said:
                return "it has printed nothing"
        case "non-empty":
            if said:
                return f"it has printed something: {said[:200]}"
        case pattern if re.search(pattern, output, re.MULTILINE):
            return f"its output matches {pattern}"
    if preflight.success_if is not None and not re.search(preflight.success_if, output, re.MULTILINE):
        return f"its output does not match {preflight.success_if}"
    return None


def patterns_of(preflight: Preflight) -> Iterator[tuple[str, str]]:
    """Its regular expressions, by their keys."""
    if preflight.fail_if is not None and preflight.fail_if not in _WORDS:
        yield "failIf", preflight.fail_if
    if preflight.success_if is not None:
        yield "successIf", preflight.success_if
