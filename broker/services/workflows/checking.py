"""Files that somebody writes: what is wrong in them, and what a run would do, before anything is started."""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.agents.vendors import VENDORS
from broker.domain.errors import BadRequest
from broker.domain.people.access import Permission, Principal
from broker.domain.workflows.files.definition import WorkflowFile
from broker.domain.workflows.planning.plan import Plan, plan_workflow
from broker.domain.workflows.planning.values import missing_vars
from broker.protocol.relay_yaml.reader import Problem, read_workflow_file
from broker.services.permissions import requires
from broker.services.time_bound import TakesTooLong, within

MAX_TEXT = 1_000_000
_READ_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFile:
    """What is to be said about a file."""

    problems: tuple[Problem, ...]
    workflows: tuple[str, ...] = ()
    """Those that it has."""
    plan: Plan | None = None
    """None for a file with errors."""
    missing: tuple[str, ...] = ()
    """Variables that a run has to be given."""


class WorkflowChecks:
    """Use cases around files that are no runs yet."""

    @requires(Permission.SPAWN)
    async def check(self, principal: Principal, text: str, *, workflow: str | None = None) -> CheckedFile:
        """Read and plan `workflow` of the file, the first when none is named. Raises `BadRequest`."""
        if len(text) > MAX_TEXT:
            raise BadRequest(f"a workflow file has {MAX_TEXT} characters at most", code="TOO_LARGE")
        try:
            return within(_READ_S, lambda: _check(text, workflow))
        except TakesTooLong:
            raise BadRequest(
                f"reading the file takes more than {_READ_S:g} s: it has too many steps or words",
                code="INVALID_WORKFLOW",
            ) from None


def _check(text: str, name: str | None) -> CheckedFile:
    reading = read_workflow_file(text, known_clis=VENDORS)
    if reading.file is None or reading.errors:
        return CheckedFile(problems=reading.problems, workflows=_names(reading.file))
    entry = reading.file.workflow(name)
    if entry is None:
        there = ", ".join(_names(reading.file))
        raise BadRequest(f"the file has no workflow {name!r}; it has {there}", code="INVALID_WORKFLOW")
    return CheckedFile(
        problems=reading.problems,
        workflows=_names(reading.file),
        plan=plan_workflow(reading.file, entry.name),
        missing=missing_vars(reading.file, entry, {}),
    )


def _names(file: WorkflowFile | None) -> tuple[str, ...]:
    return tuple(each.name for each in file.workflows) if file else ()
