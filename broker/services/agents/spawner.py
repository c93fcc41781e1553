"""Starting agents where they can run, waiting until they are really ready, and ending them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import orjson

from broker.domain.agents.agents import Agent, AgentState, FileLimits, RunPart, agent_name, folder_from
from broker.domain.agents.sessions import Session
from broker.domain.agents.vendors import ASK_WRITES, KEEP_READONLY
from broker.domain.errors import BadRequest, NoPlacement, NotFound, SpawnFailed
from broker.domain.ids import AgentId, MemberId, MessageId, ProxyId, SessionId
from broker.domain.logs.events import EventKind
from broker.domain.machines.ownership import Asker, administers, behind
from broker.domain.machines.placement import Proxy, place
from broker.domain.messages.envelope import instructions
from broker.domain.names import looks_like_id
from broker.domain.people.access import MemberRole, Permission, Principal
from broker.domain.people.token_kinds import TokenKind
from broker.domain.plans.budgets import Gift, count_amount
from broker.protocol.proxy import AskedBy
from broker.services.live.hub import Hub
from broker.services.messages.router import derive_id, digest, prepare
from broker.services.permissions import check_within, requires
from broker.services.ports import EventLog, Mailroom, MemberRecords, NewAgent, Registry
from broker.services.redaction import Redaction

DEFAULT_WAIT_S = 90.0
"""Above the slowest start measured (Gemini, 4.7 s on two cores) and a busy machine's; below HTTP clients' patience."""
MAX_WAIT_S = 300.0
_DETAIL_SHOWN = 1000
_SETTLED = frozenset({AgentState.IDLE, AgentState.WORKING})
_WATCHED = frozenset({EventKind.AGENT_READY, EventKind.AGENT_FAILED, EventKind.AGENT_RELEASED, EventKind.AGENT_STATE})


@dataclass(frozen=True, slots=True, kw_only=True)
class SpawnRequest:
    """What a caller asks for. An agent that names no machine means its own, and a folder there from its own on."""

    name: str
    cli: str
    task: str | None = None
    machine: str | None = None
    labels: Sequence[str] = ()
    cwd: str | None = None
    model: str | None = None
    worktree: bool = False
    """Whether it is to work in a git worktree of its own, of the repository that the folder is in."""
    readonly: bool = False
    """Whether its own tools may change no file and start no command; so it is for what a read-only agent spawns."""
    writes: FileLimits = ()
    """Which files it may change at most; so may what it spawns."""
    idempotency_key: str | None = None
    part: RunPart | None = None
    """Of a workflow; None for an agent that belongs to none."""
    gift: Gift | None = None
    """What an agent that asks for it lets it spend; people set budgets."""


class Spawner:
    """Spawns, releases and interrupts agents."""

    def __init__(
        self,
        mailroom: Mailroom,
        registry: Registry,
        log: EventLog,
        *,
        members: MemberRecords,
        hub: Hub,
        redaction: Redaction,
    ) -> None:
        self._members = members
        self._mailroom = mailroom
        self._registry = registry
        self._log = log
        self._hub = hub
        self._redaction = redaction

    @requires(Permission.SPAWN)
    async def spawn(self, principal: Principal, session: Session, request: SpawnRequest) -> Agent:
        """Order an agent; it is `starting` when this returns.

        Raises `BadRequest`, `NotPermitted`, `NoPlacement`, `Conflict` (NAME_TAKEN), `PlanLimitReached`.
        """
        name = agent_name(request.name)
        if request.gift is not None:
            if principal.agent is None:
                raise BadRequest("agents give budgets to those that they spawn; people set them")
            count_amount(request.gift.unit, request.gift.amount)
        agent_id = _agent_id(principal, request)
        spawner = await self._own(principal)
        if spawner is not None and spawner.readonly:
            request = replace(request, readonly=True)
        if spawner is not None and spawner.writes:
            request = replace(request, writes=(*spawner.writes, *request.writes))
        existing = await self._registry.agent(principal.workspace, agent_id)
        if existing is None:
            asker = await self._asker(principal, spawner)
            proxy = await self._place(principal, request, session=session.id, asker=asker, spawner=spawner)
            if request.worktree and not proxy.makes_worktrees:
                raise NoPlacement(
                    f"relay-connect {proxy.version or ''} on {proxy.name} makes no worktrees: update it there",
                    code="NO_WORKTREES",
                )
            _require_kept(proxy, request)
            order = await self._order(principal, session, request, name=name, agent=agent_id, proxy=proxy.id)
            asked_by = _describe_asker(asker, proxy, session=session.id, spawner=spawner)
            folder = folder_from(spawner, request.cwd) if spawner and spawner.proxy == proxy.id else request.cwd
            order = replace(order, asked_by=asked_by, behind=asker.behind, cwd=folder)
        else:  # asked again: nothing is ordered, unless the request is another one
            order = await self._order(principal, session, request, name=name, agent=agent_id, proxy=existing.proxy)
        await self._mailroom.spawn(principal.workspace, order, plan=principal.plan)
        return await self._require_agent(principal, agent_id)

    @check_within("the agent was spawned, or found, by the caller")
    async def wait_ready(self, principal: Principal, agent: Agent, *, timeout_s: float = DEFAULT_WAIT_S) -> Agent:
        """Return when the agent can take prompts. Raises `SpawnFailed` with its reason when it ends or time is up."""
        try:
            async with asyncio.timeout(min(timeout_s, MAX_WAIT_S)):
                settled = await self._wait(principal, agent, _SETTLED)
        except TimeoutError:
            raise SpawnFailed(
                f"{agent.name} is not ready after {timeout_s:g} s; it goes on starting", code="SPAWN_TIMEOUT"
            ) from None
        if settled.state.ended:
            raise SpawnFailed(f"{agent.name} did not start: {_why(settled)}", code=_code(settled))
        return settled

    @requires(Permission.RELEASE)
    async def release(self, principal: Principal, session: Session, name: str) -> Agent:
        """Order the agent's end. An agent may release only those it spawned. Raises `NotFound`, `NotPermitted`.

        Asked again for one that has ended, it answers with that one: the first answer may have been lost.
        """
        return await self.release_agent(principal, await self._live_or_ended(principal, session, name))

    @requires(Permission.RELEASE)
    async def release_agent(self, principal: Principal, agent: Agent) -> Agent:
        """The same for an agent that the caller has found already."""
        await self._mailroom.release(principal.workspace, agent.id, by=principal.name, actor=principal.agent)
        return await self._require_agent(principal, agent.id)

    @requires(Permission.SPAWN)
    async def resume(self, principal: Principal, session: Session, reference: str) -> Agent:
        """Bring back an agent that has ended, by name or id, with its vendor's conversation; it is `starting` then.

        Asked again, it answers with the agent as it is. An agent may resume only those it spawned. Raises `NotFound`,
        `NotPermitted`, `Conflict` (NO_CONVERSATION, NAME_TAKEN), `NoPlacement` when its machine or its program is away,
        `PlanLimitReached`.
        """
        return await self.resume_agent(principal, await self._live_or_ended(principal, session, reference))

    @requires(Permission.SPAWN)
    async def resume_agent(self, principal: Principal, agent: Agent) -> Agent:
        """The same for an agent that the caller has found already."""
        await self._mailroom.resume(
            principal.workspace,
            agent.session_id,
            agent.id,
            by=principal.name,
            plan=principal.plan,
            actor=principal.agent,
            asked_by=await self._asks_back(principal, agent) if agent.state.ended else None,
        )
        return await self._require_agent(principal, agent.id)

    async def _asks_back(self, principal: Principal, agent: Agent) -> AskedBy:
        """What its machine is told when it is brought back. Raises `NoPlacement`."""
        proxy = await self._machine_of(principal, agent)
        spawner = await self._own(principal)
        asker = await self._asker(principal, spawner)
        return _describe_asker(asker, proxy, session=agent.session_id, spawner=spawner)

    @check_within("says who asks; what is asked for is checked where it is done")
    async def describe_asker(self, principal: Principal, proxy: Proxy, *, session: SessionId) -> AskedBy:
        """What a machine is told of a caller who has it do something."""
        spawner = await self._own(principal)
        return _describe_asker(await self._asker(principal, spawner), proxy, session=session, spawner=spawner)

    async def _machine_of(self, principal: Principal, agent: Agent) -> Proxy:
        """Its conversation is on its own machine: no other one will do."""
        proxy = await self._registry.proxy(principal.workspace, agent.proxy)
        if proxy is None or not proxy.online:
            raise NoPlacement(
                f"the machine of {agent.name}, {agent.machine}, is not connected; run relay-connect there"
            )
        return place([proxy], cli=agent.cli, machine=None, labels=())

    @check_within("the agent was released by the caller")
    async def wait_released(self, principal: Principal, agent: Agent, *, timeout_s: float = 30.0) -> Agent:
        """Return when its processes are gone, or after `timeout_s` as it is then."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._wait(principal, agent, frozenset())
        except TimeoutError:
            return await self._require_agent(principal, agent.id)

    @requires(Permission.RELEASE)
    async def dismiss_agent(self, principal: Principal, agent: Agent) -> Agent:
        """Take one that failed from what needs a person. Raises `Conflict` (AGENT_RUNS), `NotPermitted`."""
        await self._mailroom.dismiss(principal.workspace, agent.id, by=principal.name, actor=principal.agent)
        return await self._require_agent(principal, agent.id)

    @requires(Permission.RELEASE)
    async def interrupt(self, principal: Principal, session: Session, name: str) -> bool:
        """Stop the agent's running turn; whether one was running. Raises `NotFound`, `NotPermitted`."""
        agent = await self._registry.agent_named(principal.workspace, session.id, name)
        return await self.interrupt_agent(principal, agent)

    @requires(Permission.RELEASE)
    async def interrupt_agent(self, principal: Principal, agent: Agent) -> bool:
        """The same for an agent that the caller has found already."""
        return await self._mailroom.interrupt(principal.workspace, agent.id, by=principal.name, actor=principal.agent)

    async def _place(
        self, principal: Principal, request: SpawnRequest, *, session: SessionId, asker: Asker, spawner: Agent | None
    ) -> Proxy:
        home = spawner.proxy if spawner else None
        choose = partial(
            place,
            cli=request.cli,
            machine=request.machine,
            labels=request.labels,
            home=home,
            asker=asker.behind.member if asker.behind else None,
            session=session,
            owns=asker.owns,
        )
        meant = request.machine or (None if request.labels else home)
        named = await self._registry.proxies_called(principal.workspace, meant) if meant else []
        if named:
            try:
                return choose(named)
            except NoPlacement as refusal:
                if refusal.code != NoPlacement.code:
                    raise
        # Any of those that are here may be chosen; or none is, and the refusal names them.
        here = await self._registry.connected_proxies(principal.workspace)
        return choose({each.id: each for each in (*named, *here)}.values())

    async def _asker(self, principal: Principal, spawner: Agent | None) -> Asker:
        """Who asks, and who is behind that."""
        root = spawner.behind if spawner else behind(principal)
        return Asker(
            kind="agent" if spawner else behind(principal).kind,
            name=principal.name,
            agent=principal.agent,
            behind=root,
            is_admin=root is not None and (root.admin or administers(await self._role_of(principal, root.member))),
        )

    async def _role_of(self, principal: Principal, member: MemberId | None) -> MemberRole | None:
        """What a member is by now. A caller's own role was read with the caller."""
        if member is None:
            return None
        if principal.role is not None and member == principal.answerable:
            return principal.role
        found = await self._members.member(principal.workspace, member)
        return found.role if found else None

    async def _order(
        self,
        principal: Principal,
        session: Session,
        request: SpawnRequest,
        *,
        name: str,
        agent: AgentId,
        proxy: ProxyId,
    ) -> NewAgent:
        is_agent = principal.kind is TokenKind.AGENT
        task = None
        if request.task:
            message_id = _task_id(principal, request)
            redactor = await self._redaction.redactor(principal.workspace)
            task = prepare(
                principal.sender, session, to=name, text=request.task, message_id=message_id, redactor=redactor
            )
        return NewAgent(
            id=agent,
            session=session.id,
            digest=_request_digest(session, name, request=request),
            name=name,
            cli=request.cli,
            proxy=proxy,
            cwd=request.cwd,
            model=request.model,
            instructions=instructions(
                name=name,
                session=session.name,
                spawner=principal.name if is_agent and request.part is None else None,
                step=request.part.step if request.part else None,
            ),
            spawner_id=principal.agent,
            spawner_name=principal.name,
            task=task,
            worktree=request.worktree,
            readonly=request.readonly,
            writes=request.writes,
            part=request.part,
            gift=request.gift,
        )

    async def _live_or_ended(self, principal: Principal, session: Session, reference: str) -> Agent:
        """By id, else the living agent of that name, else the last one that had it. Raises `NotFound`."""
        by_id = await self._registry.agent(principal.workspace, AgentId(reference))
        if by_id is not None and by_id.session_id == session.id:
            return by_id
        try:
            return await self._registry.agent_named(principal.workspace, session.id, reference)
        except NotFound:
            known = await self._registry.agents(principal.workspace, session.id)
            named = [agent for agent in known if reference.lower() == agent.name.lower()]
            if not named or looks_like_id(reference):
                raise
            return named[-1]

    async def _own(self, principal: Principal) -> Agent | None:
        return await self._registry.agent(principal.workspace, principal.agent) if principal.agent else None

    async def _require_agent(self, principal: Principal, agent: AgentId) -> Agent:
        found = await self._registry.agent(principal.workspace, agent)
        if found is None:
            raise NoPlacement("the agent was not stored; try again")
        return found

    async def _wait(self, principal: Principal, agent: Agent, states: frozenset[AgentState]) -> Agent:
        """The agent, as soon as it is in one of `states` or has ended."""
        head = await self._log.head(principal.workspace, SessionId(agent.session_id))
        found = await self._require_agent(principal, agent.id)
        if found.state in states or found.state.ended:
            return found
        async with contextlib.aclosing(self._hub.follow(principal.workspace, agent.session_id, after=head)) as events:
            async for event in events:
                if isinstance(event, str) and not _concerns(event, agent.id):
                    continue
                found = await self._require_agent(principal, agent.id)
                if found.state in states or found.state.ended:
                    return found
        raise AssertionError("a followed log does not end")


