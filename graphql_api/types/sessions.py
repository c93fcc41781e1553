"""Sessions."""

from __future__ import annotations

from typing import Annotated, Self

import strawberry
from strawberry import ID

from broker.domain.agents import agents, sessions
from broker.domain.approvals.answers import ApprovalStatus
from broker.domain.errors import NotFound
from broker.domain.ids import MessageId, SessionId
from broker.domain.instants import from_ms
from broker.domain.logs.event_filter import EventFilter
from broker.domain.logs.events import Cursor, EventKind, parse_cursor
from broker.services.agents.sessions import MAX_PAGE
from broker.services.people.web_links import session_url
from graphql_api.context import ApiServices, Info
from graphql_api.node_ids import key_of
from graphql_api.pagination import MAX_FIRST, After, Connection, First, Place, check_first, page_of, within
from graphql_api.types.agents import Agent
from graphql_api.types.approvals import Approval, approval_place
from graphql_api.types.budgets import MAX_PAUSES, Pause
from graphql_api.types.fields import resolve
from graphql_api.types.groups import SessionAccess
from graphql_api.types.log.changes import FileChangeEntry, changes_page
from graphql_api.types.log.event_filter import read_filter
from graphql_api.types.log.event_pages import (
    AfterEvent,
    BeforeEvent,
    EventConnection,
    FirstEvents,
    LastEvents,
    OnlyEvents,
    read_page,
)
from graphql_api.types.messages import Message
from graphql_api.types.node import Node
from graphql_api.types.questions import Question
from graphql_api.types.scalars import DateTime
from graphql_api.types.stops import Stop
from graphql_api.types.usage import Usage

_MESSAGES = EventFilter(kinds=frozenset({EventKind.MESSAGE_ACCEPTED}))


