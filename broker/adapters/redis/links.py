"""Mailboxes of connected peers, and their reports."""

from __future__ import annotations

import time
from collections.abc import Sequence

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.report_calls import ReportCalls
from broker.adapters.redis.scripts import Argument, Scripts
from broker.domain.ids import AgentId, LinkId, SessionId, WorkspaceId
from broker.domain.redaction import Redactor
from broker.protocol.proxy import Hello
from broker.services.ports import Attached, NumberedFact, Unfinished

_GRACE_MS = 30_000
"""A laptop that changes networks is back within seconds; after this its agents are shown as lost."""
_COMMANDS_PAGE = 500


class RedisLinks:
    """Implements `Links`."""

    def __init__(self, redis: TextRedis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts

    async def attach(
        self, workspace: WorkspaceId, link: LinkId, hello: Hello, *, gateway: str, session: SessionId | None, epoch: str
    ) -> Attached:
        """Take a connection over, fencing the one before it."""
        running: list[Argument] = []
        for live in hello.agents:
            running += [live.agent, live.generation]
        fence, found_epoch, reports, acked = await self._scripts.run(
            "attach_link",
            workspace,
            link,
            gateway,
            epoch,
            hello.boot_id,
            hello.spool_id,
            hello.epoch or "",
            hello.commands_seen,
            hello.model_dump_json(exclude={"agents"}),
            session or "",
            hello.name,
            *running,
        )
        await self._redis.sadd(keys.gateway_links(gateway), f"{workspace} {link} {fence}")
        return Attached(link=link, fence=fence, epoch=found_epoch, reports_seen=reports, commands_acked=acked)

    async def detach(self, workspace: WorkspaceId, link: LinkId, *, fence: int, gateway: str) -> None:
        """The connection is gone."""
        await self._scripts.run("detach_link", workspace, link, fence, _GRACE_MS)
        await self._redis.srem(keys.gateway_links(gateway), f"{workspace} {link} {fence}")

    async def acknowledge(self, workspace: WorkspaceId, link: LinkId, *, fence: int, seq: int) -> bool:
        """The peer has all commands up to `seq`; False when this connection is fenced."""
        return bool(await self._scripts.run("acknowledge_commands", workspace, link, fence, seq))

    async def commands(self, workspace: WorkspaceId, link: LinkId, *, after: int) -> list[tuple[int, str]]:
        """Commands after a number, each as JSON text."""
        stream = keys.key(workspace, "outbox", link)
        entries = await self._redis.xrange(stream, min=f"{after + 1}-0", count=_COMMANDS_PAGE)
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
        calls = ReportCalls(link, redactor, fence=fence, spool=spool)
        await self._scripts.run_in_order(workspace, list(calls.of(facts)))

    async def unfinished(self, workspace: WorkspaceId, agent: AgentId) -> Unfinished:
        """What the connections before have left; to be asked after `attach` has fenced them."""
        turn, messages, frames = await self._scripts.run("unfinished_of", workspace, agent)
        return Unfinished(turn_id=turn or None, messages=tuple(messages), frames=tuple(frames))

    async def beat(self, gateway: str) -> bool:
        """This gateway lives. False when it was not known: it is new, or its links were taken over meanwhile."""
        added = await self._redis.hset(keys.GATEWAYS, gateway, str(int(time.time() * 1000)))
        return added == 0

    async def reap(self, *, older_than_ms: int) -> int:
        """Detach what gateways held that no longer beat; how many links that were."""
        limit = int(time.time() * 1000) - older_than_ms
        dead = [g for g, beat in (await self._redis.hgetall(keys.GATEWAYS)).items() if int(beat) < limit]
        reaped = 0
        for gateway in dead:
            for row in await self._redis.smembers(keys.gateway_links(gateway)):
                workspace, link, fence = row.split(" ")
                await self.detach(WorkspaceId(workspace), LinkId(link), fence=int(fence), gateway=gateway)
                reaped += 1
            await self._redis.hdel(keys.GATEWAYS, gateway)
        return reaped
