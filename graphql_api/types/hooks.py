"""A workspace's hooks and their runs."""

from __future__ import annotations

import shlex
from typing import Any, Self

import strawberry
from strawberry import ID

from broker.domain.hooks import definitions as domain
from broker.domain.hooks.definitions import (
    Action,
    CommandAction,
    NotifyAction,
    RelayAction,
    WebhookAction,
    WorkflowAction,
    kind_of,
)
from broker.services.hooks.definitions import MAX_RUNS, HooksShown
from broker.services.hooks.outgoing import show_target
from broker.services.ports import HookRun as RunRow
from graphql_api.context import Info
from graphql_api.pagination import After, Connection, First, Place, page_of
from graphql_api.types.fields import resolve
from graphql_api.types.scalars import DateTime


@strawberry.type(description="One definition of what is done when something happens.")
class Hook:
    """One hook."""

    key: ID = strawberry.field(description="Its id in the file, or one made of its definition.")
    selector: str = strawberry.field(description="Whose happenings it waits for, as the file has it.")
    event: str = strawberry.field(description="What it waits for, such as `on_turn_complete`.")
    does: str = strawberry.field(description="`command`, `relay`, `webhook`, `notify` or `start_workflow`.")
    target: str = strawberry.field(
        description="The command line, whom it tells, or where it sends; of a URL the host alone, as the rest can be a"
        " secret."
    )
    enabled: bool = strawberry.field(description="Whether it runs.")
    decides: bool = strawberry.field(description="Whether its answer to what waits for people counts.")
    may_allow: bool = strawberry.field(description="Whether its `allow` answers for people.")
    stopped: str | None = strawberry.field(
        description="Why nothing is delivered for it until hooks are applied anew; null when something is."
    )

    @classmethod
    def of(cls, hook: domain.Hook, *, stopped: str | None) -> Self:
        """As the service shows it."""
        return cls(
            key=ID(hook.id),
            selector=str(hook.selector),
            event=hook.event,
            does=kind_of(hook.action),
            target=_target(hook.action),
            enabled=hook.enabled,
            decides=hook.decides,
            may_allow=hook.may_allow,
            stopped=stopped,
        )


@strawberry.type(description="The hooks that hold in the workspace.")
class Hooks:
    """All of them."""

    shown: strawberry.Private[HooksShown]

    @resolve("Counts the changes of the workspace's hooks; 0: there were never any.")
    def version(self) -> int:
        """Of those that hold."""
        return self.shown.saved.version

    @resolve("The file as it was written.")
    def text(self) -> str:
        """YAML."""
        return self.shown.saved.text

    @resolve("Who has applied them; null without any.")
    def by(self) -> str | None:
        """A name."""
        return self.shown.saved.by or None

    @resolve("When they were applied; null without any.")
    def at(self) -> DateTime | None:
        """Last."""
        return DateTime(self.shown.saved.at_ms) if self.shown.saved.at_ms else None

    @resolve("Whether none begins at present.")
    def paused(self) -> bool:
        """All at once."""
        return self.shown.saved.paused

    @resolve("What people should know of those that agents wait for.")
    def notes(self) -> list[str]:
        """In words."""
        return list(self.shown.notes)

    @resolve("Each of them, in the order of the file.")
    def hooks(self, *, first: First = 20, after: After = None) -> Connection[Hook]:
        """A page."""
        return page_of(
            enumerate(self.shown.hooks),
            lambda each: Hook.of(each[1], stopped=self.shown.stopped.get(each[1].id)),
            place=lambda each: Place(each[0], each[1].id),
            first=first,
            after=after,
        )


@strawberry.type(description="One run of a hook, as far as it has come. Its events are in its session's log: `hook.*`.")
class HookRun:
    """One run."""

    key: ID = strawberry.field(description="Its id: all its events have the same.")
    hook: str = strawberry.field(description="The hook's id.")
    session_key: ID = strawberry.field(description="The session in which it was set off.")
    agent_name: str | None = strawberry.field(description="Of the agent that set it off; null for a workflow's run.")
    state: str = strawberry.field(
        description="`ordered`, `started`, `completed`, `failed`, `refused`, `skipped`, `expired` or `interrupted`."
    )
    at: DateTime = strawberry.field(description="When it came to that.")
    event: str | None = strawberry.field(description="What set it off.")
    reason: str | None = strawberry.field(description="Why it stands so.")
    argv: list[str] = strawberry.field(description="Of a command: its words, as it was or would have been started.")
    exit_code: int | None = strawberry.field(description="Of a command that has ended.")
    output: str | None = strawberry.field(description="What a command wrote, cut.")

    @classmethod
    def of(cls, row: RunRow) -> Self:
        """As the store has it."""
        data: dict[str, Any] = row.data
        return cls(
            key=ID(row.id),
            hook=row.hook,
            session_key=ID(row.session),
            agent_name=row.name or None,
            state=row.state,
            at=DateTime(row.at_ms),
            event=data.get("event"),
            reason=data.get("reason") or None,
            argv=list(data.get("argv") or ()),
            exit_code=data.get("exit_code"),
            output=data.get("output") or None,
        )


async def hooks_that_hold(info: Info) -> Hooks:
    """For who may read all of the workspace."""
    return Hooks(shown=await info.context.services.hooks.show(info.context.principal))


async def latest_runs(info: Info, *, first: int, after: str | None) -> Connection[HookRun]:
    """The newest first."""
    found = await info.context.services.hooks.history(info.context.principal, limit=MAX_RUNS)
    return page_of(found, HookRun.of, place=lambda row: Place(-row.at_ms, row.id), first=first, after=after)


def _target(action: Action) -> str:
    match action:
        case CommandAction(command=command):
            return command if isinstance(command, str) else shlex.join(command)
        case RelayAction(to=to):
            return to
        case WorkflowAction(workflow=workflow):
            return workflow or ""
        case WebhookAction() | NotifyAction():
            return show_target(action)
