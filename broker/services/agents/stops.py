"""Stop all, and resume: of a session, a machine, or the workspace."""

from __future__ import annotations

from broker.domain.agents.sessions import Session
from broker.domain.agents.stops import WORKSPACE, Place, Stop, StopHow, StopScope, stop_note
from broker.domain.errors import NotPermitted
from broker.domain.ids import SessionId
from broker.domain.machines.ownership import require_decision
from broker.domain.machines.placement import Proxy, machine_named
from broker.domain.people.access import Permission, Principal
from broker.domain.people.token_kinds import TokenKind
from broker.services.acting import drive
from broker.services.permissions import check_within, requires
from broker.services.ports import Registry, StopRecords
from broker.services.redaction import Redaction


class Stops:
    """Stops and resumes. A session: who may send and release there; a machine: its owner and administrators; the
    workspace: administrators.

    No agent does either, whatever its lead: it ends its own children one by one.
    """

    def __init__(self, records: StopRecords, registry: Registry, redaction: Redaction) -> None:
        self._records = records
        self._registry = registry
        self._redaction = redaction

    @requires(Permission.READ)
    async def standing(self, principal: Principal) -> list[Stop]:
        """What is stopped, as far as the caller sees it, the widest first."""
        found = await self._records.stops(principal.workspace)
        return [stop for stop in found if _is_seen(principal, stop)]

    @check_within("no agent, and who drives agents: `_require_driver`")
    async def stop_session(
        self, principal: Principal, session: Session, *, how: StopHow = StopHow.PAUSE, note: str = ""
    ) -> Stop:
        """Let no turn begin in a session. Raises `NotPermitted`, `BadRequest`."""
        _require_driver(principal, session)
        place = Place(scope=StopScope.SESSION, id=session.id)
        return await self._stop(principal, place, name=session.name, how=how, note=note)

    @check_within("no agent, and who drives agents: `_require_driver`")
    async def resume_session(self, principal: Principal, session: Session, *, note: str = "") -> Stop | None:
        """Let it go on; the stop that is over, None when there was none. Raises `NotPermitted`, `BadRequest`."""
        _require_driver(principal, session)
        return await self._lift(principal, Place(scope=StopScope.SESSION, id=session.id), note=note)

    @check_within("its owner decides, or who administers")
    async def stop_machine(
        self, principal: Principal, reference: str, *, how: StopHow = StopHow.PAUSE, note: str = ""
    ) -> Stop:
        """The same of a machine, by id or name, in every session.

        Raises `NotFound`, `Conflict` (MACHINE_AMBIGUOUS), `NotPermitted`, `BadRequest`.
        """
        machine = await self._own_machine(principal, reference)
        place = Place(scope=StopScope.MACHINE, id=machine.id)
        return await self._stop(principal, place, name=machine.name, how=how, note=note)

    @check_within("its owner decides, or who administers")
    async def resume_machine(self, principal: Principal, reference: str, *, note: str = "") -> Stop | None:
        """Let it go on. Raises as `stop_machine`."""
        machine = await self._own_machine(principal, reference)
        return await self._lift(principal, Place(scope=StopScope.MACHINE, id=machine.id), note=note)

    @check_within("no agent, and who administers: `_require_administrator`")
    async def stop_workspace(self, principal: Principal, *, how: StopHow = StopHow.PAUSE, note: str = "") -> Stop:
        """The same of every session and machine. Raises `NotPermitted`, `BadRequest`."""
        _require_administrator(principal)
        return await self._stop(principal, WORKSPACE, name="", how=how, note=note)

    @check_within("no agent, and who administers: `_require_administrator`")
    async def resume_workspace(self, principal: Principal, *, note: str = "") -> Stop | None:
        """Let it go on; what was stopped by itself stays so. Raises `NotPermitted`, `BadRequest`."""
        _require_administrator(principal)
        return await self._lift(principal, WORKSPACE, note=note)

    async def _own_machine(self, principal: Principal, reference: str) -> Proxy:
        """A machine, for who may decide about it; an id wins over a name."""
        _require_no_agent(principal)
        principal.require(Permission.READ_WORKSPACE)
        machine = machine_named(await self._registry.proxies_called(principal.workspace, reference), reference)
        require_decision(principal, machine)
        return machine

    async def _stop(self, principal: Principal, place: Place, *, name: str, how: StopHow, note: str) -> Stop:
        return await self._records.stop(
            principal.workspace,
            place,
            name=name,
            how=how,
            by=principal.name,
            member=principal.answerable,
            note=await self._presentable(principal, note),
        )

    async def _lift(self, principal: Principal, place: Place, *, note: str) -> Stop | None:
        return await self._records.lift(
            principal.workspace,
            place,
            by=principal.name,
            member=principal.answerable,
            note=await self._presentable(principal, note),
        )

    async def _presentable(self, principal: Principal, note: str) -> str:
        redactor = await self._redaction.redactor(principal.workspace)
        return redactor.text(stop_note(note)).text


def _is_seen(principal: Principal, stop: Stop) -> bool:
    match stop.place.scope:
        case StopScope.WORKSPACE:
            return True
        case StopScope.MACHINE:
            return Permission.READ_WORKSPACE in principal.permissions
        case StopScope.SESSION:
            return principal.sees(SessionId(stop.place.id or ""))


def _require_driver(principal: Principal, session: Session) -> None:
    _require_no_agent(principal)
    principal.require(Permission.SEND)
    principal.require(Permission.RELEASE)
    drive(principal, session.id)


def _require_administrator(principal: Principal) -> None:
    _require_no_agent(principal)
    principal.require(Permission.ADMINISTER)


def _require_no_agent(principal: Principal) -> None:
    if principal.kind is TokenKind.AGENT:
        raise NotPermitted("an agent may neither stop nor resume; it may release the agents that it spawned")
