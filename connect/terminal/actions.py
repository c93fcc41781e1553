"""Carries out what was typed, and says what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import assert_never

from broker.domain.agents.agents import AgentState
from broker.domain.agents.vendors import BRIDGED, title_of
from broker.domain.approvals.answers import Verdict
from broker.domain.errors import NotFound, NotPermitted
from broker.domain.ids import MessageId
from broker.domain.logs.search.zone import in_zone
from broker.domain.messages.messages import Mode
from broker.protocol.agents.events import TextSpoken
from connect.sdk import AgentRelay
from connect.sdk.facts import Fact, FrameSeen, MessageAccepted, TurnEnded, read_fact
from connect.sdk.types import Agent, Event, Wire
from connect.terminal.consents import Consents
from connect.terminal.input import commands
from connect.terminal.input.grammar import Known
from connect.terminal.output.findings import hit_lines
from connect.terminal.output.history import concerns, log_lines
from connect.terminal.output.question import read_answers
from connect.terminal.output.tables import agents_table, channels_table, machines_table, sessions_table, trace_lines
from connect.terminal.output.view import View, good
from connect.terminal.session.asked import option_id, suggest_rule
from connect.terminal.session.places import Places
from connect.terminal.session.stops import render_stop, stop_place
from connect.terminal.text.layout import Line, harmless, one_line
from connect.terminal.verbosity import Verbosity

_LOGGED_EVENTS = 2000
_SHOWN_HITS = 20
_FOR_EVERYBODY = ("approval.", "stop.", "proxy.", "log.")
"""Kinds of events that are told whichever agent is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadAgent:
    """Who gets plain lines, and how it is started when it is not there."""

    name: str = "Lead"
    cli: str = ""
    """Its program; empty: the first that is installed on `on`."""
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
        return f"{self.name} ({title_of(self.cli)})"

    def among(self, installed: Sequence[str]) -> LeadAgent:
        """With a program: the one that was chosen, else the best known of those that are there."""
        if self.cli:
            return self
        known = [cli for cli in BRIDGED if cli in installed]
        return replace(self, cli=[*known, *installed, *BRIDGED][0])


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
        self.places = Places()
        self.attached: str | None = None
        """The one agent that is looked at and talked to, if it is one alone."""

    async def learn_machines(self) -> None:
        """Ask for the machines; a token without the right to see them only costs what is made of the list."""
        with suppress(NotPermitted):
            self.places.learn(await self._relay.proxies())

    async def learn_channels(self) -> None:
        """Ask for the channels; a broker of before has no list of them."""
        with suppress(NotFound):
            self._view.channels.learn(await self._relay.channels())

    def list_known(self) -> Known:
        """What typed words can refer to now."""
        asked = self._view.asked
        waiting = [asked.short_id(approval.id) for approval in asked.pending()]
        waiting += self._consents.names() if self._consents is not None else []
        return Known(agents=self._view.roster.living(), clis=self.places.clis, waiting=waiting)

    @property
    def lead(self) -> LeadAgent:
        """Who gets plain lines, with the program it would be started with now."""
        return self._lead.among(self.places.list_installed(self._lead.on))

    @property
    def addressee(self) -> str:
        """Whom plain lines are for."""
        return self.attached or self._lead.name

    def concern(self, event: Event) -> bool:
        """Whether what an event tells is to be shown: with one agent alone, what is about it or waits for a person."""
        if self.attached is None or event.kind.startswith(_FOR_EVERYBODY):
            return True
        return concerns(event, self.attached)

    def announce(self, command: commands.Command) -> list[Line]:
        """What to say before a command that may take a while."""
        match command:
            case commands.Tell(instead_of=str() as word):
                taken = f"· taken as words for {one_line(self.addressee)}; '/{word} …' makes it the command"
                return [(("class:dim", taken),), *self.announce(commands.Tell(text=command.text))]
            case commands.Tell() if not self.attached and not self._view.roster.is_living(self._lead.name):
                return [good(f"Auto-spawning {self.lead.title}...")]
            case commands.Spawn():
                return [good(f"Spawning {one_line(command.name)} ({title_of(one_line(command.cli))})...")]
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
                found = await self._relay.interrupt(command.name)
                return Reply(lines=self._quietly(f"{one_line(command.name)} is interrupted"), result=_json(found))
            case commands.Release():
                return await self._release(command.name)
            case commands.StopAll():
                return await self._stop_all(command)
            case commands.ResumeAll():
                return await self._resume_all(command)
            case commands.Answer():
                return await self._answer(command)
            case commands.AnswerQuestion():
                return await self._answer_question(command)
            case commands.Attach():
                return await self._attach(command.name)
            case commands.Detach():
                return self._detach()
            case commands.Agents():
                return await self._agents()
            case commands.Channels():
                return await self._channels()
            case commands.Join() | commands.Leave():
                return await self._move(command)
            case commands.Machines():
                return await self._machines()
            case commands.Sessions():
                return await self._sessions()
            case commands.Logs():
                return await self._logs(command)
            case commands.Search():
                return await self._search(command.query)
            case commands.Trace():
                return await self._trace(command.message)
            case commands.Show():
                return await self._show(command.number)
            case commands.Help():
                return Reply(lines=[(("", line),) for line in commands.HELP.splitlines()], result=commands.HELP)
            case commands.Misused():
                return Reply(lines=[(("class:warn", f"! usage: {command.usage}"),)], result={"usage": command.usage})
            case commands.Exit():
                return Reply()
            case _ as other:
                assert_never(other)

    async def _attach(self, name: str) -> Reply:
        agents = await self._relay.agents()
        if all(agent.name != name for agent in agents):
            raise NotFound(f"no agent called {name} is or was here", code="AGENT_NOT_FOUND")
        events = await self._relay.recent(limit=_LOGGED_EVENTS)
        wanted = [event for event in events if concerns(event, name)]
        self.attached = name
        older = f"; what was before: logs {one_line(name)} --before {events[0].offset}" if _is_cut(events) else ""
        how = f"· what you type is for {one_line(name)}; 'detach' shows the session again{older}"
        lines = [*self._view.past(wanted, agents), (("class:dim", how),)]
        return Reply(lines=lines, result=[_json(event) for event in wanted])

    def _detach(self) -> Reply:
        was, self.attached = self.attached, None
        told = f"· no longer with {one_line(was)} alone" if was else "· you look at the session"
        return Reply(lines=[(("class:dim", told),)])

    async def _tell(self, text: str) -> Reply:
        if self.attached is not None:
            return await self._send(self.attached, text, mode=Mode.WAIT)
        lead = self.lead
        if self._view.roster.is_living(lead.name):
            return await self._send(lead.name, text, mode=Mode.WAIT)
        return await self._spawn(commands.Spawn(name=lead.name, cli=lead.cli, task=text))

    async def _spawn(self, command: commands.Spawn) -> Reply:
        own = self._view.own
        own.addressed.add(command.name)
        on, cwd = self._lead.here(command.on, command.cwd)
        with own.sending(command.name, command.task):
            agent = await self._relay.spawn(
                command.name, command.cli, command.task, on=on, model=command.model, cwd=cwd, worktree=command.worktree
            )
        return Reply(lines=self._quietly(f"{one_line(agent.name)} connected"), result=_json(agent))

    async def _release(self, name: str) -> Reply:
        agent = await self._relay.release(name)
        if agent.state is AgentState.FAILED:
            return Reply(lines=[(("class:dim", f"· {one_line(name)} had failed already"),)], result=_json(agent))
        return Reply(lines=self._quietly(f"{one_line(name)} released"), result=_json(agent))

    def _quietly(self, text: str) -> list[Line]:
        """That a command was carried out, where no event tells it."""
        return [good(text)] if self._view.verbosity is Verbosity.QUIET else []

    async def _send(self, to: str, text: str, *, mode: Mode) -> Reply:
        with self._view.own.sending(to, text):
            sent = await self._relay.send(to, text, mode=mode)
        return Reply(result=_json(sent))

    async def _stop_all(self, command: commands.StopAll) -> Reply:
        made = await self._relay.stop_all(
            machine=command.machine, everywhere=command.everywhere, how=command.how, note=command.note
        )
        return Reply(lines=[render_stop(made)], result=_json(made))

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
        approval = self._view.asked.find(command.short_id)
        if approval.prompts and command.verdict is Verdict.DENY:
            return Reply(result=_json(await self._relay.decline_question(approval.id, note=command.note)))
        chosen = option_id(approval, command.option)
        answered = await self._relay.answer(
            approval.id,
            command.verdict,
            scope=command.scope,
            note=command.note,
            option_id=chosen,
            always=suggest_rule(approval, command.always),
        )
        return Reply(result=_json(answered))

    async def _answer_question(self, command: commands.AnswerQuestion) -> Reply:
        question, typed = self._view.asked.find_question(command.text)
        answered = await self._relay.answer_question(question.id, read_answers(question.prompts, typed))
        return Reply(result=_json(answered))

    async def _agents(self) -> Reply:
        living: list[Agent] = [agent for agent in await self._relay.agents() if not agent.state.ended]
        self._view.learn(living)
        await self.learn_channels()
        table = agents_table(living, channels=self._view.channels.of, width=self._view.columns)
        return Reply(lines=table, result=[_json(agent) for agent in living])

    async def _channels(self) -> Reply:
        found = await self._relay.channels()
        self._view.channels.learn(found)
        return Reply(
            lines=channels_table(found, width=self._view.columns), result=[_json(channel) for channel in found]
        )

    async def _move(self, command: commands.Join | commands.Leave) -> Reply:
        """An agent after the other: the events tell of each, and a refusal of the one that cannot be moved."""
        joins = isinstance(command, commands.Join)
        for name in command.names:
            await (self._relay.join if joins else self._relay.leave)(command.channel, name)
        names = ", ".join(map(one_line, command.names))
        told = f"{names} {'joined' if joins else 'left'} {one_line(command.channel)}"
        return Reply(lines=self._quietly(told), result={"channel": command.channel, "names": list(command.names)})

    async def _machines(self) -> Reply:
        machines = await self._relay.proxies()
        return Reply(
            lines=machines_table(machines, width=self._view.columns), result=[_json(machine) for machine in machines]
        )

    async def _sessions(self) -> Reply:
        sessions, here = await self._relay.sessions(), await self._relay.session()
        return Reply(lines=sessions_table(sessions, here=here.id), result=[_json(session) for session in sessions])

    async def _logs(self, command: commands.Logs) -> Reply:
        events = await self._relay.recent(limit=_LOGGED_EVENTS, before=command.before)
        wanted = [event for event in events if command.name is None or concerns(event, command.name)]
        if command.name is not None and not wanted and not self._view.roster.is_known(command.name):
            raise NotFound(f"no agent called {command.name} is or was here", code="AGENT_NOT_FOUND")
        lines = log_lines(wanted)
        shown = lines[-command.last :]
        if len(shown) < len(lines):
            more = f"{len(lines) - len(shown)} lines before: logs --last {min(len(lines), 2 * command.last)}"
            shown = [(("class:dim", f"· {more}"),), *shown]
        return Reply(lines=shown or [(("class:dim", "nothing yet"),)], result=[_json(event) for event in wanted])

    async def _search(self, query: str) -> Reply:
        found = await self._relay.search_logs(in_zone(query), limit=_SHOWN_HITS)
        lines = hit_lines(found.hits)
        if found.next:
            lines = [*lines, (("class:dim", f"the newest {_SHOWN_HITS}; until: finds older ones"),)]
        return Reply(lines=lines, result=_json(found))

    async def _trace(self, message: str) -> Reply:
        trace = await self._relay.trace(await self._message_id(message))
        return Reply(lines=trace_lines(trace), result=_json(trace))

    async def _message_id(self, typed: str) -> MessageId:
        """A message by its number, which is its place in the session's log, or by its id."""
        if not typed.isdecimal():
            return MessageId(typed)
        match await self._fact(int(typed)):
            case MessageAccepted(id=message_id):
                return message_id
            case _:
                raise NotFound(f"{typed} is not the number of a message", code="MESSAGE_NOT_FOUND")

    async def _show(self, number: int) -> Reply:
        match await self._fact(number):
            case MessageAccepted(text=text) | TurnEnded(text=text) if text:
                said = [text]
            case FrameSeen() as frame:
                said = [each.text for each in frame.contents() if isinstance(each, TextSpoken)]
            case _:
                said = []
        if not said:
            raise NotFound(f"{number} is not the number of a message or a text", code="MESSAGE_NOT_FOUND")
        whole = "\n".join(said)
        return Reply(lines=[(("", line),) for line in harmless(whole).split("\n")], result={"text": whole})

    async def _fact(self, number: int) -> Fact | None:
        event = await self._relay.event(number)
        return None if event is None else read_fact(event)


def _is_cut(events: Sequence[Event]) -> bool:
    return bool(events) and events[0].offset > 1


def _json(found: Wire) -> object:
    return found.model_dump(mode="json", by_alias=True)
