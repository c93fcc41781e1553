"""Stop all, and resume."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry import ID

from broker.domain.agents import stops as domain
from broker.domain.agents.stops import StopHow, StopScope
from broker.domain.errors import BadRequest
from graphql_api.context import Info
from graphql_api.mutations.fields import GIVEN, Repeatable, mutation, once
from graphql_api.node_ids import key_of
from graphql_api.refusals import Refused
from graphql_api.types.sessions import session_named
from graphql_api.types.stops import Stop


@strawberry.input
class _Place(Repeatable):
    """What is meant: exactly one of three."""

    session: ID | None = strawberry.field(default=None, description="This session: its id, key or name.")
    proxy: ID | None = strawberry.field(default=None, description="This machine: its id, key or name.")
    workspace: bool = strawberry.field(default=False, description="The workspace: every session and machine.")
    note: str = strawberry.field(default="", description="Why, for the sessions' logs; 500 characters at most.")

    @property
    def scope(self) -> StopScope:
        """Which of the three. Raises `BadRequest`."""
        given = {
            StopScope.SESSION: self.session is not None,
            StopScope.MACHINE: self.proxy is not None,
            StopScope.WORKSPACE: self.workspace,
        }
        named = [scope for scope, is_given in given.items() if is_given]
        if len(named) != 1:
            raise BadRequest("name one of session, proxy and workspace")
        return named[0]


@strawberry.input(description="What is to be stopped: a session, a machine or the workspace.")
class StopAllInput(_Place):
    """What is to be stopped."""

    how: StopHow = strawberry.field(default=StopHow.PAUSE, description="What becomes of the agents.")


@strawberry.input(description="What is to go on: a session, a machine or the workspace.")
class ResumeAllInput(_Place):
    """What is to go on."""


@strawberry.type(description="It is stopped, by this or by an earlier request.")
class AllStopped:
    """The stop."""

    stop: Stop | None = strawberry.field(
        description="The stop that stands; null when a repeat finds that it was lifted since."
    )


@strawberry.type(description="The stop is lifted, by this or by an earlier request. Other stops over it stay.")
class AllResumed:
    """The stop that is over."""

    stop_key: ID | None = strawberry.field(description="The stop that is over; null when it was not stopped.")


StopAllResult = Annotated[
    AllStopped | Refused, strawberry.union("StopAllResult", description="The stop, or why there is none.")
]
ResumeAllResult = Annotated[
    AllResumed | Refused, strawberry.union("ResumeAllResult", description="That it goes on, or why not.")
]


@strawberry.type
class StopMutations:
    """Mutations of stops."""

    @mutation(
        "Let no turn begin in a session, on a machine or in the workspace: turns that run are interrupted, messages"
        " wait, agents are paused or released. Not for agents."
    )
    async def stop_all(self, info: Info, input: Annotated[StopAllInput, GIVEN]) -> StopAllResult:
        """A repeat stops nothing again that was resumed since."""

        async def stop() -> str:
            return (await _stop(info, input)).id

        key = (await once(info, input, stop)).text
        standing = await info.context.services.stops.standing(info.context.principal)
        return AllStopped(stop=next((Stop.of(each) for each in standing if each.id == key), None))

    @mutation("Let a session, a machine or the workspace go on: what waits is handed over. Not for agents.")
    async def resume_all(self, info: Info, input: Annotated[ResumeAllInput, GIVEN]) -> ResumeAllResult:
        """A repeat lifts no later stop."""

        async def resume() -> str:
            over = await _resume(info, input)
            return over.id if over else "none"

        key = (await once(info, input, resume)).text
        return AllResumed(stop_key=None if key == "none" else ID(key))


async def _stop(info: Info, given: StopAllInput) -> domain.Stop:
    stops, principal = info.context.services.stops, info.context.principal
    match given.scope:
        case StopScope.SESSION:
            session = await session_named(info, given.session or "")
            return await stops.stop_session(principal, session, how=given.how, note=given.note)
        case StopScope.MACHINE:
            machine = key_of("Proxy", given.proxy or "")
            return await stops.stop_machine(principal, machine, how=given.how, note=given.note)
        case StopScope.WORKSPACE:
            return await stops.stop_workspace(principal, how=given.how, note=given.note)


async def _resume(info: Info, given: ResumeAllInput) -> domain.Stop | None:
    stops, principal = info.context.services.stops, info.context.principal
    match given.scope:
        case StopScope.SESSION:
            return await stops.resume_session(
                principal, await session_named(info, given.session or ""), note=given.note
            )
        case StopScope.MACHINE:
            return await stops.resume_machine(principal, key_of("Proxy", given.proxy or ""), note=given.note)
        case StopScope.WORKSPACE:
            return await stops.resume_workspace(principal, note=given.note)