def _request_digest(session: Session, name: str, *, request: SpawnRequest) -> str:
    """One without a worktree or a budget has the fingerprint that it had before there were any."""
    further = (["worktree"] if request.worktree else []) + (["readonly"] if request.readonly else [])
    further += [f"writes {each!r}" for each in request.writes]
    further += [f"{request.gift.amount:g} {request.gift.unit}"] if request.gift else []
    about = (session.id, name, request.cli, request.task, request.machine, request.cwd, request.model, *further)
    return digest(*about)


def _require_kept(proxy: Proxy, request: SpawnRequest) -> None:
    """Raise `NoPlacement` where nobody would see to it that an agent changes nothing (NO_READONLY), or certain files
    alone (NO_FILE_LIMITS).
    """
    if request.readonly:
        can, reads, what, code = KEEP_READONLY, proxy.keeps_readonly, "from changing files", "NO_READONLY"
    elif request.writes:
        can, reads, what, code = ASK_WRITES, proxy.asks_writes, "to some files", "NO_FILE_LIMITS"
    else:
        return
    if request.cli not in can:
        raise NoPlacement(f"{request.cli} cannot be kept {what}: {', '.join(sorted(can))} can", code=code)
    if not reads:
        raise NoPlacement(
            f"relay-connect {proxy.version or ''} on {proxy.name} keeps no agent {what}: update it there", code=code
        )


