"""The root type of queries."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import ID

from broker.domain.approvals.effects import Effect
from broker.domain.approvals.risk.findings import Risk
from broker.domain.approvals.rules import Rule
from broker.domain.errors import BadRequest, NotFound
from broker.domain.people.access import MemberRole
from broker.services.approvals.rule_book import MAX_TRIED_DAYS
from broker.services.workflows.runs import MAX_LISTED
from graphql_api.context import Info
from graphql_api.pagination import After, Connection, First, page_of, within
from graphql_api.queries.nodes import node_of
from graphql_api.types.fields import resolve
from graphql_api.types.hooks import HookRun, Hooks, hooks_that_hold, latest_runs
from graphql_api.types.node import Node
from graphql_api.types.rules import RuleTrial
from graphql_api.types.sessions import Session
from graphql_api.types.workflows import WorkflowRun, newest_run, run_of
from graphql_api.types.workspaces import Viewer, Workspace, own_workspace

_LONGEST_PATTERN = 4096
NodeId = Annotated[ID, strawberry.argument(description="What a field called `id` said.")]


@strawberry.type(description="What can be asked.")
class Query:
    """The root of queries."""

    @resolve("Any thing by its id; null when it is gone, or nothing that the caller may see.")
    async def node(self, info: Info, id: NodeId) -> Node | None:  # noqa: A002 - Relay's name
        """By global id."""
        return await node_of(info, id)

    @resolve("Who asks, and what they may do.")
    def viewer(self, info: Info) -> Viewer:
        """The caller."""
        return Viewer.of(info.context.principal)

    @resolve("The workspace of whoever asks.")
    async def workspace(self, info: Info) -> Workspace:
        """The caller's own."""
        return await own_workspace(info)

    @resolve("One session; null when there is none that the caller may see.")
    async def session(
        self, info: Info, key: Annotated[str, strawberry.argument(description="The session's key or its name.")]
    ) -> Session | None:
        """By key or name."""
        services = info.context.services
        try:
            return Session.of(await services.sessions.look_up(info.context.principal, key), services)
        except NotFound:
            return None

    @resolve("What a rule, put first, would have done with the requests of the last days. Nothing is changed.")
    async def rule_trial(
        self,
        info: Info,
        *,
        effect: Annotated[Effect, strawberry.argument(description="What it does where it matches.")],
        tool: Annotated[str, strawberry.argument(description="As of a rule.")] = "*",
        command: Annotated[str | None, strawberry.argument(description="As of a rule.")] = None,
        path: Annotated[str | None, strawberry.argument(description="As of a rule.")] = None,
        risk: Annotated[Risk | None, strawberry.argument(description="As of a rule.")] = None,
        role: Annotated[MemberRole | None, strawberry.argument(description="As of a rule.")] = None,
        group: Annotated[str | None, strawberry.argument(description="As of a rule.")] = None,
        people: Annotated[int, strawberry.argument(description="As of a rule.")] = 1,
        days: Annotated[int, strawberry.argument(description=f"From 1 to {MAX_TRIED_DAYS}.")] = 7,
    ) -> RuleTrial:
        """For who may read all of the workspace."""
        if max(len(tool), len(command or ""), len(path or ""), len(group or "")) > _LONGEST_PATTERN:
            raise BadRequest(f"a pattern has {_LONGEST_PATTERN} characters at most")
        rule = Rule(
            effect=effect, tool=tool, command=command, path=path, risk=risk, role=role, group=group, people=people
        )
        tried = await info.context.services.rule_trials.try_rule(
            info.context.principal, rule, days=within("days", days, least=1, most=MAX_TRIED_DAYS)
        )
        return RuleTrial.of(tried)

    @resolve("Runs of workflows, as far as the caller sees them, the newest first: the latest 1000.")
    async def workflow_runs(self, info: Info, *, first: First = 20, after: After = None) -> Connection[WorkflowRun]:
        """Newest first."""
        found = await info.context.services.workflows.list(info.context.principal, limit=MAX_LISTED)
        return page_of(found, WorkflowRun.of, place=newest_run, first=first, after=after)

    @resolve("The workspace's hooks.")
    async def hooks(self, info: Info) -> Hooks:
        """Those that hold."""
        return await hooks_that_hold(info)

    @resolve("Runs of hooks, as far as the caller sees them, the newest first: the latest 1000.")
    async def hook_runs(self, info: Info, *, first: First = 20, after: After = None) -> Connection[HookRun]:
        """Newest first."""
        return await latest_runs(info, first=first, after=after)

    @resolve("One run of a workflow; null when there is none that the caller may see.")
    async def workflow_run(
        self, info: Info, key: Annotated[str, strawberry.argument(description="The run's key.")]
    ) -> WorkflowRun | None:
        """By its key."""
        return await run_of(info, key)
