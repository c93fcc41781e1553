"""What needs a person."""

from __future__ import annotations

from typing import Annotated, Self

import strawberry
from strawberry import ID

from broker.domain.needs import needs as domain
from broker.domain.needs.needs import NeedKind
from graphql_api.pagination import Place
from graphql_api.types.approvals import Approval
from graphql_api.types.scalars import DateTime


@strawberry.type(description="One thing that does not go on, or not well, until a person looks at it.")
class Need:
    """One thing."""

    key: ID = strawberry.field(description="The same for as long as it is the same thing.")
    kind: NeedKind = strawberry.field(description="What kind of thing it is.")
    title: str = strawberry.field(description="What needs somebody, in words.")
    detail: str = strawberry.field(description="Why, in words; may be empty.")
    since: DateTime | None = strawberry.field(description="Since when; null where that was not written down.")
    blocks: bool = strawberry.field(description="Whether something waits or is lost; else it is a warning.")
    session_key: ID | None = strawberry.field(description="The session that it is in.")
    agent_key: ID | None = strawberry.field(description="The agent that it is about.")
    name: str = strawberry.field(description="What the agent, machine, run or limit is called.")
    subject_key: ID = strawberry.field(
        description="The key of the approval, agent, message, machine or run; what a budget or a limit is for."
    )
    dismissable: bool = strawberry.field(
        description="Whether it stays until somebody says that they have seen it: `dismissFailures`."
    )
    resumable: bool = strawberry.field(description="Whether `resumeAgent` can bring a failed agent back.")
    approval: Approval | None = strawberry.field(description="What is asked, of kinds that are answered.")

    @classmethod
    def of(cls, need: domain.Need) -> Self:
        """As the domain knows it."""
        return cls(
            key=ID(need.key),
            kind=need.kind,
            title=need.title,
            detail=need.detail,
            since=None if need.since_ms is None else DateTime(need.since_ms),
            blocks=need.blocks,
            session_key=None if need.session is None else ID(need.session),
            agent_key=None if need.agent is None else ID(need.agent),
            name=need.name,
            subject_key=ID(need.subject),
            dismissable=need.dismissable,
            resumable=need.resumable,
            approval=Approval.of(need.approval) if need.approval else None,
        )


@strawberry.type(description="All that needs a person. It comes first, and whenever changes may have been missed.")
class NeedsSnapshot:
    """All of them."""

    needs: list[Need] = strawberry.field(description="What blocks something first, the longest waiting first.")


@strawberry.type(description="Some things need a person anew or otherwise, others no longer.")
class NeedsChanged:
    """A change."""

    changed: list[Need] = strawberry.field(description="What is new, or another than before.")
    over: list[ID] = strawberry.field(description="The keys of what needs nobody any more.")
    settled: list[Approval] = strawberry.field(description="The approvals among those that are over.")


NeedsItem = Annotated[
    NeedsSnapshot | NeedsChanged,
    strawberry.union("NeedsItem", description="What needs a person, or a change of that."),
]


def need_place(need: domain.Need) -> Place:
    """As `needs_of` orders them."""
    late = (2 if not need.blocks else 0) + (1 if need.since_ms is None else 0)
    return Place(late * 10**14 + (need.since_ms or 0), need.key)
