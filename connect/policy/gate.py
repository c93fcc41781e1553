"""What every agent has to pass before it starts, and every answer from afar before it reaches one."""

from __future__ import annotations

import asyncio
import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from broker.domain.agents.agents import agent_name
from broker.domain.approvals.answers import ApprovalAnswer
from broker.domain.errors import BadRequest
from broker.domain.ids import AgentId
from broker.domain.machines.policy import MachinePolicy
from broker.protocol.agents.events import ApprovalRequested
from broker.protocol.proxy import RunCommand, Spawn
from connect.policy.consent import Consent, Question
from connect.policy.decision import (
    Allowed,
    Ask,
    AskAnswer,
    Crowd,
    Passed,
    Place,
    RefusalCode,
    Refused,
    allowing,
    decide_answer,
    decide_command,
    decide_spawn,
    is_by_agent,
)
from connect.policy.folders import OpenFolder, real_or_none
from connect.policy.policy import ROOT, AlwaysAsked, Policy
from connect.policy.questions import answer_question, spawn_question
from connect.policy.repository import find_loaded_by_agents
from connect.policy.taken import PolicyNotConfirmed, TakenPolicy
from connect.policy.workplaces import FolderUnusable, Workplace, Workplaces, open_folder

_PATIENCE_S = 90.0
"""For the person at the terminal; the broker gives more than that (`TIMINGS.start_deadline_ms`)."""
_MOST_TOLD = 100
_MOST_QUESTIONS = 10
"""Open at once: more than that nobody reads."""


