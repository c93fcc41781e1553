"""People: who may change whom, and that somebody always owns the workspace."""

import asyncio
import secrets

import pytest

from broker.app import Adapters
from broker.domain.errors import BadRequest, Conflict, NotFound, NotPermitted
from broker.domain.ids import MemberId, TokenId, WorkspaceId
from broker.domain.people.access import MemberRole, Permission, Principal
from broker.domain.people.members import MAX_MEMBERS, Member
from broker.domain.people.token_kinds import TokenKind
from broker.domain.plans.plans import Plan
from broker.services.people.members import Members
from tests.fixtures.accounts import accounts_of


@pytest.fixture
def people(adapters: Adapters) -> Members:
    return Members(adapters.members, adapters.tokens, accounts_of(adapters))


def principal_of(workspace: WorkspaceId, member: Member | None = None, *, kind: TokenKind | None = None) -> Principal:
    """The member, as `authenticate` tells it; without one, a token of some kind."""
    return Principal(
        workspace=workspace,
        kind=kind or (TokenKind.MEMBER if member else TokenKind.WORKSPACE),
        token_id=TokenId("t"),
        name="somebody",
        plan=Plan.TEAM,
        member=member.id if member else None,
        role=member.role if member else None,
    )


@pytest.fixture
def key(workspace: WorkspaceId) -> Principal:
    return principal_of(workspace)


async def test_people_are_listed_as_they_came_and_found_by_id_or_name(people: Members, key: Principal) -> None:
    ada = await people.add(key, name="  Ada   Lovelace ", role=MemberRole.ADMIN)
    bob = await people.add(key, name="Bob", role=MemberRole.VIEWER)
    assert (ada.name, ada.role, bob.role) == ("Ada Lovelace", MemberRole.ADMIN, MemberRole.VIEWER)
    assert ada.created_at_ms
    assert [*(await people.page(key)).found] == [ada, bob]
    for reference in (ada.id, "Ada Lovelace", "ADA lovelace"):
        assert await people.get(key, reference) == ada


