"""Chooses the bridge for a dialect, and loads no other: a proxy that drives one kind of agent stays small."""

from __future__ import annotations

from typing import assert_never

from broker.domain.agents.agents import Dialect
from connect.machine.bridges.launch import Launch, LaunchRequest


def plan_launch(request: LaunchRequest) -> Launch:
    """Decide how the agent is started and driven."""
    request.private.mkdir(mode=0o700)
    match request.cli.installed.dialect:
        case Dialect.CLAUDE:
            from connect.machine.bridges.claude import launch_claude  # noqa: PLC0415 - loaded when chosen

            return launch_claude(request)
        case Dialect.CODEX:
            from connect.machine.bridges.codex import launch_codex  # noqa: PLC0415 - loaded when chosen

            return launch_codex(request)
        case Dialect.ACP:
            from connect.machine.bridges.acp import launch_acp  # noqa: PLC0415 - loaded when chosen

            return launch_acp(request)
        case _ as other:
            assert_never(other)
