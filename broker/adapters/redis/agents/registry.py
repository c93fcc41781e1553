"""Sessions, agents and machines in Redis hashes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import orjson
from pydantic import TypeAdapter

from broker.adapters.redis import keys
from broker.adapters.redis.agents.stops import read_stop
from broker.adapters.redis.client import TextRedis
from broker.adapters.redis.scripts import Scripts
from broker.domain.agents.agents import Agent, AgentState, Behind, FileLimits, RunPart
from broker.domain.agents.sessions import MAX_SESSIONS, MAX_SESSIONS_OF_ONE, Session
from broker.domain.agents.stops import WORKSPACE, Place, StopScope
from broker.domain.errors import NotFound
from broker.domain.ids import AgentId, MemberId, ProxyId, SessionId, TokenId, WorkspaceId
from broker.domain.machines.load import MachineLoad, ToldLoad
from broker.domain.machines.ownership import MAX_MACHINES_OF_ONE
from broker.domain.machines.placement import MAX_MACHINES, Adoption, MachineSign, Proxy
from broker.domain.names import looks_like_id
from broker.domain.people.privacy import SessionAccess
from broker.protocol.proxy import Hello

_BEHIND: TypeAdapter[Behind] = TypeAdapter(Behind)
_PART: TypeAdapter[RunPart] = TypeAdapter(RunPart)
_LIMITS: TypeAdapter[FileLimits] = TypeAdapter(FileLimits)
_LOAD: TypeAdapter[MachineLoad] = TypeAdapter(MachineLoad)
_NOBODY = "-"
"""An adopter that is no member: the workspace."""


class RedisRegistry:
    """Implements `Registry`."""

    def __init__(self, redis: TextRedis, scripts: Scripts) -> None:
        self._redis = redis
        self._scripts = scripts

    async def create_session(
        self,
        workspace: WorkspaceId,
        session: SessionId,
        *,
        name: str,
        epoch: str,
        maker: str | None = None,
        private: SessionAccess | None = None,
    ) -> Session:
        """Make a session, or return the one with that name. Raises `Conflict` (TOO_MANY_SESSIONS)."""
        found = await self._scripts.run(
            "create_session",
            workspace,
            session=session,
            name=name,
            epoch=epoch,
            most=MAX_SESSIONS,
            maker=maker or "",
            most_of_one=MAX_SESSIONS_OF_ONE,
            private="" if private is None else orjson.dumps(private, option=orjson.OPT_SORT_KEYS),
        )
        return await self._session(workspace, SessionId(found))

    async def session(self, workspace: WorkspaceId, reference: str) -> Session:
        """By id or name; an id wins. Raises `NotFound`."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.hget(keys.key(workspace, "session_names"), reference)
        if keys.is_id(reference):
            pipe.hgetall(keys.key(workspace, "session", reference))
        by_name, *rows = await pipe.execute()
        if any(rows) or looks_like_id(reference):
            return read_session(reference, rows[0] if rows else {})
        # Also for a name that nobody has: what is not there takes as long as what the caller does not see.
        row = await self._redis.hgetall(keys.key(workspace, "session", by_name or _NOBODY))
        return read_session(by_name if by_name and row else reference, row)

    async def sessions(self, workspace: WorkspaceId) -> list[Session]:
        """All of a workspace, oldest first."""
        found = await self._redis.hvals(keys.key(workspace, "session_names"))
        rows = await self._hashes([keys.key(workspace, "session", each) for each in found])
        known = [(each, row) for each, row in zip(found, rows, strict=True) if row]
        # Those of earlier versions have no place; they came before all that have one.
        known.sort(key=lambda pair: (int(pair[1].get("place", 0)), int(pair[1]["created"])))
        return [read_session(each, row) for each, row in known]

    async def sessions_by_id(self, workspace: WorkspaceId, sessions: Sequence[SessionId]) -> dict[SessionId, Session]:
        """Those of them that are there."""
        rows = await self._hashes([keys.key(workspace, "session", each) for each in sessions if keys.is_id(each)])
        known = [each for each in sessions if keys.is_id(each)]
        return {each: read_session(each, row) for each, row in zip(known, rows, strict=True) if row}

    async def rename_session(self, workspace: WorkspaceId, session: SessionId, *, name: str, by: str) -> Session:
        """Give a session another name. Raises `NotFound`, `Conflict` (NAME_TAKEN)."""
        await self._scripts.run("rename_session", workspace, session=session, name=name, by=by)
        return await self._session(workspace, session)

    async def archive_session(self, workspace: WorkspaceId, session: SessionId, *, archived: bool, by: str) -> Session:
        """Put a session away, or take it back. Raises `NotFound`, `Conflict` (SESSION_HAS_AGENTS)."""
        given = "1" if archived else ""
        await self._scripts.run("archive_session", workspace, session=session, archived=given, by=by)
        return await self._session(workspace, session)

    async def _session(self, workspace: WorkspaceId, session: SessionId) -> Session:
        return read_session(session, await self._redis.hgetall(keys.key(workspace, "session", session)))

    async def agents(self, workspace: WorkspaceId, session: SessionId, *, limit: int = 100) -> list[Agent]:
        """Live and ended agents, the newest `limit`, in spawn order."""
        return (await self.agents_of(workspace, [session], limit=limit))[session]

    async def agents_of(
        self, workspace: WorkspaceId, sessions: Sequence[SessionId], *, limit: int = 100
    ) -> dict[SessionId, list[Agent]]:
        """The same of several sessions."""
        pipe = self._redis.pipeline(transaction=False)
        for session in sessions:
            pipe.zrange(keys.key(workspace, "members", session), -limit, -1)
        members: list[list[str]] = await pipe.execute() if sessions else []
        found = await self._agents(workspace, [AgentId(each) for ids in members for each in ids])
        return {
            session: [found[AgentId(each)] for each in ids if AgentId(each) in found]
            for session, ids in zip(sessions, members, strict=True)
        }

    async def agents_by_id(self, workspace: WorkspaceId, agents: Sequence[AgentId]) -> list[Agent]:
        """Those of them that are there."""
        return list((await self._agents(workspace, [each for each in agents if keys.is_id(each)])).values())

    async def agent(
        self, workspace: WorkspaceId, agent: AgentId, *, seen: Callable[[SessionId], bool] = lambda _: True
    ) -> Agent | None:
        """One agent, of a session that is `seen`."""
        return (await self._agents(workspace, [agent], seen=seen)).get(agent) if keys.is_id(agent) else None

    async def _agents(
        self,
        workspace: WorkspaceId,
        agents: Sequence[AgentId],
        *,
        seen: Callable[[SessionId], bool] = lambda _: True,
    ) -> dict[AgentId, Agent]:
        found = await self._hashes([keys.key(workspace, "agent", each) for each in agents])
        rows = [row for row in found if row and seen(SessionId(row["session"]))]
        machines, stopped = await self._around(workspace, rows)
        return {AgentId(row["id"]): _agent(row, machines, stopped) for row in rows}

    async def agent_named(self, workspace: WorkspaceId, session: SessionId, reference: str) -> Agent:
        """The live agent of that id or name; an id wins. Raises `NotFound`."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.hget(keys.key(workspace, "names", session), reference.lower())
        pipe.zscore(keys.key(workspace, "members", session), reference)
        by_name, place = await pipe.execute()
        found = reference if place is not None or looks_like_id(reference) else by_name
        agent = await self.agent(workspace, AgentId(found)) if found else None
        if agent is None or agent.session_id != session or agent.state.ended:
            raise NotFound(f"no agent called {reference[:80]!r} is in this session", code="AGENT_NOT_FOUND")
        return agent

    async def proxy(self, workspace: WorkspaceId, proxy: ProxyId) -> Proxy | None:
        """A machine that was ever linked."""
        found = await self._read_proxies(workspace, [proxy]) if keys.is_id(proxy) else []
        return found[0] if found else None

    async def proxies(self, workspace: WorkspaceId) -> list[Proxy]:
        """All machines that were ever linked."""
        ids = await self._redis.hvals(keys.key(workspace, "proxies"))
        return await self._read_proxies(workspace, [ProxyId(each) for each in ids])

    async def proxies_called(self, workspace: WorkspaceId, reference: str) -> list[Proxy]:
        """The machine of that id, else those of that name."""
        its_id = reference if keys.is_id(reference) else ""
        return await self._find_proxies(workspace, "called", id_=its_id, name=reference)

    async def connected_proxies(self, workspace: WorkspaceId) -> list[Proxy]:
        """The machines that are here."""
        return await self._find_proxies(workspace, "connected")

    async def missed_proxies(self, workspace: WorkspaceId) -> list[Proxy]:
        """The machines that are away although agents are on them."""
        return await self._find_proxies(workspace, "missed")

    async def unguarded_proxies(self, workspace: WorkspaceId) -> list[Proxy]:
        """The machines that know of no hooks that agents wait for."""
        return await self._find_proxies(workspace, "unguarded")

    async def machine_signs(self, workspace: WorkspaceId) -> list[MachineSign]:
        """Every machine, without what else is known of it."""
        told: list[str] = await self._scripts.run("list_machines", workspace)
        return [
            MachineSign(id=ProxyId(proxy), name=name, online=online == "1")
            for proxy, name, online in zip(told[::3], told[1::3], told[2::3], strict=True)
        ]

    async def _find_proxies(self, workspace: WorkspaceId, meant: str, *, id_: str = "", name: str = "") -> list[Proxy]:
        ids = await self._scripts.run("find_machines", workspace, meant=meant, id=id_, name=name)
        return await self._read_proxies(workspace, [ProxyId(each) for each in ids])

    async def _read_proxies(self, workspace: WorkspaceId, ids: Sequence[ProxyId]) -> list[Proxy]:
        pipe = self._redis.pipeline(transaction=False)
        for proxy in ids:
            pipe.hgetall(keys.key(workspace, "link", proxy))
            pipe.scard(keys.key(workspace, "link_agents", proxy))
        if ids:
            pipe.hmget(keys.key(workspace, "stops"), [str(Place(scope=StopScope.MACHINE, id=i)) for i in ids])
        *rows, stops = await pipe.execute() if ids else [[]]
        about = zip(rows[::2], rows[1::2], stops, strict=True)
        known = [(row, agents, stop) for row, agents, stop in about if "hello" in row]
        people = await self._names_of(workspace, sorted({row["owner"] for row, _, _ in known if "owner" in row}))
        found = [read_proxy(row, agents, people=people, stop=stop) for row, agents, stop in known]
        return sorted(found, key=lambda p: p.name)

    async def link_machine(
        self,
        workspace: WorkspaceId,
        machine_id: str,
        *,
        new_id: ProxyId,
        token: TokenId,
        take: bool,
        member: MemberId | None = None,
        only: ProxyId | None = None,
    ) -> ProxyId:
        """The proxy id of a machine; `new_id` when it is here for the first time. Raises `NotPermitted`, `Conflict`."""
        found = await self._scripts.run(
            "link_machine",
            workspace,
            machine=machine_id,
            new_id=new_id,
            token=token,
            may_take="1" if take else "0",
            most=MAX_MACHINES,
            member=member or "",
            most_of_one=MAX_MACHINES_OF_ONE,
            only=only or "",
        )
        return ProxyId(found)

    async def has_namesake(self, workspace: WorkspaceId, proxy: ProxyId, name: str) -> bool:
        """Whether another machine that is connected has this name."""
        return bool(await self._scripts.run("has_namesake", workspace, proxy=proxy, name=name))

    async def adopt_machine(self, workspace: WorkspaceId, proxy: ProxyId, *, member: MemberId | None) -> None:
        """Let a machine be another member's, or the workspace's, once it agrees. Raises `NotFound`, `Conflict`."""
        await self._scripts.run("adopt_machine", workspace, proxy=proxy, member=member or "")

    async def forget_proxy(self, workspace: WorkspaceId, proxy: ProxyId) -> None:
        """Remove a machine that is offline. Raises `NotFound`, `Conflict`."""
        machines = await self._redis.hgetall(keys.key(workspace, "proxies"))
        machine = next((m for m, p in machines.items() if p == proxy), None)
        if machine is None:
            raise NotFound(f"no machine {proxy[:80]!r}", code="PROXY_NOT_FOUND")
        await self._scripts.run_once("forget_machine", workspace, proxy=proxy, machine=machine)

    async def _names_of(self, workspace: WorkspaceId, members: Sequence[str]) -> dict[str, str | None]:
        pipe = self._redis.pipeline(transaction=False)
        for member in members:
            pipe.hget(keys.key(workspace, "person", member), "name")
        names: list[str | None] = await pipe.execute() if members else []
        return dict(zip(members, names, strict=True))

    async def _around(
        self, workspace: WorkspaceId, agents: Sequence[dict[str, str]]
    ) -> tuple[dict[str, _Link], frozenset[str]]:
        """What carries the agents, and which places they are in are stopped."""
        if not agents:
            return {}, frozenset()
        proxies = sorted({link for row in agents for link in (row["proxy"], _carrier(row))})
        places = sorted({place for row in agents for place in _places(row)})
        pipe = self._redis.pipeline(transaction=False)
        for proxy in proxies:
            pipe.hmget(keys.key(workspace, "link", proxy), ["name", "online", "since"])
        pipe.hmget(keys.key(workspace, "stops"), places)
        *links, stops = await pipe.execute()
        stopped = frozenset(place for place, stop in zip(places, stops, strict=True) if stop)
        known = {
            proxy: _Link(name=name or proxy, away_since_ms=int(since) if since and online != "1" else None)
            for proxy, (name, online, since) in zip(proxies, links, strict=True)
        }
        return known, stopped

    async def _hashes(self, names: Sequence[str]) -> list[dict[str, str]]:
        """Several hashes in one round trip; one that is not there is empty."""
        pipe = self._redis.pipeline(transaction=False)
        for name in names:
            pipe.hgetall(name)
        rows: list[dict[str, str]] = await pipe.execute() if names else []
        return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class _Link:
    name: str
    away_since_ms: int | None


def _carrier(agent: dict[str, str]) -> str:
    """The link that carries an agent: its machine's, or its own when it has connected itself."""
    return agent.get("link") or agent["proxy"]


