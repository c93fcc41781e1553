"""Signing others out: who may, and that it ends everywhere."""

from __future__ import annotations

import pytest

from broker.app import Adapters
from broker.domain.errors import NotAuthenticated, NotPermitted
from broker.domain.ids import WorkspaceId
from broker.domain.people.access import Credential, MemberRole
from tests.fixtures.house import House, a_house


@pytest.fixture
async def house(adapters: Adapters, workspace: WorkspaceId) -> House:
    return await a_house(adapters, workspace)


async def test_somebody_who_is_signed_out_comes_back_by_a_new_link_alone(house: House) -> None:
    services = house.services
    member = await services.members.add(house.key, name="Ada", role=MemberRole.MEMBER)
    first, unused = [await services.sign_in.invite(house.key, member) for _ in range(2)]
    token = await services.sign_in.redeem(first.code, address=house.address)
    await house.caller(token)
    await services.members.end_sign_ins(house.key, "Ada")
    for _ in range(2):
        with pytest.raises(NotAuthenticated):
            await services.access.authenticate(Credential(token=token, workspace=house.key.workspace))
    with pytest.raises(NotAuthenticated):
        await services.sign_in.redeem(unused.code, address=house.address)
    member = await services.members.get(house.key, "Ada")
    again = await services.sign_in.invite(house.key, member)
    assert (await house.caller(await services.sign_in.redeem(again.code, address=house.address))).name == "Ada"


async def test_who_never_signed_in_has_links_that_end(house: House) -> None:
    services = house.services
    member = await services.members.add(house.key, name="Ada", role=MemberRole.MEMBER)
    link = await services.sign_in.invite(house.key, member)
    await services.members.end_sign_ins(house.key, member.id)
    with pytest.raises(NotAuthenticated):
        await services.sign_in.redeem(link.code, address=house.address)


async def test_owners_are_signed_out_by_owners(house: House) -> None:
    owner = await house.person("Olga", MemberRole.OWNER)
    admin = await house.person("Grace", MemberRole.ADMIN)
    with pytest.raises(NotPermitted):
        await house.services.members.end_sign_ins(admin, "Olga")
    await house.services.members.end_sign_ins(owner, "Grace")
    with pytest.raises(NotAuthenticated):
        await house.services.access.present(admin)
