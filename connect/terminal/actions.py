"""Carries out what was typed, and says what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import assert_never

from broker.domain.approvals import Verdict
from broker.domain.ids import MessageId
from broker.domain.log_zone import in_zone
from broker.domain.messages import Mode
from connect.sdk import AgentRelay
from connect.sdk.types import Agent, Wire
from connect.terminal import commands
from connect.terminal.asked import option_id
from connect.terminal.consents import Consents
from connect.terminal.findings import hit_lines
from connect.terminal.question import read_answers
from connect.terminal.roster import kind_of
from connect.terminal.stops import stop_place, stopped_line
from connect.terminal.tables import agents_table, log_lines, machines_table, sessions_table, trace_lines
from connect.terminal.text import Line, one_line
from connect.terminal.view import View, good

_LOGGED_EVENTS = 2000
_SHOWN_LINES = 40
_SHOWN_HITS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadAgent:
    """Who gets plain lines, and how it is started when it is not there."""

    name: str = "Lead"
    cli: str = "claude"
    on: str | None = None
    """The terminal's own machine: what is typed here happens here, unless it says otherwise. None: wherever."""
    cwd: str | None = None
    """The terminal's own folder."""
    machine: str | None = None
    """The name of the terminal's own machine: whoever says it here means this one."""

    def here(self, on: str | None, cwd: str | None) -> tuple[str | None, str | None]:
        """Where to start an agent for which that was typed: a folder is meant from here, unless for another machine."""
        if self.on is None or on not in {None, self.on, self.machine}:
            return on, cwd
        below = cwd is None or not cwd.startswith("~")
        return self.on, str(Path(self.cwd or "", cwd or "")) if below else cwd

    @property
    def title(self) -> str:
        """`Lead (Claude)`."""
        return f"{self.name} ({kind_of(self.cli)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a command gives: lines for people, and the same for programs."""

    lines: list[Line] = field(default_factory=list)
    result: object = None