@strawberry.type(description="A shared room of agents and people, with one log.")
class Session(Node):
    """One session."""

    known: strawberry.Private[sessions.Session]
    name: str = strawberry.field(description="Its name, unique in the workspace.")
    url: str = strawberry.field(description="Where people see it.")
    created_at: DateTime = strawberry.field(description="When it was made.")
    archived: bool = strawberry.field(description="Whether it was put away; it can be read as before.")
    head: Cursor = strawberry.field(description="The place of the newest event of its log.")
    searchable: bool = strawberry.field(description="Whether its log is kept where it can be searched.")
    searchable_to: Cursor | None = strawberry.field(description="Up to where its log can be searched.")

    @classmethod
    def of(cls, session: sessions.Session, services: ApiServices) -> Self:
        """As the domain knows it."""
        return cls(
            known=session,
            key=ID(session.id),
            name=session.name,
            url=session_url(services.public_url, session),
            created_at=DateTime(session.created_at_ms),
            archived=session.archived,
            head=Cursor(session.epoch, session.offset),
            searchable=session.searchable is not None,
            searchable_to=None if session.searchable is None else Cursor(session.epoch, session.searchable),
        )

    @resolve("What is over all of it: a stop of the workspace, or its own; null when no turn is kept from beginning.")
    async def stopped(self, info: Info) -> Stop | None:
        """Loaded once for all sessions of an answer."""
        return Stop.of_any(await info.context.loaders.stop_over.load(self.known.id))

    @resolve("To whom it is open; for everybody who sees the workspace and it.")
    async def access(self, info: Info) -> SessionAccess:
        """Open, or private to people and groups."""
        return SessionAccess.of(await info.context.services.groups.access(info.context.principal, self.known))

    @resolve("Its agents in spawn order.")
    async def agents(
        self,
        info: Info,
        *,
        first: First = 100,
        after: After = None,
        ended: Annotated[bool, strawberry.argument(description="Whether to list those that are gone too.")] = True,
    ) -> Connection[Agent]:
        """Loaded once for all sessions of an answer."""
        found = await info.context.loaders.agents.load(self.known.id)
        listed = [agent for agent in found if ended or not agent.state.ended]
        return page_of(listed, Agent.of, place=_by_spawn, first=first, after=after)

    @resolve("Its live agent of that name; null when there is none.")
    async def agent(
        self, info: Info, name: Annotated[str, strawberry.argument(description="The agent's name.")]
    ) -> Agent | None:
        """By name."""
        try:
            return Agent.of(await info.context.services.sessions.agent(info.context.principal, self.known, name))
        except NotFound:
            return None

    @resolve("A page of its log; the last 100 events when nothing is said.")
    async def events(
        self,
        info: Info,
        *,
        first: FirstEvents = None,
        after: AfterEvent = None,
        last: LastEvents = None,
        before: BeforeEvent = None,
        filter: OnlyEvents = None,  # noqa: A002 - the schema's name
    ) -> EventConnection:
        """Forwards or backwards from a place."""
        return await read_page(
            info, self.known, first=first, after=after, last=last, before=before, only=read_filter(filter)
        )

    @resolve("The log from a time on.")
    async def events_at(
        self,
        info: Info,
        at: Annotated[DateTime, strawberry.argument(description="The time.")],
        *,
        first: FirstEvents = 100,
        filter: OnlyEvents = None,  # noqa: A002 - the schema's name
    ) -> EventConnection:
        """Go on from there with `events`."""
        limit = check_first(MAX_FIRST if first is None else first)
        reader, principal = info.context.services.log_reader, info.context.principal
        page = await reader.at(principal, self.known, at=from_ms(at), limit=limit, only=read_filter(filter))
        return EventConnection.of(page)

    @resolve("An event with what was logged on both sides of it.")
    async def events_around(
        self,
        info: Info,
        cursor: Annotated[Cursor, strawberry.argument(description="The event's place.")],
        *,
        lines: Annotated[int, strawberry.argument(description="How many on each side, 100 at most.")] = 50,
        filter: OnlyEvents = None,  # noqa: A002 - the schema's name
    ) -> EventConnection:
        """To show a place that somebody points to."""
        asked = within("lines", lines, least=0, most=MAX_FIRST)
        reader, principal = info.context.services.log_reader, info.context.principal
        page = await reader.around(principal, self.known, at=cursor, lines=asked, only=read_filter(filter))
        return EventConnection.of(page)

    @resolve("Its messages, as the events that accepted them; the last 100 when nothing is said.")
    async def messages(
        self,
        info: Info,
        *,
        first: FirstEvents = None,
        after: AfterEvent = None,
        last: LastEvents = None,
        before: BeforeEvent = None,
    ) -> EventConnection:
        """Forwards or backwards from a place."""
        return await read_page(info, self.known, first=first, after=after, last=last, before=before, only=_MESSAGES)

    @resolve("Which files its agents changed, with diffs, the newest first.")
    async def changes(
        self,
        info: Info,
        *,
        agent: Annotated[str | None, strawberry.argument(description="Only by the agent of this name.")] = None,
        first: First = 50,
        after: After = None,
    ) -> Connection[FileChangeEntry]:
        """Read from the log."""
        page = await info.context.services.file_history.of_session(
            info.context.principal,
            self.known,
            agent=agent,
            before=None if after is None else parse_cursor(after),
            limit=check_first(first),
        )
        return changes_page(page, earlier=after is not None)

    @resolve("What one turn changed in files, in order; it raises where the turn is no longer kept.")
    async def turn_changes(
        self,
        info: Info,
        cursor: Annotated[Cursor, strawberry.argument(description="Where the turn starts or ends in the log.")],
    ) -> list[FileChangeEntry]:
        """Of the turn that starts or ends there."""
        history, principal = info.context.services.file_history, info.context.principal
        return [FileChangeEntry.of(each) for each in await history.of_turn(principal, self.known, event=cursor)]

    @resolve("A message with its deliveries; null when it is none of this session.")
    async def message(
        self, info: Info, key: Annotated[ID, strawberry.argument(description="The message's key.")]
    ) -> Message | None:
        """By key."""
        try:
            found = await info.context.services.router.trace(info.context.principal, self.known, MessageId(key))
        except NotFound:
            return None
        return Message.of(found)

    @resolve("What its agents asked permission for, the newest first.")
    async def approvals(
        self,
        info: Info,
        *,
        status: Annotated[
            ApprovalStatus | None, strawberry.argument(description="Only those with this status; null lists all.")
        ] = None,
        first: First = 50,
        after: After = None,
    ) -> Connection[Approval]:
        """Of this session."""
        desk, principal = info.context.services.desk, info.context.principal
        found = await desk.of_session(principal, self.known, status=status, limit=MAX_PAGE)
        return page_of(found, Approval.of, place=approval_place, first=first, after=after)

    @resolve("What its agents asked in words and wait for an answer to, the newest first, 100 at most.")
    async def questions(self, info: Info) -> list[Question]:
        """Of this session."""
        desk, principal = info.context.services.desk, info.context.principal
        found = await desk.of_session(principal, self.known, status=ApprovalStatus.PENDING, limit=MAX_PAGE)
        return [Question.of(each) for each in found if each.is_question]

    @resolve(
        "What budgets and limits of the plan have made wait in it, the latest first: those noticed in it, and those"
        " over the whole workspace, for who sees that; 100 at most."
    )
    async def pauses(self, info: Info) -> list[Pause]:
        """What stopped what, here."""
        found = await info.context.services.budgets.pauses_in(info.context.principal, self.known)
        return [Pause.of(each, is_over=is_over) for each, is_over in found[:MAX_PAUSES]]

    @resolve("What each of its agents used, as long as counters are kept.")
    async def usage(self, info: Info) -> list[Usage]:
        """Loaded once for all sessions of an answer."""
        return [Usage.of(line) for line in await info.context.loaders.usage.load(self.known.id)]


def _by_spawn(agent: agents.Agent) -> Place:
    return Place(agent.spawned_at_ms, agent.id)


async def session_of(info: Info, session: SessionId) -> Session:
    """A session that something belongs to; loaded once for all that belong to it. Raises `NotFound`."""
    return Session.of(await info.context.loaders.session.load(session), info.context.services)


async def session_named(info: Info, reference: str) -> sessions.Session:
    """The session that an input names by id, key or name. Raises `NotFound`, `BadRequest`."""
    return await info.context.services.sessions.get(info.context.principal, key_of("Session", reference))