def _describe_asker(asker: Asker, proxy: Proxy, *, session: SessionId, spawner: Agent | None) -> AskedBy:
    """What a machine is told of who asks for a process on it. `spawner`: the agent that asks."""
    return AskedBy(
        kind=asker.kind,
        name=asker.name,
        member=asker.member,
        agent=asker.agent,
        owner=asker.owns(proxy),
        same_machine=spawner is not None and spawner.proxy == proxy.id,
        session=session,
    )


def _concerns(event: str, agent: AgentId) -> bool:
    if agent not in event:
        return False
    parsed = orjson.loads(event)
    return parsed["agent"] == agent and parsed["kind"] in _WATCHED


def _agent_id(principal: Principal, request: SpawnRequest) -> AgentId:
    """A part of a workflow has an id that does not depend on who asks."""
    if request.part is not None:
        return request.part.agent_id
    return AgentId(derive_id(principal, _find_free_name(request.idempotency_key, "agent")))


def _task_id(principal: Principal, request: SpawnRequest) -> MessageId:
    if request.part is not None:
        return request.part.task_id
    return derive_id(principal, _find_free_name(request.idempotency_key, "task"))


def _find_free_name(key: str | None, suffix: str) -> str | None:
    return None if key is None else f"{key}/{suffix}"


def _why(agent: Agent) -> str:
    """The reason, and the end of what the agent or its machine said about it."""
    detail = (agent.detail or "").strip()
    shown = detail if len(detail) <= _DETAIL_SHOWN else f"…{detail[-_DETAIL_SHOWN:]}"
    return ": ".join(part for part in (agent.reason or agent.state, shown) if part)


def _code(agent: Agent) -> str:
    """A stable word that the proxy gave as the reason, or the general one."""
    reason = agent.reason or ""
    return reason if reason.isupper() else SpawnFailed.code