class Actions:
    """The commands' effects. What an event will tell anyway is not said here a second time."""

    def __init__(self, relay: AgentRelay, view: View, *, lead: LeadAgent, consents: Consents | None = None) -> None:
        self._relay = relay
        self._view = view
        self._lead = lead
        self._consents = consents

    def announce(self, command: commands.Command) -> list[Line]:
        """What to say before a command that may take a while."""
        match command:
            case commands.Tell() if not self._view.roster.is_living(self._lead.name):
                return [good(f"Auto-spawning {self._lead.title}...")]
            case commands.Spawn():
                return [good(f"Spawning {one_line(command.name)} ({kind_of(one_line(command.cli))})...")]
            case _:
                return []

    async def run(self, command: commands.Command) -> Reply:
        """Do it; raises `RelayError` when the broker, or what was typed, says no."""
        match command:
            case commands.Tell():
                return await self._tell(command.text)
            case commands.Spawn():
                return await self._spawn(command)
            case commands.Send():
                return await self._send(command.to, command.text, mode=command.mode)
            case commands.Interrupt():
                return Reply(result=_json(await self._relay.interrupt(command.name)))
            case commands.Release():
                return Reply(result=_json(await self._relay.release(command.name)))
            case commands.StopAll():
                return await self._stop_all(command)
            case commands.ResumeAll():
                return await self._resume_all(command)
            case commands.Answer():
                return await self._answer(command)
            case commands.AnswerQuestion():
                return await self._answer_question(command)
            case commands.Agents():
                return await self._agents()
            case commands.Machines():
                return await self._machines()
            case commands.Sessions():
                return await self._sessions()
            case commands.Logs():
                return await self._logs(command.name)
            case commands.Search():
                return await self._search(command.query)
            case commands.Trace():
                return await self._trace(command.message_id)
            case commands.Help():
                return Reply(lines=[(("", line),) for line in commands.HELP.splitlines()], result=commands.HELP)
            case commands.Misused():
                return Reply(lines=[(("class:warn", f"! usage: {command.usage}"),)], result={"usage": command.usage})
            case commands.Exit():
                return Reply()
            case _ as other:
                assert_never(other)

    async def _tell(self, text: str) -> Reply:
        lead = self._lead
        if self._view.roster.is_living(lead.name):
            return await self._send(lead.name, text, mode=Mode.WAIT)
        return await self._spawn(commands.Spawn(name=lead.name, cli=lead.cli, task=text))

    async def _spawn(self, command: commands.Spawn) -> Reply:
        own = self._view.own
        on, cwd = self._lead.here(command.on, command.cwd)
        with own.sending(command.name, command.task):
            agent = await self._relay.spawn(
                command.name, command.cli, command.task, on=on, model=command.model, cwd=cwd
            )
        return Reply(result=_json(agent))

    async def _send(self, to: str, text: str, *, mode: Mode) -> Reply:
        with self._view.own.sending(to, text):
            sent = await self._relay.send(to, text, mode=mode)
        return Reply(result=_json(sent))

    async def _stop_all(self, command: commands.StopAll) -> Reply:
        made = await self._relay.stop_all(
            machine=command.machine, everywhere=command.everywhere, how=command.how, note=command.note
        )
        return Reply(lines=[stopped_line(made)], result=_json(made))

    async def _resume_all(self, command: commands.ResumeAll) -> Reply:
        over = await self._relay.resume_all(machine=command.machine, everywhere=command.everywhere, note=command.note)
        if over is None:
            return Reply(lines=[(("class:dim", "it was not stopped"),)])
        return Reply(lines=[good(f"resumed {stop_place(over.place.scope, over.name)}")], result=_json(over))

    async def _answer(self, command: commands.Answer) -> Reply:
        if self._consents is not None:
            yes, others = command.verdict is Verdict.ALLOW, bool(self._view.asked.pending())
            question = self._consents.answer(command.short_id, yes=yes, others=others)
            if question is not None:
                return Reply(lines=[good(f"{'yes' if yes else 'no'} — {one_line(question.title)}")])
        approval, note = self._view.asked.find_with_note(command.short_id, command.note)
        if approval.prompts and command.verdict is Verdict.DENY:
            return Reply(result=_json(await self._relay.decline_question(approval.id, note=note)))
        chosen = option_id(approval, command.option)
        answered = await self._relay.answer(
            approval.id, command.verdict, scope=command.scope, note=note, option_id=chosen
        )
        return Reply(result=_json(answered))

    async def _answer_question(self, command: commands.AnswerQuestion) -> Reply:
        question, typed = self._view.asked.find_question(command.text)
        answered = await self._relay.answer_question(question.id, read_answers(question.prompts, typed))
        return Reply(result=_json(answered))

    async def _agents(self) -> Reply:
        living: list[Agent] = [agent for agent in await self._relay.agents() if not agent.state.ended]
        self._view.roster.learn(living)
        return Reply(lines=agents_table(living), result=[_json(agent) for agent in living])

    async def _machines(self) -> Reply:
        machines = await self._relay.proxies()
        return Reply(lines=machines_table(machines), result=[_json(machine) for machine in machines])

    async def _sessions(self) -> Reply:
        sessions, here = await self._relay.sessions(), await self._relay.session()
        return Reply(lines=sessions_table(sessions, here=here.id), result=[_json(session) for session in sessions])

    async def _logs(self, name: str | None) -> Reply:
        events = await self._relay.recent(limit=_LOGGED_EVENTS)
        wanted = [event for event in events if name is None or event.name == name]
        lines = log_lines(wanted)[-_SHOWN_LINES:]
        return Reply(lines=lines or [(("class:dim", "nothing yet"),)], result=[_json(event) for event in wanted])

    async def _search(self, query: str) -> Reply:
        found = await self._relay.search_logs(in_zone(query), limit=_SHOWN_HITS)
        lines = hit_lines(found.hits)
        if found.next:
            lines = [*lines, (("class:dim", f"the newest {_SHOWN_HITS}; until: finds older ones"),)]
        return Reply(lines=lines, result=_json(found))

    async def _trace(self, message_id: str) -> Reply:
        trace = await self._relay.trace(MessageId(message_id))
        return Reply(lines=trace_lines(trace), result=_json(trace))


def _json(found: Wire) -> object:
    return found.model_dump(mode="json", by_alias=True)
