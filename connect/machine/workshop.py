"""All that acts on the broker's commands: the agents, and the commands of hooks and workflows.

Most of this program hangs on this module. It is loaded with the first command (`machine/proxy.py`): a machine that only
waits keeps none of it in memory.
"""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path

from broker.protocol.proxy import Command
from connect.machine import kept_work
from connect.machine.agent_programs import CliCatalogue
from connect.machine.agent_run import AgentRun, Surroundings
from connect.machine.hooks.consent_file import TakenConsents
from connect.machine.hooks.guards import GuardBook, GuardRunner
from connect.machine.hooks.journal import Journal
from connect.machine.hooks.refusals import Refusals
from connect.machine.hooks.runner import HookRunner, HookSurroundings
from connect.machine.kit import Kit
from connect.machine.supervisor import Supervisor
from connect.machine.workflows.consent_file import TakenConsents as TakenWorkflowConsents
from connect.machine.workflows.refusals import Refusals as WorkflowRefusals
from connect.machine.workflows.runner import CommandRunner, WorkflowSurroundings
from connect.machine.workflows.runner import Journal as CommandJournal
from connect.settings import ConnectSettings, agent_environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Premises:
    """What the work shares with the rest of this machine's link."""

    settings: ConnectSettings
    state: Path
    kit: Kit
    """The agents'."""
    catalogue: CliCatalogue
    consents: TakenConsents
    workflows: TakenWorkflowConsents


class Workshop:
    """Acts on commands from `begin` on, until it is to stop."""

    def __init__(self, premises: Premises, *, stop: asyncio.Event) -> None:
        """Tells of the runs that an earlier relay-connect told nothing of. Raises `OSError` for what it cannot read."""
        self._premises = premises
        self._stop = stop
        state = premises.state
        hooks = HookRunner(self._around_hooks(kept_work.HOOK_EVENTS), journal=Journal(state / kept_work.HOOKS))
        guards = GuardRunner(self._around_hooks(kept_work.GUARD_EVENTS), journal=Journal(state / kept_work.GUARDS))
        commands = CommandRunner(self._around_workflows(), journal=CommandJournal(state / kept_work.COMMANDS))
        self._guards = GuardBook(
            guards,
            name=premises.settings.name,
            labels=premises.settings.labels,
            now_ms=lambda: int(time.time() * 1000),
        )
        self._supervisor = Supervisor(self._around_agents(), hooks=hooks, commands=commands, stop=stop)
        self._runners = (hooks, commands, guards)
        self._running: list[asyncio.Task[None]] = []
        for runner in self._runners:
            runner.recover()

    def begin(self, tasks: asyncio.TaskGroup) -> None:
        """Agents and runs live in `tasks`, and die when these are cancelled."""
        self._supervisor.begin(tasks)
        self._running = [tasks.create_task(runner.run(self._stop)) for runner in self._runners]

    async def run(self) -> None:
        """Once it is to stop, end every agent and every run, and return when all are gone."""
        await self._supervisor.run()
        await asyncio.wait(self._running)

    @property
    def running(self) -> list[AgentRun]:
        """Every agent that is not over."""
        return self._supervisor.running

    @property
    def guards_version(self) -> int:
        """Of the hooks that agents wait for."""
        return self._guards.version

    def note(self, command: Command) -> None:
        """A command is about to count as taken."""
        self._supervisor.note(command)

    def take(self, command: Command) -> None:
        """Act on a command."""
        self._supervisor.execute(command)

    def _around_agents(self) -> Surroundings:
        premises = self._premises
        return Surroundings(
            kit=premises.kit,
            endpoint=premises.settings.endpoint,
            catalogue=premises.catalogue,
            guards=self._guards,
        )

    def _around_hooks(self, private: str) -> HookSurroundings:
        premises = self._premises
        return HookSurroundings(kit=self._kit(private), consents=premises.consents, refusals=Refusals(premises.state))

    def _around_workflows(self) -> WorkflowSurroundings:
        premises = self._premises
        return WorkflowSurroundings(
            kit=self._kit(kept_work.WORKFLOW_VALUES),
            consents=premises.workflows,
            refusals=WorkflowRefusals(premises.state),
        )

    def _kit(self, private: str) -> Kit:
        """With a folder of its own, and without what leads agents to their broker."""
        premises = self._premises
        environment = agent_environment(os.environ)
        return replace(premises.kit, private=premises.state / private, environment=environment)
