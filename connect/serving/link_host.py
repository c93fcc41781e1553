"""The link process: parent of agents, holder of a token that links this machine, and host of its terminals."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from broker import __version__
from connect.access.token_calls import Pair
from connect.control.messages import AgentHere, Asked, State
from connect.control.server import ControlServer
from connect.machine.link import LinkRefused
from connect.machine.proxy import ProgramReplaced, RelayConnect
from connect.notices import Connected, Disconnected, Notice, Stopping, Warned
from connect.policy.consent import ConsentDesk
from connect.serving.exit_status import ExitStatus
from connect.serving.metrics import Counts, Figures, metrics_port, write_exposition
from connect.settings import ConnectSettings
from connect.step_log import log_steps
from connect.system.process_guard import become_link
from connect.system.state_folder import StateFolderLost


class LinkHost:
    """One link and its terminals. Holds the state folder from construction until `run` has returned."""

    def __init__(
        self,
        settings: ConnectSettings,
        *,
        show: Callable[[Notice], None],
        headless: bool,
        pair: Pair | None = None,
        log: Path | None = None,
    ) -> None:
        """`pair`: this machine's, when the token was exchanged already. Raises `BadRequest`, `Conflict`."""
        self._settings = dataclasses.replace(settings, token=None)
        self._show = show
        self._headless = headless
        self._log = log
        self._began = time.monotonic()
        self._link: Connected | None = None
        self._counts = Counts()
        self._metrics_port: int | None = None
        self._running: asyncio.Task[None] | None = None
        self._control = ControlServer(settings.state_dir, self, pid=os.getpid())
        self._desk = ConsentDesk(awaited=not headless)
        self._desk.on_change = self._show_questions
        self._control.on_terminals = self._heed_terminals
        self._proxy = RelayConnect(settings, notice=self._notice, pair=pair, adopting=become_link(), consent=self._desk)
        self.refusal: str | None = None
        """Why it has ended by itself: the broker does not want this machine, or its state folder or program is gone."""

    async def run(self, *, listening: Callable[[], None] = lambda: None) -> int:
        """Serve until it is told to stop or refused; the exit status. `listening`: terminals may come from now on.

        Raises `OSError` when no terminal could come, unless it is headless; `Conflict` when something else listens at
        the port for metrics.
        """
        status = 0
        log_steps(wanted=self._settings.log_steps)
        try:
            async with contextlib.AsyncExitStack() as ports:
                if (port := self._settings.metrics_port) is not None:
                    self._metrics_port = await ports.enter_async_context(metrics_port(port, self._write_metrics))
                await self._listen()
                listening()
                self._running = asyncio.ensure_future(self._proxy.run())
                self._heed_signals(self._running)
                await self._running
        except LinkRefused as refusal:
            status, self.refusal = ExitStatus.REFUSED, str(refusal)
        except StateFolderLost as lost:
            status, self.refusal = ExitStatus.STATE_LOST, str(lost)
        except ProgramReplaced as replaced:
            status, self.refusal = ExitStatus.UNFORESEEN, str(replaced)
        except asyncio.CancelledError:
            status = ExitStatus.FORCED
        finally:
            self._proxy.close()
            await self._control.close(status, self.refusal)
        return status

    def state(self) -> State:
        """How it is."""
        return State(
            pid=os.getpid(),
            version=__version__,
            url=self._settings.endpoint.url,
            name=self._settings.name,
            machine=self._link.machine if self._link is not None else None,
            log=str(self._log) if self._log is not None else None,
            up_s=time.monotonic() - self._began,
            connected=self._link is not None,
            headless=self._headless,
            session=self._link.session if self._link is not None else None,
            agents=[AgentHere(name=run.spawn.name, cli=run.spawn.cli, pid=run.pid) for run in self._proxy.running],
            metrics_port=self._metrics_port,
        )

    def stop(self, *, now: bool) -> None:
        """End the agents in good order, or kill them."""
        if now and self._running is not None:
            self._running.cancel()
        elif not self._proxy.stopping.is_set():
            self._proxy.stopping.set()
            self._proxy.notice(Stopping())

    def answer(self, number: int, *, yes: bool) -> None:
        """Take a person's answer to a question of this machine."""
        self._desk.answer(number, yes=yes)

    def confirm_policy(self, known: str) -> None:
        """Go by the policy of this hash, as soon as it lies there."""
        self._proxy.confirm_policy(known)

    def confirm_hooks(self, known: str) -> None:
        """Go by the list of this hash of what hooks may run, as soon as it lies there."""
        self._proxy.confirm_hooks(known)

    def confirm_workflows(self, known: str) -> None:
        """Go by the list of this hash of what workflows may run, as soon as it lies there."""
        self._proxy.confirm_workflows(known)

    def _write_metrics(self) -> str:
        figures = Figures(
            up_s=round(time.monotonic() - self._began, 3),
            connected=self._link is not None,
            agents=len(self._proxy.running),
            terminals=self._control.terminals,
            questions=len(self._desk.open),
            backlog=self._proxy.backlog,
        )
        return write_exposition(figures, self._counts)

    def _show_questions(self) -> None:
        self._control.ask(
            [
                Asked(number=number, title=each.title, details=list(each.details), yes=each.yes)
                for number, each in self._desk.open.items()
            ]
        )

    def _heed_terminals(self) -> None:
        for folder in self._control.persons_folders:
            self._proxy.keep_folder(folder)
        self._desk.attend(person=self._control.has_person)
        self._proxy.tell_presence()

    async def _listen(self) -> None:
        try:
            await self._control.start()
        except OSError as error:
            if not self._headless:
                raise
            self._notice(Warned(problem=f"no terminal can come to this link: {error.strerror}"))

    def _notice(self, notice: Notice) -> None:
        if isinstance(notice, Connected):
            self._link = notice
        elif isinstance(notice, Disconnected):
            self._link = None
        self._counts.heed(notice)
        self._control.tell(notice)
        self._show(notice)

    def _heed_signals(self, running: asyncio.Task[None]) -> None:
        def stop_or_kill() -> None:
            self.stop(now=self._proxy.stopping.is_set())

        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop_or_kill)
        # It often comes with another signal, or twice, and is no person's second thought: it never kills.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # which is what `nohup` asks for
            loop.add_signal_handler(signal.SIGHUP, lambda: self.stop(now=False))
