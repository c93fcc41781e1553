"""Whether a step's conditions hold for what came of it: the engine's own look, never the agent's word."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable

from broker.domain.workflows.files.definition import Verification, VerificationType

ON_MACHINE = frozenset(
    {
        VerificationType.FILE_EXISTS,
        VerificationType.CUSTOM,
        VerificationType.GIT_CLEAN,
        VerificationType.TESTS_PASS,
    }
)
"""Conditions that only the step's machine can look at."""
_LONGEST_SHOWN = 300
_PR_URL = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+)/pull/\d+")
_FENCED = re.compile(r"```(?:json)?\s*\n(.*?)```", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What came of an attempt."""

    output: str
    exit_code: int | None = None
    """Of a command."""
    submitted: Any = None
    """What an agent handed in as its result."""


def needs_machine(conditions: Iterable[Verification]) -> tuple[Verification, ...]:
    """Those that cannot be looked at here."""
    return tuple(each for each in conditions if each.type in ON_MACHINE)


def unmet(conditions: Sequence[Verification], evidence: Evidence, *, task: str = "") -> str | None:
    """Why the first condition that can be looked at here does not hold; None when all do.

    `task`: what the agent was told, one copy of which is no part of its output.
    """
    for each in conditions:
        said = None if each.type in ON_MACHINE else _unmet(each, evidence, task)
        if said is not None:
            return said
    return None


def _unmet(condition: Verification, evidence: Evidence, task: str) -> str | None:
    value = "" if condition.value is None else str(condition.value)
    match condition.type:
        case VerificationType.OUTPUT_CONTAINS:
            said = evidence.output.replace(task, "", 1) if task else evidence.output
            return None if value and value in said else f'the output does not contain "{value}"'
        case VerificationType.REGEX:
            found = re.search(value, evidence.output, re.MULTILINE)
            return None if found else f"the output does not match {value}"
        case VerificationType.EXIT_CODE:
            return _wrong_exit(value, evidence.exit_code)
        case VerificationType.PR_URL:
            return _no_pull_request(value, evidence.output)
        case VerificationType.JSON_SCHEMA:
            return unlike_schema(condition.schema_ or {}, evidence)
        case other:
            return f'nobody knows the verification "{other}"'


def _wrong_exit(wanted: str, code: int | None) -> str | None:
    if code is None:
        return None if wanted in {"", "0"} else "it is no command and has no exit code"
    return None if str(code) == (wanted or "0") else f"the exit code is {code}, not {wanted or '0'}"


def _no_pull_request(repository: str, output: str) -> str | None:
    found = {each.lower() for each in _PR_URL.findall(output)}
    if repository:
        return None if repository.lower() in found else f"the output has no URL of a pull request of {repository}"
    return None if found else "the output has no URL of a pull request"


def unlike_schema(schema: dict[str, Any], evidence: Evidence) -> str | None:
    """Why the result is not as the schema has it; None when it is."""
    value = evidence.submitted if evidence.submitted is not None else json_in(evidence.output)
    if value is None:
        return "there is no JSON in the output"
    if problem := schema_problem(schema):
        return problem
    # Without a registry of its own the library gets what a `$ref` names, from wherever that is.
    validator: Validator = _validator_of(schema)(schema, registry=Registry())
    try:
        validator.validate(value)
    except ValidationError as error:
        return f"the result is not as its schema: {error.json_path}: {error.message}"[:_LONGEST_SHOWN]
    except Unresolvable as error:
        return f"the schema itself is none: nothing in it is {error.ref}"[:_LONGEST_SHOWN]
    except RecursionError:
        return "the schema itself is none: it stands within what it means, or the result is nested too deeply"
    return None


def schema_problem(schema: dict[str, Any]) -> str | None:
    """Why this is no JSON schema; None when it is one."""
    try:
        _validator_of(schema).check_schema(schema)
    except SchemaError as error:
        return f"the schema itself is none: {error.json_path}: {error.message}"[:_LONGEST_SHOWN]
    except RecursionError:
        return "the schema itself is none: it is nested too deeply"
    return None


def _validator_of(schema: dict[str, Any]) -> type[Validator]:
    found: type[Validator] = validator_for(schema, default=Draft202012Validator)
    return found


def json_in(text: str) -> Any:
    """The JSON of an output: all of it, its last fenced block, or from its first brace to its last; None without."""
    blocks = _FENCED.findall(text)
    start, end = text.find("{"), text.rfind("}")
    braces = text[start : end + 1] if 0 <= start < end else ""
    for candidate in (text, *reversed(blocks), braces):
        try:
            found = json.loads(candidate)
        except (ValueError, RecursionError):
            continue
        if found is not None:
            return found
    return None


def choice_of(evidence: Evidence) -> str | None:
    """What a voter has chosen: `choice` of its JSON, or the JSON itself when it is a string."""
    value = evidence.submitted if evidence.submitted is not None else json_in(evidence.output)
    match value:
        case {"choice": str() | int() | float() as choice}:
            return str(choice)
        case str():
            return value
        case _:
            return None
