"""What a typed line means. Pure: no agent is spoken to here."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from broker.domain.approvals import Scope, Verdict
from broker.domain.messages import Mode
from broker.domain.stops import StopHow

HELP = """\
  spawn <name> <cli> [task]      Spawn an agent, on this machine and in this folder unless --on <machine> or
                                 --cwd <folder> say otherwise (--model <model>; quote what has spaces)
  send <name|#chan|*> <msg>      Send a message (--steer: into the running turn, --interrupt: stop it)
  interrupt <name>               Stop an agent's turn
  release <name>                 Release an agent
  stop | resume                  Stop all agents of the session (or --machine <name>, --workspace; --release: end them;
                                 --note <why>): no turn begins and messages wait until somebody resumes it
  agents                         List the agents
  machines                       List the machines and whose they are
  sessions                       List the sessions; `relay-connect --session <name>` joins one, or makes it
  logs [name]                    View logs
  search <query>                 Search all logs of the session: agent:Lead kind:command "exit 1" -lint since:2h
  approve [id] | deny [id] [why] Answer what an agent, or this machine, asks for (approve --session: do not ask again;
                                 --option <number>: the one of its own answers)
  answer [id] <number or text>   Answer an agent's question
  trace <message id>             Show every step of a message
  help                           Show this
  exit                           Disconnect

Any other line is for Lead. Start it with '>' when its first word is a command's name."""
WELCOME = """\
Type a task to auto-spawn {lead}, or use commands:
  spawn <name> <cli>   - Spawn an agent
  send <name> <msg>    - Send message
  release <name>       - Release agent
  logs [name]          - View logs
  help                 - All commands
  exit                 - Disconnect"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """A plain line: a task or a word for Lead."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spawn:
    """Start an agent."""

    name: str
    cli: str
    task: str | None = None
    on: str | None = None
    model: str | None = None
    cwd: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Say something to an agent, a channel or all."""

    to: str
    text: str
    mode: Mode = Mode.WAIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupt:
    """Stop an agent's turn."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """End an agent."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StopAll:
    """Let no turn begin in the session, on a machine, or in the workspace."""

    machine: str | None = None
    everywhere: bool = False
    how: StopHow = StopHow.PAUSE
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeAll:
    """Let it go on."""

    machine: str | None = None
    everywhere: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Logs:
    """Show what happened lately, of one agent or of all."""

    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Find lines in the session's whole history."""

    query: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Answer an approval; without an id the only one that is pending."""

    verdict: Verdict
    short_id: str | None = None
    scope: Scope = Scope.ONCE
    note: str = ""
    option: str | None = None
    """The one of the offered answers: its place in the list, or its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerQuestion:
    """Answer a question; the first word may be its id."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Show a message's steps."""

    message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Agents:
    """List the agents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """List the machines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sessions:
    """List the sessions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Help:
    """Show the commands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """Leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Misused:
    """A command with the wrong words after it."""

    usage: str


Command = (
    Tell
    | Spawn
    | Send
    | Interrupt
    | Release
    | StopAll
    | ResumeAll
    | Logs
    | Search
    | Answer
    | AnswerQuestion
    | Trace
    | Agents
    | Machines
    | Sessions
    | Help
    | Exit
    | Misused
)

WORDS = (
    "spawn",
    "send",
    "interrupt",
    "release",
    "stop",
    "resume",
    "agents",
    "machines",
    "sessions",
    "logs",
    "search",
    "approve",
    "deny",
    "answer",
    "trace",
    "help",
    "exit",
)

# The words without arguments, or with options alone, are not here: `help me with …` is a line for Lead.
_USAGE = {
    "spawn": "spawn <name> <cli> [task] [--on <machine>] [--model <model>] [--cwd <folder>]",
    "send": "send <name|#channel|*> [--steer|--interrupt] <message>",
    "interrupt": "interrupt <name>",
    "release": "release <name>",
    "logs": "logs [name]",
    "search": "search <query>",
    "approve": "approve [id] [--session] [--option <number>]",
    "trace": "trace <message id>",
}
# As a shell's word: with quotes and backslashes around what has spaces.
_WORD = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s"'\\])+"""
_OPTION = re.compile(rf"--(on|model|cwd)[ =]({_WORD})(?:\s+|$)")
_TRAILING_OPTION = re.compile(rf"\s+--(on|model|cwd)[ =]({_WORD})$")
_HALF_AN_OPTION = re.compile(r"""^--(?:on|model|cwd)(?![\w-])|\s--(?:on|model|cwd)[ =](?:"[^"]*|'[^']*)$""")
"""In front without a value, or with a quote that is not closed."""
_EVERYTHING = re.compile(
    rf"(?: ?--(?:(?P<release>release)|(?P<workspace>workspace)|machine[ =](?P<machine>{_WORD})))*"
    r"(?: ?--note (?P<note>.+))?"
)
_QUOTED = r""""(?:[^"\\]|\\.)*"|'[^']*'"""
_MODES = {"--steer": Mode.STEER, "--interrupt": Mode.INTERRUPT}


