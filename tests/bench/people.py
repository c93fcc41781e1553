"""What it costs to ask who may: on the path of a message, and in workspaces with many people."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import httpx

from broker.app import Adapters, build_adapters
from broker.domain.ids import WorkspaceId
from broker.domain.people.access import MemberRole, TokenScope
from broker.domain.people.privacy import Level
from broker.domain.people.token_kinds import TokenKind
from broker.domain.plans.plans import Plan
from broker.services.people.access import new_token
from tests.bench.figures import Figure, Section, p50, p99
from tests.bench.link_client import linked_agent
from tests.bench.stage import Broker
from tests.fixtures.commands import counted
from tests.fixtures.house import House, a_house

_AT_ONCE = 50
_AGENT = "Reader"
_SENDING = (
    "A message to one agent, `POST /v1/sessions/{session}/messages`, by callers of several kinds; the session is "
    "private but for the first row, and open to a group of 100 people. Round trips to the store, of a process that has "
    "served the caller before: those of authenticating it, and those of sending, in which every check of access is "
    "made. Milliseconds over HTTP, one request after the other."
)
_LISTING = (
    "One workspace. A page of 100 by name, the last page, a search for a part of a name that one person (group) has, "
    "and a search that finds nobody, over HTTP, one request after the other."
)


async def measure_send_checks(broker: Broker, *, count: int) -> Section:
    section = Section(
        title="Checks of access on the path of a message",
        explained=_SENDING,
        head=("caller", "round trips to authenticate", "round trips to send", "p50 ms", "p99 ms"),
    )
    adapters = build_adapters(broker.redis_url)
    house, key = await _house(adapters, "bench-sending")
    theirs = replace(broker, key=key)
    async with linked_agent(theirs, _AGENT), httpx.AsyncClient(base_url=broker.url, timeout=60) as http:
        section.rows.append(await _row(house, http, "the workspace's key, open session", key, count=count))
        for name, token in (await _people(house)).items():
            section.rows.append(await _row(house, http, name, token, count=count))
    await adapters.redis.aclose()
    return section


async def _house(adapters: Adapters, name: str) -> tuple[House, str]:
    """A workspace, and its key."""
    workspace = WorkspaceId(name)
    house = await a_house(adapters, workspace)
    key = new_token(TokenKind.WORKSPACE)
    await house.services.access.adopt_workspace(key, workspace=workspace, name=name, plan=Plan.TEAM)
    house.key = await house.services.access.authenticate(key)
    return house, key


async def _people(house: House) -> dict[str, str]:
    """Tokens of those to whom the session is open, which is private from here on."""
    services = house.services
    await services.groups.create(house.key, "drivers")
    found = {}
    for name in ("Grace", "Ada"):
        member = await services.members.add(house.key, name=name, role=MemberRole.MEMBER)
        code = await services.sign_in.invite(house.key, member)
        found[name] = await services.sign_in.redeem(code.code, address=house.address)
        await services.groups.change(house.key, "drivers", member.id, joins=True)
    for number in range(98):
        member = await services.members.add(house.key, name=f"Driver {number}", role=MemberRole.MEMBER)
        await services.groups.change(house.key, "drivers", member.id, joins=True)
    session = await services.sessions.get(house.key, "main")
    await services.groups.set_access(
        house.key, session, people={"Grace": Level.DRIVER}, groups={"drivers": Level.DRIVER}
    )
    ada = await house.caller(found["Ada"])
    _, personal = await services.scoped_tokens.mint_personal(ada, scopes=(TokenScope.SEND,), name="program")
    return {
        "a person the private session names": found["Grace"],
        "a person of its group": found["Ada"],
        "a personal token of theirs": personal,
    }


async def _row(house: House, http: httpx.AsyncClient, name: str, token: str, *, count: int) -> tuple[Figure, ...]:
    await house.caller(token)  # what a process reads once
    with counted(house.adapters) as authenticating:
        caller = await house.caller(token)
    session = await house.services.sessions.get(caller, "main")
    await house.services.router.send(caller, session, to=_AGENT, text="warm")
    with counted(house.adapters) as sending:
        await house.services.router.send(caller, session, to=_AGENT, text="counted")
    # They are left lying, and an agent's inbox has room for so many.
    headers = {"Authorization": f"Bearer {token}", "Relaycast-Workspace": str(house.key.workspace)}

    async def send() -> None:
        body = {"to": _AGENT, "text": "timed"}
        answer = await http.post("/v1/sessions/main/messages", json=body, headers=headers)
        answer.raise_for_status()

    took = await _timed(send, count=count)
    return name, authenticating["round trips"], sending["round trips"], p50(took), p99(took)


async def measure_many_people(broker: Broker, *, people: int, groups: int, count: int) -> Section:
    section = Section(
        title="Many people and groups",
        explained=_LISTING,
        head=("what", "first page p50 ms", "p99 ms", "last page p50 ms", "found p50 ms", "p99 ms", "nobody p50 ms"),
    )
    adapters = build_adapters(broker.redis_url)
    house, key = await _house(adapters, "bench-people")
    await _fill(lambda n: house.services.members.add(house.key, name=f"Person {n:06}", role=MemberRole.VIEWER), people)
    await _fill(lambda n: house.services.groups.create(house.key, f"Group {n:06}"), groups)
    async with httpx.AsyncClient(base_url=broker.url, timeout=60, headers={"Authorization": f"Bearer {key}"}) as http:
        for name, path, total, word in (
            (f"{people:,} members", "/v1/members", people, "erson 00"),
            (f"{groups:,} groups", "/v1/groups", groups, "roup 00"),
        ):
            last = await _last_cursor(http, path)
            one = f"{word}{total // 2:04}"
            row: list[Figure] = [name]
            for query, figures in (
                ({}, (p50, p99)),
                ({"after": last}, (p50,)),
                ({"search": one}, (p50, p99)),
                ({"search": "nobody"}, (p50,)),
            ):

                async def ask(path: str = path, query: dict[str, str] = query) -> None:
                    (await http.get(path, params=query)).raise_for_status()

                took = await _timed(ask, count=count)
                row += [figure(took) for figure in figures]
            section.rows.append(tuple(row))
    await adapters.redis.aclose()
    return section


async def _last_cursor(http: httpx.AsyncClient, path: str) -> str:
    """Where the last page begins."""
    after: str = ""
    while True:
        page = (await http.get(path, params={"after": after} if after else {})).json()["data"]
        if page["next"] is None:
            return after
        after = page["next"]


async def _fill(make: Callable[[int], Awaitable[object]], count: int) -> None:
    for begin in range(0, count, _AT_ONCE):
        await asyncio.gather(*(make(number) for number in range(begin, min(begin + _AT_ONCE, count))))


async def _timed(act: Callable[[], Awaitable[None]], *, count: int) -> list[float]:
    """Milliseconds of each; a few ahead of them are not counted."""
    took = []
    for number in range(-5, count):
        began = time.perf_counter()
        await act()
        if number >= 0:
            took.append((time.perf_counter() - began) * 1000)
    return took
