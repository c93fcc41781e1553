"""Runs of workflows: a hash for each, its journal in a stream, and one sorted set of whose turn it is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing

import orjson
from pydantic import TypeAdapter

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis, published
from broker.adapters.redis.scripts import Scripts
from broker.domain.errors import Fenced
from broker.domain.ids import SessionId, WorkflowRunId, WorkspaceId
from broker.domain.people.access import Principal
from broker.domain.workflows.journal import Entry, Fact, RunStarted, RunState
from broker.domain.workflows.journal_text import read_entry, write_entry
from broker.services.ports import Claim, ClaimedRun, LoggedEvent, NewRun, RunRow, Written

_PRINCIPAL: TypeAdapter[Principal] = TypeAdapter(Principal)
_PAGE = 5_000


class RedisWorkflows:
    """Implements `WorkflowRecords`."""

    def __init__(self, redis: TextRedis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts

    async def begin(self, workspace: WorkspaceId, run: NewRun) -> None:
        """Begin a run, once. Raises `NotFound`, `Conflict`."""
        row = {
            "name": run.name,
            "workflow": run.workflow,
            "values": orjson.dumps(run.values).decode(),
            "by": _PRINCIPAL.dump_json(run.by).decode(),
            "machine": run.machine or "",
            "folder": run.folder or "",
        }
        await self._scripts.run(
            "begin_workflow",
            workspace,
            run=run.id,
            digest=run.digest,
            session=run.session,
            row=orjson.dumps(row),
            definition=run.definition,
            text=run.text,
            entry=write_entry(Entry(at_ms=await self._now_ms(), what=RunStarted(run=run.id))),
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
        found, next_ms, now_ms = await self._scripts.run(
            "claim_workflows", workspace, most=most, lease_ms=int(lease_s * 1000)
        )
        return Claim(
            runs=tuple(ClaimedRun(id=WorkflowRunId(run), fence=int(fence)) for run, fence in found),
            now_ms=int(now_ms),
            next_in_s=None if int(next_ms) < 0 else max(0.0, (int(next_ms) - int(now_ms)) / 1000),
        )

    async def append(self, workspace: WorkspaceId, claimed: ClaimedRun, written: Written, *, after: int) -> bool:
        """Write entries behind the first `after`; whether that was its end. Raises `Fenced`."""
        done = await self._scripts.run(
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
        )
        if done < 0:
            raise Fenced("another worker has taken the run")
        return bool(done)

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
            by=_PRINCIPAL.dump_json(by).decode() if by else "",
        )

    async def submit(self, workspace: WorkspaceId, run: WorkflowRunId, effect: str, result: str) -> None:
        """Keep what an agent hands in. Raises `NotFound`."""
        await self._scripts.run("submit_result", workspace, run=run, effect=effect, result=result)

    async def submitted(self, workspace: WorkspaceId, run: WorkflowRunId, effect: str) -> str | None:
        """What was handed in so."""
        return await self.output(workspace, run, f"submitted:{effect}")

    async def wakeups(self) -> AsyncIterator[tuple[WorkspaceId, float] | None]:
        """(workspace, seconds) when a run becomes the next that is due there; None: some may be lost."""
        async with aclosing(published(self._redis, keys.WORKFLOW_CHANNEL)) as messages:
            async for message in messages:
                if message is None:
                    yield None
                    continue
                root, due_in_ms = message.split(" ")
                yield keys.workspace_of(root), int(due_in_ms) / 1000


def _events(events: Sequence[LoggedEvent]) -> bytes:
    return orjson.dumps([[each.kind, each.agent or "", each.name or "", each.data.decode()] for each in events])


def _row(run: WorkflowRunId, row: Mapping[str, str]) -> RunRow:
    return RunRow(
        id=run,
        session=SessionId(row["session"]),
        name=row["name"],
        workflow=row["workflow"],
        definition=row["definition"],
        values=orjson.loads(row["values"]),
        by=_PRINCIPAL.validate_json(row["by"]),
        machine=row["machine"] or None,
        folder=row["folder"] or None,
        state=RunState(row["state"]),
        reason=row.get("reason", ""),
        held=row.get("held", ""),
        started_at_ms=int(row["started"]),
        changed_at_ms=int(row["changed"]),
        entries=int(row["entries"]),
    )
