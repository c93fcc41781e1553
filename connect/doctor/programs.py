"""The agent programs in doctor's words: whether each speaks its protocol, and whether its user is logged in."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping

from broker.domain.agents.agents import Dialect
from broker.protocol.acp.greeting import Greeted
from connect.doctor.findings import Finding, Health, ok, problem, unknown, warning
from connect.doctor.greeting import greet
from connect.doctor.logins import Login, LoginState, login_of
from connect.machine.agent_programs import CliCatalogue, FoundCli
from connect.settings import ConnectSettings, agent_environment

_AT_ONCE = 3
"""Agents that are started side by side: each is a whole program, of a quarter of a gigabyte."""


async def examine_programs(settings: ConnectSettings) -> list[Finding]:
    """Look at all programs that are found or configured; those of the Agent Client Protocol are started for that."""
    catalogue = CliCatalogue(settings.agents, cache=settings.state_dir / "versions.json")
    environment = agent_environment(os.environ, broker=settings.endpoint)
    turn = asyncio.Semaphore(_AT_ONCE)

    async def one(cli: FoundCli) -> list[Finding]:
        async with turn:
            return await _examine(cli, environment)

    found = await asyncio.gather(*map(one, await catalogue.find_all()))
    lines = [line for lines in found for line in lines]
    if any(lines and lines[0].health is Health.OK for lines in found):
        return lines
    return [*lines, problem("agents", "no agent program can be used on this machine; install one")]


async def _examine(cli: FoundCli, environment: Mapping[str, str]) -> list[Finding]:
    installed = cli.installed
    if installed.problem is not None:
        return [warning(installed.cli, installed.problem)]
    login = login_of(installed.cli, {**environment, **cli.env})
    greeted = Greeted()
    if installed.dialect is Dialect.ACP:
        # What its files tell needs no conversation, which it would keep among its user's.
        greeted = await greet(cli, environment=environment, begin=login.state is LoginState.UNKNOWN)
        if greeted.refusal is not None:
            words = " ".join(cli.command)
            return [problem(installed.cli, f"`{words}` does not speak the Agent Client Protocol: {greeted.refusal}")]
    version = installed.version or greeted.version or "version not told"
    here = ok(installed.cli, f"{version}, {installed.transport}, {cli.command[0]}")
    return [here, _login(installed.cli, login, greeted)]


def _login(word: str, login: Login, greeted: Greeted) -> Finding:
    subject = f"{word} login"
    if greeted.logged_out:
        return warning(subject, f"it says that its user is not logged in; run `{word}` by hand and log in there")
    match login.state:
        case LoginState.FOUND:
            return ok(subject, f"given {login.text}; whether the vendor takes it shows with the first message")
        case LoginState.MISSING:
            return warning(subject, f"not logged in: {login.text}")
        case LoginState.UNKNOWN:
            return unknown(subject, f"unknown: {login.text}")
