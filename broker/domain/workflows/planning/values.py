"""The values of a run's variables: what was given, checked against what the file declares."""

from __future__ import annotations

import json
from collections.abc import Mapping

from broker.domain.errors import BadRequest
from broker.domain.workflows.files.definition import Var, VarValue, WorkflowEntry, WorkflowFile
from broker.domain.workflows.files.findings import nearest
from broker.domain.workflows.files.placeholders import placeholders
from broker.domain.workflows.planning.check import has_type
from broker.domain.workflows.planning.check_steps import texts_of

_WORDS = {"true": True, "false": False}


def find_used_vars(file: WorkflowFile, workflow: WorkflowEntry) -> tuple[str, ...]:
    """The variables whose values stand somewhere in the workflow's texts or its agents', in order."""
    texts = [text for step in workflow.steps for _, text in texts_of(step)]
    texts += [each.task for each in file.agents if each.task]
    texts += [each.command for each in workflow.preflight]
    found = (each.name for text in texts for each in placeholders(text) if each.step is None)
    return tuple(dict.fromkeys(found))


def missing_vars(file: WorkflowFile, workflow: WorkflowEntry, given: Mapping[str, VarValue]) -> tuple[str, ...]:
    """What has to be given yet: declared without a default, or used without being declared."""
    declared = file.list_vars()
    needed = [
        name for name, each in declared.items() if each.required or (each.default is None and each.required is None)
    ]
    needed += [each for each in find_used_vars(file, workflow) if each not in declared]
    for step in workflow.steps:
        called = file.workflow(step.workflow) if step.workflow else None
        needed += missing_vars(file, called, {**given, **(step.vars or {})}) if called else ()
    return tuple(each for each in dict.fromkeys(needed) if each not in given)


def parse_vars(file: WorkflowFile, given: Mapping[str, str]) -> dict[str, VarValue]:
    """Values as typed (`--var name=value`), with the types that the file declares.

    Raises `BadRequest` for a name that it does not declare, where it declares any, and for a value of another type.
    """
    declared = file.list_vars()
    parsed: dict[str, VarValue] = {}
    for name, text in given.items():
        if file.vars is not None and name not in declared:
            raise BadRequest(f'the file has no variable "{name}"{nearest(name, declared)}')
        parsed[name] = _parse(name, text, declared.get(name, Var()))
    return parsed


def _parse(name: str, text: str, var: Var) -> VarValue:
    value: VarValue = text
    try:
        match var.type:
            case "integer":
                value = int(text)
            case "number":
                value = float(text)
            case "boolean":
                value = _WORDS.get(text.lower(), text)
            case "json":
                value = json.loads(text)
            case _:
                pass
    except ValueError:
        value = None
    if value is None or not has_type(value, var.type):
        raise BadRequest(f'"{text}" is no {var.type}, as the variable "{name}" is')
    return value
