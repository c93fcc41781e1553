"""What is asked of one machine is read of one machine, however many a workspace has."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from redis.asyncio import Redis

from broker.adapters.redis import keys
from broker.app import Adapters, build_services
from broker.domain.ids import LinkId, ProxyId, TokenId, WorkspaceId
from broker.domain.needs.needs import NeedKind
from broker.domain.people.access import Principal
from broker.services.agents.spawner import SpawnRequest
from broker.services.container import Services
from broker.settings import Settings
from tests.fixtures.desk import Desk, a_hello, open_desk
from tests.fixtures.redis_servers import Server, data_server

_MORE = 40
_WAITED_FOR = "hooks:\n  demo:\n    before_tool: { id: guard, command: check }\n"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """Of its own, as what it is asked for is counted."""
    async with data_server(tmp_path / "store") as made:
        yield made


@pytest.fixture
def redis_url(server: Server) -> str:
    return server.url


@pytest.fixture
async def desk(adapters: Adapters, workspace: WorkspaceId) -> Desk:
    made = await open_desk(adapters, workspace)
    await know(made, "machine-1", made.link)
    return made


@pytest.fixture
def services(desk: Desk) -> Services:
    return build_services(Settings(), desk.adapters)


async def know(desk: Desk, machine: str, link: LinkId) -> None:
    """As a machine's first link makes it known."""
    await desk.adapters.registry.link_machine(
        desk.workspace, machine, new_id=ProxyId(link), token=TokenId("t"), member=None, take=False
    )


async def add_machine(desk: Desk, name: str, *, online: bool = False, guards: int | None = None) -> ProxyId:
    """One more, which is here, or was once."""
    link = LinkId(f"proxy-{name}")
    await know(desk, f"machine-{name}", link)
    hello = a_hello(
        machine_id=f"machine-{name}", name=name, boot_id=f"boot-{name}", spool_id=f"spool-{name}", guards=guards
    )
    attached = await desk.adapters.links.attach(desk.workspace, link, hello, session=desk.session.id, epoch="e")
    if not online:
        await desk.adapters.links.detach(desk.workspace, link, fence=attached.fence)
    return ProxyId(link)


async def rows_read(server: Server, act: Callable[[], Awaitable[object]]) -> int:
    """How many records the store was asked for whole."""
    async with Redis(host="127.0.0.1", port=server.port, decode_responses=True) as redis:
        await redis.config_resetstat()
        await act()
        counted = await redis.info("commandstats")
    return int(counted.get("cmdstat_hgetall", {}).get("calls", 0))


async def test_one_machine_is_read_where_one_is_meant(desk: Desk, server: Server, services: Services) -> None:
    agent = await desk.idle("Worker")
    lead = desk.acting_as(agent)
    numbers = iter(range(1000))

    def spawn(by: Principal, *, machine: str | None = None) -> Callable[[], Awaitable[object]]:
        request = SpawnRequest(name=f"Agent{next(numbers)}", cli="demo", machine=machine)
        return lambda: services.spawner.spawn(by, desk.session, request)

    async def stop_and_resume() -> None:
        await services.stops.stop_machine(desk.person(), "laptop")
        await services.stops.resume_machine(desk.person(), desk.link)

    def acts() -> dict[str, Callable[[], Awaitable[object]]]:
        return {
            "spawn on a machine by name": spawn(desk.person(), machine="laptop"),
            "spawn on a machine by id": spawn(desk.person(), machine=desk.link),
            "spawn at home": spawn(lead),
            "spawn where there is one": spawn(desk.person()),
            "stop and resume": stop_and_resume,
            "look at one": lambda: services.sessions.proxy(desk.person(), "laptop"),
            "what needs a person": lambda: services.needs.standing(desk.person()),
            "status": lambda: services.status.get(desk.person()),
            "hooks": lambda: services.hooks.show(desk.person()),
            "who is here": lambda: services.sessions.connected_proxies(desk.person()),
        }

    await services.hooks.apply(desk.person(), _WAITED_FOR)
    few = {name: await rows_read(server, act) for name, act in acts().items()}
    for number in range(_MORE):
        await add_machine(desk, f"other-{number}", guards=1)
    many = {name: await rows_read(server, act) for name, act in acts().items()}
    assert await rows_read(server, lambda: services.sessions.proxies(desk.person())) > _MORE
    grown = {name: (few[name], many[name]) for name in few if many[name] > few[name] + 2}  # the agents of before
    assert grown == {}


async def test_machines_are_found_by_what_is_asked_of_them(desk: Desk) -> None:
    registry, workspace = desk.adapters.registry, desk.workspace
    away, twin, other = [
        await add_machine(desk, name, online=online) for name, online in (("away", False), ("twin", True), ("b", True))
    ]
    assert [each.id for each in await registry.proxies_called(workspace, away)] == [away]
    assert [each.id for each in await registry.proxies_called(workspace, "away")] == [away]
    assert await registry.proxies_called(workspace, "nobody") == []
    assert await registry.proxies_called(workspace, f"{away}:out") == []  # a key of another kind
    assert {each.id for each in await registry.connected_proxies(workspace)} == {desk.link, twin, other}
    assert await registry.missed_proxies(workspace) == []
    agent = await desk.idle("Worker")
    await desk.detach()
    assert [each.id for each in await registry.missed_proxies(workspace)] == [agent.proxy]


async def test_of_several_of_one_name_all_are_found(desk: Desk) -> None:
    await know(desk, "second", LinkId("proxy-second"))
    hello = a_hello(machine_id="second", boot_id="boot-second", spool_id="spool-second")
    await desk.adapters.links.attach(desk.workspace, LinkId("proxy-second"), hello, session=desk.session.id, epoch="e")
    found = await desk.adapters.registry.proxies_called(desk.workspace, "laptop")
    assert {each.id for each in found} == {desk.link, ProxyId("proxy-second")}


async def test_a_machine_that_is_away_with_agents_needs_somebody(desk: Desk, services: Services) -> None:
    await add_machine(desk, "idle")
    await desk.idle("Worker")
    await desk.detach()
    (need,) = await services.needs.standing(desk.person())
    assert (need.kind, need.name) == (NeedKind.MACHINE_AWAY, "laptop")


async def test_a_machine_that_knows_of_no_hooks_that_agents_wait_for_is_named(desk: Desk, services: Services) -> None:
    await add_machine(desk, "new", guards=1)
    await add_machine(desk, "old")
    shown = await services.hooks.apply(desk.person(), _WAITED_FOR)
    told = [note for note in shown.notes if "too old" in note]
    assert [note.split()[2] for note in told] == ["laptop", "old"]


async def test_status_counts_machines_and_names_those_whose_name_looks_like_an_id(
    desk: Desk, services: Services
) -> None:
    await add_machine(desk, "away")
    misnamed = await add_machine(desk, "b", online=True)
    await desk.adapters.redis.hset(keys.key(desk.workspace, "link", misnamed), "name", "3" * 32)  # of earlier versions
    status = await services.status.get(desk.person())
    assert (status.machines, status.machines_online) == (3, 2)
    assert status.misnamed == ((misnamed, "3" * 32),)
