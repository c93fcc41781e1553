"""Members and sign-in codes in Redis: what is published, what ends by itself, what is left behind."""

import asyncio
import contextlib
import time

from broker.adapters.redis import keys
from broker.app import Adapters
from broker.domain.ids import MemberId, WorkspaceId
from broker.domain.people.access import MemberRole
from broker.domain.people.access_changes import AccessChange
from broker.domain.people.members import Member, PendingSignIn
from broker.domain.plans.plans import Plan


def member(name: str, role: MemberRole = MemberRole.MEMBER) -> Member:
    return Member(id=MemberId(f"id-{name}"), name=name, role=role, generation=1, created_at_ms=0)


async def test_every_change_of_access_is_published_and_nothing_else(adapters: Adapters, workspace: WorkspaceId) -> None:
    told: asyncio.Queue[AccessChange | None] = asyncio.Queue()
    running = asyncio.create_task(adapters.bus.run())
    stop = await adapters.access_changes.follow(told.put_nowait)
    ada, bob = member("Ada"), member("Bob", MemberRole.OWNER)
    for each in (ada, bob):
        await adapters.members.add(workspace, each, by=None, plan=Plan.TEAM)
    await adapters.members.set_role(workspace, ada.id, MemberRole.MEMBER, by=None)  # as it was
    await adapters.members.set_role(workspace, ada.id, MemberRole.VIEWER, by=bob.id)
    await adapters.members.end_sign_ins(workspace, bob.id)
    await adapters.members.remove(workspace, ada.id, by=bob.id)
    async with asyncio.timeout(5):
        published = [await told.get() for _ in range(3)]
    assert published == [
        AccessChange(workspace=workspace, members=frozenset({each})) for each in (ada.id, bob.id, ada.id)
    ]
    assert told.empty()
    await stop()
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running


async def test_nothing_of_a_removed_member_is_left(adapters: Adapters, workspace: WorkspaceId) -> None:
    ada = member("Ada", MemberRole.OWNER)
    await adapters.members.add(workspace, member("Bob", MemberRole.OWNER), by=None, plan=Plan.TEAM)
    _, before = await adapters.redis.scan(match=f"{keys.root(workspace)}:p*", count=100_000)
    await adapters.members.add(workspace, ada, by=None, plan=Plan.TEAM)
    await adapters.members.remove(workspace, ada.id, by=None)
    _, after = await adapters.redis.scan(match=f"{keys.root(workspace)}:p*", count=100_000)
    assert sorted(before) == sorted(after)
    assert await adapters.redis.smembers(keys.key(workspace, "owners")) == {"id-Bob"}
    assert await adapters.redis.hgetall(keys.key(workspace, "people_names")) == {"bob": "id-Bob"}


async def test_a_code_is_taken_once_and_ends_by_itself(adapters: Adapters, workspace: WorkspaceId) -> None:
    pending = PendingSignIn(workspace=workspace, member=MemberId("m"), generation=1)
    now_ms = int(time.time() * 1000)
    codes = adapters.sign_in_codes
    await codes.keep(f"{workspace}-good", pending, expires_at_ms=now_ms + 60_000)
    await codes.keep(f"{workspace}-over", pending, expires_at_ms=now_ms - 1)
    assert await codes.take(f"{workspace}-over") is None
    assert [await codes.take(f"{workspace}-good") for _ in range(2)] == [pending, None]


async def test_failures_are_counted_and_forgotten(adapters: Adapters, workspace: WorkspaceId) -> None:
    codes = adapters.sign_in_codes
    for _ in range(3):
        await codes.count_failure(workspace, window_s=60)
    assert await codes.failures(workspace) == 3
    pipe = adapters.redis.pipeline()
    pipe.ttl(keys.failed_sign_ins(workspace))
    assert 0 < (await pipe.execute())[0] <= 60
