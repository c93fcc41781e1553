"""A relay.yaml to a typed definition, with everything there is to say about it, by line and column."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import pydantic_core
from pydantic import ValidationError

from broker.domain.workflows.files.definition import WorkflowFile
from broker.domain.workflows.files.findings import Finding, Severity, error, warning
from broker.domain.workflows.planning.check import check_file
from broker.protocol.yaml_document import Document, Path, Position, YamlProblem, read_document


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing to say about a file, and where it stands."""

    severity: Severity
    message: str
    position: Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What came of reading a file. `file` is None when it is none of this format."""

    file: WorkflowFile | None
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What keeps it from being run."""
        return tuple(each for each in self.problems if each.severity is Severity.ERROR)


def read_workflow_file(text: str, *, known_clis: Collection[str] = ()) -> Reading:
    """Read `text` and check it; nothing that it contains raises."""
    try:
        document = read_document(text)
    except YamlProblem as problem:
        found = Problem(severity=Severity.ERROR, message=str(problem), position=problem.position)
        return Reading(file=None, problems=(found,))
    file, findings = _validate(document.value)
    if file is not None:
        findings = [*findings, *check_file(file, known_clis=known_clis)]
    return Reading(file=file, problems=_locate(findings, document))


def _locate(findings: list[Finding], document: Document) -> tuple[Problem, ...]:
    placed = []
    for each in findings:
        position = document.key_position(each.path) if each.at_key else document.position(each.path)
        placed.append(Problem(severity=each.severity, message=each.message, position=position))
    return tuple(sorted(dict.fromkeys(placed), key=lambda each: each.position))


def _validate(value: Any) -> tuple[WorkflowFile | None, list[Finding]]:
    other = _another_format(value)
    try:
        file = WorkflowFile.model_validate(value)
    except ValidationError as invalid:
        mistakes = list(_mistakes(invalid, value, only_missing=other is not None))
        return None, [other, *mistakes] if other else mistakes
    return (None, [other]) if other else (file, list(_coerce(value)))


def _another_format(value: Any) -> Finding | None:
    if not isinstance(value, dict):
        return error("a workflow file is a mapping of version, name, swarm, agents and workflows", ())
    if isinstance(value.get("steps"), list):
        return error(
            "this is a flow of version 2 (steps at the top, each with an id): write its steps under workflows,"
            " with name in place of id",
            ("steps",),
            at_key=True,
        )
    if "pattern" in value and "workflow" in value:
        return error(
            "this is the older layout of templates: pattern belongs under swarm, workflow.steps under workflows,"
            " with name, agent and task in place of id, agent and prompt",
            ("workflow",),
            at_key=True,
        )
    return None


def _mistakes(invalid: ValidationError, value: Any, *, only_missing: bool) -> Iterator[Finding]:
    for each in invalid.errors(include_url=False):
        path = _without_branches(each["loc"], value)
        if each["type"] == "missing":
            yield error(f'"{each["loc"][-1]}" is missing', path)
        elif not only_missing:
            yield error(_sentence(each), path)


def _coerce(value: Any) -> Iterator[Finding]:
    """What only fits since a string was read as a number: the public runner takes it, and editors complain."""
    try:
        WorkflowFile.model_validate_json(pydantic_core.to_json(value, inf_nan_mode="strings"), strict=True)
    except ValidationError as invalid:
        for each in invalid.errors(include_url=False):
            yield warning(f"{_sentence(each)}; it is read as one", _without_branches(each["loc"], value))


def _sentence(mistake: Any) -> str:
    message: str = mistake["msg"]
    return message.replace("Input should be", "this should be").replace("dictionary", "mapping")


def _without_branches(loc: tuple[str | int, ...], value: Any) -> Path:
    """The part of pydantic's path that is the file's; between stand names of the branches of unions."""
    path: list[str | int] = []
    here = value
    for each in loc:
        if _has(here, each):
            here = here[each]
            path.append(each)
    return tuple(path)


def _has(here: Any, key: str | int) -> bool:
    if isinstance(here, dict):
        return key in here
    return isinstance(here, list) and isinstance(key, int) and key < len(here)
