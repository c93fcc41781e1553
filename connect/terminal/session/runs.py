"""What the terminal says of runs of workflows. Pure."""

from __future__ import annotations

from connect.sdk.facts import StepChanged, StepEnded, StepStarted, WorkflowChanged, WorkflowEnded, WorkflowStarted
from connect.terminal.text.layout import Line, one_line

RunFact = WorkflowStarted | WorkflowChanged | WorkflowEnded | StepStarted | StepEnded | StepChanged
_SHORT = 8
"""Of a run's id: enough to tell those on one screen apart."""
_GOOD = frozenset({"completed", "completed_early"})
_BAD = frozenset({"failed", "needs_human"})


def run_line(fact: RunFact) -> Line | None:
    """One event; None for what the next one says as well."""
    run = fact.run[:_SHORT]
    match fact:
        case WorkflowStarted():
            steps = "1 step" if len(fact.steps) == 1 else f"{len(fact.steps)} steps"
            return _good(f"workflow {one_line(fact.name)} began ({steps}), run {run}")
        case WorkflowEnded():
            words = f"workflow run {run} {_words(fact.state)}{_why(fact.reason)}"
            return _good(words) if fact.state in _GOOD else _warning(words)
        case WorkflowChanged():
            by = f" by {one_line(fact.by)}" if fact.by else ""
            return _dim(f"workflow run {run}: {_words(fact.change)}{by}")
        case StepStarted():
            by = f" by {one_line(fact.by)}" if fact.by else ""
            again = f", attempt {fact.attempt}" if fact.attempt > 1 else ""
            return _dim(f"step {one_line(fact.step)} began{by}{again}")
        case StepChanged():
            words = f"step {one_line(fact.step)} {_words(fact.state)}{_why(fact.reason)}"
            return _good(words) if fact.state in _GOOD else _warning(words) if fact.state in _BAD else _dim(words)
        case StepEnded():
            return None


def _words(state: str) -> str:
    return one_line(state.replace("_", " ").replace("needs human", "needs a person"))


def _why(reason: str) -> str:
    return f": {one_line(reason)}" if reason else ""


def _good(text: str) -> Line:
    return (("class:good", "✓ "), ("", text))


def _warning(text: str) -> Line:
    return (("class:warn", "! "), ("", text))


def _dim(text: str) -> Line:
    return (("class:dim", f"· {text}"),)
