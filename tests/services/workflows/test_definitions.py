"""The files that runs are pinned to."""

from __future__ import annotations

import hashlib

import pytest

from broker.domain.errors import BadRequest
from broker.domain.ids import WorkflowRunId
from broker.domain.workflows.planning.plan import plan_workflow
from broker.services.ports import NewRun
from broker.services.workflows.definitions import Definitions, define
from tests.fixtures.desk import Desk, a_person

ONCE_TAKEN = """\
version: "1.0"
name: once
swarm: { pattern: dag }
workflows:
  - name: once
    steps:
      - { name: there, type: worktree, branch: b, machine: a }
      - { name: here, type: deterministic, command: "ls {{steps.there.output}}", dependsOn: [there], machine: b }
"""


async def test_a_run_goes_on_with_a_file_that_a_later_version_would_refuse(desk: Desk) -> None:
    with pytest.raises(BadRequest, match="files do not go from one machine to another yet"):
        define(ONCE_TAKEN, None)
    digest = hashlib.sha256(ONCE_TAKEN.encode()).hexdigest()
    run = NewRun(
        id=WorkflowRunId("00000000-0000-4000-8000-00000000000c"),
        digest="digest",
        session=desk.session.id,
        name="once",
        workflow="once",
        text=ONCE_TAKEN,
        definition=digest,
        values={},
        by=a_person(desk.workspace),
        machine=None,
        folder=None,
        told=b"{}",
    )
    await desk.adapters.workflows.begin(desk.workspace, run)
    found = await Definitions(desk.adapters.workflows).get(desk.workspace, digest, "once")
    assert list(found.workflow.steps) == ["there", "here"]


def test_what_an_owner_agrees_to_is_the_same_wherever_the_run_is() -> None:
    text = ONCE_TAKEN.replace("ls {{steps.there.output}}", "ls").replace(", machine: b", "")
    definition = define(text, None)
    (of_a, of_run) = plan_workflow(definition.file).consents
    assert (definition.consent("there"), definition.consent("here")) == (of_a, of_run)
