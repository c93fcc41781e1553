"""The table of what each kind of token may do."""

import pytest

from broker.domain.access import PREFIXES, Permission, Principal, TokenKind
from broker.domain.errors import NotPermitted
from broker.domain.ids import TokenId, WorkspaceId
from broker.domain.messages import Role
from broker.domain.plans import Plan

TABLE = {
    TokenKind.WORKSPACE: {"read", "send", "spawn", "release", "approve", "administer", "link"},
    TokenKind.AGENT: {"read", "send", "spawn", "release"},
    TokenKind.PROXY: {"link"},
    TokenKind.OBSERVER: {"read"},
}


def principal(kind: TokenKind, *, person: bool = False) -> Principal:
    return Principal(
        workspace=WorkspaceId("w"), kind=kind, token_id=TokenId("t"), name="ada", plan=Plan.TEAM, person=person
    )


@pytest.mark.parametrize("kind", TokenKind)
@pytest.mark.parametrize("permission", Permission)
def test_each_kind_may_do_what_the_table_says_and_nothing_else(kind: TokenKind, permission: Permission) -> None:
    if permission in TABLE[kind]:
        principal(kind).require(permission)
    else:
        with pytest.raises(NotPermitted):
            principal(kind).require(permission)


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
