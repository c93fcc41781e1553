"""Runs of workflows over GraphQL: done again from a step on, and compared."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.gateway import Gateway
from tests.fixtures.graphql import GraphQL
from tests.gateway.http.test_workflows import RUNS, TWO_COMMANDS, a_worker, ordered, until
from tests.graphql_api.test_mutations import mutate

RERUN = "... on WorkflowRerun { run { key originKey } }"
COMPARED = """query ($left: String!, $right: ID!) { workflowRun(key: $left) { comparedWith(key: $right) {
  right { key } difference steps { name sameOutput } } } }"""


async def test_a_run_is_done_again_from_a_step_on_once_and_compared(graphql: GraphQL, gateway: Gateway) -> None:
    async with gateway.machine(runs_commands=True) as machine, a_worker(gateway):
        first = (await gateway.ok("POST", RUNS, {"text": TWO_COMMANDS, "session": "main"}))["id"]
        await until(gateway, first, "completed")
        asked: dict[str, Any] = {"run": first, "fromStep": "second", "clientMutationId": "again-1"}
        again = (await mutate(graphql, "rerunWorkflow", RERUN, **asked))["run"]
        assert again["originKey"] == first
        assert (await mutate(graphql, "rerunWorkflow", RERUN, **asked))["run"] == again
        await until(gateway, again["key"], "completed")
        assert len(ordered(machine)) == 3
        found = await graphql.ok(COMPARED, left=first, right=again["key"])
        assert found["workflowRun"]["comparedWith"] == {
            "right": {"key": again["key"]},
            "difference": "",
            "steps": [{"name": "first", "sameOutput": True}, {"name": "second", "sameOutput": True}],
        }


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({}, "ConflictRefusal"),
        ({"fromStep": ""}, "InvalidInput"),
        ({"values": [1]}, "InvalidInput"),
        ({"file": "no: file"}, "InvalidInput"),
        ({"run": "another"}, "NotFoundRefusal"),
    ],
)
async def test_what_cannot_be_done_again_is_refused(
    graphql: GraphQL, gateway: Gateway, given: dict[str, Any], refusal: str
) -> None:
    async with gateway.machine(runs_commands=True):
        run = (await gateway.ok("POST", RUNS, {"text": TWO_COMMANDS, "session": "main"}))["id"]
        refused = await mutate(graphql, "rerunWorkflow", RERUN, **{"run": run, **given})
        assert refused["__typename"] == refusal
