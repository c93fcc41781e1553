"""What is told when somebody's access has become less, so that open connections are looked at again."""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.ids import AgentId, FamilyId, MemberId, TokenId, WorkspaceId
from broker.domain.people.access import Principal


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessChange:
    """Whose access it may be, in one workspace. It says nothing of anybody in another."""

    workspace: WorkspaceId
    tokens: frozenset[TokenId] = frozenset()
    """Tokens and sign-ins that have ended; an agent's process is `<agent>.<generation>`."""
    families: frozenset[FamilyId] = frozenset()
    """Short-lived tokens that have ended."""
    members: frozenset[MemberId] = frozenset()
    """Those whose role has changed, whose sign-ins were ended, or who were removed."""
    agents: frozenset[AgentId] = frozenset()
    """Those on machines that were linked with what has ended."""
    everybody: bool = False
    """The workspace itself was put away or deleted."""

    def concerns(self, principal: Principal) -> bool:
        """Whether that caller may have lost something by it."""
        return principal.workspace == self.workspace and (
            self.everybody
            or principal.token_id in self.tokens
            or principal.family in self.families
            or principal.answerable in self.members
            or principal.agent in self.agents
        )
