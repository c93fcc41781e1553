"""Mailboxes of connected peers, and their reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson

from broker.adapters.redis import keys
from broker.adapters.redis.agents.report_calls import ReportCalls
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.scripts import Argument, Scripts
from broker.domain.errors import Unavailable
from broker.domain.ids import AgentId, LinkId, SessionId, WorkspaceId
from broker.domain.logs.redaction import Redactor
from broker.domain.machines.load import MachineLoad
from broker.domain.plans.list_prices import LIST_PRICES
from broker.domain.plans.prices import PriceTable
from broker.protocol.proxy import Hello
from broker.services.ports import Attached, Held, NumberedFact, Unfinished

_COMMANDS_PAGE = 100


class RedisLinks:
    """Implements `Links`."""

    def __init__(self, redis: TextRedis, scripts: Scripts, *, prices: PriceTable = LIST_PRICES) -> None:
        self._redis = redis
        self._scripts = scripts
        self._prices = prices

    async def attach(
        self, workspace: WorkspaceId, link: LinkId, hello: Hello, *, session: SessionId | None, epoch: str
    ) -> Attached:
        """Take a connection over, fencing the one before it."""
        running: list[Argument] = []
        for live in hello.agents:
            running += [live.agent, live.generation]
        fence, found_epoch, reports, acked, now_ms, fresh = await self._scripts.run(
            "attach_link",
            workspace,
            link=link,
            machine=hello.machine_id,
            new_epoch=epoch,
            boot=hello.boot_id,
            spool=hello.spool_id,
            known_epoch=hello.epoch or "",
            seen=hello.commands_seen,
            hello=hello.model_dump_json(exclude={"agents"}),
            session=session or "",
            name=hello.name,
            guards="" if hello.guards is None else hello.guards,
            processes=running,
        )
        return Attached(
            link=link,
            fence=fence,
            epoch=found_epoch,
            reports_seen=reports,
            commands_acked=acked,
            now_ms=now_ms,
            fresh=bool(fresh),
        )

    async def detach(self, workspace: WorkspaceId, link: LinkId, *, fence: int) -> None:
        """The connection is gone."""
        await self._scripts.run("detach_link", workspace, link=link, fence=fence)

    async def renew(self, workspace: WorkspaceId, held: Mapping[LinkId, Held]) -> None:
        """A gateway still has these connections. One that was given up, or whose commands or reports the store has
        lost, is told to come again."""
        links: list[Argument] = []
        for link, each in held.items():
            links += [link, each.fence, each.reports]
        await self._scripts.run("renew_links", workspace, links=links)

    async def adopt(self, workspace: WorkspaceId) -> None:
        """Give a lease to what is online without one."""
        await self._scripts.run("adopt_links", workspace)

    async def leases(self, workspace: WorkspaceId) -> dict[LinkId, str]:
        """The links that are online; what is said of each changes whenever it is renewed."""
        rows = await self._redis.hgetall(keys.key(workspace, "leases"))
        return {LinkId(link): lease for link, lease in rows.items()}

    async def lapse(self, workspace: WorkspaceId, link: LinkId, lease: str) -> bool:
        """Detach a link whose lease is still that; whether it was."""
        return bool(await self._scripts.run("lapse_link", workspace, link=link, seen=lease))

    async def acknowledge(self, workspace: WorkspaceId, link: LinkId, *, fence: int, seq: int) -> bool:
        """The peer has all commands up to `seq`; False when this connection is fenced."""
        return bool(await self._scripts.run("acknowledge_commands", workspace, link=link, fence=fence, number=seq))

    async def note_load(self, workspace: WorkspaceId, link: LinkId, load: MachineLoad, *, fence: int) -> None:
        """How busy the peer's machine is now."""
        await self._scripts.run("note_load", workspace, link=link, fence=fence, load=orjson.dumps(load).decode())

    async def commands(self, workspace: WorkspaceId, link: LinkId, *, after: int) -> list[tuple[int, str]]:
        """Commands after a number, each as JSON text. Raises `Unavailable` when there never were so many."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.hget(keys.key(workspace, "link", link), "sent")
        pipe.xrange(keys.key(workspace, "outbox", link), min=f"{after + 1}-0", count=_COMMANDS_PAGE)
        sent, entries = await pipe.execute()
        if int(sent or 0) < after:
            # The peer would take the next commands for ones it has: it begins anew, with another mailbox.
            raise Unavailable("the store has lost its last commands; reconnect", code="COMMANDS_LOST")
        return [(int(entry_id.partition("-")[0]), entry["c"]) for entry_id, entry in entries]

    async def apply(
        self,
        workspace: WorkspaceId,
        link: LinkId,
        facts: Sequence[NumberedFact],
        *,
        fence: int,
        spool: str,
        redactor: Redactor,
    ) -> None:
        """Apply reports in order, each once, secrets masked. Raises `Fenced`."""
        calls = ReportCalls(link, redactor, fence=fence, spool=spool, prices=self._prices)
        await self._scripts.run_in_order(workspace, list(calls.of(facts)))

    async def list_unfinished(self, workspace: WorkspaceId, agent: AgentId) -> Unfinished:
        """What the connections before have left; to be asked after `attach` has fenced them."""
        turn, messages, frames = await self._scripts.run("unfinished_of", workspace, agent=agent)
        return Unfinished(turn_id=turn or None, messages=tuple(messages), frames=tuple(frames))
