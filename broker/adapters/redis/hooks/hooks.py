"""A workspace's hooks in one hash, and a hash for each of their runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing

import orjson
from pydantic import TypeAdapter

from broker.adapters.redis import keys
from broker.adapters.redis.client import TextRedis, listen_on
from broker.adapters.redis.scripts import Scripts
from broker.domain.hooks.answers import HookAnswer
from broker.domain.hooks.definitions import Hook
from broker.domain.hooks.happenings import Happening
from broker.domain.hooks.runs import HookRunId, RunState
from broker.domain.hooks.votes import Vote, Voter
from broker.domain.ids import AgentId, ApprovalId, SessionId, WorkspaceId
from broker.domain.people.access import Principal
from broker.domain.plans.plans import Feature
from broker.services.ports import HeldHook, HookOrder, HookRun, HooksInForce, SavedHooks

_HAPPENING = TypeAdapter(Happening)
_VOTERS = TypeAdapter(tuple[Voter, ...])
_ANSWER = TypeAdapter(HookAnswer)
_GUARDS = TypeAdapter(tuple[Hook, ...])
_PRINCIPAL = TypeAdapter(Principal)


class RedisHooks:
    """Implements `HookRecords`."""

    def __init__(self, redis: TextRedis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts

    async def in_force(self, workspace: WorkspaceId) -> HooksInForce:
        """Which hooks hold."""
        version, paused = await self._redis.hmget(keys.key(workspace, "hooks"), "version", "paused")
        return HooksInForce(version=int(version or 0), paused=paused is not None)

    async def load(self, workspace: WorkspaceId) -> SavedHooks:
        """The hooks that hold."""
        row = await self._redis.hgetall(keys.key(workspace, "hooks"))
        if not row:
            return SavedHooks(text="", version=int(await self._redis.get(keys.key(workspace, "hooks_version")) or 0))
        return SavedHooks(
            text=row["text"],
            version=int(row["version"]),
            by=row["by"],
            at_ms=int(row["at_ms"]),
            paused="paused" in row,
            author=_PRINCIPAL.validate_json(row["author"]) if "author" in row else None,
        )

    async def save(
        self, workspace: WorkspaceId, text: str, *, guards: Sequence[Hook], by: Principal, version: int | None
    ) -> int:
        """Replace them; '' for none. The new version. Raises `Conflict` (HOOKS_CHANGED) when `version` is over."""
        replaced = "" if version is None else version
        told = _GUARDS.dump_json(tuple(guards))
        author = _PRINCIPAL.dump_json(by.without_standing())
        return int(
            await self._scripts.run_once(
                "save_hooks", workspace, text=text, by=by.name, author=author, replaced=replaced, guards=told
            )
        )

    async def pause(self, workspace: WorkspaceId, *, paused: bool) -> None:
        """Let none begin, or let them go on."""
        await self._scripts.run("pause_hooks", workspace, paused="1" if paused else "")

    async def lease(self, workspace: WorkspaceId, holder: str, *, seconds: float) -> bool:
        """Take or renew the right to look at a workspace's sessions."""
        return bool(await self._scripts.run("lease_hooks", workspace, by=holder, length_ms=int(seconds * 1000)))

    async def due(self, workspace: WorkspaceId) -> list[tuple[SessionId, int]]:
        """Sessions with events that hooks wait for, each with the first offset that was not looked at."""
        found = await self._redis.zrangebyscore(keys.key(workspace, "hooks_due"), "-inf", "+inf", withscores=True)
        return [(SessionId(session), int(offset)) for session, offset in found]

    async def advance(self, workspace: WorkspaceId, session: SessionId, offset: int) -> bool:
        """A session was looked at up to an offset; whether nothing more waits there."""
        return bool(await self._scripts.run("advance_hooks", workspace, session=session, offset=offset))

    async def hold(self, workspace: WorkspaceId, held: HeldHook, *, quiet_s: float, most_s: float) -> None:
        """Hold a run back until nothing has set it off for a while; the same event once."""
        await self._scripts.run(
            "hold_hook",
            workspace,
            hook=held.hook,
            agent=held.happening.agent,
            epoch=held.happening.at.epoch,
            mark=held.mark,
            quiet_ms=int(quiet_s * 1000),
            most_ms=int(most_s * 1000),
            happening=orjson.dumps(
                {"session": held.session, "of": _HAPPENING.dump_python(held.happening, mode="json")}
            ),
            files=orjson.dumps(held.files),
            times=held.count,
        )

    async def quiet(self, workspace: WorkspaceId) -> list[HeldHook]:
        """What need not be held back any more."""
        members = await self._redis.zrange(keys.key(workspace, "hooks_quiet"), 0, -1)
        found = []
        for member in members:
            hook, _, agent = member.partition("|")
            row = await self._redis.hgetall(keys.key(workspace, "hook_hold", hook, agent))
            if "happening" in row:
                found.append(_parse_held(hook, row))
            else:
                await self._redis.zrem(keys.key(workspace, "hooks_quiet"), member)
        return found

    async def drop(self, workspace: WorkspaceId, held: HeldHook) -> None:
        """It was let go; what came meanwhile goes on waiting."""
        await self._scripts.run("drop_hold", workspace, hook=held.hook, agent=held.happening.agent, mark=held.mark)

    async def begin(self, workspace: WorkspaceId, order: HookOrder) -> RunState:
        """Begin a run, once; how far it is now."""
        state = await self._scripts.run(
            "order_hook",
            workspace,
            run=order.run,
            hook=order.hook,
            session=order.session,
            agent=order.agent,
            name=order.name,
            link=order.link or "",
            order=order.command,
            patience_ms=int(order.patience_s * 1000),
            data=order.data,
            most=order.max_per_minute,
            causes=orjson.dumps(order.causes),
            delivery=order.delivery,
            about=order.about,
            skipped=order.skipped,
            decides=order.decides or "",
            plans=f" {' '.join(self._scripts.plans.with_feature(Feature.HOOKS))} ",
        )
        return RunState(state)

    async def finish(self, workspace: WorkspaceId, run: HookRunId, state: RunState, data: bytes) -> None:
        """End a run that the broker carries out."""
        await self._scripts.run("end_hook", workspace, run=run, state=state, data=data)

    async def await_votes(self, workspace: WorkspaceId, approval: ApprovalId, voters: Sequence[Voter]) -> None:
        """Which runs are to answer a request, once and before the first of them begins."""
        await self._scripts.run("await_hooks", workspace, approval=approval, runs=_VOTERS.dump_json(tuple(voters)))

    async def votes(self, workspace: WorkspaceId, run: HookRunId) -> tuple[ApprovalId, list[Vote]] | None:
        """The request that a run answers, and how far all are that do; None when it answers none."""
        approval = await self._redis.hget(keys.key(workspace, "hook_run", run), "decides") if keys.is_id(run) else None
        text = await self._redis.hget(keys.key(workspace, "approval", approval), "hook_runs") if approval else None
        if not approval or not text:
            return None
        voters = _VOTERS.validate_json(text)
        pipe = self._redis.pipeline(transaction=False)
        for voter in voters:
            pipe.hmget(keys.key(workspace, "hook_run", voter.run), "state", "data")
        rows = await pipe.execute()
        return ApprovalId(approval), [_vote(voter, *row) for voter, row in zip(voters, rows, strict=True)]

    async def note_votes(self, workspace: WorkspaceId, approval: ApprovalId, said: str) -> None:
        """What hooks have said to a request that they leave to people; nothing once it is answered."""
        await self._scripts.run("note_hooks", workspace, approval=approval, said=said)

    async def causes(self, workspace: WorkspaceId, runs: Sequence[str], *, session: SessionId) -> tuple[str, ...]:
        """The hooks that led to the first of these that is a run, else to the session."""
        pipe = self._redis.pipeline(transaction=False)
        for run in runs:
            if keys.is_id(run):
                pipe.hget(keys.key(workspace, "hook_run", run), "causes")
        pipe.get(keys.key(workspace, "hook_session", session))
        found = next((text for text in await pipe.execute() if text), None)
        return tuple(orjson.loads(found)) if found else ()

    async def mark_caused(self, workspace: WorkspaceId, session: SessionId, causes: Sequence[str]) -> None:
        """A session was made for what hooks have started."""
        await self._scripts.run("mark_caused", workspace, session=session, causes=orjson.dumps(causes))

    async def runs(self, workspace: WorkspaceId, *, limit: int) -> list[HookRun]:
        """The latest, the newest first."""
        return await latest_runs(self._redis, workspace, "hook_runs", limit=limit)

    async def wakeups(self) -> AsyncIterator[WorkspaceId | None]:
        """Workspaces, as sessions in them begin to have events that hooks wait for; None: some may be lost."""
        async with aclosing(listen_on(self._redis, keys.HOOK_CHANNEL)) as messages:
            async for message in messages:
                yield None if message is None else keys.workspace_of(message)


