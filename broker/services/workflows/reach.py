"""Who may talk to whom in a run: what the pattern of its file has as edges, and nobody outside."""

from __future__ import annotations

from broker.domain.agents.agents import Agent
from broker.domain.agents.sessions import Session
from broker.domain.errors import NotFound, NotPermitted
from broker.domain.messages.messages import ToAgent, ToAll, ToChannel, parse_address
from broker.domain.people.access import Principal
from broker.domain.workflows.graphs.topology import Topology
from broker.services.ports import Mailroom, Registry, WorkflowRecords
from broker.services.workflows.definitions import Definitions


class RunReach:
    """Implements `Reach`."""

    def __init__(
        self, records: WorkflowRecords, definitions: Definitions, registry: Registry, *, mailroom: Mailroom
    ) -> None:
        self._records = records
        self._definitions = definitions
        self._registry = registry
        self._mailroom = mailroom

    async def require(self, sender: Principal, session: Session, *, to: str) -> None:
        """Raise `NotPermitted` when the sender is of a run whose pattern does not let it send there."""
        if sender.part is None:
            return
        row = await self._records.row(sender.workspace, sender.part.run)
        if row is None:  # no longer kept
            return
        definition = await self._definitions.get(sender.workspace, row.definition, row.workflow)
        for each in await self._recipients(sender, session, to):
            _require(definition.topology, sender, each)

    async def _recipients(self, sender: Principal, session: Session, to: str) -> list[Agent]:
        match parse_address(to):
            case ToAgent(name=name):
                try:
                    return [await self._registry.agent_named(sender.workspace, session.id, name)]
                except NotFound:  # the mailroom says so
                    return []
            case ToChannel(channel=channel):
                channels = await self._mailroom.channels(sender.workspace, session.id)
                members = {name for each in channels if each.name == channel for name in each.members}
                return [each for each in await self._living(sender, session) if each.name in members]
            case ToAll():
                return await self._living(sender, session)

    async def _living(self, sender: Principal, session: Session) -> list[Agent]:
        known = await self._registry.agents(sender.workspace, session.id, limit=1000)
        return [each for each in known if not each.state.ended and each.id != sender.agent]


def _require(topology: Topology, sender: Principal, receiver: Agent) -> None:
    """What it has spawned itself is its own affair."""
    part = sender.part
    assert part is not None
    if sender.agent in {receiver.id, receiver.spawner_id}:
        return
    if receiver.part is None or receiver.part.run != part.run:
        raise NotPermitted(f"{receiver.name} is not of the run that you work in")
    if receiver.part.name != part.name:
        topology.require_edge(part.name, receiver.part.name)
