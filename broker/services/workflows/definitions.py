"""Workflow files as runs have them: read and checked once, and kept for the next look."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property

from broker.domain.errors import BadRequest, NotFound
from broker.domain.ids import WorkspaceId
from broker.domain.workflows.definition import StepEntry, WorkflowEntry, WorkflowFile
from broker.domain.workflows.graph import Workflow, compile_workflow
from broker.domain.workflows.plan import Plan, plan_workflow
from broker.domain.workflows.topology import Topology, topology_of
from broker.protocol.relay_yaml.reader import Problem, read_workflow_file
from broker.services.ports import WorkflowRecords

_KEPT = 500
_SHOWN_PROBLEMS = 20


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One workflow of a file, and all that follows from it."""

    digest: str
    """SHA-256 of the file's text."""
    file: WorkflowFile
    entry: WorkflowEntry

    @cached_property
    def workflow(self) -> Workflow:
        """As the engine runs it."""
        return compile_workflow(self.file, self.entry.name)

    @cached_property
    def topology(self) -> Topology:
        """Who may talk to whom."""
        return topology_of(self.file, self.entry)

    @cached_property
    def _plans(self) -> dict[str | None, Plan]:
        return {}

    def templates(self, step: str, *, machine: str | None) -> tuple[str, ...]:
        """What the file has run where a step of it runs, see `domain.workflows.plan.Consent`."""
        if machine not in self._plans:
            self._plans[machine] = plan_workflow(self.file, self.entry.name, machine=machine)
        plan = self._plans[machine]
        place = next((each.place for each in plan.steps if each.name == step), None)
        return next((each.templates for each in plan.consents if each.place == place), ())

    @cached_property
    def steps(self) -> dict[str, StepEntry]:
        """As the file has them, by name."""
        return {each.name: each for each in self.entry.steps}


def define(text: str, workflow: str | None) -> Definition:
    """A workflow of a file, the first when none is named. Raises `BadRequest` (INVALID_WORKFLOW)."""
    reading = read_workflow_file(text)
    if reading.file is None or reading.errors:
        raise invalid(reading.errors)
    entry = reading.file.workflow(workflow)
    if entry is None:
        there = ", ".join(each.name for each in reading.file.workflows) or "none"
        raise BadRequest(f"the file has no workflow {workflow!r}; it has {there}", code="INVALID_WORKFLOW")
    return Definition(digest=hashlib.sha256(text.encode()).hexdigest(), file=reading.file, entry=entry)


def invalid(problems: tuple[Problem, ...]) -> BadRequest:
    """The refusal of a file with errors, each with its place."""
    shown = [f"line {each.position.line}: {each.message}" for each in problems[:_SHOWN_PROBLEMS]]
    more = f"; and {len(problems) - _SHOWN_PROBLEMS} more" if len(problems) > _SHOWN_PROBLEMS else ""
    return BadRequest(
        "; ".join(shown) + more,
        code="INVALID_WORKFLOW",
        details={
            "problems": [
                {"line": each.position.line, "column": each.position.column, "message": each.message}
                for each in problems
            ]
        },
    )


class Definitions:
    """The definitions that runs are pinned to."""

    def __init__(self, records: WorkflowRecords) -> None:
        self._records = records
        self._known: OrderedDict[tuple[str, str], Definition] = OrderedDict()

    async def get(self, workspace: WorkspaceId, digest: str, workflow: str) -> Definition:
        """The definition with that hash. Raises `NotFound` (DEFINITION_NOT_FOUND)."""
        known = self._known.get((digest, workflow))
        if known is None:
            text = await self._records.definition(workspace, digest)
            if text is None:
                raise NotFound("the file of this run is no longer kept", code="DEFINITION_NOT_FOUND")
            known = self._known[digest, workflow] = define(text, workflow)
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
        self._known.move_to_end((digest, workflow))
        return known