def read_session(session: str, row: dict[str, str]) -> Session:
    """A session, as the store has it. Raises `NotFound` for none."""
    if not row:
        raise NotFound(f"no session {session[:80]!r}", code="SESSION_NOT_FOUND")
    return Session(
        id=SessionId(session),
        name=row["name"],
        epoch=row["epoch"],
        offset=int(row["offset"]),
        searchable=int(row["shipped"]) if "shipped" in row else None,
        created_at_ms=int(row["created"]),
        archived=row.get("archived") == "1",
    )


def _places(agent: dict[str, str]) -> tuple[str, ...]:
    """Where a stop is over an agent."""
    session = Place(scope=StopScope.SESSION, id=SessionId(agent["session"]))
    machine = Place(scope=StopScope.MACHINE, id=ProxyId(agent["proxy"]))
    return (str(WORKSPACE), str(machine), str(session))


def read_file_limits(text: str | None) -> FileLimits:
    """Which files an agent may change at most, as it is kept with it."""
    return _LIMITS.validate_json(text) if text else ()


def _agent(row: dict[str, str], machines: dict[str, _Link], stopped: frozenset[str]) -> Agent:
    state = AgentState(row["state"])
    return Agent(
        id=AgentId(row["id"]),
        session_id=SessionId(row["session"]),
        name=row["name"],
        cli=row["cli"],
        state=state,
        paused=not state.ended and not stopped.isdisjoint(_places(row)),
        proxy=ProxyId(row["proxy"]),
        machine=machines[row["proxy"]].name,
        generation=int(row["generation"]),
        version=row.get("version") or None,
        model=row.get("model_used") or row.get("model"),
        transport=row.get("transport"),
        cwd=row.get("cwd_real") or row.get("cwd"),
        branch=row.get("branch"),
        native_id=row.get("native"),
        spawner=row.get("spawner_name") or None,
        spawner_id=AgentId(row["spawner"]) if "spawner" in row else None,
        behind=_BEHIND.validate_json(row["behind"]) if row.get("behind") else None,
        turn_id=row.get("turn") or None,
        waiting_approvals=int(row.get("waiting", 0)),
        reason=row.get("reason") or None,
        detail=row.get("detail") or None,
        spawned_at_ms=int(row["spawned"]),
        since_ms=int(row["since"]),
        readonly=row.get("readonly") == "1",
        writes=read_file_limits(row.get("writes")),
        part=_PART.validate_json(row["part"]) if row.get("part") else None,
        inbox_acked=int(row.get("acked", 0)),
        away_since_ms=None if state.ended else machines[_carrier(row)].away_since_ms,
        task=row.get("task") or None,
        doing=row.get("doing") or None,
        said=row.get("said") or None,
        seen_ms=_number(row.get("seen")),
        tokens=_number(row.get("spent_tokens")),
        micro_usd=_number(row.get("spent_usd")),
        dismissed="dismissed" in row,
    )


