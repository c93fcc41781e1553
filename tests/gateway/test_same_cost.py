"""What is not there and what is not the caller's are one thing: the same bytes, and the same commands to the store.

The routes come from the application and the fields from the schema, as in `test_private_sessions` and
`graphql_api/test_tenancy`: a new one is tried here without being named.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from broker.app import Adapters, build_adapters
from broker.domain.ids import WorkspaceId
from broker.domain.plans.api_limits import ApiLimits
from broker.settings import GraphQLSettings
from tests.fixtures.callers import a_caller, elsewhere
from tests.fixtures.commands import counted
from tests.fixtures.gateway import Gateway, gateway_for, serving
from tests.fixtures.graphql_world import World, a_world
from tests.gateway.test_private_sessions import in_a_session, make_private, nowhere, said
from tests.gateway.test_shared_sessions import Served
from tests.gateway.test_who_may_what import call, furnished
from tests.graphql_api.test_tenancy import CASES, Case, ask

OF_A_SESSION = ("Session", "Agent", "Message", "Approval", "Question", "WorkflowRun")
"""What is in a private session, in the words of `World.keys`."""
_TRIES = 4


@dataclass(frozen=True, slots=True)
class Watched:
    """A gateway, and the store's client inside it."""

    gateway: Gateway
    inside: Adapters


@pytest_asyncio.fixture(loop_scope="session")
async def watched(redis_url: str, client: httpx.AsyncClient, workspace: WorkspaceId) -> AsyncIterator[Watched]:
    most = 10**9
    limits = ApiLimits(
        max_aliases=most, max_fields=most, max_tokens=most, max_cost=most, max_source_length=most, max_depth=30,
        max_merges=most, rate_per_s=10**6, rate_burst=10**6,
    )  # fmt: skip
    inside = build_adapters(redis_url)
    async with (
        serving(redis_url, adapters=inside, graphql=GraphQLSettings(limits=limits)) as url,
        gateway_for(workspace, url=url, redis_url=redis_url, client=client) as gateway,
    ):
        yield Watched(gateway, inside)


async def assert_alike(watched: Watched, about: object, *asks: Callable[[], Awaitable[tuple[int, str]]]) -> int:
    """Asks that are answered alike and cost alike; the status.

    The gateway does other things meanwhile, as telling its peers what happened. So each is asked a few times, and what
    it costs is the least; the first time, which loads what is loaded once, is left out.
    """
    told: list[tuple[int, str]] = []
    least: list[Counter[str]] = []
    for ask_it in asks:
        costs = []
        for _ in range(_TRIES):
            with counted(watched.inside) as commands:
                told.append(await ask_it())
            costs.append(commands)
        least.append(min(costs[1:], key=lambda each: each["round trips"]))
    assert len(set(told)) == 1, (about, told)
    assert least[0] == least[1] != {}, about
    return told[0][0]


async def assert_routes_alike(watched: Watched, real: dict[str, str], token: str) -> None:
    """Each route for something real, and for nothing."""
    none = nowhere(real)
    for route in in_a_session():

        async def ask_it(ids: dict[str, str], route: Served = route) -> tuple[int, str]:
            return said(await call(watched.gateway, route, ids, token), ids)

        status = await assert_alike(watched, route, partial(ask_it, real), partial(ask_it, none))
        assert status in {403, 404}, route


@pytest.mark.parametrize("kind", ["member", "viewer"])
async def test_a_private_session_costs_on_every_route_what_none_costs(watched: Watched, kind: str) -> None:
    async with watched.gateway.machine() as machine:
        caller = await a_caller(watched.gateway, machine, kind)
        ids = await furnished(watched.gateway, machine)
        await make_private(watched.gateway)
        await assert_routes_alike(watched, ids, caller.token)


async def test_another_workspaces_things_cost_on_every_route_what_none_cost(watched: Watched) -> None:
    other = await elsewhere(watched.gateway)
    async with watched.gateway.machine() as machine, other.machine(machine_id="theirs", name="theirs") as theirs:
        caller = await a_caller(other, theirs, "owner")
        ids = await furnished(watched.gateway, machine)
        await assert_routes_alike(watched, ids, caller.token)


def without(world: World) -> World:
    """The same world whose session has ids of the same form that nothing has."""
    keys = {
        kind: uuid4().hex if re.fullmatch("[0-9a-f]{32}", key) else str(uuid4()) for kind, key in world.keys.items()
    }
    return replace(world, keys={**world.keys, **{kind: keys[kind] for kind in OF_A_SESSION}})


def told_of(world: World, text: str) -> str:
    """An answer, without the ids that were asked for."""
    for kind in OF_A_SESSION:
        text = text.replace(world.keys[kind], kind).replace(world.id(kind), kind)
    return text


def leading_into(world: World) -> list[Case]:
    """The fields that are asked for with the id of something in the session."""
    none = without(world)
    return [each for each in CASES if each.type != "Subscription" and each.asked(world) != each.asked(none)]


@pytest.mark.parametrize("whose", ["private", "another workspace"])
async def test_what_is_not_the_callers_costs_in_every_field_what_is_not_there(watched: Watched, whose: str) -> None:
    async with a_world(watched.gateway) as world:
        if whose == "private":
            caller = await a_caller(watched.gateway, world.machine, "member")
            await make_private(watched.gateway)
        else:
            other = await elsewhere(watched.gateway)
            async with other.machine(machine_id="theirs", name="theirs") as theirs:
                caller = await a_caller(other, theirs, "owner")
        none = without(world)
        cases = leading_into(world)
        assert len(cases) > len(OF_A_SESSION)
        for case in cases:

            async def ask_it(each: World, case: Case = case) -> tuple[int, str]:
                told = await ask(each, case, caller.token)
                return told.status, told_of(each, told.text)

            await assert_alike(watched, case, partial(ask_it, world), partial(ask_it, none))
