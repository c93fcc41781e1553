"""The codec for each dialect."""

from __future__ import annotations

from typing import assert_never

from broker.domain.agents.agents import Dialect
from broker.protocol.acp.session import AcpSession
from broker.protocol.agents.session import AgentSession, Opening
from broker.protocol.claude.session import ClaudeSession
from broker.protocol.codex.session import CodexSession


def session_for(dialect: Dialect, opening: Opening, *, session_id: str) -> AgentSession:
    """A new conversation; `session_id` is the name the launcher gives it where the vendor lets it choose one."""
    match dialect:
        case Dialect.CLAUDE:
            return ClaudeSession(opening, session_id=opening.resume or session_id)
        case Dialect.CODEX:
            return CodexSession(opening)
        case Dialect.ACP:
            return AcpSession(opening)
        case _ as other:
            assert_never(other)
