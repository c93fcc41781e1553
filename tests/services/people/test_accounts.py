"""One person in two workspaces of one broker: one sign-in, two members, and nothing that leads from one to another."""

from dataclasses import dataclass, replace
from uuid import uuid4

import pytest

from broker.app import Adapters, build_services
from broker.domain.errors import BadRequest, Conflict, NotAuthenticated, NotFound
from broker.domain.ids import TokenId, WorkspaceId
from broker.domain.people.access import Credential, MemberRole, Principal
from broker.domain.people.accounts import MAX_SIGN_INS
from broker.domain.people.members import Member
from broker.domain.people.token_families import Purpose
from broker.domain.plans.plans import Plan
from broker.services.container import Services
from broker.services.people.access import MEMBER_TOKEN_S, new_token, token_hash
from broker.services.people.accounts import SignedIn
from broker.settings import Settings


@dataclass(slots=True, kw_only=True)
class Place:
    """A workspace, and how to act in it as its key."""

    services: Services
    slug: str
    id: WorkspaceId
    key: Principal

    async def code(self, name: str = "Ada", role: MemberRole = MemberRole.MEMBER) -> tuple[str, Member]:
        """A new member, and what lets them in."""
        member = await self.services.members.add(self.key, name=name, role=role)
        return (await self.services.sign_in.invite(self.key, member)).code, member

    async def again(self, member: Member) -> str:
        """Another code for a member."""
        return (await self.services.sign_in.invite(self.key, member)).code


@pytest.fixture
def services(adapters: Adapters) -> Services:
    return build_services(Settings(), adapters)


async def a_place(services: Services) -> Place:
    new = await services.workspaces.create(name=f"Acme {uuid4().hex[:10]}", slug=None, plan=Plan.TEAM, owner=None)
    key = await services.access.authenticate(new.key)
    return Place(services=services, slug=new.workspace.slug, id=new.workspace.id, key=key)


@dataclass(slots=True, kw_only=True)
class Ada:
    """A member of `one` and a viewer in `two`, signed in once."""

    one: Place
    two: Place
    there: Member
    """In `two`."""
    here: Member
    token: str

    async def caller(self, workspace: str | None) -> Principal:
        return await self.one.services.access.authenticate(Credential(token=self.token, workspace=workspace))

    async def person(self) -> SignedIn:
        found = await self.one.services.access.find_sign_in(Credential(token=self.token))
        assert found is not None
        return found


@pytest.fixture
async def ada(services: Services) -> Ada:
    one, two = await a_place(services), await a_place(services)
    code, here = await one.code()
    token = await services.sign_in.redeem(code, address="a", device="Firefox")
    code, there = await two.code("Ada L.", MemberRole.VIEWER)
    made = Ada(one=one, two=two, there=there, here=here, token=token)
    assert await services.sign_in.join(await made.person(), code, address="a") == two.id
    return made


async def test_a_person_in_one_workspace_need_not_name_it(services: Services) -> None:
    place = await a_place(services)
    code, member = await place.code()
    token = await services.sign_in.redeem(code, address="a")
    for named in (None, place.slug, place.id):
        found = await services.access.authenticate(Credential(token=token, workspace=named))
        assert (found.workspace, found.member) == (place.id, member.id)


async def test_a_person_in_two_says_which_and_is_somebody_else_in_each(ada: Ada) -> None:
    with pytest.raises(BadRequest) as refused:
        await ada.caller(None)
    assert refused.value.code == "WORKSPACE_REQUIRED"
    here, there = await ada.caller(ada.one.slug), await ada.caller(ada.two.id)
    assert (here.workspace, here.member, here.name, here.role) == (ada.one.id, ada.here.id, "Ada", MemberRole.MEMBER)
    assert (there.workspace, there.member, there.name, there.role) == (
        ada.two.id,
        ada.there.id,
        "Ada L.",
        MemberRole.VIEWER,
    )
    assert here.member != there.member


async def test_where_a_person_is_not_looks_like_what_is_not_there(ada: Ada, services: Services) -> None:
    elsewhere = await a_place(services)
    for named in (elsewhere.slug, elsewhere.id, "nobodys"):
        with pytest.raises(NotFound) as refused:
            await ada.caller(named)
        assert (refused.value.code, refused.value.message) == ("WORKSPACE_NOT_FOUND", f"no workspace {named!r}")


async def test_the_workspaces_of_a_person_are_listed(ada: Ada, services: Services) -> None:
    found = await services.workspaces.mine(Credential(token=ada.token))
    assert {each.id for each in found} == {ada.one.id, ada.two.id}
    [only] = await services.workspaces.mine(Credential(token=ada.token, workspace=ada.two.slug))
    assert only.id == ada.two.id


async def test_a_role_counts_in_its_own_workspace_only(ada: Ada, services: Services) -> None:
    await services.members.set_role(ada.two.key, ada.there.id, MemberRole.ADMIN)
    assert (await ada.caller(ada.one.id)).role is MemberRole.MEMBER
    assert (await ada.caller(ada.two.id)).role is MemberRole.ADMIN
    with pytest.raises(NotFound):
        await services.members.get(await ada.caller(ada.two.id), ada.here.id)