def read_command(line: str) -> Command | None:
    """What `line` asks for; None for an empty one."""
    text = line.strip()
    if text.startswith(">"):
        text = text[1:].strip()
        return Tell(text=text) if text else None
    if not text:
        return None
    word, _, rest = text.removeprefix("/").partition(" ")
    known = _command(word.lower(), rest.strip())
    return Tell(text=text) if known is None else known


def _command(word: str, rest: str) -> Command | None:
    match word, rest.split():
        case "spawn", [_, _, *_]:
            return _spawn(rest)
        case "send", [_, _, *_]:
            return _send(rest) or _misused(word)
        case "search", [_, *_]:
            return Search(query=rest)
        case "deny", words:
            return _deny(rest, words)
        case "answer", [_, *_]:
            return AnswerQuestion(text=rest)
        case "stop" | "resume", _:
            return _stop_or_resume(word, rest)
        case "approve", []:
            return Answer(verdict=Verdict.ALLOW)
        case "approve", ["--session"]:
            return Answer(verdict=Verdict.ALLOW, scope=Scope.SESSION)
        case "approve", [short_id]:
            return Answer(verdict=Verdict.ALLOW, short_id=short_id)
        case "approve", [short_id, "--session"] | ["--session", short_id]:
            return Answer(verdict=Verdict.ALLOW, short_id=short_id, scope=Scope.SESSION)
        case "approve", ["--option", option]:
            return Answer(verdict=Verdict.ALLOW, option=option)
        case "approve", [short_id, "--option", option]:
            return Answer(verdict=Verdict.ALLOW, short_id=short_id, option=option)
        case _:
            return _short_command(word, rest.split())


def _short_command(word: str, words: list[str]) -> Command | None:
    match word, words:
        case "interrupt", [name]:
            return Interrupt(name=name)
        case "release", [name]:
            return Release(name=name)
        case "trace", [message_id]:
            return Trace(message_id=message_id)
        case "logs", [*names] if len(names) <= 1:
            return Logs(name=names[0] if names else None)
        case "agents", []:
            return Agents()
        case "machines", []:
            return Machines()
        case "sessions", []:
            return Sessions()
        case "help" | "?", []:
            return Help()
        case "exit" | "quit", []:
            return Exit()
        case _:
            return _misused(word) if word in _USAGE else None


def _misused(word: str) -> Misused:
    return Misused(usage=_USAGE[word])


def _spawn(rest: str) -> Command:
    options: dict[str, str] = {}
    name, cli, *after = rest.split(maxsplit=2)
    task = after[0] if after else ""
    while found := _OPTION.match(task):
        options[found[1]] = _unquoted(found[2])
        task = task[found.end() :]
    while found := _TRAILING_OPTION.search(task):
        options.setdefault(found[1], _unquoted(found[2]))
        task = task[: found.start()]
    if name.startswith("-") or cli.startswith("-") or _HALF_AN_OPTION.search(task):
        return _misused("spawn")
    return Spawn(
        name=name,
        cli=cli,
        task=_task(task.strip()) or None,
        on=options.get("on"),
        model=options.get("model"),
        cwd=options.get("cwd"),
    )


def _unquoted(word: str) -> str:
    return "".join(shlex.split(word))


def _task(text: str) -> str:
    """What is quoted as a whole, as shells want it, is meant without the quotes."""
    return _unquoted(text) if text[:1] in {"'", '"'} and re.fullmatch(_QUOTED, text, re.DOTALL) else text


def _stop_or_resume(word: str, rest: str) -> StopAll | ResumeAll | None:
    """None when words follow that are no options: `stop using tabs` is a line for Lead."""
    found = _EVERYTHING.fullmatch(" ".join(rest.split()))
    if found is None or (found["workspace"] and found["machine"]) or (found["release"] and word == "resume"):
        return None
    machine = found["machine"] and _unquoted(found["machine"])
    everywhere, note = found["workspace"] is not None, found["note"] or ""
    if word == "resume":
        return ResumeAll(machine=machine, everywhere=everywhere, note=note)
    how = StopHow.RELEASE if found["release"] else StopHow.PAUSE
    return StopAll(machine=machine, everywhere=everywhere, how=how, note=note)


def _send(rest: str) -> Send | None:
    mode = Mode.WAIT
    to: str | None = None
    while rest:
        word, _, after = rest.partition(" ")
        if word in _MODES:
            mode = _MODES[word]
        elif to is None:
            to = word
        else:
            return Send(to=to, text=rest, mode=mode)
        rest = after.lstrip()
    return None


def _deny(rest: str, words: list[str]) -> Answer:
    match words:
        case []:
            return Answer(verdict=Verdict.DENY)
        case ["--option", option]:
            return Answer(verdict=Verdict.DENY, option=option)
        case [short_id, "--option", option]:
            return Answer(verdict=Verdict.DENY, short_id=short_id, option=option)
    return Answer(verdict=Verdict.DENY, short_id=words[0], note=rest[len(words[0]) :].strip())