def _number(text: str | None) -> int | None:
    return int(text) if text else None


def read_proxy(row: Mapping[str, str], agents: int, *, people: Mapping[str, str | None], stop: str | None) -> Proxy:
    """A machine by its record. `people`: names by id; `stop`: who has stopped it."""
    owner = row.get("owner")
    hello = _read_hello(row["hello"])
    return Proxy(
        id=ProxyId(row["id"]),
        name=hello.name,
        labels=tuple(hello.labels),
        clis=tuple(hello.clis),
        version=hello.version,
        makes_worktrees=hello.makes_worktrees,
        keeps_readonly=hello.keeps_readonly,
        asks_writes=hello.asks_writes,
        online=row["online"] == "1",
        session=SessionId(row["session"]) if row.get("session") else None,
        agents=agents,
        since_ms=int(row["since"]),
        owner=MemberId(owner) if owner else None,
        owner_name=people.get(owner) if owner else None,
        orphaned="orphaned" in row,
        adoption=_adoption(row.get("adopter")),
        policy=hello.policy,
        runs_hooks=hello.runs_hooks,
        asks_hooks=hello.guards is not None,
        runs_commands=hello.runs_commands,
        awaits_files=hello.awaits_files,
        hashes_paths=hello.hashes_paths,
        takes_digests=hello.takes_digests,
        stopped=read_stop(stop) if stop else None,
        load=_told_load(row),
    )


@lru_cache(maxsize=1000)
def _read_hello(text: str) -> Hello:
    """Nobody changes what it answers with: a machine says hello once, and is looked at for each order."""
    return Hello.model_validate(orjson.loads(text))


def _told_load(row: Mapping[str, str]) -> ToldLoad | None:
    if "load" not in row:
        return None
    return ToldLoad(load=_LOAD.validate_json(row["load"]), at_ms=int(row["load_at"]))


def _adoption(adopter: str | None) -> Adoption | None:
    if adopter is None:
        return None
    return Adoption(by=None if adopter == _NOBODY else MemberId(adopter))
