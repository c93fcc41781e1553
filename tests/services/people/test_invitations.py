"""Invitations: what they preset, who may make which, how they end, and that each lets in one person."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from broker.adapters.redis import keys
from broker.app import Adapters
from broker.domain.audit.acts import Act
from broker.domain.errors import BadRequest, Conflict, NotFound, NotPermitted, PlanLimitReached, RateLimited
from broker.domain.ids import InvitationId, WorkspaceId
from broker.domain.people.access import Credential, MemberRole
from broker.domain.people.invitations import MAX_INVITATION_DAYS, MAX_INVITATIONS_A_DAY, MAX_INVITED_GROUPS
from broker.domain.people.token_kinds import TokenKind
from broker.domain.plans.plans import Plan
from broker.services.people.access import token_hash
from tests.fixtures.house import House, a_house


@pytest.fixture
async def house(adapters: Adapters, workspace: WorkspaceId) -> House:
    return await a_house(adapters, workspace)


async def refusal(act: Awaitable[object], kind: type[Exception]) -> str:
    with pytest.raises(kind) as refused:
        await act
    return str(getattr(refused.value, "code"))  # noqa: B009


async def test_whoever_accepts_is_what_was_preset(house: House) -> None:
    crew = await house.services.groups.create(house.key, "Crew")
    secret = await house.invite(role=MemberRole.VIEWER, groups=["crew"], name="Ada")
    ada = await house.accept(secret, name=None)
    assert (ada.name, ada.role, ada.is_person) == ("Ada", MemberRole.VIEWER, True)
    assert [each.id for each in (await house.services.groups.members(house.key, crew.id)).found] == [ada.member]
    assert (await house.acts())[-6:] == [
        *(Act.GROUP_CREATED, Act.INVITATION_MADE, Act.INVITATION_ACCEPTED),
        *(Act.MEMBER_ADDED, Act.GROUP_JOINED, Act.MEMBER_SIGNED_IN),
    ]


async def test_before_accepting_they_see_to_what_as_what_by_whom_and_until_when(house: House) -> None:
    await house.services.groups.create(house.key, "Crew")
    admin = await house.person("Grace", MemberRole.ADMIN)
    link = await house.invitations.invite(admin, role=MemberRole.MEMBER, groups=["Crew"], days=2)
    for _ in range(2):  # looking uses nothing up
        offer = await house.invitations.look(link.secret, address=house.address)
        assert offer.workspace.name == "Acme"
        assert offer.shown.made_by == "Grace"
        assert [each.name for each in offer.shown.groups] == ["Crew"]
        assert offer.shown.invitation == link.invitation
    assert link.invitation.expires_at_ms - link.invitation.sent_at_ms == 2 * 24 * 3600 * 1000
    assert [each.invitation for each in await house.invitations.list(house.key)] == [link.invitation]


async def test_a_link_lets_one_person_in(house: House) -> None:
    secret = await house.invite()
    tried = await asyncio.gather(
        *(house.invitations.accept(secret, name=f"Person {n}", address=house.address) for n in range(5)),
        return_exceptions=True,
    )
    assert sum(isinstance(each, str) for each in tried) == 1
    assert sum(isinstance(each, NotFound) for each in tried) == 4
    assert (await house.services.members.page(house.key)).total == 1
    assert await house.invitations.list(house.key) == []


async def test_a_name_that_is_taken_leaves_the_invitation_open(house: House) -> None:
    await house.person("Ada", MemberRole.MEMBER)
    secret = await house.invite(name="Ada")
    assert await refusal(house.accept(secret, name=None), Conflict) == "NAME_TAKEN"
    assert (await house.accept(secret, name="Ada Two")).name == "Ada Two"


async def test_an_invitation_that_names_nobody_asks_for_a_name(house: House) -> None:
    secret = await house.invite()
    assert await refusal(house.accept(secret, name=None), BadRequest) == "INVALID_NAME"
    assert await refusal(house.accept(secret, name="a/b"), BadRequest) == "INVALID_NAME"


async def test_who_is_signed_in_joins_and_stays_who_they_are(house: House, adapters: Adapters) -> None:
    other = await a_house(adapters, WorkspaceId(f"other-{uuid4().hex}"))
    member = await house.services.members.add(house.key, name="Ada", role=MemberRole.OWNER)
    code = await house.services.sign_in.invite(house.key, member)
    token = await house.services.sign_in.redeem(code.code, address=house.address)
    who = await house.services.access.find_sign_in(Credential(token=token))
    assert who is not None
    secret = await other.invite(role=MemberRole.VIEWER)
    joined = await other.invitations.join(who, secret, name=None, address=house.address)
    assert joined == other.key.workspace
    there = await other.caller(token)
    assert (there.name, there.role, there.account) == ("Ada", MemberRole.VIEWER, who.account.id)
    again = await other.invite()
    who = await house.services.access.find_sign_in(Credential(token=token))
    assert who is not None
    joining = other.invitations.join(who, again, name="Another", address=house.address)
    assert await refusal(joining, Conflict) == "ALREADY_A_MEMBER"
    assert (await other.caller(token)).member == there.member
    assert len(await other.invitations.list(other.key)) == 1


async def test_a_join_that_fails_leaves_nobody_behind(house: House, adapters: Adapters) -> None:
    other = await a_house(adapters, WorkspaceId(f"other-{uuid4().hex}"))
    await other.person("Ada", MemberRole.MEMBER)
    member = await house.services.members.add(house.key, name="Ada", role=MemberRole.OWNER)
    code = await house.services.sign_in.invite(house.key, member)
    token = await house.services.sign_in.redeem(code.code, address=house.address)
    who = await house.services.access.find_sign_in(Credential(token=token))
    assert who is not None
    secret = await other.invite()
    assert await refusal(other.invitations.join(who, secret, name=None, address="a"), Conflict) == "NAME_TAKEN"
    who = await house.services.access.find_sign_in(Credential(token=token))
    assert who is not None
    assert list(who.account.memberships) == [house.key.workspace]
    await other.invitations.join(who, secret, name="Ada Two", address="a")
    assert (await other.caller(token)).name == "Ada Two"


async def test_a_link_that_was_sent_again_or_revoked_leads_nowhere(house: House) -> None:
    first = await house.invitations.invite(house.key, role=MemberRole.MEMBER)
    second = await house.invitations.send_again(house.key, first.invitation.id, days=30)
    assert second.invitation.id == first.invitation.id
    assert second.invitation.expires_at_ms > first.invitation.expires_at_ms
    for use in (house.invitations.look(first.secret, address="a"), house.accept(first.secret)):
        assert await refusal(use, NotFound) == "INVITATION_NOT_FOUND"
    await house.invitations.look(second.secret, address="a")
    await house.invitations.revoke(house.key, first.invitation.id)
    for gone in (
        house.invitations.look(second.secret, address="a"),
        house.accept(second.secret),
        house.invitations.send_again(house.key, first.invitation.id),
        house.invitations.revoke(house.key, first.invitation.id),
    ):
        assert await refusal(gone, NotFound) == "INVITATION_NOT_FOUND"
    assert (await house.acts())[-3:] == [Act.INVITATION_MADE, Act.INVITATION_SENT_AGAIN, Act.INVITATION_REVOKED]


async def test_an_invitation_ends_by_itself(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broker.services.people.invitations.invitation_life_ms", lambda _: 50)
    secret = await house.invite(days=1)
    async with asyncio.timeout(10):
        while await house.adapters.redis.get(keys.invitation(token_hash(secret))):
            await asyncio.sleep(0.01)
    assert await refusal(house.accept(secret), NotFound) == "INVITATION_NOT_FOUND"
    assert await house.invitations.list(house.key) == []
    assert await house.adapters.redis.hgetall(keys.key(house.key.workspace, "invitations")) == {}


@pytest.mark.parametrize("change", ["viewer", "removed", "token"])
async def test_an_invitation_ends_with_what_its_maker_may(house: House, change: str) -> None:
    await house.person("Olga", MemberRole.OWNER)
    admin = await house.person("Grace", MemberRole.ADMIN)
    record, token = await house.services.access.mint(house.key, kind=TokenKind.WORKSPACE, name="k")
    maker = await house.caller(token) if change == "token" else admin
    secret = await house.invite(maker)
    await house.invitations.look(secret, address="a")
    match change:
        case "viewer":
            await house.services.members.set_role(house.key, "Grace", MemberRole.VIEWER)
        case "removed":
            await house.services.members.remove(house.key, "Grace")
        case _:
            await house.services.access.revoke(house.key, record.id)
    assert await refusal(house.accept(secret), NotFound) == "INVITATION_NOT_FOUND"
    assert await house.invitations.list(house.key) == []


async def test_owners_alone_invite_owners(house: House) -> None:
    owner = await house.person("Olga", MemberRole.OWNER)
    admin = await house.person("Grace", MemberRole.ADMIN)
    await house.person("Otto", MemberRole.OWNER)
    with pytest.raises(NotPermitted):
        await house.invite(admin, role=MemberRole.OWNER)
    link = await house.invitations.invite(owner, role=MemberRole.OWNER)
    for act in (
        house.invitations.revoke(admin, link.invitation.id),
        house.invitations.send_again(admin, link.invitation.id),
    ):
        with pytest.raises(NotPermitted):
            await act
    await house.services.members.set_role(house.key, "Olga", MemberRole.ADMIN)
    assert await refusal(house.accept(link.secret), NotFound) == "INVITATION_NOT_FOUND"


@pytest.mark.parametrize("role", [MemberRole.MEMBER, MemberRole.VIEWER])
async def test_who_does_not_administer_invites_nobody(house: House, role: MemberRole) -> None:
    somebody = await house.person("Ada", role)
    some = InvitationId("x")
    for act in (
        house.invitations.invite(somebody, role=MemberRole.VIEWER),
        house.invitations.list(somebody),
        house.invitations.revoke(somebody, some),
        house.invitations.send_again(somebody, some),
    ):
        with pytest.raises(NotPermitted):
            await act


async def test_a_plan_without_room_takes_nobody_in(adapters: Adapters, workspace: WorkspaceId) -> None:
    house = await a_house(adapters, workspace, plan=Plan.FREE)
    first, second = await house.invite(), await house.invite()
    await house.accept(first)
    with pytest.raises(PlanLimitReached):
        await house.accept(second, name="Bob")
    with pytest.raises(PlanLimitReached):
        await house.invite()


async def test_there_are_so_many_in_a_day(house: House) -> None:
    await house.invite()
    workspace = house.key.workspace
    today = datetime.now(UTC).date()
    days = [(today + timedelta(days=n)).isoformat() for n in (0, 1)]  # midnight may come
    for usage in (keys.key(workspace, "usage", day) for day in days):
        await house.adapters.redis.hset(usage, "invitations", str(MAX_INVITATIONS_A_DAY - 1))
    link = await house.invitations.invite(house.key, role=MemberRole.MEMBER)
    for one_more in (house.invite(), house.invitations.send_again(house.key, link.invitation.id)):
        with pytest.raises(RateLimited) as refused:
            await one_more
        limit = refused.value.limit
        assert limit is not None
        assert limit.headers["RateLimit-Policy"] == f'"invitations";q={MAX_INVITATIONS_A_DAY};w=86400'
        assert refused.value.retry_after_s == limit.reset_s <= 86400
        assert refused.value.details == {}


async def test_there_are_so_many_open(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("broker.adapters.redis.people.invitations.MAX_INVITATIONS", 2)
    links = [await house.invitations.invite(house.key, role=MemberRole.MEMBER) for _ in range(2)]
    assert await refusal(house.invite(), Conflict) == "TOO_MANY_INVITATIONS"
    await house.invitations.send_again(house.key, links[0].invitation.id)
    await house.invitations.revoke(house.key, links[0].invitation.id)
    await house.invite()


async def test_what_is_wrong_with_an_invitation_is_said_when_it_is_made(house: House) -> None:
    for days in (0, MAX_INVITATION_DAYS + 1):
        with pytest.raises(BadRequest):
            await house.invite(days=days)
    with pytest.raises(NotFound):
        await house.invite(groups=["nobody"])
    groups = [(await house.services.groups.create(house.key, f"g {n}")).id for n in range(MAX_INVITED_GROUPS + 1)]
    with pytest.raises(BadRequest):
        await house.invite(groups=groups)


async def test_a_group_that_is_gone_by_then_is_left_out(house: House) -> None:
    await house.services.groups.create(house.key, "Crew")
    secret = await house.invite(groups=["Crew"])
    await house.services.groups.remove(house.key, "Crew")
    assert (await house.invitations.look(secret, address="a")).shown.groups == ()
    await house.accept(secret)
    assert (await house.services.groups.page(house.key)).found == ()


async def test_nobody_gets_into_a_workspace_that_was_put_away(house: House) -> None:
    secret = await house.invite()
    await house.services.workspaces.archive(house.key)
    for use in (house.invitations.look(secret, address="a"), house.accept(secret)):
        assert await refusal(use, NotFound) == "INVITATION_NOT_FOUND"


async def test_the_link_is_kept_nowhere(house: House) -> None:
    secret = await house.invite()
    redis = house.adapters.redis
    found = await redis.hvals(keys.key(house.key.workspace, "invitations"))
    assert found
    assert secret not in "".join(found)


async def test_who_guesses_is_slowed_down(house: House) -> None:
    for _ in range(30):
        assert await refusal(house.invitations.look("iv_live_wrong", address=house.address), NotFound)
    assert await refusal(house.invitations.look("iv_live_wrong", address=house.address), RateLimited)
    await house.invitations.look(await house.invite(), address=house.address)  # a right one is let in