@pytest.mark.parametrize("home", [True, False], ids=["where they signed in", "elsewhere"])
async def test_who_is_removed_from_one_workspace_goes_on_in_the_other(
    ada: Ada, services: Services, *, home: bool
) -> None:
    gone, stays = (ada.one, ada.two) if home else (ada.two, ada.one)
    await services.members.remove(gone.key, (ada.here if home else ada.there).id)
    with pytest.raises(NotFound):
        await ada.caller(gone.slug)
    for named in (None, stays.slug):
        assert (await ada.caller(named)).workspace == stays.id


async def test_who_is_removed_everywhere_is_signed_in_nowhere(ada: Ada, services: Services, adapters: Adapters) -> None:
    account = (await ada.person()).account.id
    await services.members.remove(ada.one.key, ada.here.id)
    await services.members.remove(ada.two.key, ada.there.id)
    for named in (None, ada.one.slug, ada.two.slug):
        with pytest.raises(NotAuthenticated):
            await ada.caller(named)
    _, names = await adapters.redis.scan(0, match=f"rc:{{account.{account}}}*", count=1_000_000)
    assert names == []


async def test_signing_out_ends_the_sign_in_and_what_hangs_on_it_in_every_workspace(
    ada: Ada, services: Services
) -> None:
    terminals = [
        (await services.short_lived.exchange(await ada.caller(place.slug), Purpose.TERMINAL)).token
        for place in (ada.one, ada.two)
    ]
    for token, place in zip(terminals, (ada.one, ada.two), strict=True):
        assert (await services.access.authenticate(token)).workspace == place.id
    await services.sign_in.sign_out(await ada.caller(ada.two.slug), ada.token, everywhere=False)
    for token in (ada.token, *terminals):
        with pytest.raises(NotAuthenticated):
            await services.access.authenticate(Credential(token=token, workspace=None))


async def test_sign_ins_are_listed_and_ended_one_by_one(ada: Ada, services: Services) -> None:
    phone = await services.sign_in.redeem(await ada.two.again(ada.there), address="a", device="Phone")
    listed = await services.access.accounts.sign_ins(await ada.person())
    assert {each.device for each in listed} == {"Firefox", "Phone"}
    assert all(0 < each.began_at_ms <= each.used_at_ms for each in listed)
    [other] = [each.id for each in listed if each.device == "Phone"]
    await services.access.accounts.end_one(await ada.person(), other)
    with pytest.raises(NotAuthenticated):
        await services.access.authenticate(Credential(token=phone, workspace=ada.two.slug))
    assert (await ada.caller(ada.two.slug)).member == ada.there.id
    with pytest.raises(NotFound):
        await services.access.accounts.end_one(await ada.person(), other)


async def test_one_person_never_ends_the_sign_in_of_another(ada: Ada, services: Services) -> None:
    code, _ = await ada.one.code("Bob")
    bob = await services.access.find_sign_in(
        Credential(token=await services.sign_in.redeem(code, address="a"), workspace=None)
    )
    assert bob is not None
    with pytest.raises(NotFound):
        await services.access.accounts.end_one(bob, TokenId((await ada.person()).sign_in))
    await ada.caller(ada.one.slug)


async def test_signing_out_everywhere_ends_all_sign_ins(ada: Ada, services: Services) -> None:
    phone = await services.sign_in.redeem(await ada.two.again(ada.there), address="a")
    await services.sign_in.sign_out(await ada.caller(ada.one.slug), ada.token, everywhere=True)
    for token in (ada.token, phone):
        with pytest.raises(NotAuthenticated):
            await services.access.authenticate(Credential(token=token, workspace=ada.one.slug))


async def test_a_link_is_joined_by_one_person_only(ada: Ada, services: Services) -> None:
    code, _ = await ada.one.code("Bob")
    bob = await services.access.find_sign_in(Credential(token=await services.sign_in.redeem(code, address="a")))
    assert bob is not None
    with pytest.raises(Conflict) as refused:
        await services.sign_in.join(bob, await ada.two.again(ada.there), address="a")
    assert refused.value.code == "NOT_YOURS"
    code, _ = await ada.two.code("Ada again")
    with pytest.raises(Conflict) as refused:
        await services.sign_in.join(await ada.person(), code, address="a")
    assert refused.value.code == "ALREADY_A_MEMBER"


async def test_the_sign_ins_that_were_used_least_recently_end_for_too_many(ada: Ada, services: Services) -> None:
    for _ in range(MAX_SIGN_INS):
        await services.sign_in.redeem(await ada.one.again(ada.here), address="a")
    with pytest.raises(NotAuthenticated):
        await ada.caller(ada.one.slug)


async def test_a_sign_in_of_an_earlier_version_goes_on_in_its_workspace(ada: Ada, adapters: Adapters) -> None:
    """It has no account: it is good where it was begun, and nowhere else."""
    one = ada.one
    services = one.services
    caller = await ada.caller(one.slug)
    old = new_token(caller.kind)
    ends = (await adapters.workspaces.now_ms()) + MEMBER_TOKEN_S * 1000
    before = replace(caller, account=None, token_id=TokenId(uuid4().hex[:16]), made_by=None)
    await adapters.tokens.begin_sign_in(before, sha256=token_hash(old), expires_at_ms=ends)
    assert (await services.access.authenticate(old)).workspace == one.id
    with pytest.raises(NotFound):
        await services.access.authenticate(Credential(token=old, workspace=ada.two.slug))
