"""What agents are told: a step's task with its values, and the words of those who review, explain and repair."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping

from broker.domain.workflows.files.definition import AgentEntry, StepEntry, VarValue
from broker.domain.workflows.files.placeholders import Placeholder, placeholders
from broker.domain.workflows.runs.journal import Aide

_LAST_OUTPUT = 2000
_RULE = "---"
"""Between what is to be done and what is only about it."""
_DECISION = re.compile(r"REVIEW_DECISION:\s*\**\s*(APPROVE|REJECT)", re.IGNORECASE)
_PRESETS = {
    "worker": "Do exactly what the task says, and end with your result.",
    "reviewer": "Read and judge; change nothing. Say what is wrong and where.",
    "analyst": "Read and explain; change nothing.",
    "lead": "You lead the others: tell them what to do, and answer what they ask.",
}


def fill(text: str, *, values: Mapping[str, VarValue], output: Callable[[str], str]) -> str:
    """The text with its values. `output`: what stands for a placeholder that is about a step, by its name."""
    written, at = [], 0
    for each in placeholders(text):
        written += [text[at : each.start], _value(each, text, values, output)]
        at = each.end
    return "".join([*written, text[at:]])


def _value(each: Placeholder, text: str, values: Mapping[str, VarValue], output: Callable[[str], str]) -> str:
    if each.step is not None:
        value = output(each.name)
    elif each.name in values:
        found = values[each.name]
        value = found if isinstance(found, str) else json.dumps(found)
    else:
        return text[each.start : each.end]
    return each.filtered(value)


def task_text(agent: AgentEntry, task: str, *, before: str = "", said: str = "", advice: str = "") -> str:
    """What an agent is told. `before`: why the attempt before was not good, `said`: how that one ended."""
    parts = [_PRESETS[agent.preset]] if agent.preset in _PRESETS else []
    parts += [f"Skills: {agent.skills}"] if agent.skills else []
    if before:
        parts.append(f"An earlier attempt at this was not good: {before}")
        parts += [f"It ended with:\n{said[-_LAST_OUTPUT:]}"] if said else []
        parts += [f"What another agent says about it:\n{advice}"] if advice else []
    asked = "\n\n".join(filter(None, (task, agent.task)))
    return "\n\n".join([asked, _RULE, *parts]) if parts else asked


def aide_text(aide: Aide, step: StepEntry, task: str, *, said: str, reason: str, kept: tuple[str, ...]) -> str:
    """What an agent beside a step's own is told. `kept`: files that a repair must not touch."""
    about = f'{_RULE}\nThe step "{step.name}" of a workflow was:\n{task}\n\nIt ended with:\n{said[-4 * _LAST_OUTPUT :]}'
    match aide:
        case Aide.REVIEW:
            asked = (
                "Review it, and change nothing. End with one line, `REVIEW_DECISION: APPROVE` or"
                " `REVIEW_DECISION: REJECT`, and say why."
            )
        case Aide.DIAGNOSIS:
            asked = (
                f"It was not accepted: {reason}. Say why that is, and what the next attempt should do. Change nothing."
            )
        case Aide.REPAIR:
            asked = f"It failed: {reason}. Repair what makes it fail; it is tried again after that."
            asked += f" These decide whether it is good, so leave them as they are: {', '.join(kept)}." if kept else ""
    return f"{asked}\n\n{about}"


def approves(said: str) -> bool:
    """What a review decides: the last decision counts, and none is a no."""
    found = _DECISION.findall(said)
    return bool(found) and found[-1].upper() == "APPROVE"
