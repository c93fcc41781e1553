"""What can be typed, and the help for it. Pure: no agent is spoken to here; `grammar` reads the lines."""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.agents.stops import StopHow
from broker.domain.approvals.answers import Scope, Verdict
from broker.domain.messages.messages import Mode

HELP = """\
  spawn <name> <cli> [task]      Spawn an agent, on this machine and in this folder unless --on <machine> or --cwd \
<folder> say otherwise (--model <model>; --worktree: in a git worktree of its own, which goes with it when \
nothing was changed in it; quote what has spaces)
  send <name|#chan|*> <message>  Send a message (--steer: into the running turn, --interrupt: stop the turn first)
  interrupt <name>               Stop an agent's turn
  release <name>                 Release an agent
  stop | resume                  Stop all agents of the session (or --machine <name>, --workspace; --release: end \
them; --note <why>): no turn begins and messages wait until somebody resumes it
  attach <name> | detach         Show one agent's whole talk, and only that from then on; what is typed is for it
  agents                         List the agents, and the channels they are in
  channels                       List the channels with their members
  join | leave <#chan> <name>…   Put agents into a channel, or take them out; it is there while somebody is in it
  machines                       List the machines and whose they are
  sessions                       List the sessions; `relay-connect --session <name>` joins one, or makes it
  logs [name]                    View logs (--last <lines>, --before <number>: older ones)
  show <number>                  Show a message or a text whole and without a frame, to be copied
  search <query>                 Search all logs of the session: agent:Lead kind:command "exit 1" -lint since:2h
  approve [id] | deny [id] [why] Answer what an agent, or this machine, asks for (approve --session: do not ask again; \
--option <number>: the one of its own answers, --always <number>: and make that rule)
  answer [id] <number or text>   Answer an agent's question
  trace <number>                 Show every step of a message: its number stands below its box
  help                           Show this
  exit                           Disconnect

Any other line is for Lead. A line that begins with a command's word and reads as a sentence is for Lead too, and that \
is said: '/search the docs' makes it the command, '> stop' makes it a line for Lead.
Ctrl-C clears what is typed, then interrupts the agents that work for this terminal, and twice leaves; Ctrl-D leaves. \
Esc interrupts nobody. Tab completes."""
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
    instead_of: str | None = None
    """The command whose word it begins with, where it reads as a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spawn:
    """Start an agent."""

    name: str
    cli: str
    task: str | None = None
    on: str | None = None
    model: str | None = None
    cwd: str | None = None
    worktree: bool = False


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
    last: int = 40
    """Lines."""
    before: int | None = None
    """The number of the message, or the place in the log, that comes after all of them."""


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
    always: int | None = None
    """The one of the suggested rules that is to be put first, by its place in the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerQuestion:
    """Answer a question; the first word may be its id."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Show a message's steps; `message` is its number on the screen, or its id."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """Show a message or a text whole, without a frame."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Agents:
    """List the agents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attach:
    """Look at one agent alone, and talk to it."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Detach:
    """Look at the session again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """List the channels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """Put agents into a channel."""

    channel: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """Take agents out of a channel."""

    channel: str
    names: tuple[str, ...]


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
    | Show
    | Attach
    | Detach
    | Agents
    | Channels
    | Join
    | Leave
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
    "attach",
    "detach",
    "agents",
    "channels",
    "join",
    "leave",
    "machines",
    "sessions",
    "logs",
    "search",
    "approve",
    "deny",
    "answer",
    "trace",
    "show",
    "help",
    "exit",
)
