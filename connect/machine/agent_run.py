"""One generation of one agent, from `spawn` to `exited`: its process, its codec, and the orders for it."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import secrets
import shutil
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, assert_never

from broker.domain.approvals.questions import secrets_in
from broker.domain.ids import MessageId
from broker.domain.logs.redaction import Redactor
from broker.domain.people.token_kinds import PREFIXES, TokenKind
from broker.domain.timings import TIMINGS
from broker.protocol.agents.events import (
    AgentBroken,
    AgentEvent,
    AgentReady,
    ApprovalRequested,
    ApprovalWithdrawn,
    PromptRefused,
)
from broker.protocol.agents.session import AgentSession, Direction, Frame, HookReply, Prompt
from broker.protocol.fragments import RELEASE_S, Fragments
from broker.protocol.proxy import Answer, Deliver, Interrupt, LiveAgent, Spawn
from connect.access.endpoint import Endpoint
from connect.machine.agent_programs import CliCatalogue, FoundCli
from connect.machine.answers import Answers
from connect.machine.bridges.launch import Launch, LaunchRequest, NotKept
from connect.machine.bridges.planning import plan_launch
from connect.machine.guarding import Guarding, Host
from connect.machine.hooks.guards import GuardBook
from connect.machine.kit import Kit
from connect.machine.processes import START_ERRORS, AgentProcess, Command, ProcessStuck, end_process
from connect.machine.reporting import Reporter
from connect.machine.secret_answers import spell, without
from connect.machine.silence import LOOK_S, OVERDUE_S, Silence, Step
from connect.machine.socket_pipe import start_agent
from connect.machine.turn_diff import TurnDiff
from connect.machine.worktrees import AgentWorktree
from connect.notices import AgentEnded, AgentStarted
from connect.policy.decision import Passed
from connect.policy.gate import Admission, NotAdmitted

_MAX_WAITING_ORDERS = 1000
_MAX_DETAIL = 8 * 1024
_MAX_WORD = 100
_MAX_EARLY_BYTES = 2 * 1024
"""Of what it printed before it was ready: where it says nothing on stderr, its reason for leaving is there."""

_QUIET = f"{OVERDUE_S / 60:.0f} minutes"

Order = Deliver | Interrupt | Answer

STOPPED = "stopped"
REPLACED = "replaced"
"""A newer generation took its place."""
PROXY_STOPPED = "PROXY_STOPPED"
"""relay-connect itself was told to stop."""

_REDACTOR = Redactor(decodes=False)
"""For what is streamed; the broker masks everything once more, by its workspace's rules, too."""
_T = TypeVar("_T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What every agent of this proxy shares."""

    kit: Kit
    endpoint: Endpoint
    catalogue: CliCatalogue
    guards: GuardBook


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ending:
    reason: str
    detail: str = ""
    expected: bool = False


class _CannotStart(Exception):
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class AgentRun:
    """Owns one process. Orders given before the agent is ready wait; each message is handed over once.

    Whatever happens, `run` reports `exited` once, after the process and all it has started are gone. No input, of the
    broker or of the agent, ends anything but this agent: every exception becomes its end, with a code and words.
    """

    def __init__(self, spawn: Spawn, around: Surroundings) -> None:
        self.spawn = spawn
        self._around = around
        self._token = PREFIXES[TokenKind.AGENT] + secrets.token_urlsafe(32)
        self._report = Reporter(
            spool=around.kit.spool,
            agent=spawn.agent,
            generation=spawn.generation,
            secrets=lambda: (self._token, *around.kit.secrets(), *self._secret_answers),
        )
        self._secret_answers: set[str] = set()
        """In every way in which they may be spelled: they reach the agent's process and no report."""
        self._ending: asyncio.Future[_Ending] = asyncio.get_running_loop().create_future()
        self._ready = asyncio.Event()
        self._deadline: asyncio.TimerHandle | None = None
        self._silence = Silence()
        self._next_look: asyncio.TimerHandle | None = None
        self._orders: list[Order] = []
        self._nudged: set[tuple[MessageId, str]] = set()
        self._process: AgentProcess | None = None
        self._session: AgentSession | None = None
        self._unheard: list[bytes] | None = []
        """What it printed before the conversation was begun; None from then on."""
        self._early = bytearray()
        self._fragments = Fragments(_REDACTOR)
        self._release: asyncio.TimerHandle | None = None
        self._admission: Admission | None = None
        self._worktree = (
            AgentWorktree(agent=spawn.agent, name=spawn.name, environment=around.kit.environment)
            if spawn.worktree
            else None
        )
        self._answers = Answers(around.kit.gate, spawn, give=self._give, failed=self._broke)
        self._guarding = Guarding(around.guards, spawn, self._host())
        self._consults = False
        self._turn_diff = TurnDiff(
            environment=around.kit.environment, found=self._report.report_note, failed=self._broke
        )
        self.finished = asyncio.Event()

    @property
    def live(self) -> LiveAgent:
        """How it is told in `hello`."""
        return LiveAgent(agent=self.spawn.agent, generation=self.spawn.generation)

    @property
    def pid(self) -> int | None:
        """Of its process, while there is one."""
        return None if self._process is None else self._process.pid

    def note_guards(self) -> None:
        """Other hooks hold by now: say so where this process was started without a word of them."""
        if self._session is not None and not self._consults and self._around.guards.consults(self.spawn):
            self._report.problem(
                "hooks that are to hold it up were saved after its start: until its next one they see only what it asks"
                " permission for"
            )

    def settle_answered(self) -> None:
        """Say of the latest questions that were answered that nobody waits for an answer."""
        for native_id in self._answers.answered:
            self._report.report_withdrawn(native_id)

    def end(self, reason: str, *, expected: bool = False, detail: str = "") -> None:
        """Ask for its end; the first reason given stands."""
        if not self._ending.done():
            self._ending.set_result(_Ending(reason=reason, detail=_printable(detail), expected=expected))

    def order(self, order: Order) -> None:
        """Pass an order to the agent, now or as soon as it is ready."""
        if isinstance(order, Deliver) and order.nudge is not None:
            # Of the message itself the session knows whether the agent had it, and says so to a broker that forgot it.
            nudge = (order.message_id, order.nudge)
            if nudge in self._nudged:
                return
            self._nudged.add(nudge)
        if self._ready.is_set():
            self._shield(lambda: self._obey(order))
        elif len(self._orders) < _MAX_WAITING_ORDERS:
            self._orders.append(order)
        elif isinstance(order, Deliver):
            self._report.report_refused(order.message_id, "too many messages wait for its start")

    async def run(self, *, after: AgentRun | None = None) -> None:
        """Live through it all, once the process of the generation before is gone."""
        private = self._around.kit.private / secrets.token_hex(8)
        try:
            if after is not None:
                await after.finished.wait()
            await self._live(private)
            ending = await self._ending
            await self._clear_worktree(ending)
            self._report_exit(ending)
        finally:
            shutil.rmtree(private, ignore_errors=True)
            self._leave()
            self.finished.set()

    async def _live(self, private: Path) -> None:
        try:
            launch = await self._unless_ending(self._prepare(private))
            if launch is not None:
                await self._drive(launch)
        except _CannotStart as refusal:
            self.end(refusal.reason, detail=str(refusal))
        except Exception as error:
            self._broke(error)

    async def _prepare(self, private: Path) -> Launch:
        """Decide how to start it, and make its token known to the broker first: its first act may be a tool call."""
        cli = await self._cli()
        cwd = await self._admit()
        self._guarding.stand_in(str(cwd))
        self._turn_diff.stand_in(cwd)
        self._consults = self._around.guards.consults(self.spawn)
        launch = self._plan(cli, cwd=cwd, private=private)
        number = self._report.report_started(
            token=self._token,
            version=cli.installed.version,
            transport=launch.transport,
            cwd=str(cwd),
            branch=await self._worktree.branch(cwd) if self._worktree else None,
        )
        await self._around.kit.spool.wait_acked(number)
        if launch.delay_s:
            self._report.problem(f"it can take up its conversation in {launch.delay_s:.0f} s, and is started then")
            await asyncio.sleep(launch.delay_s)
        return launch

    def _plan(self, cli: FoundCli, *, cwd: Path, private: Path) -> Launch:
        request = LaunchRequest(
            spawn=self.spawn,
            cli=cli,
            endpoint=self._around.endpoint,
            token=self._token,
            cwd=cwd,
            private=private,
            environment=self._around.kit.environment,
            consults=self._consults,
        )
        try:
            return plan_launch(request)
        except NotKept as refusal:
            raise _CannotStart("NO_READONLY", str(refusal)) from None
        except OSError as error:
            raise _CannotStart("SPAWN_FAILED", f"its files could not be put into {private}: {_words(error)}") from None

    async def _cli(self) -> FoundCli:
        cli = await self._around.catalogue.find(self.spawn.cli)
        if cli is None:
            raise _CannotStart("CLI_MISSING", f"this machine knows no agent {self.spawn.cli[:_MAX_WORD]!r}")
        problem = cli.installed.problem
        if problem is not None:
            raise _CannotStart("VERSION_NOT_SUPPORTED" if cli.installed.version else "CLI_MISSING", problem)
        # One that dials the broker itself would have its answers from there, past this machine's people and hooks.
        held = self._around.kit.gate.hears_answers or self._around.guards.consults(self.spawn)
        return cli.over_stdio() if held else cli

    async def _admit(self) -> Path:
        """Pass this machine's policy, and hold the folder it is to work in."""
        try:
            self._admission = await self._around.kit.gate.admit(self.spawn, own=self._worktree)
        except NotAdmitted as refusal:
            raise _CannotStart(refusal.code, str(refusal)) from None
        return self._admission.folder.path

    async def _clear_worktree(self, ending: _Ending) -> None:
        """Only an agent that was released does not come back to it by itself."""
        if self._worktree is not None and self._admission is not None and ending.reason == STOPPED:
            self._report.problem(await self._worktree.clear(self._admission.folder.path))

    def _leave(self) -> None:
        self._answers.close()
        self._guarding.close()
        self._turn_diff.close()
        if self._admission is not None:
            self._admission.folder.close()
            self._around.kit.gate.leave(self._admission.agent)

    async def _drive(self, launch: Launch) -> None:
        """Run the process until it ends or is to be ended; then see to it that it is gone."""
        self._session = launch.session
        command = self._hold_folder(launch.command)
        try:
            process = await start_agent(command, records=self._around.kit.records, on_output=self._hear)
        except START_ERRORS as error:
            raise _CannotStart("SPAWN_FAILED", f"{launch.command.argv[0]}: {_words(error)}") from None
        self._process = process
        try:
            self._around.kit.notice(AgentStarted(name=self.spawn.name, cli=self.spawn.cli, pid=process.pid))
            await self._converse(process)
            await end_process(process, records=self._around.kit.records, eof_grace_s=launch.eof_grace_s)
        except BaseException:
            process.kill()
            raise
        # Only now all it ever said has been read, which may hold a better reason.
        self.end("exited", detail=process.complaint)

    def _hold_folder(self, command: Command) -> Command:
        """To be started in the folder that was looked at, after a last look: the names on the way may have changed."""
        assert self._admission is not None
        try:
            self._around.kit.gate.check_again(self._admission)
        except NotAdmitted as refusal:
            raise _CannotStart(refusal.code, str(refusal)) from None
        return dataclasses.replace(command, folder=self._admission.folder.descriptor)

    async def _converse(self, process: AgentProcess) -> None:
        if self._session is not None:
            self._deadline = asyncio.get_running_loop().call_later(TIMINGS.ready_within_s, self._not_ready)
            self._shield(self._begin)
            self._look_later()
        await self._unless_ending(process.exited.wait())
        for timer in (self._deadline, self._next_look):
            if timer is not None:
                timer.cancel()
        if self._session is not None and self._ask_to_end():
            self._shield(self._close)

    def _ask_to_end(self) -> bool:
        """Whether the conversation is sound and ends from outside: only then are there last words to say."""
        return self._ending.done() and self._ending.result().reason in {STOPPED, REPLACED, PROXY_STOPPED}

    def _not_ready(self) -> None:
        if not self._ready.is_set():
            self.end("HANDSHAKE_FAILED", detail=f"not ready within {TIMINGS.ready_within_s} s")

    def _look_later(self) -> None:
        self._next_look = asyncio.get_running_loop().call_later(LOOK_S, lambda: self._shield(self._look))

    def _look(self) -> None:
        """See whether an agent that says nothing is still at work."""
        assert self._session is not None
        self._look_later()
        match self._silence.look(asyncio.get_running_loop().time(), self._session.standing):
            case Step.ASK:
                self._carry(self._session.probe())
            case Step.SAY:
                self._report.problem(f"a tool of it has run for {_QUIET} without a word; interrupt it if it should not")
            case Step.STOP:
                self._report.problem(f"it has said nothing for {_QUIET} and runs no tool: its turn is stopped")
                self._carry(self._session.interrupt())
            case Step.GIVE_UP:
                self.end("UNRESPONSIVE", detail="it neither answered nor ended its turn, and was ended")
            case None:
                pass

    def _begin(self) -> None:
        assert self._session is not None
        self._carry(self._session.start())
        unheard, self._unheard = self._unheard or [], None
        for data in unheard:
            self._receive(data)

    def _close(self) -> None:
        assert self._session is not None
        self._carry(self._session.close())

    def _hear(self, data: bytes) -> None:
        """Take its output. The first of it may come before its start has returned, and waits for the conversation."""
        if self._session is None:
            return  # It talks to the broker by itself; what it prints is for nobody.
        if not self._ready.is_set():
            self._early = (self._early + data)[-_MAX_EARLY_BYTES:]
        if self._unheard is not None:
            self._unheard.append(data)
        else:
            self._shield(lambda: self._receive(data))

    def _receive(self, data: bytes) -> None:
        assert self._session is not None
        self._carry(self._session.receive(data))

    def _shield(self, act: Callable[[], None]) -> None:
        """Do something for this agent whose failure is this agent's end and nobody else's."""
        try:
            act()
        except Exception as error:
            self._broke(error)

    def _broke(self, error: Exception) -> None:
        _log.error("agent %s: relay-connect failed to drive it", self.spawn.agent, exc_info=error)
        self.end("INTERNAL", detail=repr(error))

    def _not_looked(self, error: Exception) -> None:
        """That nobody knows what a turn has changed is no reason to end the agent."""
        _log.error("agent %s: its folder could not be looked at", self.spawn.agent, exc_info=error)

    def _obey(self, order: Order) -> None:
        if self._session is None or self._ending.done():
            return
        match order:
            case Deliver() if order.not_after_ms is not None and self._around.kit.clock.is_past(order.not_after_ms):
                self._report.report_expired(order.message_id)
            case Deliver() if self._guarding.holds(order):
                pass
            case Deliver():
                self._hand_over(order)
            case Interrupt():
                self._guarding.interrupt()
                self._carry(self._session.interrupt())
            case Answer():
                self._answers.take(order.native_id, order.answer)
            case _ as other:
                assert_never(other)

    def _hand_over(self, order: Deliver) -> None:
        if self._session is None or self._ending.done():
            return
        self._carry(self._session.prompt(_prompt(order)))

    def _host(self) -> Host:
        """What is done once hooks have answered, as long as there is an agent to do it with."""

        def put(asked: ApprovalRequested) -> None:
            self._report.report_asked(asked)
            self._answers.expect(asked)

        def settle(native_id: str, reply: HookReply) -> None:
            if self._session is not None and not self._ending.done():
                self._carry(self._session.settle(native_id, reply))

        def refuse(message: MessageId, why: str) -> None:
            self._report.report_refused(message, why)
            self._nudged = {each for each in self._nudged if each[0] != message}

        return Host(
            put=put,
            settle=settle,
            revise=lambda native_id, given: self._session.revise(native_id, given) if self._session else None,
            hand_over=self._hand_over,
            refuse=refuse,
            say=self._report.problem,
            failed=self._broke,
        )

    def _give(self, asked: ApprovalRequested, passed: Passed) -> None:
        if self._session is None or self._ending.done():
            return
        if passed.note:
            self._report.problem(f"{asked.title}: {passed.note}")
        secrets = secrets_in(asked.prompts, passed.answer.answers or {})
        self._secret_answers.update(spell(secrets))
        self._carry(self._session.answer(asked.native_id, passed.answer), unsaid=secrets)

    def _carry(self, frames: Sequence[Frame], *, unsaid: Sequence[str] = ()) -> None:
        """Write and record frames, the process first: it waits for them. Then act on what they mean.

        `unsaid` are texts in them that the process alone is to have.
        """
        assert self._process is not None
        frames = self._guarding.hold(frames)
        lines = b"".join(frame.raw + b"\n" for frame in frames if frame.direction is Direction.TO_AGENT)
        # A busy vendor's codec holds a message back; it is handed over with the frame that carries it, not before.
        messages = [frame.hands_over for frame in frames if frame.hands_over]
        try:
            self._process.write(lines)
        except ProcessStuck as stuck:
            messages = []  # it never will have them
            self.end("STUCK", detail=str(stuck))
        self._record(self._fragments.cut(without(frames, unsaid) if unsaid else frames))
        if messages:
            self._process.when_written(lambda: self._note_handed(messages))
        for frame in frames:
            self._heed(frame.events)
            self._turn_diff.heed(frame.events)
            if frame.consults is not None:
                self._guarding.consult(frame.consults)

    def _record(self, frames: Sequence[Frame]) -> None:
        for frame in frames:
            self._report.frame(frame)
        if self._release is None and self._fragments.holds:
            self._release = asyncio.get_running_loop().call_later(RELEASE_S, self._let_go)

    def _let_go(self) -> None:
        """What is held back of a text only because it could be the beginning of a secret has waited long enough."""
        self._release = None
        self._shield(lambda: self._record(self._fragments.release()))

    def _note_handed(self, messages: Sequence[MessageId]) -> None:
        for message in messages:
            self._report.report_handed(message)

    def _heed(self, events: Sequence[AgentEvent]) -> None:
        for event in events:
            if isinstance(event, AgentBroken):
                self.end(event.code, detail=event.detail)
            elif isinstance(event, PromptRefused):
                self._nudged = {each for each in self._nudged if each[0] != event.message_id}
            elif isinstance(event, ApprovalRequested):
                self._answers.expect(event)
            elif isinstance(event, ApprovalWithdrawn):
                self._answers.withdraw(event.native_id)
            elif isinstance(event, AgentReady):
                self._ready.set()
                waiting, self._orders = self._orders, []
                for order in waiting:
                    self._obey(order)

    def _report_exit(self, ending: _Ending) -> None:
        self._record(self._fragments.end())
        if self._release is not None:
            self._release.cancel()
        detail = "\n".join(part for part in (ending.detail, self._last_words(ending)) if part)
        code = self._process.returncode if self._process else None
        self._report.report_exited(code=code, expected=ending.expected, reason=ending.reason, detail=detail)
        shown = self._report.redact((ending.detail or _last_line(detail)).encode()).decode()
        self._around.kit.notice(
            AgentEnded(name=self.spawn.name, reason=ending.reason, detail=shown if ending.detail else _last_line(shown))
        )

    def _last_words(self, ending: _Ending) -> str:
        """What it says on stderr while it is told to leave is noise; when it goes by itself, it is the reason."""
        if self._process is None or ending.expected:
            return ""
        said = self._process.stderr_tail.strip()
        if not said and not self._ready.is_set():
            lines = self._early.decode("utf-8", "replace").splitlines()
            said = "\n".join(line for line in lines if line and not line.startswith("{"))
        return said

    async def _unless_ending(self, work: Coroutine[Any, Any, _T]) -> _T | None:
        """The result of `work`, or None when the end was asked for first."""
        task = asyncio.ensure_future(work)
        either: set[asyncio.Future[Any]] = {task, self._ending}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            return await task if task.done() else None
        finally:
            task.cancel()


def _last_line(text: str) -> str:
    return text.rpartition("\n")[2]


def _prompt(order: Deliver) -> Prompt:
    return Prompt(message_id=order.message_id, text=order.text, steer=order.steer, nudge=order.nudge, trace=order.trace)


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _printable(text: str) -> str:
    """As text that UTF-8 can carry: names of files may hold bytes that it cannot."""
    return text[:_MAX_DETAIL].encode("utf-8", "backslashreplace").decode()