class NotAdmitted(Exception):
    """An agent does not start; the message says what a person can do."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """An agent may start, in a folder that is held open for it."""

    agent: AgentId
    folder: OpenFolder


class OwnFolder(Protocol):
    """Makes a folder for one agent alone. Its methods raise `NotAdmitted`."""

    async def make(self, folder: Path) -> Path:
        """Make it below `folder`; where the agent is to work in it."""

    async def restore(self, folder: Path) -> None:
        """Make it again where it was, if it is gone."""


class Gate:
    """One for each link. Holds a seat for every agent that runs, starts, or waits for an answer."""

    def __init__(
        self,
        taken: TakenPolicy,
        *,
        started_in: Path,
        workplaces: Workplaces,
        consent: Consent,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self._taken = taken
        self._start = started_in
        self._workplaces = workplaces
        self._consent = consent
        self._patience_s = patience_s
        self._by_agent: dict[AgentId, bool] = {}
        self._questions = 0

    @property
    def policy(self) -> Policy:
        """What is in force."""
        return self._taken.policy

    @property
    def hears_answers(self) -> bool:
        """Whether answers have to pass here: an agent that dials the broker itself would get them from it alone."""
        return self.policy.asks(AlwaysAsked.SHELL)

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where agents may work."""
        return self.policy.folders_from(self._find_start_folder())

    def summary(self) -> MachinePolicy:
        """For the broker's people."""
        policy = self.policy
        return MachinePolicy(
            folders=tuple(os.fsencode(folder).decode("utf-8", "replace") for folder in self.folders[:_MOST_TOLD]),
            programs=policy.programs,
            who_may_spawn=policy.who_may_spawn,
            agents_may_spawn=policy.agents_may_spawn,
            most_agents=policy.most_agents,
            asks=tuple(sorted(what for what in AlwaysAsked if policy.asks(what))),
            widening=policy.on_widening,
            strict=policy.strict,
            terminal=self._consent.reachable,
            problem=self._taken.problem,
            hash=self._taken.hash,
            since_ms=self._taken.since_ms,
        )

    def keep_folder(self, path: Path) -> None:
        """Let agents work where a person has opened a terminal, unless that is a whole home or machine."""
        folder = real_or_none(path)
        if folder is None or not self.policy.start_folder or self.policy.keeps(folder):
            return
        if folder in {ROOT, real_or_none(Path("~"))}:
            return
        with contextlib.suppress(OSError):  # a disk that is full or read-only: it holds for this time
            self._taken.allow_folder(folder)

    async def admit(self, spawn: Spawn, *, own: OwnFolder | None = None) -> Admission:
        """Let an agent start, now or when the person here has said so. Raises `NotAdmitted`; `leave` ends it.

        `own` makes its folder at its first start, below the one that it may work in.
        """
        policy = self._current(spawn)
        known = self._workplaces.of(spawn.agent)
        if own is not None and known is not None:
            await own.restore(known.folder)
        folder = self._open(spawn)
        try:
            await self._weigh(policy, spawn, folder)
            if own is not None and known is None:
                folder = await self._go_into(folder, spawn, own=own)
        except BaseException:
            folder.close()
            raise
        self._workplaces.remember(spawn.agent, Workplace(ordered=spawn.cwd, folder=folder.path))
        return Admission(agent=spawn.agent, folder=folder)

    async def _go_into(self, folder: OpenFolder, spawn: Spawn, *, own: OwnFolder) -> OpenFolder:
        """Its own folder, which has to lie in the one it was let into; that one is closed then."""
        try:
            made = open_folder(str(await own.make(folder.path)), start=self._start)
        except BaseException:
            self.leave(spawn.agent)
            raise
        if not made.lies_in(folder.path):
            made.close()
            self.leave(spawn.agent)
            raise NotAdmitted(RefusalCode.FOLDER_NOT_ALLOWED, f"{made.path} does not lie in {folder.path}")
        folder.close()
        return made

    def check_again(self, admission: Admission) -> None:
        """The last look before the program starts. Raises `NotAdmitted`."""
        folder = admission.folder
        if not folder.still_named:
            raise NotAdmitted(
                RefusalCode.FOLDER_NOT_ALLOWED, f"{folder.path} became another folder while the agent was being started"
            )
        if not self._allows(folder):
            raise NotAdmitted(
                RefusalCode.FOLDER_NOT_ALLOWED, f"agents may not work in {folder.path}; {allowing(folder.path)}"
            )

    def leave(self, agent: AgentId) -> None:
        """It is over, or never came to be."""
        self._by_agent.pop(agent, None)

    def open_workplace(self, agent: AgentId, *, below: str | None = None) -> OpenFolder:
        """Hold the folder in which an agent works or has worked, or one inside it. Raises `NotAdmitted`."""
        try:
            self._taken.current()
        except PolicyNotConfirmed as changed:
            raise NotAdmitted(RefusalCode.POLICY_CHANGED, str(changed)) from None
        known = self._workplaces.of(agent)
        if known is None:
            raise NotAdmitted("CWD_MISSING", "this agent has never worked on this machine")
        try:
            folder = open_folder(below, start=known.folder)
        except FolderUnusable as error:
            raise NotAdmitted(error.code, str(error)) from None
        if folder.lies_in(known.folder) and self._allows(folder):
            return folder
        folder.close()
        outside = f"{folder.path} lies outside of the agent's folder {known.folder}"
        words = outside if not folder.path.is_relative_to(known.folder) else allowing(folder.path)
        raise NotAdmitted(RefusalCode.FOLDER_NOT_ALLOWED, words)

    def open_for_command(self, order: RunCommand) -> OpenFolder:
        """Hold the folder in which a command of a workflow's run is carried out. Raises `NotAdmitted`."""
        try:
            policy = self._taken.current()
            folder = open_folder(order.cwd, start=self._start)
        except PolicyNotConfirmed as changed:
            raise NotAdmitted(RefusalCode.POLICY_CHANGED, str(changed)) from None
        except FolderUnusable as error:
            raise NotAdmitted(error.code, str(error)) from None
        agent = order.asked_by.agent if order.asked_by else None
        asker = self._workplaces.of(agent) if agent else None
        place = Place(
            folder=folder.path,
            allowed=self._allows(folder),
            asker_folder=asker.folder if asker else None,
            below_asker=asker is not None and folder.lies_in(asker.folder),
        )
        refused = decide_command(policy, order.asked_by, session=order.session, place=place)
        if refused is not None:
            folder.close()
            raise NotAdmitted(refused.code, refused.reason)
        return folder

    def allows(self, path: Path) -> bool:
        """Whether something may be made or looked at there: in one of the policy's folders, through no link out."""
        real = Path(os.path.realpath(path))
        return any(real.is_relative_to(os.path.realpath(root)) for root in self.folders)

    @property
    def started_in(self) -> Path:
        """Where relay-connect was started: what a folder is relative to."""
        return self._start

    def weigh_answer(self, asked: ApprovalRequested, answer: ApprovalAnswer) -> Passed | AskAnswer:
        """Whether an answer of the broker goes to the agent."""
        return decide_answer(self.policy, asked, answer)

    async def confirm_answer(self, spawn: Spawn, asked: ApprovalRequested, wanted: AskAnswer) -> Passed:
        """What the agent hears once the person here was asked."""
        yes = await self._ask(answer_question(spawn, asked, wanted))
        return Passed(answer=wanted.answer) if yes else wanted.otherwise

    def _current(self, spawn: Spawn) -> Policy:
        try:
            agent_name(spawn.name)
            return self._taken.current()
        except BadRequest as error:
            raise NotAdmitted("SPAWN_FAILED", error.message) from None
        except PolicyNotConfirmed as changed:
            raise NotAdmitted(RefusalCode.POLICY_CHANGED, str(changed)) from None

    def _open(self, spawn: Spawn) -> OpenFolder:
        known = self._workplaces.of(spawn.agent)
        ordered = str(known.folder) if known and known.ordered == spawn.cwd else spawn.cwd
        try:
            return open_folder(ordered, start=self._start)
        except FolderUnusable as error:
            raise NotAdmitted(error.code, str(error)) from None

    async def _weigh(self, policy: Policy, spawn: Spawn, folder: OpenFolder) -> None:
        decision = decide_spawn(policy, spawn, place=self._place(spawn, folder), crowd=self._crowd(spawn.agent))
        if isinstance(decision, Refused):
            raise NotAdmitted(decision.code, decision.reason)
        self._by_agent[spawn.agent] = is_by_agent(spawn)
        if isinstance(decision, Allowed):
            return
        try:
            await self._require_yes(decision, spawn, folder)
        except BaseException:
            self.leave(spawn.agent)
            raise

    async def _require_yes(self, ask: Ask, spawn: Spawn, folder: OpenFolder) -> None:
        if not self._consent.reachable:
            raise NotAdmitted(ask.code, ask.why)
        loaded = find_loaded_by_agents(folder.path)
        if not await self._ask(spawn_question(spawn, folder.path, new_folder=ask.new_folder, loaded=loaded)):
            raise NotAdmitted(ask.code, f"nobody at this machine's terminal said yes; {ask.why}")
        if ask.new_folder:
            with contextlib.suppress(OSError):  # a disk that is full or read-only: `check_again` refuses it then
                self._taken.allow_folder(folder.path)

    async def _ask(self, question: Question) -> bool:
        if self._questions >= _MOST_QUESTIONS:
            return False
        self._questions += 1
        try:
            async with asyncio.timeout(self._patience_s):
                return await self._consent.ask(question)
        except TimeoutError:
            return False
        finally:
            self._questions -= 1

    def _place(self, spawn: Spawn, folder: OpenFolder) -> Place:
        known = self._workplaces.of(spawn.agent)
        asker = self._workplaces.of(spawn.asked_by.agent) if spawn.asked_by and spawn.asked_by.agent else None
        return Place(
            folder=folder.path,
            allowed=self._allows(folder),
            fixed=known.folder if known and known.folder != folder.path else None,
            returning=known is not None,
            started_in=self._find_start_folder(),
            asker_folder=asker.folder if asker else None,
            below_asker=asker is not None and folder.lies_in(asker.folder),
        )

    def _allows(self, folder: OpenFolder) -> bool:
        return any(folder.lies_in(root) for root in self.folders)

    def _crowd(self, agent: AgentId) -> Crowd:
        others = [by_agent for each, by_agent in self._by_agent.items() if each != agent]
        return Crowd(agents=len(others), by_agents=sum(others))

    def _find_start_folder(self) -> Path | None:
        return real_or_none(self._start)
