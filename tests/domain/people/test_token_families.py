"""Short-lived tokens: who gets which, and the form of what renews them."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.errors import NotAuthenticated, NotPermitted
from broker.domain.ids import AgentId, FamilyId, MemberId, ProxyId, SessionId, TokenId, WorkspaceId
from broker.domain.people.access import Maker, MemberRole, Principal
from broker.domain.people.token_families import Purpose, RefreshToken, derive, parse_refresh_token
from broker.domain.people.token_kinds import TokenKind
from broker.domain.plans.plans import Plan

FAMILY = FamilyId("f" * 32)


def principal(kind: TokenKind, **about: Any) -> Principal:
    return Principal(workspace=WorkspaceId("w"), kind=kind, token_id=TokenId("t1"), name="n", plan=Plan.TEAM, **about)


def member(role: MemberRole, **about: Any) -> Principal:
    return principal(TokenKind.MEMBER, member=MemberId("m1"), role=role, generation=1, person=True, **about)


CALLERS = {
    "a person's key": (principal(TokenKind.WORKSPACE, person=True), {"terminal", "machine"}),
    "a program's key": (principal(TokenKind.WORKSPACE), {"machine"}),
    "an owner": (member(MemberRole.OWNER), {"terminal", "machine"}),
    "an admin": (member(MemberRole.ADMIN), {"terminal", "machine"}),
    "a member": (member(MemberRole.MEMBER), {"terminal", "machine"}),
    "a viewer": (member(MemberRole.VIEWER), {"terminal"}),
    "a proxy": (principal(TokenKind.PROXY), {"machine"}),
    "an agent": (principal(TokenKind.AGENT, agent=AgentId("a"), session=SessionId("s")), set()),
    "an observer": (principal(TokenKind.OBSERVER), set()),
    "a share": (principal(TokenKind.OBSERVER, session=SessionId("s")), set()),
    "a machine": (principal(TokenKind.PROXY, machine="m-1", family=FAMILY), set()),
    "a machine of an earlier version": (principal(TokenKind.PROXY, proxy=ProxyId("p")), set()),
    "a terminal": (principal(TokenKind.WORKSPACE, person=True, family=FAMILY), {"machine"}),
    "a member's terminal": (member(MemberRole.MEMBER, family=FAMILY), {"machine"}),
}


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("purpose", Purpose)
def test_who_may_exchange_a_token_for_which(caller: str, purpose: Purpose) -> None:
    asks, may = CALLERS[caller]
    refused = contextlib.nullcontext() if purpose in may else pytest.raises(NotPermitted)
    with refused:
        derive(asks, purpose, family=FAMILY, machine="m-1", name="laptop")


@pytest.mark.parametrize("caller", [each for each, (_, may) in CALLERS.items() if "machine" in may])
def test_a_machine_acts_as_itself_and_as_nobody_else(caller: str) -> None:
    asks, _ = CALLERS[caller]
    made = derive(asks, Purpose.MACHINE, family=FAMILY, machine="m-1", name="laptop")
    assert (made.kind, made.machine, made.name) == (TokenKind.PROXY, "m-1", "laptop")
    assert made.permissions == {"link"}
    assert (made.person, made.member, made.role, made.generation, made.is_person) == (False, None, None, None, False)
    assert (made.token_id, made.answerable) == (asks.token_id, asks.member)


def test_a_terminal_acts_as_the_person_it_was_exchanged_for() -> None:
    key = derive(CALLERS["a person's key"][0], Purpose.TERMINAL, family=FAMILY, machine=None, name="n")
    assert (key.kind, key.is_person, key.made_by) == (TokenKind.WORKSPACE, True, Maker(token=TokenId("t1")))
    ada = derive(CALLERS["a member"][0], Purpose.TERMINAL, family=FAMILY, machine=None, name="n")
    assert (ada.kind, ada.member, ada.made_by) == (TokenKind.MEMBER, "m1", Maker(member=MemberId("m1")))


@pytest.mark.parametrize("kind", [TokenKind.WORKSPACE, TokenKind.PROXY, TokenKind.MEMBER])
@pytest.mark.parametrize("workspace", ["local", "w", "test-0af3", "a.b_c", "x" * 64])
def test_a_refresh_token_comes_back_in_its_parts_and_is_of_characters_that_are_masked(
    kind: TokenKind, workspace: str
) -> None:
    token = RefreshToken(
        kind=kind, workspace=WorkspaceId(workspace), family=FAMILY, proof="p" * 22, secret="s-_" * 14 + "x"
    )
    assert parse_refresh_token(str(token)) == token
    assert str(token).removeprefix("rt_live_").replace("-", "").replace("_", "").isalnum()
    assert "s-_" not in repr(token)
    assert "ppp" not in repr(token)


@given(st.text(max_size=200) | st.from_regex(r"rt_live_[rnm][0-9a-f]{32}[A-Za-z0-9_-]{0,200}", fullmatch=True))
def test_whatever_comes_is_a_refresh_token_or_refused(text: str) -> None:
    with contextlib.suppress(NotAuthenticated):
        found = parse_refresh_token(text)
        assert found.workspace.translate({ord(each): None for each in "-_."}).isalnum()
