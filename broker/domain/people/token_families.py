"""Short-lived tokens: who gets which, for how long, and what they are renewed with.

A family is a short-lived token and all that came of it by renewing. Each renewal uses a refresh token up and gives the
next. Of a family are kept the refresh token that was used last and those that were given for it since: an answer may
be lost, and then the last one is presented again. Whoever presents any other one has a copy of what somebody else has
used, and the family ends.

A refresh token says in its first letter which kind of token it renews, which shows in that one's prefix. Then come
three secrets of fixed length, and the workspace: the family's id, what proves that it is of the family at all, and what
tells it from the others of the family.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field, replace
from enum import StrEnum

from broker.domain.errors import BadRequest, NotAuthenticated, NotPermitted
from broker.domain.ids import FamilyId, WorkspaceId
from broker.domain.people.access import Permission, Principal
from broker.domain.people.token_kinds import PREFIXES, REFRESH_PREFIX, TokenKind
from broker.domain.people.workspaces import workspace_id

ACCESS_S = 15 * 60
"""How long a short-lived token is good."""
GRACE_S = 120
"""For a link that is connected to have its token renewed after that: it may have been asleep."""
REFRESH_S = 30 * 24 * 3600
"""How long a family can be renewed, from its last use."""
MAX_FAMILIES = 1000
"""Of one token or member; the one that was used least recently ends for the next."""

_PROOF, _SECRET = 22, 43
_FAMILY = 32
_KINDS = {PREFIXES[kind][0]: kind for kind in (TokenKind.WORKSPACE, TokenKind.PROXY, TokenKind.MEMBER)}
_FORM = re.compile(
    rf"{REFRESH_PREFIX}(?P<kind>[{''.join(_KINDS)}])(?P<family>[0-9a-f]{{{_FAMILY}}})(?P<proof>[A-Za-z0-9_-]{{{_PROOF}}})"
    rf"(?P<secret>[A-Za-z0-9_-]{{{_SECRET}}})(?P<workspace>[A-Za-z0-9_-]{{2,128}})"
)


class Purpose(StrEnum):
    """What a short-lived token is for."""

    TERMINAL = "terminal"
    """Acts as the person whose token it was exchanged for."""
    MACHINE = "machine"
    """Links one machine, and does nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """One, in its parts."""

    kind: TokenKind
    """Of the token that it renews."""
    workspace: WorkspaceId
    family: FamilyId
    proof: str = field(repr=False)
    """The same in all of a family."""
    secret: str = field(repr=False)

    def __str__(self) -> str:
        """As its holder has it."""
        workspace = urlsafe_b64encode(self.workspace.encode()).decode().rstrip("=")
        return f"{REFRESH_PREFIX}{PREFIXES[self.kind][0]}{self.family}{self.proof}{self.secret}{workspace}"


def parse_refresh_token(text: str) -> RefreshToken:
    """The parts of one. Raises `NotAuthenticated` for what is none."""
    found = _FORM.fullmatch(text)
    if not found:
        raise NotAuthenticated("that is no refresh token")
    try:
        workspace = workspace_id(urlsafe_b64decode(found["workspace"] + "==").decode())
    except (ValueError, BadRequest):
        raise NotAuthenticated("that is no refresh token") from None
    return RefreshToken(
        kind=_KINDS[found["kind"]],
        workspace=workspace,
        family=FamilyId(found["family"]),
        proof=found["proof"],
        secret=found["secret"],
    )


def derive(principal: Principal, purpose: Purpose, *, family: FamilyId, machine: str | None, name: str) -> Principal:
    """Whom a short-lived token stands for that `principal` asks for. Raises `NotPermitted`."""
    if purpose is Purpose.MACHINE:
        _require_may_link(principal)
        return Principal(
            workspace=principal.workspace,
            kind=TokenKind.PROXY,
            token_id=principal.token_id,
            name=name,
            plan=principal.plan,
            machine=machine,
            family=family,
            made_by=principal.maker,
        )
    if not principal.is_person or principal.family is not None:
        raise NotPermitted(
            "only the token of a person, and none that was exchanged itself, is exchanged for a terminal"
        )
    return replace(principal, family=family, made_by=principal.maker, role=None, expires_at_ms=None)


def _require_may_link(principal: Principal) -> None:
    """A person who may spawn; a program with a key of the workspace; or a machine's token that is bound to none."""
    if principal.machine is not None or principal.proxy is not None:
        raise NotPermitted("this token is bound to a machine: it is renewed, not exchanged")
    if principal.kind is not TokenKind.PROXY:
        if principal.kind not in {TokenKind.WORKSPACE, TokenKind.MEMBER}:
            raise NotPermitted(f"a token of the kind {principal.kind} links no machine")
        principal.require(Permission.SPAWN)