def _parse_held(hook: str, row: Mapping[str, str]) -> HeldHook:
    kept = orjson.loads(row["happening"])
    return HeldHook(
        hook=hook,
        happening=_HAPPENING.validate_python(kept["of"]),
        session=SessionId(kept["session"]),
        mark=int(row["mark"]),
        files=tuple(orjson.loads(row["files"])),
        count=int(row["count"]),
    )


def _vote(voter: Voter, state: str | None, data: str | None) -> Vote:
    told = orjson.loads(data) if data else {}
    answer = told.get("answer")
    return Vote(
        voter=voter,
        state=RunState(state) if state else None,
        answer=_ANSWER.validate_python(answer) if answer else None,
        reason=told.get("reason") or "",
    )


async def latest_runs(redis: TextRedis, workspace: WorkspaceId, listed: str, *, limit: int) -> list[HookRun]:
    """Those of a list by time, the newest first."""
    ids = await redis.zrange(keys.key(workspace, listed), 0, limit - 1, desc=True)
    pipe = redis.pipeline(transaction=False)
    for run in ids:
        pipe.hgetall(keys.key(workspace, "hook_run", run))
    rows = await pipe.execute() if ids else []
    return [_run(HookRunId(run), row) for run, row in zip(ids, rows, strict=True) if row]


def _run(run: HookRunId, row: Mapping[str, str]) -> HookRun:
    return HookRun(
        id=run,
        hook=row["hook"],
        session=SessionId(row["session"]),
        agent=AgentId(row["agent"]),
        name=row["name"],
        state=RunState(row["state"]),
        at_ms=int(row["at_ms"]),
        data=orjson.loads(row["data"]),
    )
