"""Suspending people: who may, what waits meanwhile, and that nothing of it is lost."""

from __future__ import annotations

import pytest

from broker.app import Adapters
from broker.domain.errors import Conflict, NotAuthenticated, NotFound, NotPermitted
from broker.domain.ids import WorkspaceId
from broker.domain.people.access import Credential, MemberRole, TokenScope
from broker.domain.people.token_kinds import TokenKind
from tests.fixtures.house import House, a_house


@pytest.fixture
async def house(adapters: Adapters, workspace: WorkspaceId) -> House:
    return await a_house(adapters, workspace)


async def test_who_is_suspended_keeps_their_sign_in_and_cannot_use_it(house: House) -> None:
    services = house.services
    member = await services.members.add(house.key, name="Ada", role=MemberRole.MEMBER)
    first, unused = [await services.sign_in.invite(house.key, member) for _ in range(2)]
    token = await services.sign_in.redeem(first.code, address=house.address)
    suspended = await services.members.suspend(house.key, "Ada")
    assert suspended.suspended_at_ms is not None
    for attempt in (
        services.access.authenticate(Credential(token=token, workspace=house.key.workspace)),
        services.sign_in.redeem(unused.code, address=house.address),
    ):
        with pytest.raises(NotAuthenticated) as refused:
            await attempt
        assert refused.value.code == "SUSPENDED"
    assert await services.members.suspend(house.key, "Ada") == suspended  # twice is once
    assert (await services.members.reinstate(house.key, "Ada")).suspended_at_ms is None
    assert (await house.caller(token)).member == member.id
    assert (await house.acts())[-2:] == ["member.suspended", "member.reinstated"]


async def test_what_two_people_have_made_waits_until_both_are_back(house: House) -> None:
    """Ada's key has made Bob a member; a token that Bob's key made hangs on him alone."""
    services = house.services
    ada, bob = [await house.person(name, MemberRole.OWNER) for name in ("Ada", "Bob")]
    _, key = await services.access.mint(ada, kind=TokenKind.WORKSPACE, name="Ada's")
    by_key = await services.access.authenticate(key)
    _, made = await services.access.mint(by_key, kind=TokenKind.OBSERVER, name="made with Ada's")
    _, bobs = await services.access.mint(bob, kind=TokenKind.OBSERVER, name="Bob's")
    await house.person("Olga", MemberRole.OWNER)
    for name in ("Ada", "Bob"):
        await services.members.suspend(house.key, name)
    await services.members.reinstate(house.key, "Bob")
    assert (await services.access.authenticate(bobs)).name == "Bob's"
    for token in (key, made):
        with pytest.raises(NotAuthenticated):
            await services.access.authenticate(token)
    await services.members.reinstate(house.key, "Ada")
    assert (await services.access.authenticate(made)).name == "made with Ada's"


async def test_a_personal_token_waits_with_its_person_and_a_service_account_goes_on(house: House) -> None:
    services = house.services
    ada = await house.person("Ada", MemberRole.ADMIN)
    _, mine = await services.scoped_tokens.mint_personal(ada, name="x", scopes=[TokenScope.READ])
    account = await services.scoped_tokens.create(ada, name="ci")
    _, program = await services.scoped_tokens.mint(ada, account.id, scopes=[TokenScope.READ])
    await services.members.suspend(house.key, "Ada")
    with pytest.raises(NotAuthenticated) as refused:
        await services.access.authenticate(mine)
    assert refused.value.code == "SUSPENDED"
    assert (await services.access.authenticate(program)).service == account.id
    await services.members.reinstate(house.key, "Ada")
    assert (await services.access.authenticate(mine)).answerable == ada.member


async def test_invitations_of_who_is_suspended_cannot_be_accepted(house: House) -> None:
    ada = await house.person("Ada", MemberRole.ADMIN)
    secret = await house.invite(ada)
    await house.services.members.suspend(house.key, "Ada")
    with pytest.raises(NotFound):
        await house.accept(secret, "Eve")
    await house.services.members.reinstate(house.key, "Ada")
    assert (await house.accept(secret, "Eve")).name == "Eve"


async def test_an_owner_is_suspended_by_an_owner_and_the_last_one_by_nobody(house: House) -> None:
    olga = await house.person("Olga", MemberRole.OWNER)
    admin = await house.person("Grace", MemberRole.ADMIN)
    viewer = await house.person("Vera", MemberRole.VIEWER)
    for caller in (admin, viewer):
        with pytest.raises(NotPermitted):
            await house.services.members.suspend(caller, "Olga")
    with pytest.raises(Conflict) as refused:
        await house.services.members.suspend(olga, "Olga")
    assert refused.value.code == "LAST_OWNER"
    await house.person("Ada", MemberRole.OWNER)
    await house.services.members.suspend(olga, "Ada")
    with pytest.raises(Conflict):  # who is suspended does not count
        await house.services.members.remove(olga, "Olga")
    with pytest.raises(NotPermitted):
        await house.services.members.reinstate(admin, "Ada")
    await house.services.members.remove(olga, "Ada")
    assert (await house.services.members.first_owner(house.key)).id == olga.member  # type: ignore[union-attr]


async def test_a_role_that_is_changed_meanwhile_lets_nobody_act(house: House) -> None:
    await house.person("Olga", MemberRole.OWNER)
    ada = await house.person("Ada", MemberRole.VIEWER)
    await house.services.members.suspend(house.key, "Ada")
    await house.services.members.set_role(house.key, "Ada", MemberRole.OWNER)
    with pytest.raises(NotAuthenticated):
        await house.services.access.present(ada)
    await house.services.members.reinstate(house.key, "Ada")
    assert (await house.services.access.present(ada)).owns
