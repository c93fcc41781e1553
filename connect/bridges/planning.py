"""Chooses the bridge for a dialect."""

from __future__ import annotations

from typing import assert_never

from broker.domain.agents import Dialect
from connect.bridges.acp import launch_acp
from connect.bridges.claude import launch_claude
from connect.bridges.codex import launch_codex
from connect.bridges.launch import Launch, LaunchRequest


def plan_launch(request: LaunchRequest) -> Launch:
    """Decide how the agent is started and driven."""
    match request.cli.installed.dialect:
        case Dialect.CLAUDE:
            return launch_claude(request)
        case Dialect.CODEX:
            return launch_codex(request)
        case Dialect.ACP:
            return launch_acp(request)
        case _ as other:
            assert_never(other)
