"""Relay-connect as a whole: one state folder, one policy, one link, one supervisor."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from broker import __version__, installed_version
from broker.domain.agents.agents import InstalledCli
from broker.domain.machines.load import MachineLoad
from broker.protocol.proxy import Command, Hello
from connect.access.broker_clock import BrokerClock
from connect.access.credentials import KEPT_FILE, KeptTokens, MachineCredentials, machine_purpose
from connect.access.endpoint import IN_CLEAR
from connect.access.token_calls import Pair
from connect.machine.agent_programs import CliCatalogue
from connect.machine.backlog import Backlog
from connect.machine.hooks.consent_file import ConsentFile, TakenConsents
from connect.machine.kept_work import is_work_left
from connect.machine.link import Link, LinkRefused
from connect.machine.spool import Spool
from connect.machine.workflows import consent_file as workflow_consents
from connect.notices import Notice, Warned, without_tokens
from connect.policy.consent import Consent, NoTerminal
from connect.policy.gate import Gate
from connect.policy.policy_file import PolicyFile
from connect.policy.taken import TakenPolicy
from connect.policy.workplaces import Workplaces
from connect.settings import ConnectSettings, agent_environment
from connect.system.load import measure_load
from connect.system.orphans import reap_orphans
from connect.system.process_records import ProcessRecords
from connect.system.state_folder import StateFolder, StateFolderLost

if TYPE_CHECKING:
    from connect.machine.agent_run import AgentRun
    from connect.machine.workshop import Workshop

_FLUSH_GRACE_S = 3.0
"""For the last reports to reach the broker on the way out; what does not is sent by the next start."""


_PROGRAMS_PATIENCE_S = 2.0
"""How long a hello waits for programs to tell their versions; the broker waits ten for the hello, dialling included."""
_LOOK_AGAIN_S = 60.0
_LOOK_EVERY_S = 2.0
"""At the policy, one small file, and whether the state folder is there."""

_log = logging.getLogger(__name__)


class ProgramReplaced(Exception):
    """relay-connect was upgraded or taken away while this process waited: what it has not loaded yet is not its own."""


class RelayConnect:
    """Holds the state folder from construction to `close`. `notice` hears what a person may want to know."""

    def __init__(
        self,
        settings: ConnectSettings,
        *,
        notice: Callable[[Notice], None],
        pair: Pair | None = None,
        adopting: bool = False,
        consent: Consent | None = None,
    ) -> None:
        """`pair`: this machine's, when the token was exchanged already; `adopting`: this process is given orphans;
        `consent`: who can be asked at this machine, without it whatever has to be asked is refused."""
        # What the credentials hold of a token is theirs to drop.
        self._settings = dataclasses.replace(settings, token=None)
        self._on_notice = notice
        self._consent = consent or NoTerminal()
        self._state = StateFolder(settings.state_dir, new_identity=settings.new_identity)
        self._records = ProcessRecords(self._state.folder("processes"))
        self._end_leftovers()
        self._credentials = MachineCredentials(
            settings.endpoint,
            settings.token,
            kept=KeptTokens(path=self._state.path / KEPT_FILE, url=settings.endpoint.url),
            purpose=machine_purpose(self._state.machine_id, settings.name),
            session=settings.session,
        )
        self._catalogue = CliCatalogue(settings.agents, cache=self._state.path / "versions.json")
        if pair is not None:
            self._credentials.adopt(pair)
        self._adopting = adopting
        self._clock = BrokerClock()
        file = PolicyFile(settings.policy_dir or settings.state_dir, state=self._state.path)
        fresh = self._state.cursor.epoch is None
        self._policy = TakenPolicy(file, fresh=fresh, warn=self._warn)
        allowed = ConsentFile(settings.policy_dir or settings.state_dir, state=self._state.path)
        self._consents = TakenConsents(allowed, fresh=fresh, warn=self._warn)
        workflows = workflow_consents.ConsentFile(settings.policy_dir or settings.state_dir, state=self._state.path)
        self._workflows = workflow_consents.TakenConsents(workflows, fresh=fresh, warn=self._warn)
        self._gate = Gate(
            self._policy,
            started_in=settings.cwd,
            workplaces=Workplaces(self._state.path / "workplaces.ndjson"),
            consent=self._consent,
        )
        self._programs_known = asyncio.Event()
        self._told_terminal: bool | None = None
        """Whether the broker was told of a terminal in the last hello."""
        self._introduce_again: Callable[[], None] = _not_introduced
        self._offered: list[InstalledCli] | None = None
        """The programs that the broker was told of last."""
        self._ended_for: LinkRefused | StateFolderLost | ProgramReplaced | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._workshop: Workshop | None = None
        """Opened with the first command."""
        self.stopping = asyncio.Event()

    async def run(self) -> None:
        """Serve until `stopping` is set, the broker refuses for good (`LinkRefused`), the state folder is this link's
        no more (`StateFolderLost`) or the program is not (`ProgramReplaced`); every agent is gone afterwards.

        Cancelling it kills the agents without waiting for their last words.
        """
        self._private = self._state.folder("agents")
        self._spool = Spool(self._state.folder("spool"), limit_bytes=self._settings.spool_bytes)
        if is_work_left(self._state.path):
            self._open_workshop()
        if self._settings.endpoint.in_clear:
            self.notice(Warned(problem=IN_CLEAR.format(self._settings.endpoint.url)))
        link = Link(
            self._settings.endpoint,
            self,
            state=self._state,
            spool=self._spool,
            credentials=self._credentials,
            clock=self._clock,
        )
        self._policy.on_taken = self._introduce_again = link.introduce_again
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                if self._workshop is not None:
                    self._workshop.begin(tasks)
                beside = [
                    tasks.create_task(self._watch_programs(link)),
                    tasks.create_task(self._stay_linked(link)),
                    tasks.create_task(reap_orphans(adopting=self._adopting)),
                    tasks.create_task(self._watch_policy()),
                    tasks.create_task(self._watch_state()),
                ]
                await self.stopping.wait()
                if self._workshop is not None:
                    await self._workshop.run()
                if not isinstance(self._ended_for, LinkRefused):
                    await self._flush()
                for task in beside:
                    task.cancel()
        finally:
            self._spool.close()
        if self._ended_for is not None:
            raise self._ended_for

    def keep_folder(self, folder: Path) -> None:
        """A person has opened a terminal of this machine there: agents may work in it from now on."""
        self._gate.keep_folder(folder)

    def tell_presence(self) -> None:
        """Whether somebody sits at a terminal here has changed: people elsewhere are told where answers hang on it."""
        if self._gate.hears_answers and self._told_terminal not in {None, self._consent.reachable}:
            self._introduce_again()

    def confirm_policy(self, known: str) -> None:
        """A person has confirmed the policy of this hash."""
        self._policy.expect(known)

    def confirm_hooks(self, known: str) -> None:
        """A person has confirmed the list of this hash of what hooks may run."""
        self._consents.expect(known)

    def confirm_workflows(self, known: str) -> None:
        """A person has confirmed the list of this hash of what workflows may run."""
        self._workflows.expect(known)

    def close(self) -> None:
        """Let another relay-connect have the state folder."""
        self._state.close()

    @property
    def running(self) -> list[AgentRun]:
        """Every agent that is not over."""
        return [] if self._workshop is None else self._workshop.running

    @property
    def backlog(self) -> Backlog:
        """What waits for the broker."""
        return Backlog() if self._tasks is None else self._spool.backlog

    @property
    def busy(self) -> bool:
        """Whether agents would end if the link gave up."""
        return bool(self.running)

    async def hello(self) -> Hello:
        """Introduce this proxy as it is now. A program that is slow to tell its version is told of later."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PROGRAMS_PATIENCE_S):
                await self._programs_known.wait()
        self._offered = self._catalogue.list_known()
        self._told_terminal = self._consent.reachable
        return Hello(
            version=__version__,
            machine_id=self._state.machine_id,
            name=self._settings.name,
            labels=list(self._settings.labels),
            clis=self._offered,
            boot_id=self._state.boot_id,
            spool_id=self._spool.spool_id,
            epoch=self._state.cursor.epoch,
            commands_seen=self._state.cursor.seen,
            agents=[run.live for run in self.running],
            session=self._settings.session,
            cuts_fragments=True,
            makes_worktrees=True,
            keeps_readonly=True,
            asks_writes=True,
            policy=self._gate.summary(),
            runs_hooks=True,
            runs_commands=True,
            awaits_files=True,
            hashes_paths=True,
            takes_digests=True,
            guards=0 if self._workshop is None else self._workshop.guards_version,
        )

    def measure_load(self) -> MachineLoad:
        """How busy this machine is."""
        return measure_load(self._state.path)

    def note(self, command: Command) -> None:
        """A command is about to count as taken."""
        self._open_workshop().note(command)

    def take(self, command: Command) -> None:
        """Act on a command."""
        self._open_workshop().take(command)

    def settle_answered(self) -> None:
        """Say again of each question that was answered that its agent waits no longer."""
        for run in self.running:
            run.settle_answered()

    def _notice(self, notice: Notice) -> None:
        self._on_notice(without_tokens(notice))

    def notice(self, notice: Notice) -> None:
        """Tell the user, and what else there is to tell. Whether that succeeds decides nothing."""
        try:
            self._notice(notice)
            if self._spool.problem:
                self._notice(Warned(problem=self._spool.problem))
        except Exception as error:
            _log.warning("a notice could not be shown: %r", error)

    def _warn(self, problem: str) -> None:
        self._notice(Warned(problem=problem))

    async def _stay_linked(self, link: Link) -> None:
        try:
            await link.run()
        except LinkRefused as refusal:
            # Nobody is left to command the agents: they end in good order.
            self._ended_for = refusal
            self.stopping.set()

    async def _watch_programs(self, link: Link) -> None:
        """Look at the machine's programs beside the link, which they never delay; a change is told by a new hello."""

        def looked() -> None:
            self._programs_known.set()
            if self._offered is not None and self._offered != self._catalogue.list_known():
                link.introduce_again()

        while True:
            try:
                await self._catalogue.watch(looked)
            except Exception as error:
                _log.error("the agent programs of this machine could not be looked at: %r", error)
                await asyncio.sleep(_LOOK_AGAIN_S)

    async def _watch_policy(self) -> None:
        """Say soon that somebody else than a person has changed it: no agent may ask for long."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            self._policy.look()
            self._consents.look()
            self._workflows.look()

    async def _watch_state(self) -> None:
        """Nothing keeps a second link of this machine from starting once the folder is gone."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            try:
                self._state.require_held()
            except StateFolderLost as lost:
                self._ended_for = lost
                self.stopping.set()
                return

    async def _flush(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FLUSH_GRACE_S):
                await self._spool.wait_acked(self._spool.last)

    def _open_workshop(self) -> Workshop:
        """What acts on commands: loaded with the first of them, for a machine that only waits needs none of it."""
        if self._workshop is None:
            self._workshop = self._load_workshop()
            if self._tasks is not None:
                self._workshop.begin(self._tasks)
        return self._workshop

    def _load_workshop(self) -> Workshop:
        if (installed := installed_version()) != __version__:
            raise self._give_up(f"{installed} is installed now")
        try:
            # Most of this program hangs on it.
            from connect.machine.kit import Kit  # noqa: PLC0415
            from connect.machine.workshop import Premises, Workshop  # noqa: PLC0415
        except ImportError as error:
            raise self._give_up(str(error)) from error
        kit = Kit(
            gate=self._gate,
            records=self._records,
            private=self._private,
            environment=agent_environment(os.environ, broker=self._settings.endpoint),
            spool=self._spool,
            secrets=lambda: self._credentials.secrets,
            clock=self._clock,
            notice=self.notice,
        )
        premises = Premises(
            settings=self._settings,
            state=self._state.path,
            kit=kit,
            catalogue=self._catalogue,
            consents=self._consents,
            workflows=self._workflows,
        )
        return Workshop(premises, stop=self.stopping)

    def _give_up(self, why: str) -> ProgramReplaced:
        """No agent runs here yet, so that nothing is lost: the command comes again to the next start."""
        self._ended_for = replaced = ProgramReplaced(
            f"relay-connect {__version__} was replaced while it ran ({why}): start it again"
        )
        self.stopping.set()
        return replaced

    def _end_leftovers(self) -> None:
        killed = self._records.end_leftovers()
        shutil.rmtree(self._state.folder("agents"), ignore_errors=True)
        if killed:
            self._notice(Warned(problem=f"ended {killed} processes that an earlier relay-connect had left running"))


def _not_introduced() -> None:
    """There is no link yet; the first hello tells all."""
