"""Workflow files as runs have them: read and checked once, and kept for the next look."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from broker.domain.errors import BadRequest, NotFound
from broker.domain.ids import WorkspaceId
from broker.domain.workflows.files.definition import Preflight, StepEntry, WorkflowEntry, WorkflowFile
from broker.domain.workflows.graphs.graph import Workflow, compile_workflow
from broker.domain.workflows.graphs.preflight import all_steps, preflights_of
from broker.domain.workflows.graphs.topology import Topology, topology_of
from broker.domain.workflows.planning.plan import Consent, Place, plan_workflow
from broker.protocol.relay_yaml.reader import Problem, Reading, read_workflow_file
from broker.services.ports import WorkflowRecords
from broker.services.time_bound import TakesTooLong, within

_KEPT = 500
_SHOWN_PROBLEMS = 20
_READ_S = 1.0
"""Of the processor, for a file that is started: a thousand steps one after the other take a third of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Needed:
    """What a workflow's steps need of the machines that they run on. Each order asks for it, so it is found at once."""

    places: Mapping[str, Place | None]
    """By step."""
    consents: Mapping[Place, Consent]


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
    def _needed(self) -> dict[str, _Needed]:
        return {}

    def _needed_for(self, workflow: str) -> _Needed:
        if workflow not in self._needed:
            plan = plan_workflow(self.file, workflow)
            self._needed[workflow] = _Needed(
                places={each.name: each.place for each in plan.steps},
                consents={each.place: each for each in plan.consents},
            )
        return self._needed[workflow]

    def consent(self, step: str, *, root: str | None = None) -> Consent | None:
        """What the machine is to agree to where a step of the file runs; None for nothing. It follows from the file
        alone, wherever the run is: an owner who agrees to it may have nothing else.

        `root`: the workflow of the file that people started, where that has called this one.
        """
        place = self._needed_for(self.entry.name).places.get(step)
        consents = self._needed_for(root or self.entry.name).consents
        return None if place is None else consents.get(place)

    @cached_property
    def steps(self) -> dict[str, StepEntry]:
        """As the file has them, by name; those of its preflight too."""
        return {each.name: each for each in all_steps(self.entry)}

    @cached_property
    def preflights(self) -> Mapping[str, Preflight]:
        """The commands ahead of them, by the names of their steps."""
        return preflights_of(self.entry)


def define_anew(text: str, workflow: str | None, *, read_s: float = _READ_S) -> Definition:
    """As `define`, of a file that somebody has just given, who may have made it to take long."""

    def defined() -> Definition:
        definition = define(text, workflow)
        _ = definition.workflow, definition.topology
        return definition

    try:
        return within(read_s, defined)
    except TakesTooLong:
        raise BadRequest(
            f"reading the file takes more than {read_s:g} s: it has too many steps or words", code="INVALID_WORKFLOW"
        ) from None


def define(text: str, workflow: str | None) -> Definition:
    """A workflow of a file, the first when none is named. Raises `BadRequest` (INVALID_WORKFLOW)."""
    reading = read_workflow_file(text)
    if reading.errors:
        raise invalid(reading.errors)
    return _define(reading, text, workflow)


def _define(reading: Reading, text: str, workflow: str | None) -> Definition:
    if reading.file is None:
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
        """The definition with that hash: it was checked by the version that began the run, and a later one that finds
        more to refuse refuses new runs alone. Raises `NotFound` (DEFINITION_NOT_FOUND).
        """
        known = self._known.get((digest, workflow))
        if known is None:
            text = await self._records.definition(workspace, digest)
            if text is None:
                raise NotFound("the file of this run is no longer kept", code="DEFINITION_NOT_FOUND")
            known = self._known[digest, workflow] = _define(read_workflow_file(text), text, workflow)
            if len(self._known) > _KEPT:
                self._known.popitem(last=False)
        self._known.move_to_end((digest, workflow))
        return known
