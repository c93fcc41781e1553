"""Agents' plans as vendors tell them: lists of steps whose words differ.

* Agent Client Protocol 1: `session/update`, `plan`: `entries` of `content` and `status`
* Codex app-server 0.1: `turn/plan/updated`: `plan` of `step` and `status`
* Claude Code 2.1: the tool `TodoWrite`: `todos` of `content` and `status`
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from broker.protocol.agents.events import PlanSet, PlanStep

_MOST_STEPS = 200
"""Of a plan that people can read."""
_MOST_CHARACTERS = 2000
_STATES: dict[object, Literal["in_progress", "completed"]] = {
    "in_progress": "in_progress",
    "inProgress": "in_progress",
    "completed": "completed",
}


def read_plan(steps: Any) -> Iterator[PlanSet]:
    """The plan in a vendor's list, nothing if it is none. A state that is not known is of what is still to be done."""
    if not isinstance(steps, list):
        return
    told = (_read_step(step) for step in steps[:_MOST_STEPS])
    yield PlanSet(steps=tuple(step for step in told if step is not None))


def _read_step(step: Any) -> PlanStep | None:
    if not isinstance(step, dict):
        return None
    text = step.get("content") or step.get("step")
    if not isinstance(text, str):
        return None
    state = step.get("status")
    return PlanStep(
        text=text[:_MOST_CHARACTERS], state=_STATES.get(state, "pending") if isinstance(state, str) else "pending"
    )
