"""Runs of workflows: a hash for each, its journal in a stream, and one sorted set of whose turn it is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from functools import lru_cache
from typing import Any

import orjson
from pydantic import TypeAdapter

from broker.adapters.redis import keys
from broker.adapters.redis.agents.registry import read_proxy, read_session
from broker.adapters.redis.client import TextRedis, listen_on
from broker.adapters.redis.scripts import Scripts
from broker.adapters.redis.visits import Visits
from broker.adapters.redis.workflows.commands import describe_order, read_command
from broker.domain.errors import Fenced, NotAuthenticated
from broker.domain.ids import SessionId, WorkflowRunId, WorkspaceId
from broker.domain.machines.placement import Proxy
from broker.domain.people.access import Principal
from broker.domain.workflows.runs.commands import CommandId
from broker.domain.workflows.runs.journal import Entry, Fact, RunStarted, RunState
from broker.domain.workflows.runs.journal_text import read_entry, write_entry
from broker.domain.workflows.runs.steering import describe_act
from broker.services.ports import Appended, Claim, ClaimedRun, HandedRun, LoggedEvent, NewRun, RunRow, Written

_PRINCIPAL: TypeAdapter[Principal] = TypeAdapter(Principal)
_PAGE = 5_000


class RedisWorkflows:
    """Implements `WorkflowRecords`."""

    def __init__(self, redis: TextRedis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts
        self._visits = Visits()

    async def begin(self, workspace: WorkspaceId, run: NewRun) -> None:
        """Begin a run, once. Raises `NotFound`, `Conflict`."""
        row = {
            "name": run.name,
            "workflow": run.workflow,
            "values": orjson.dumps(run.values).decode(),
            "by": _PRINCIPAL.dump_json(run.by.without_standing()).decode(),
            "machine": run.machine or "",
            "folder": run.folder or "",
            "origin": run.origin or "",
            "root": run.root or "",
            "within": run.within or "",
            "depth": run.depth,
        }
        at_ms = await self._now_ms()
        facts: list[Fact] = [RunStarted(run=run.id), *run.kept]
        await self._scripts.run(
            "begin_workflow",
            workspace,
            run=run.id,
            digest=run.digest,
            session=run.session,
            row=orjson.dumps(row),
            definition=run.definition,
            text=run.text,
            entries=orjson.dumps([write_entry(Entry(at_ms=at_ms, what=each)) for each in facts]),
            outputs=orjson.dumps(run.outputs),
            told=run.told,
        )

    async def _now_ms(self) -> int:
        seconds, micros = await self._redis.time()
        return int(seconds) * 1000 + int(micros) // 1000

    async def row(self, workspace: WorkspaceId, run: WorkflowRunId) -> RunRow | None:
        """A run."""
        if not keys.is_id(run):
            return None
        row = await self._redis.hgetall(keys.key(workspace, "workflow_run", run))
        return _row(run, row) if row else None

    async def rows(self, workspace: WorkspaceId, *, limit: int) -> list[RunRow]:
        """The latest, the newest first."""
        ids = await self._redis.zrange(keys.key(workspace, "workflow_runs"), 0, limit - 1, desc=True)
        pipe = self._redis.pipeline(transaction=False)
        for run in ids:
            pipe.hgetall(keys.key(workspace, "workflow_run", run))
        rows = await pipe.execute() if ids else []
        return [_row(WorkflowRunId(run), row) for run, row in zip(ids, rows, strict=True) if row]

    async def resting(self, workspace: WorkspaceId, *, limit: int) -> list[RunRow]:
        """Those that have not ended and do not go on by themselves."""
        ids = sorted(await self._redis.smembers(keys.key(workspace, "workflow_open")))
        pipe = self._redis.pipeline(transaction=False)
        for run in ids:
            pipe.hmget(keys.key(workspace, "workflow_run", run), ["state", "held"])
        states = await pipe.execute() if ids else []
        still = [run for run, (state, held) in zip(ids, states, strict=True) if held or state == RunState.NEEDS_HUMAN]
        for run in still[:limit]:
            pipe.hgetall(keys.key(workspace, "workflow_run", run))
        rows = await pipe.execute() if still else []
        return [_row(WorkflowRunId(run), row) for run, row in zip(still, rows, strict=False) if row]

    async def definition(self, workspace: WorkspaceId, definition: str) -> str | None:
        """The text of a file, by its hash."""
        text: str | None = await self._redis.get(keys.key(workspace, "workflow_definition", definition))
        return text

    async def journal(self, workspace: WorkspaceId, run: WorkflowRunId, *, after: int = 0) -> list[Entry]:
        """A journal's entries behind the first `after`."""
        key, found = keys.key(workspace, "workflow_journal", run), []
        while True:
            page = await self._redis.xrange(key, min=f"({after}-0", count=_PAGE)
            found += [read_entry(fields["e"]) for _, fields in page]
            if len(page) < _PAGE:
                return found
            after = int(str(page[-1][0]).partition("-")[0])

    async def output(self, workspace: WorkspaceId, run: WorkflowRunId, name: str) -> str | None:
        """An output, by the name that an entry has for it."""
        text: str | None = await self._redis.hget(keys.key(workspace, "workflow_outputs", run), name)
        return text

    async def claim(self, workspace: WorkspaceId, *, most: int, lease_s: float) -> Claim:
        """Take runs that are due."""
        found, next_ms, now_ms, steps_ms = await self._scripts.run(
            "claim_workflows", workspace, most=most, lease_ms=int(lease_s * 1000), **self._visits.told(workspace)
        )
        self._visits.note(workspace, now_ms=int(now_ms), steps_ms=int(steps_ms))
        return Claim(
            runs=tuple([await self._claimed(each) for each in found]),
            now_ms=int(now_ms),
            next_in_s=None if int(next_ms) < 0 else max(0.0, (int(next_ms) - int(now_ms)) / 1000),
        )

    async def _claimed(self, found: Sequence[Any]) -> ClaimedRun:
        run, fence, row, session, standing, commands, machine, clock_ms = found
        about = _row(WorkflowRunId(run), _pair(row))
        by: Principal | NotAuthenticated
        try:
            by = await self._scripts.standing.judge(about.by, standing)
        except NotAuthenticated as gone:
            by = gone
        told = {CommandId(command): _pair(record) for command, record in commands}
        return ClaimedRun(
            id=about.id,
            fence=int(fence),
            row=about,
            session=read_session(about.session, _pair(session)) if session else None,
            by=by,
            ended=[read_command(command, record) for command, record in told.items() if record],
            forgotten=frozenset(command for command, record in told.items() if not record),
            machine=_machine(*machine) if machine else None,
            clock_ms=int(clock_ms),
        )

    async def renew(self, workspace: WorkspaceId, claimed: Sequence[ClaimedRun], *, lease_s: float) -> None:
        """Keep runs that are still looked at from being another's; those that were let go of stay so."""
        claims = orjson.dumps([[each.id, each.fence] for each in claimed])
        await self._scripts.run("renew_workflows", workspace, claims=claims, lease_ms=int(lease_s * 1000))

    async def append(
        self, workspace: WorkspaceId, claimed: ClaimedRun, written: Written, *, after: int
    ) -> Appended | None:
        """Write entries behind the first `after`; None where that was not its end. Raises `Fenced`."""
        done, *without_room = await self._scripts.run(
            "append_workflow",
            workspace,
            run=claimed.id,
            fence=claimed.fence,
            after=after,
            entries=orjson.dumps([write_entry(each) for each in written.entries]),
            events=_events(written.events),
            outputs=orjson.dumps(written.outputs),
            state=written.state or "",
            reason=written.reason,
            listens="1" if written.listens else "",
            done=orjson.dumps(written.done),
            orders=orjson.dumps([describe_order(each) for each in written.orders]),
            rests="1" if written.rests else "",
            due_ms="" if written.due_at_ms is None else written.due_at_ms,
            holder=written.holder,
        )
        if done < 0:
            raise Fenced("another worker has taken the run")
        return Appended(without_room=frozenset(map(CommandId, without_room))) if done else None

    async def settle(
        self, workspace: WorkspaceId, claimed: ClaimedRun, *, due_at_ms: int | None, held: str = ""
    ) -> None:
        """Let go of a run until then, or until something happens to it."""
        due_ms = "" if due_at_ms is None else due_at_ms
        await self._scripts.run(
            "settle_workflow", workspace, run=claimed.id, fence=claimed.fence, due_ms=due_ms, held=held
        )

    async def tell(
        self,
        workspace: WorkspaceId,
        run: WorkflowRunId,
        fact: Fact,
        *,
        event: LoggedEvent | None = None,
        outputs: Mapping[str, str] | None = None,
        by: Principal | None = None,
    ) -> None:
        """Write a fact that somebody tells. Raises `NotFound`."""
        await self._scripts.run_once(
            "tell_workflow",
            workspace,
            run=run,
            entry=write_entry(Entry(at_ms=await self._now_ms(), what=fact)),
            events=_events([event] if event else []),
            outputs=orjson.dumps(outputs or {}),
            act=describe_act(fact) or "",
            by=_PRINCIPAL.dump_json(by.without_standing()).decode() if by else "",
        )

    async def submit(self, workspace: WorkspaceId, run: WorkflowRunId, effect: str, result: str) -> None:
        """Keep what an agent hands in. Raises `NotFound`."""
        await self._scripts.run("submit_result", workspace, run=run, effect=effect, result=result)

    async def deliver(self, workspace: WorkspaceId, run: WorkflowRunId, effect: str, text: str) -> None:
        """Keep what an attempt was called with, once. Raises `NotFound`, `Conflict`."""
        await self._scripts.run("deliver_webhook", workspace, run=run, effect=effect, body=text)

    async def delivered(self, workspace: WorkspaceId, run: WorkflowRunId, effect: str) -> str | None:
        """What that was."""
        return await self.output(workspace, run, f"delivered:{effect}")

    async def take_errand(
        self, workspace: WorkspaceId, run: WorkflowRunId, effect: str, *, holder: str, lease_s: float
    ) -> bool:
        """Be the one who does what an attempt is for."""
        lease_ms = int(lease_s * 1000)
        return bool(
            await self._scripts.run("take_errand", workspace, run=run, effect=effect, holder=holder, lease_ms=lease_ms)
        )

    async def hold_errand(
        self, workspace: WorkspaceId, run: WorkflowRunId, effect: str, *, holder: str, lease_s: float
    ) -> bool:
        """Whether the holder may make one more request, and has so long for it."""
        lease_ms = int(lease_s * 1000)
        return bool(
            await self._scripts.run("hold_errand", workspace, run=run, effect=effect, holder=holder, lease_ms=lease_ms)
        )

    async def end_errand(
        self,
        workspace: WorkspaceId,
        run: WorkflowRunId,
        effect: str,
        *,
        holder: str,
        told: str | None,
        outputs: Mapping[str, str],
    ) -> bool:
        """Let go of it, keep how it ended, and have the run looked at."""
        kept = orjson.dumps(outputs)
        return bool(
            await self._scripts.run(
                "end_errand", workspace, run=run, effect=effect, holder=holder, told=told or "", outputs=kept
            )
        )

    async def stop_errand(self, workspace: WorkspaceId, run: WorkflowRunId, effect: str, told: str) -> int:
        """Have it end: for how many ms the request that is under way may still last."""
        return int(await self._scripts.run("stop_errand", workspace, run=run, effect=effect, told=told))

    async def errand_end(self, workspace: WorkspaceId, run: WorkflowRunId, effect: str) -> str | None:
        """How it ended."""
        return await self.output(workspace, run, f"errand:{effect}")

    async def read_submitted(self, workspace: WorkspaceId, run: WorkflowRunId, effect: str) -> str | None:
        """What was handed in so."""
        return await self.output(workspace, run, f"submitted:{effect}")

    async def wakeups(self) -> AsyncIterator[tuple[WorkspaceId, float] | None]:
        """(workspace, seconds) when a run becomes the next that is due there; None: some may be lost."""
        async with aclosing(listen_on(self._redis, keys.WORKFLOW_CHANNEL)) as messages:
            async for message in messages:
                if message is None:
                    yield None
                    continue
                root, due_in_ms = message.split(" ")
                yield keys.workspace_of(root), int(due_in_ms) / 1000

    async def handed(self, holder: str) -> AsyncIterator[HandedRun | None]:
        """Runs that are handed to a worker; None: some may be lost."""
        async with aclosing(listen_on(self._redis, f"{keys.WORKFLOW_CHANNEL}:{holder}")) as messages:
            async for message in messages:
                if message is None:
                    yield None
                    continue
                root, now_ms, found = orjson.loads(message)
                if self._visits.was_set_ahead(keys.workspace_of(root), now_ms):
                    continue  # its timers would fire early: it is claimed when its lease has ended, which notices that
                claimed = await self._claimed(found)
                yield HandedRun(workspace=keys.workspace_of(root), claimed=claimed, now_ms=now_ms)


