"""What each kind of token stands for, and the prefix that shows it to a person who finds one."""

from __future__ import annotations

from enum import StrEnum


class TokenKind(StrEnum):
    """What a token stands for."""

    WORKSPACE = "workspace"
    AGENT = "agent"
    PROXY = "proxy"
    OBSERVER = "observer"
    """Reads only; a share link's is bound to one session and ends by itself."""
    MEMBER = "member"
    """A person who signed in; what it may do is the member's present role."""
    PERSONAL = "personal"
    """A program of a member's: what it may do are the token's scopes, as far as the member's present role has them."""
    SERVICE = "service"
    """A program of the workspace's, by the name of a service account: what it may do are the token's scopes."""


PREFIXES: dict[TokenKind, str] = {
    TokenKind.WORKSPACE: "rk_live_",
    TokenKind.AGENT: "at_live_",
    TokenKind.PROXY: "nt_live_",
    TokenKind.OBSERVER: "ot_live_",
    TokenKind.MEMBER: "mt_live_",
    TokenKind.PERSONAL: "pt_live_",
    TokenKind.SERVICE: "sa_live_",
}
SIGN_IN_PREFIX = "oc_live_"
"""Of one-time sign-in codes, so that whatever masks tokens masks them too."""
INVITATION_PREFIX = "iv_live_"
"""Of what an invitation is accepted with."""
REFRESH_PREFIX = "rt_live_"
"""Of what a short-lived token is renewed with."""
