"""What needs a person, told, followed and dismissed.

It is read from what the stores know now: what waits, what failed, which machines are away. None of that grows with
history, and each part is bounded.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace

import orjson

from broker.domain.approvals.answers import ApprovalStatus
from broker.domain.approvals.approvals import Approval, ApprovalPlace
from broker.domain.errors import BadRequest, NotFound, RelayError
from broker.domain.ids import ApprovalId, SessionId
from broker.domain.needs.needs import LimitUse, Need, Scene, StuckRun, differences, needs_of
from broker.domain.people.access import Permission, Principal
from broker.domain.plans.plans import Limit
from broker.services.approvals.desk import ApprovalDesk
from broker.services.live.activity import Activity
from broker.services.permissions import requires
from broker.services.plans.budgets import seen_by
from broker.services.plans.standing import Plans
from broker.services.ports import BudgetRecords, Failures, Happened, Registry, Signals, WorkflowRecords

MAX_FAILURES = 200
MAX_APPROVALS = 500
"""The longest waiting; more than anybody answers in a day."""
MAX_RUNS = 100
MAX_DISMISSED = 200
_SETTLE_S = 0.2
"""Events come in bursts: after the first of one, what is cheap to read is read once."""
_REFRESH_S = 60.0
"""Nothing is said when a budget's day is over, or when a run is held."""
_QUIET = ("agent.state", "agent.started", "agent.ready", "turn.", "message.", "channel.", "command.", "hook.")
"""Kinds of events after which nothing else needs a person than before."""
_WORDS = {Limit.AGENTS: "agents", Limit.MESSAGES: "messages of today", Limit.MEMBERS: "places for people"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedsKnown:
    """All of them. It comes first, and whenever changes may have been missed."""

    needs: tuple[Need, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedsChanged:
    """What is new or another, and the keys of what needs nobody any more."""

    changed: tuple[Need, ...]
    over: tuple[str, ...]
    settled: tuple[Approval, ...] = ()
    """Of those that are over, the approvals as they were settled."""


class Needs:
    """Reads from every part of the broker what needs a person."""

    def __init__(
        self,
        desk: ApprovalDesk,
        failures: Failures,
        registry: Registry,
        *,
        workflows: WorkflowRecords,
        budgets: BudgetRecords,
        plans: Plans,
        activity: Activity,
        signals: Signals,
        refresh_s: float = _REFRESH_S,
    ) -> None:
        self._desk = desk
        self._failures = failures
        self._registry = registry
        self._workflows = workflows
        self._budgets = budgets
        self._plans = plans
        self._activity = activity
        self._signals = signals
        self._refresh_s = refresh_s

    @requires(Permission.READ)
    async def standing(self, principal: Principal) -> tuple[Need, ...]:
        """What needs a person now, as far as the caller sees it: what blocks something first, the oldest first."""
        around = await self._around(principal)
        return needs_of(replace(around, approvals=await self._waiting(principal)))

    @requires(Permission.APPROVE)
    async def dismiss(self, principal: Principal, keys: Collection[str]) -> int:
        """Take failures that somebody has looked at off the list, for everybody; how many were there.

        Raises `BadRequest` (NOT_DISMISSABLE) for what is no failure: it is over when it is mended.
        """
        if len(keys) > MAX_DISMISSED:
            raise BadRequest(f"{MAX_DISMISSED} at most")
        for key in keys:
            kind, *parts = key.split("|")
            if kind not in {"agent", "message"} or len(parts) != 2 or len(key) > MAX_DISMISSED:
                raise BadRequest(f"{key[:80]!r} is no failure: it is over when it is mended", code="NOT_DISMISSABLE")
        if not keys:
            return 0
        return await self._failures.dismiss(principal.workspace, keys)

    @requires(Permission.READ)
    async def follow(self, principal: Principal) -> AsyncGenerator[NeedsKnown | NeedsChanged, None]:
        """All of them first, then what changes. Raises `NotPermitted`, `Unavailable`."""
        news = _News()
        async with self._listening(principal, news):
            approvals: dict[ApprovalId, Approval] = {}
            around = Scene()
            known: tuple[Need, ...] = ()
            while True:
                wanted = await news.take(self._refresh_s)
                settled: list[Approval] = []
                if wanted.everything:
                    approvals = {each.id: each for each in await self._waiting(principal)}
                for approval in wanted.approvals:
                    found = await self._approval(principal, approval)
                    if found is not None and found.status is ApprovalStatus.PENDING:
                        approvals[approval] = found
                    elif approvals.pop(approval, None) is not None and found is not None:
                        settled.append(found)
                if wanted.around:
                    around = await self._around(principal)
                now = needs_of(replace(around, approvals=list(approvals.values())))
                changed, over = differences(known, now)
                known = now
                if wanted.everything:
                    yield NeedsKnown(needs=now)
                elif changed or over:
                    yield NeedsChanged(changed=changed, over=over, settled=tuple(settled))

    @asynccontextmanager
    async def _listening(self, principal: Principal, news: _News) -> AsyncIterator[None]:
        stop = await self._signals.failures(principal.workspace, lambda _: news.look_around())
        listening = asyncio.create_task(self._listen(principal, news))
        try:
            yield
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            await stop()

    async def _listen(self, principal: Principal, news: _News) -> None:
        try:
            async with aclosing(self._activity.follow(principal)) as happenings:
                async for item in happenings:
                    if isinstance(item, Happened):
                        news.hear(item.event)
                    else:
                        news.look_at_everything()
        except RelayError as error:
            news.end(error)

    async def _approval(self, principal: Principal, approval: ApprovalId) -> Approval | None:
        try:
            return await self._desk.get(principal, approval)
        except NotFound:
            return None

    async def _waiting(self, principal: Principal) -> list[Approval]:
        found: list[Approval] = []
        after: ApprovalPlace | None = None
        while len(found) < MAX_APPROVALS:
            page = await self._desk.waiting(principal, after=after)
            found += page.approvals
            after = page.next
            if after is None:
                break
        return found[:MAX_APPROVALS]

    async def _around(self, principal: Principal) -> Scene:
        """Everything but what waits for an answer."""
        workspace = principal.workspace
        failures = await self._failures.failures(workspace, limit=MAX_FAILURES)
        runs = await self._workflows.resting(workspace, limit=MAX_RUNS)
        theirs: set[SessionId] = {each.session for each in failures} | {each.session for each in runs}
        there = await self._registry.sessions_by_id(workspace, sorted(theirs)) if theirs else {}
        seen = {each for each in there if principal.sees(each)}
        whole = Permission.READ_WORKSPACE in principal.permissions
        return Scene(
            failures=[each for each in failures if each.session in seen],
            runs=[
                StuckRun(
                    id=each.id,
                    session=each.session,
                    name=each.name,
                    why=each.held or each.reason,
                    since_ms=each.changed_at_ms,
                )
                for each in runs
                if each.session in seen
            ],
            machines=await self._registry.missed_proxies(workspace) if whole else [],
            budgets=seen_by(principal, await self._budgets.budgets(workspace)) if whole else [],
            limits=await self._limits(principal) if Permission.METER in principal.permissions else [],
        )

    async def _limits(self, principal: Principal) -> list[LimitUse]:
        standing = await self._plans.standing(principal)
        return [
            LimitUse(what=_WORDS[each.what], used=each.used, limit=each.limit, resets_at_ms=each.resets_at_ms)
            for each in standing.limits
            if each.limit is not None and each.what in _WORDS
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """What is to be read anew."""

    everything: bool
    around: bool
    approvals: tuple[ApprovalId, ...]


class _News:
    """What has happened since somebody looked, as the parts that are to be read anew."""

    def __init__(self) -> None:
        self._wake = asyncio.Event()
        self._everything = self._around = False
        self._approvals: dict[ApprovalId, None] = {}
        self._error: RelayError | None = None

    def end(self, error: RelayError) -> None:
        """Nothing more is heard."""
        self._error = error
        self._wake.set()

    def hear(self, event: str) -> None:
        told = orjson.loads(event)
        kind: str = told["kind"]
        if kind.startswith("approval."):
            self._approvals[ApprovalId(told["data"]["id"])] = None
            self._wake.set()
        elif not kind.startswith(_QUIET):
            self.look_around()

    def look_around(self) -> None:
        self._around = True
        self._wake.set()

    def look_at_everything(self) -> None:
        self._everything = True
        self.look_around()

    async def take(self, refresh_s: float) -> _Wanted:
        """Wait until something happens, or so long that a look is due. Raises why nothing more is heard."""
        try:
            async with asyncio.timeout(refresh_s):
                await self._wake.wait()
            if not self._everything and self._around:
                await asyncio.sleep(_SETTLE_S)
        except TimeoutError:
            self._around = True
        if self._error is not None:
            raise self._error
        wanted = _Wanted(everything=self._everything, around=self._around, approvals=tuple(self._approvals))
        self._wake.clear()
        self._everything = self._around = False
        self._approvals = {}
        return wanted
