"""A token's allowance, on a real server."""

import asyncio

from broker.adapters.redis import keys
from broker.adapters.redis.plans.allowances import RedisAllowances
from broker.adapters.redis.scripts import Scripts
from broker.app import Adapters
from broker.domain.ids import TokenId, WorkspaceId

ONE = TokenId("one")


async def test_a_token_takes_what_it_saved_up_and_then_has_to_wait(adapters: Adapters, workspace: WorkspaceId) -> None:
    allowances = RedisAllowances(Scripts(adapters.redis))
    taken = [await allowances.take(workspace, ONE, 4, per_s=1, burst=10) for _ in range(3)]
    assert [each.wait_s for each in taken[:2]] == [0, 0]
    assert 1 < taken[2].wait_s <= 2
    assert [each.left for each in taken] == [6, 2, 2]
    assert 3 < taken[0].whole_s <= 4 < 7 < taken[2].whole_s <= 8


async def test_a_refused_taking_costs_nothing(adapters: Adapters, workspace: WorkspaceId) -> None:
    allowances = RedisAllowances(Scripts(adapters.redis))
    await allowances.take(workspace, ONE, 5, per_s=1, burst=10)
    for _ in range(5):
        assert (await allowances.take(workspace, ONE, 10, per_s=1, burst=10)).wait_s > 0
    assert (await allowances.take(workspace, ONE, 5, per_s=1, burst=10)).wait_s == 0


async def test_points_come_back_with_time(adapters: Adapters, workspace: WorkspaceId) -> None:
    allowances = RedisAllowances(Scripts(adapters.redis))
    await allowances.take(workspace, ONE, 1000, per_s=10_000, burst=1000)
    async with asyncio.timeout(5):
        while wait_s := (await allowances.take(workspace, ONE, 1000, per_s=10_000, burst=1000)).wait_s:
            assert wait_s <= 0.1


async def test_one_token_does_not_pay_for_another(adapters: Adapters, workspace: WorkspaceId) -> None:
    allowances = RedisAllowances(Scripts(adapters.redis))
    assert (await allowances.take(workspace, ONE, 10, per_s=1, burst=10)).wait_s == 0
    assert (await allowances.take(workspace, TokenId("two"), 10, per_s=1, burst=10)).wait_s == 0
    assert (await allowances.take(WorkspaceId(f"{workspace}-2"), ONE, 10, per_s=1, burst=10)).wait_s == 0


async def test_many_at_once_take_no_more_than_there_is(adapters: Adapters, workspace: WorkspaceId) -> None:
    allowances = RedisAllowances(Scripts(adapters.redis))
    waits = await asyncio.gather(*(allowances.take(workspace, ONE, 1, per_s=1, burst=10) for _ in range(50)))
    assert [each.wait_s for each in waits].count(0) == 10


async def test_a_whole_allowance_leaves_nothing_behind(adapters: Adapters, workspace: WorkspaceId) -> None:
    allowances = RedisAllowances(Scripts(adapters.redis))
    await allowances.take(workspace, ONE, 1, per_s=100, burst=10)
    async with asyncio.timeout(5):
        while await adapters.redis.get(keys.key(workspace, "allowance", ONE)):
            pass
