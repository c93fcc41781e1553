"""The table of what each kind of token may do."""

import contextlib
from dataclasses import replace

import pytest

from broker.domain.errors import NotAuthenticated, NotPermitted
from broker.domain.ids import SessionId, TokenId, WorkspaceId
from broker.domain.messages.messages import Role
from broker.domain.people.access import MemberRole, Permission, Principal, TokenScope
from broker.domain.people.token_kinds import PREFIXES, TokenKind
from broker.domain.people.token_text import require_token_form
from broker.domain.plans.plans import Plan

WORK = {"read", "read_workspace", "send", "spawn", "release"}
TABLE = {
    TokenKind.WORKSPACE: {*WORK, "approve", "meter", "bill", "administer", "link"},
    TokenKind.AGENT: WORK,
    TokenKind.PROXY: {"link"},
    TokenKind.OBSERVER: {"read", "read_workspace"},
    TokenKind.MEMBER: set[str](),
    TokenKind.PERSONAL: set[str](),
    TokenKind.SERVICE: set[str](),
}
BY_SCOPE = {
    TokenScope.READ: {"read", "read_workspace", "meter"},
    TokenScope.SEND: {"read", "send"},
    TokenScope.SPAWN: {"read", "read_workspace", "spawn", "release"},
    TokenScope.APPROVE: {"read", "approve"},
    TokenScope.ADMINISTER: {"read", "read_workspace", "meter", "administer"},
}
BY_ROLE = {
    MemberRole.OWNER: {*WORK, "approve", "meter", "bill", "administer"},
    MemberRole.ADMIN: {*WORK, "approve", "meter", "bill", "administer"},
    MemberRole.MEMBER: {*WORK, "approve", "meter"},
    MemberRole.VIEWER: {"read", "read_workspace", "meter"},
    MemberRole.BILLING: {"meter", "bill"},
}


def principal(kind: TokenKind, *, person: bool = False, role: MemberRole | None = None) -> Principal:
    return Principal(
        workspace=WorkspaceId("w"),
        kind=kind,
        token_id=TokenId("t"),
        name="ada",
        plan=Plan.TEAM,
        person=person,
        role=role,
    )


def may(who: Principal) -> set[str]:
    """What it is let do, asked one by one."""
    allowed = set()
    for permission in Permission:
        with contextlib.suppress(NotPermitted):
            who.require(permission)
            allowed.add(permission.value)
    assert allowed == who.permissions
    return allowed


@pytest.mark.parametrize("kind", TokenKind)
def test_each_kind_may_do_what_the_table_says_and_nothing_else(kind: TokenKind) -> None:
    assert may(principal(kind)) == TABLE[kind]


@pytest.mark.parametrize("role", MemberRole)
def test_a_member_may_do_what_its_role_says_and_nothing_else(role: MemberRole) -> None:
    assert may(principal(TokenKind.MEMBER, role=role)) == BY_ROLE[role]


@pytest.mark.parametrize("scope", TokenScope)
def test_a_service_account_may_do_what_its_scope_says_and_in_some_sessions_nothing_of_the_workspace(
    scope: TokenScope,
) -> None:
    service = replace(principal(TokenKind.SERVICE), scopes=(scope,))
    assert may(service) == BY_SCOPE[scope]
    limited = may(replace(service, only=(SessionId("s"),)))
    assert limited == BY_SCOPE[scope] - {"read_workspace", "meter", "administer"}


@pytest.mark.parametrize("role", MemberRole)
@pytest.mark.parametrize("scope", TokenScope)
def test_a_personal_token_may_do_what_both_its_scope_and_the_role_say(scope: TokenScope, role: MemberRole) -> None:
    personal = replace(principal(TokenKind.PERSONAL, role=role), scopes=(scope,))
    assert may(personal) == BY_SCOPE[scope] & BY_ROLE[role]
    assert not personal.owns
    assert may(principal(TokenKind.PERSONAL, role=role)) == set()


def test_who_was_shown_one_session_may_read_that_and_nothing_of_the_workspace() -> None:
    assert may(replace(principal(TokenKind.OBSERVER), session=SessionId("s"))) == {"read"}


def test_the_key_and_owners_own_a_workspace_and_nobody_else() -> None:
    owners = [kind for kind in TokenKind if principal(kind).owns]
    roles = [role for role in MemberRole if principal(TokenKind.MEMBER, role=role).owns]
    assert (owners, roles) == ([TokenKind.WORKSPACE], [MemberRole.OWNER])


def test_every_kind_has_a_prefix_of_its_own() -> None:
    assert len(set(PREFIXES.values())) == len(TokenKind)


@pytest.mark.parametrize(
    ("kind", "person", "role"),
    [
        (TokenKind.WORKSPACE, True, Role.HUMAN),
        (TokenKind.WORKSPACE, False, Role.EXTERNAL),
        (TokenKind.AGENT, True, Role.PEER),
    ],
)
def test_only_a_person_speaks_as_a_human(kind: TokenKind, person: bool, role: Role) -> None:
    assert principal(kind, person=person).sender.role is role


@pytest.mark.parametrize("wrong", ["\ufeff", "\u200b", "\u201c", " ", "\n", "é", "="])
def test_what_cannot_be_a_token_is_refused_without_being_said(wrong: str) -> None:
    require_token_form("rk_live_aB-_9")
    with pytest.raises(NotAuthenticated) as refused:
        require_token_form(f"rk_live_{wrong}secret")
    assert "secret" not in refused.value.message
    assert f"U+{ord(wrong):04X} (" in refused.value.message
    assert refused.value.message.endswith("character 9")
