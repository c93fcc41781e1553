"""Doing a run of a workflow again."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import ID

from broker.domain.errors import BadRequest
from broker.domain.ids import WorkflowRunId
from broker.services.workflows.reruns import RerunRequest
from graphql_api.context import Info
from graphql_api.mutations.fields import GIVEN, Repeatable, mutation, short_or_none
from graphql_api.refusals import Refused
from graphql_api.types.scalars import JSON
from graphql_api.types.workflows import WorkflowRun


@strawberry.input(description="A run that is to be done again, as a run of its own.")
class RerunWorkflowInput(Repeatable):
    """A run that is to be done again."""

    run: ID = strawberry.field(description="The run's key.")
    from_step: str | None = strawberry.field(
        default=None,
        description="From this step on all is done again; without it what was not completed, or is another now.",
    )
    file: str | None = strawberry.field(
        default=None,
        description="A corrected file, whole; without it the run's own. Completed steps that are the same are kept.",
    )
    values: JSON | None = strawberry.field(
        default=None, description="Of the file's variables, by their names, in place of the run's own."
    )


@strawberry.type(description="The run has begun, by this or by an earlier request.")
class WorkflowRerun:
    """The new run."""

    run: WorkflowRun = strawberry.field(description="The new run; its `originKey` is the old one's.")


RerunWorkflowResult = Annotated[
    WorkflowRerun | Refused, strawberry.union("RerunWorkflowResult", description="The new run, or why there is none.")
]


@strawberry.type
class WorkflowMutations:
    """Mutations of runs of workflows."""

    @mutation("Do a run again that has ended, or goes on no more: all of it that is left, or from a step on.")
    async def rerun_workflow(self, info: Info, input: Annotated[RerunWorkflowInput, GIVEN]) -> RerunWorkflowResult:
        """The old run stays as it is; with the same `clientMutationId` there is one new run."""
        values: object = {} if input.values is None else input.values
        if not isinstance(values, dict):
            raise BadRequest("values: an object of the variables' names and values")
        asked = RerunRequest(
            text=input.file,
            step=short_or_none("fromStep", input.from_step),
            values=values,
            idempotency_key=input.retry_id,
        )
        reruns, principal = info.context.services.reruns, info.context.principal
        return WorkflowRerun(run=WorkflowRun.of(await reruns.start(principal, WorkflowRunId(input.run), asked)))
