"""Whose a machine is, who may decide about it, and who is behind what an agent asks for.

A machine belongs to the member behind the token that linked it; where there is none it is the workspace's, and its
administrators own it. An owner is changed by two: an administrator adopts the machine, and the machine agrees by being
linked with a token of whoever adopted it.
"""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.agents.agents import Behind
from broker.domain.errors import NotPermitted
from broker.domain.ids import AgentId, MemberId
from broker.domain.machines.placement import Proxy
from broker.domain.people.access import MemberRole, Permission, Principal

_ADMINS = frozenset({MemberRole.OWNER, MemberRole.ADMIN})
MAX_MACHINES_OF_ONE = 100
"""That one token, or one member, links: a stolen token does not fill the workspace."""
MAX_AGENTS_OF_AGENTS = 200
"""Running ones of one session that agents, not people, have spawned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks for something now."""

    kind: str
    """`person`, `agent` or `program`."""
    name: str
    behind: Behind | None
    """None for agents of earlier versions."""
    agent: AgentId | None = None
    is_admin: bool = False
    """Whether who is behind administers the workspace at this moment."""

    @property
    def member(self) -> MemberId | None:
        """The member who asks in person."""
        return self.behind.member if self.behind and self.agent is None else None

    def owns(self, proxy: Proxy) -> bool:
        """Whether who is behind is the machine's owner, or an administrator where it is the workspace's."""
        if self.behind is None or proxy.orphaned:
            return False
        return self.is_admin if proxy.owner is None else self.behind.member == proxy.owner


def behind(principal: Principal) -> Behind:
    """Who is behind what a person or a program asks for."""
    return Behind(
        kind="person" if principal.is_person else "program",
        name=principal.name,
        member=principal.answerable,
        admin=principal.answerable is None and Permission.ADMINISTER in principal.permissions,
    )


def administers(role: MemberRole | None) -> bool:
    """Whether a member with that role, None for one that is gone, administers the workspace."""
    return role in _ADMINS


def require_decision(principal: Principal, proxy: Proxy) -> None:
    """Raise `NotPermitted` unless the caller may decide about a machine: its owner may, and administrators."""
    if Permission.ADMINISTER in principal.permissions:
        return
    principal.require(Permission.READ_WORKSPACE)
    if principal.scopes is not None:
        principal.require(Permission.RELEASE)
    if principal.answerable is None or principal.answerable != proxy.owner:
        raise NotPermitted(f"{proxy.name} is not your machine: its owner or an administrator may do this")