def _events(events: Sequence[LoggedEvent]) -> bytes:
    return orjson.dumps([[each.kind, each.agent or "", each.name or "", each.data.decode()] for each in events])


def _machine(record: Sequence[str], agents: int, stop: str, owner_name: str) -> Proxy | None:
    row = _pair(record)
    if "hello" not in row:
        return None
    people = {row["owner"]: owner_name or None} if "owner" in row else {}
    return read_proxy(row, agents, people=people, stop=stop or None)


@lru_cache(maxsize=1000)
def _read_principal(text: str) -> Principal:
    """It is immutable, and a run has the same one at each look."""
    return _PRINCIPAL.validate_json(text)


def _pair(flat: Sequence[str]) -> dict[str, str]:
    """A hash as scripts have it. One without fields is an object in JSON: Lua cannot tell that from a list."""
    return dict(zip(flat[::2], flat[1::2], strict=True)) if flat else {}


def _row(run: WorkflowRunId, row: Mapping[str, str]) -> RunRow:
    return RunRow(
        id=run,
        session=SessionId(row["session"]),
        name=row["name"],
        workflow=row["workflow"],
        definition=row["definition"],
        values=orjson.loads(row["values"]),
        by=_read_principal(row["by"]),
        machine=row["machine"] or None,
        folder=row["folder"] or None,
        state=RunState(row["state"]),
        reason=row.get("reason", ""),
        held=row.get("held", ""),
        started_at_ms=int(row["started"]),
        changed_at_ms=int(row["changed"]),
        entries=int(row["entries"]),
        origin=WorkflowRunId(row["origin"]) if row.get("origin") else None,
        root=row.get("root") or None,
        depth=int(row.get("depth", 0)),
    )
