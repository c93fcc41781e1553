"""Carries out the broker's commands, each once, in order for each agent."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict

from broker.domain.ids import AgentId
from broker.protocol.proxy import (
    AgentCommand,
    Answer,
    Command,
    Deliver,
    Guards,
    Interrupt,
    Probe,
    RunCommand,
    RunHook,
    Spawn,
    Stop,
    StopCommand,
)
from connect.machine.agent_run import PROXY_STOPPED, REPLACED, STOPPED, AgentRun, Surroundings
from connect.machine.hooks.runner import HookRunner
from connect.machine.reporting import Reporter
from connect.machine.workflows.runner import CommandRunner

_MAX_REMEMBERED = 4096
"""Agents that are over, remembered so that a repeated `spawn` does not bring them back."""

_log = logging.getLogger(__name__)


class Supervisor:
    """Owns one `AgentRun` for each agent. Commands of an older generation than the known one are ignored.

    What goes wrong with one command or one agent is that agent's alone: neither `execute` nor the run of an agent
    raises.
    """

    def __init__(
        self, around: Surroundings, *, hooks: HookRunner, commands: CommandRunner, stop: asyncio.Event
    ) -> None:
        """`stop`: no agent starts after it."""
        self._around = around
        self._commands = commands
        self._hooks = hooks
        self._runs: dict[AgentId, AgentRun] = {}
        self._over: OrderedDict[AgentId, int] = OrderedDict()
        self._stop_all = stop
        self._tasks: asyncio.TaskGroup
        self._living: set[asyncio.Task[None]] = set()

    @property
    def running(self) -> list[AgentRun]:
        """Every agent that is not over."""
        return list(self._runs.values())

    def begin(self, tasks: asyncio.TaskGroup) -> None:
        """Agents live in `tasks` from now on, and are killed without waiting when these are cancelled."""
        self._tasks = tasks

    async def run(self) -> None:
        """Wait until it is to stop, then end every agent, and return when they are gone."""
        await self._stop_all.wait()
        for run in self._runs.values():
            run.end(PROXY_STOPPED)
        if self._living:
            await asyncio.wait(self._living)

    def execute(self, command: Command) -> None:
        """Act on a command without waiting for its effect."""
        if isinstance(command, RunHook):
            self._run_hook(command)
            return
        if isinstance(command, RunCommand | StopCommand):
            self._run_command(command)
            return
        if isinstance(command, Guards):
            self._around.guards.take(command)
            for each in self._runs.values():
                each.note_guards()
            return
        try:
            self._execute(command)
        except Exception as error:
            _log.exception("agent %s: its %s could not be carried out", command.agent, command.type)
            run = self._runs.get(command.agent)
            if run is not None:
                run.end("INTERNAL", detail=repr(error))
            else:
                self._report_absent(command, reason="INTERNAL", expected=False, detail=repr(error))

    def note(self, command: Command) -> None:
        """Write down what has to have an outcome even if this process dies once the command counts as taken."""
        if isinstance(command, RunHook):
            self._hooks.note(command)
        if isinstance(command, RunCommand):
            self._commands.note(command)

    def _run_hook(self, order: RunHook) -> None:
        """What goes wrong with a hook is not the agent's whose happening it was."""
        try:
            self._hooks.take(order)
        except Exception:
            _log.exception("hook %s: its run %s could not be taken", order.hook[:100], order.run)

    def _run_command(self, order: RunCommand | StopCommand) -> None:
        """What goes wrong with a workflow's command is no agent's."""
        try:
            if isinstance(order, StopCommand):
                self._commands.stop(order)
            else:
                self._commands.take(order)
        except Exception:
            _log.exception("the workflow's command %s could not be taken", order.command[:100])

    def _execute(self, command: AgentCommand) -> None:
        match command:
            case Spawn():
                self._spawn(command)
            case Stop():
                self._stop(command)
            case Probe():
                pass  # that it was taken is the answer
            case Deliver() | Interrupt() | Answer():
                self._order(command)

    def _spawn(self, spawn: Spawn) -> None:
        current = self._runs.get(spawn.agent)
        if self._stop_all.is_set() or spawn.generation <= self._generation(spawn.agent):
            return
        if current is not None:
            current.end(REPLACED, expected=True)
        run = AgentRun(spawn, self._around)
        self._runs[spawn.agent] = run
        living = self._tasks.create_task(self._live(run, after=current))
        self._living.add(living)
        living.add_done_callback(self._living.discard)

    def _stop(self, stop: Stop) -> None:
        known = self._generation(stop.agent)
        if stop.generation < known:
            return
        run = self._runs.get(stop.agent)
        if run is not None:
            run.end(STOPPED, expected=True)
        elif stop.generation > known:
            # The broker takes it for running: it was, under an earlier relay-connect whose end it has not seen.
            self._remember(stop.agent, stop.generation)
            self._report_absent(stop, reason=STOPPED, expected=True, detail="it was not running here")

    def _order(self, order: Deliver | Interrupt | Answer) -> None:
        run = self._runs.get(order.agent)
        if run is not None and run.spawn.generation == order.generation:
            run.order(order)

    async def _live(self, run: AgentRun, *, after: AgentRun | None) -> None:
        try:
            await run.run(after=after)
        except Exception:
            _log.exception("agent %s: its end could not be reported", run.spawn.agent)
        finally:
            if self._runs.get(run.spawn.agent) is run:
                del self._runs[run.spawn.agent]
                self._remember(run.spawn.agent, run.spawn.generation)

    def _generation(self, agent: AgentId) -> int:
        run = self._runs.get(agent)
        return run.spawn.generation if run else self._over.get(agent, -1)

    def _remember(self, agent: AgentId, generation: int) -> None:
        self._over[agent] = generation
        self._over.move_to_end(agent)
        if len(self._over) > _MAX_REMEMBERED:
            self._over.popitem(last=False)

    def _report_absent(self, command: AgentCommand, *, reason: str, expected: bool, detail: str) -> None:
        reporter = Reporter(
            spool=self._around.kit.spool,
            agent=command.agent,
            generation=command.generation,
            secrets=self._around.kit.secrets,
        )
        reporter.report_exited(code=None, expected=expected, reason=reason, detail=detail)
