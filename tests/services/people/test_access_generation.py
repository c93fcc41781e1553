"""A caller who was read before a change of access: nothing is carried out for what it was, whether it was told or not.

No test listens to pub/sub: what is proved holds while that is cut.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from broker.adapters.redis import keys
from broker.app import Adapters, build_adapters, build_services
from broker.domain.errors import AccessChanged, NotAuthenticated, NotPermitted
from broker.domain.ids import TokenId, WorkspaceId
from broker.domain.people.access import Credential, MemberRole, Principal
from broker.domain.people.access_changes import AccessChange
from broker.domain.people.members import Member
from broker.domain.people.token_kinds import TokenKind
from broker.domain.plans.plans import Plan
from broker.protocol.proxy import NumberedReport, SpoolOverflowed
from broker.services.container import Services
from broker.services.people.access import new_token
from broker.settings import Settings
from tests.fixtures.commands import counted
from tests.fixtures.desk import Desk, a_hello


@dataclass(slots=True, kw_only=True)
class Scene:
    """A workspace with a key, a session with an agent, and people who signed in."""

    services: Services
    adapters: Adapters
    desk: Desk
    key: Principal

    async def member(self, name: str, role: MemberRole) -> tuple[Member, Principal]:
        """A person, and what a gateway remembers of them."""
        members = self.services.members
        member = await members.add(self.key, name=name, role=role)
        code = await self.services.sign_in.invite(self.key, member)
        token = await self.services.sign_in.redeem(code.code, address="192.0.2.7")
        return member, await self.services.access.authenticate(Credential(token=token, workspace=self.key.workspace))

    async def send(self, principal: Principal) -> None:
        await self.services.router.send(principal, self.desk.session, to="Bob", text="hello")

    async def accepted(self) -> int:
        """How many messages there are in the log."""
        return len(await self.desk.events("message.accepted"))


@pytest.fixture
async def scene(adapters: Adapters, desk: Desk, workspace: WorkspaceId) -> Scene:
    services = build_services(Settings(), adapters)
    token = new_token(TokenKind.WORKSPACE)
    await services.access.adopt_workspace(token, workspace=workspace, name="acme", plan=Plan.TEAM)
    await desk.idle("Bob")
    key = await services.access.authenticate(token)
    return Scene(services=services, adapters=adapters, desk=desk, key=key)


async def test_who_may_no_longer_send_is_refused_at_the_next_message(scene: Scene) -> None:
    ada, remembered = await scene.member("Ada", MemberRole.MEMBER)
    await scene.send(remembered)
    await scene.services.members.set_role(scene.key, ada.id, MemberRole.VIEWER)
    with pytest.raises(NotPermitted, match="a member with the role viewer may not send"):
        await scene.send(remembered)
    assert await scene.accepted() == 1


async def test_who_was_removed_is_refused_at_the_next_message(scene: Scene) -> None:
    ada, remembered = await scene.member("Ada", MemberRole.OWNER)
    await scene.member("Owner", MemberRole.OWNER)
    await scene.services.members.remove(scene.key, ada.id)
    with pytest.raises(NotAuthenticated):
        await scene.send(remembered)
    assert await scene.accepted() == 0


async def test_who_still_may_goes_on_and_their_act_is_carried_out_once(scene: Scene) -> None:
    ada, remembered = await scene.member("Ada", MemberRole.ADMIN)
    await scene.services.members.set_role(scene.key, ada.id, MemberRole.MEMBER)
    await scene.send(remembered)
    assert await scene.accepted() == 1


async def test_an_owner_who_is_one_no_longer_is_asked_to_come_again(scene: Scene) -> None:
    """What owners may is looked at in the middle of a method: nobody can say afterwards what it was looked at for."""
    ada, remembered = await scene.member("Ada", MemberRole.OWNER)
    await scene.member("Other", MemberRole.OWNER)
    await scene.services.members.set_role(scene.key, ada.id, MemberRole.ADMIN)
    with pytest.raises(AccessChanged) as caught:
        await scene.services.access.mint(remembered, kind=TokenKind.WORKSPACE, name="k")
    assert (caught.value.code, caught.value.retryable) == ("ACCESS_CHANGED", True)
    [own] = await scene.services.access.tokens(scene.key)
    assert own.id == scene.key.token_id


async def test_a_removal_by_somebody_who_may_no_longer_remove_does_nothing(scene: Scene) -> None:
    """Scripts that are carried out once only are tried again all the same."""
    ada, remembered = await scene.member("Ada", MemberRole.ADMIN)
    bob, _ = await scene.member("Bob", MemberRole.MEMBER)
    await scene.services.members.set_role(scene.key, ada.id, MemberRole.VIEWER)
    with pytest.raises(NotPermitted):
        await scene.services.members.remove(remembered, bob.id)
    assert (await scene.services.members.get(scene.key, bob.id)).role is MemberRole.MEMBER


async def test_sending_takes_one_round_trip_as_before(scene: Scene) -> None:
    _, remembered = await scene.member("Ada", MemberRole.MEMBER)
    await scene.send(remembered)  # loads what is loaded once
    with counted(scene.adapters) as calls:
        await scene.send(remembered)
    assert calls == {"EVALSHA": 1, "round trips": 1}


async def test_a_change_costs_one_more_look_and_no_more_once_the_caller_was_read(scene: Scene) -> None:
    ada, remembered = await scene.member("Ada", MemberRole.ADMIN)
    await scene.send(remembered)
    await scene.services.members.set_role(scene.key, ada.id, MemberRole.MEMBER)
    with counted(scene.adapters) as calls:
        await scene.send(remembered)
    assert calls["EVALSHA"] == 3  # refused, read again, carried out


async def test_connections_of_the_caller_are_told_where_the_word_was_missed(scene: Scene) -> None:
    ada, remembered = await scene.member("Ada", MemberRole.ADMIN)
    told: list[AccessChange] = []
    stop = scene.adapters.standing.follow(told.append)
    await scene.services.members.set_role(scene.key, ada.id, MemberRole.MEMBER)
    await scene.send(remembered)
    stop()
    await scene.send(remembered)
    assert [each.concerns(remembered) for each in told] == [True]
    assert not told[0].concerns(scene.key)


async def a_link(scene: Scene) -> tuple[TokenId, Principal]:
    record, token = await scene.services.access.mint(scene.key, kind=TokenKind.PROXY, name="box")
    return record.id, await scene.services.access.authenticate(token)


async def report(scene: Scene, machine: Principal, attached: object, *numbers: int) -> int:
    reports = [NumberedReport(seq=n, report=SpoolOverflowed(dropped_frames=1)) for n in numbers]
    return await scene.services.linking.report(machine, attached, reports, spool="spool-1")  # type: ignore[arg-type]


async def test_a_machine_whose_token_was_revoked_reports_nothing_more(scene: Scene) -> None:
    token, machine = await a_link(scene)
    attached, _ = await scene.services.linking.attach(machine, a_hello(machine_id="box"))
    assert await report(scene, machine, attached, 1, 2) == 2
    await scene.services.access.revoke(scene.key, token)
    with pytest.raises(NotAuthenticated):
        await report(scene, machine, attached, 3, 4)
    seen = await scene.adapters.redis.hget(keys.key(machine.workspace, "link", attached.link), "reports")
    assert seen == "2"
    await scene.services.linking.detach(machine, attached)  # it may leave


async def test_a_machine_that_still_may_reports_each_thing_once_across_a_change(scene: Scene) -> None:
    _, machine = await a_link(scene)
    attached, _ = await scene.services.linking.attach(machine, a_hello(machine_id="box"))
    other, _ = await a_link(scene)
    await scene.services.access.revoke(scene.key, other)
    assert await report(scene, machine, attached, 1, 2, 3) == 3
    seen = await scene.adapters.redis.hget(keys.key(machine.workspace, "link", attached.link), "reports")
    assert seen == "3"


Change = Callable[[Scene], Awaitable[object]]


async def _archive(scene: Scene) -> None:
    await scene.services.workspaces.archive(scene.key)


async def _revoke(scene: Scene) -> None:
    token, _ = await a_link(scene)
    await scene.services.access.revoke(scene.key, token)


async def _role(scene: Scene) -> None:
    ada, _ = await scene.member("Ada", MemberRole.MEMBER)
    await scene.services.members.set_role(scene.key, ada.id, MemberRole.ADMIN)


async def _removal(scene: Scene) -> None:
    ada, _ = await scene.member("Ada", MemberRole.MEMBER)
    await scene.services.members.remove(scene.key, ada.id)


async def _everywhere(scene: Scene) -> None:
    ada, _ = await scene.member("Ada", MemberRole.MEMBER)
    await scene.adapters.members.end_sign_ins(scene.key.workspace, ada.id)


async def _sign_out(scene: Scene) -> None:
    _, ada = await scene.member("Ada", MemberRole.MEMBER)
    await scene.adapters.tokens.end_sign_in(scene.key.workspace, ada.token_id)


@pytest.mark.parametrize(
    "change",
    [_archive, _revoke, _role, _removal, _everywhere, _sign_out],
    ids=lambda each: each.__name__.strip("_"),
)
async def test_every_change_of_access_is_counted_in_the_workspace(scene: Scene, change: Change) -> None:
    async def count() -> int:
        return int(await scene.adapters.redis.hget(keys.root(scene.key.workspace), "access") or 0)

    before = await count()
    await change(scene)
    assert await count() > before


async def test_what_a_change_leaves_behind_of_a_workspace_that_is_gone_is_nothing(adapters: Adapters) -> None:
    gone = WorkspaceId("gone")
    await adapters.tokens.end_sign_in(gone, TokenId("t"))
    assert not await adapters.redis.hgetall(keys.root(gone))


async def test_two_processes_agree_though_neither_hears_the_other(scene: Scene, redis_url: str) -> None:
    ada, remembered = await scene.member("Ada", MemberRole.MEMBER)
    elsewhere = build_adapters(redis_url)
    try:
        other = build_services(Settings(), elsewhere)
        await other.members.set_role(scene.key, ada.id, MemberRole.VIEWER)
    finally:
        await elsewhere.redis.aclose()
    with pytest.raises(NotPermitted):
        await scene.send(remembered)


async def test_what_is_written_down_of_a_caller_says_nothing_of_when_it_was_read(scene: Scene) -> None:
    assert scene.key.access is not None
    assert scene.key.without_standing().access is None