async def test_people_who_came_within_one_millisecond_are_listed_as_they_came(
    people: Members, key: Principal, adapters: Adapters
) -> None:
    """Also behind those whom an earlier version has listed by milliseconds."""
    pipe = adapters.redis.pipeline(transaction=False)
    pipe.zadd(f"rc:{{{key.workspace}}}:people", {"gone": 1_795_898_693_000})
    await pipe.execute()
    came = [await people.add(key, name=f"Person {n}", role=MemberRole.MEMBER) for n in range(30)]
    assert [*(await people.page(key)).found] == came


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "a/b", "bell\x07"])
async def test_a_name_must_be_one_that_can_be_shown(people: Members, key: Principal, name: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        await people.add(key, name=name, role=MemberRole.MEMBER)
    assert refusal.value.code == "INVALID_NAME"


async def test_an_id_wins_over_a_name(adapters: Adapters, people: Members, key: Principal) -> None:
    victim = await people.add(key, name="Victim", role=MemberRole.MEMBER)
    for name in (victim.id, victim.id.upper(), "me", "ME"):
        with pytest.raises(BadRequest) as refused:
            await people.add(key, name=name, role=MemberRole.MEMBER)
        assert refused.value.code == "INVALID_NAME"
    gone = MemberId("0123456789abcdef")
    for name in (victim.id, gone):  # as an earlier version took them
        before = Member(
            id=MemberId(secrets.token_hex(8)), name=name, role=MemberRole.ADMIN, generation=1, created_at_ms=0
        )
        await adapters.members.add(key.workspace, before, by=None, plan=Plan.TEAM)
        assert (await people.get(key, before.id)).name == name
    assert (await people.get(key, victim.id)).id == victim.id
    await people.remove(key, victim.id)
    with pytest.raises(NotFound):
        await people.get(key, victim.id)
    with pytest.raises(NotFound):
        await people.remove(key, gone)


async def test_a_name_is_taken_whatever_its_case_and_free_again_after_a_removal(
    people: Members, key: Principal
) -> None:
    await people.add(key, name="Ada", role=MemberRole.MEMBER)
    with pytest.raises(Conflict) as refusal:
        await people.add(key, name="ada", role=MemberRole.MEMBER)
    assert refusal.value.code == "NAME_TAKEN"
    await people.remove(key, "ADA")
    with pytest.raises(NotFound):
        await people.get(key, "Ada")
    await people.add(key, name="ada", role=MemberRole.MEMBER)


async def test_there_is_room_for_so_many(people: Members, key: Principal, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_MEMBERS == 10_000
    monkeypatch.setattr("broker.adapters.redis.people.members.MAX_MEMBERS", 3)
    for number in range(3):
        await people.add(key, name=f"p{number}", role=MemberRole.VIEWER)
    with pytest.raises(Conflict) as refusal:
        await people.add(key, name="one more", role=MemberRole.VIEWER)
    assert refusal.value.code == "TOO_MANY_MEMBERS"


async def test_the_first_owner_is_made_once_and_found_afterwards(people: Members, key: Principal) -> None:
    first = await people.ensure_owner(key.workspace, "operator")
    assert (first.name, first.role) == ("operator", MemberRole.OWNER)
    second = await people.add(key, name="Ada", role=MemberRole.OWNER)
    assert await people.ensure_owner(key.workspace, "another") == first
    await people.set_role(key, first.id, MemberRole.VIEWER)
    assert (await people.ensure_owner(key.workspace, "another")).id == second.id


async def test_the_last_owner_stays(people: Members, key: Principal) -> None:
    owner = await people.ensure_owner(key.workspace, "operator")
    for change in (people.set_role(key, owner.id, MemberRole.ADMIN), people.remove(key, owner.id)):
        with pytest.raises(Conflict) as refusal:
            await change
        assert refusal.value.code == "LAST_OWNER"
    await people.add(key, name="Ada", role=MemberRole.OWNER)
    await people.remove(key, owner.id)


async def test_two_owners_who_depose_each_other_at_once_leave_one(people: Members, key: Principal) -> None:
    owners = [await people.add(key, name=name, role=MemberRole.OWNER) for name in ("Ada", "Bob")]
    changes = [
        people.set_role(principal_of(key.workspace, by), other.id, MemberRole.VIEWER)
        for by, other in (owners, reversed(owners))
    ]
    results = await asyncio.gather(*changes, return_exceptions=True)
    assert sum(isinstance(result, NotPermitted) for result in results) == 1
    assert sorted(member.role for member in [*(await people.page(key)).found]) == [
        MemberRole.OWNER,
        MemberRole.VIEWER,
    ]


async def test_owners_are_made_and_changed_by_owners_only(people: Members, key: Principal) -> None:
    owner = await people.ensure_owner(key.workspace, "operator")
    admin = await people.add(key, name="Ada", role=MemberRole.ADMIN)
    by = principal_of(key.workspace, admin)
    for change in (
        people.add(by, name="Bob", role=MemberRole.OWNER),
        people.set_role(by, admin.id, MemberRole.OWNER),
        people.set_role(by, owner.id, MemberRole.VIEWER),
        people.remove(by, owner.id),
    ):
        with pytest.raises(NotPermitted):
            await change
    await people.add(by, name="Bob", role=MemberRole.ADMIN)
    await people.set_role(by, "Bob", MemberRole.VIEWER)
    await people.remove(by, "Bob")


@pytest.mark.parametrize("role", [MemberRole.MEMBER, MemberRole.VIEWER])
async def test_who_may_not_administer_sees_only_oneself(people: Members, key: Principal, role: MemberRole) -> None:
    await people.ensure_owner(key.workspace, "operator")
    member = await people.add(key, name="Ada", role=role)
    by = principal_of(key.workspace, member)
    assert Permission.ADMINISTER not in by.permissions
    for attempt in (
        people.page(by),
        people.get(by, "operator"),
        people.add(by, name="Bob", role=MemberRole.VIEWER),
        people.set_role(by, member.id, MemberRole.ADMIN),
        people.remove(by, member.id),
    ):
        with pytest.raises(NotPermitted):
            await attempt
    assert await people.get(by, member.id) == member


async def test_another_workspace_has_other_people(people: Members, key: Principal) -> None:
    ada = await people.add(key, name="Ada", role=MemberRole.OWNER)
    stranger = principal_of(WorkspaceId(f"{key.workspace}-other"))
    assert [*(await people.page(stranger)).found] == []
    for attempt in (people.get(stranger, ada.id), people.remove(stranger, ada.id), people.get(stranger, "Ada")):
        with pytest.raises(NotFound):
            await attempt


async def test_an_addition_that_is_sent_twice_is_one(adapters: Adapters, people: Members, key: Principal) -> None:
    ada = await people.add(key, name="Ada", role=MemberRole.OWNER)
    await adapters.members.add(key.workspace, ada, by=None, plan=Plan.TEAM)
    assert [*(await people.page(key)).found] == [ada]


async def test_people_are_read_in_pages_as_they_came(people: Members, key: Principal) -> None:
    came = [await people.add(key, name=f"Person {n}", role=MemberRole.MEMBER) for n in range(7)]
    first = await people.page(key, limit=3)
    second = await people.page(key, limit=3, after=first.next)
    third = await people.page(key, limit=3, after=second.next)
    assert [*first.found, *second.found, *third.found] == came
    assert (third.next, first.total) == (None, 7)
    await people.remove(key, came[2].id)  # the place that the second page begins behind
    assert (await people.page(key, limit=3, after=first.next)).found == tuple(came[3:6])
    for wrong in ("", "x", "-1", "1.5", "9" * 17):
        with pytest.raises(BadRequest) as refused:
            await people.page(key, after=wrong)
        assert refused.value.code == "INVALID_CURSOR"


async def test_people_are_looked_for_by_a_part_of_their_name_by_name(people: Members, key: Principal) -> None:
    for name in ("Zoe Lovelace", "ada LOVELACE", "Bob", "Ada [x]*"):
        await people.add(key, name=name, role=MemberRole.MEMBER)
    found = await people.page(key, search="  love  ", limit=1)
    assert [each.name for each in found.found] == ["ada LOVELACE"]
    assert found.total == 2
    rest = await people.page(key, search="LOVE", limit=1, after=found.next)
    assert ([each.name for each in rest.found], rest.next) == (["Zoe Lovelace"], None)
    assert [each.name for each in (await people.page(key, search="[x]*")).found] == ["Ada [x]*"]
    assert (await people.page(key, search="nobody")).found == ()
    with pytest.raises(BadRequest):
        await people.page(key, search="x" * 101)
