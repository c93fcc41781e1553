"""A hook as it was saved: for whom it waits, for what, and what it does then."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum

from broker.domain.approvals.patterns import Match, pattern
from broker.domain.hooks.answers import DEFAULTS, HookSays
from broker.domain.hooks.events import BLOCKING, OF_RUNS, HookEvent
from broker.domain.hooks.templates import Template, Variable, parse_command, parse_words
from broker.domain.secrets.references import find_reference

MAX_TIMEOUT_S = 600.0
DEFAULT_TIMEOUT_S = 60.0
DEFAULT_PER_MINUTE = 30


class Scope(StrEnum):
    """What a selector looks at."""

    ANY = "*"
    KIND = "kind"
    """The agent's program: `codex`."""
    AGENT = "agent"
    """The agent's name, as a pattern: `agent:Worker-*`."""
    SESSION = "session"
    MACHINE = "machine"
    """A label of the agent's machine."""


@dataclass(frozen=True, slots=True)
class Selector:
    """Whose happenings a hook waits for."""

    scope: Scope
    pattern: str = "*"

    def __str__(self) -> str:
        """As a hooks file has it."""
        match self.scope:
            case Scope.ANY:
                return "*"
            case Scope.KIND:
                return self.pattern
            case _:
                return f"{self.scope}:{self.pattern}"


class OncePer(StrEnum):
    """How often a hook runs at most."""

    TURN = "turn"
    SESSION = "session"


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """Conditions that all have to hold. Patterns are shell-style (`*`, `?`, `[…]`): no text makes them slow."""

    glob: tuple[str, ...] = ()
    """Files it is about, relative to the agent's folder; those behind `!` are left out. No file left: no run."""
    exit_code: tuple[int, ...] = ()
    tool: tuple[str, ...] = ()
    command: str | None = None
    """A pattern for a command line. Before a tool it means all that the line runs, as a rule's does, and what cannot be
    read counts, too; behind one it means the line as it was written."""
    agent: str | None = None
    text: str | None = None
    """A pattern for the prompt, message, answer or question."""
    sender: str | None = None
    """A pattern for who has sent the message."""
    once_per: OncePer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandAction:
    """A program on the agent's machine, started without a shell, if the machine's owner has allowed exactly this."""

    command: str | tuple[str, ...]
    """As it was written: a line, or its words."""
    cwd: str | None = None
    """A folder inside the agent's; None: the agent's own."""
    env: tuple[str, ...] = ()
    """Names of environment variables that are passed on."""
    timeout_s: float = DEFAULT_TIMEOUT_S

    @property
    def words(self) -> tuple[Template, ...]:
        """The words of its argv, with variables; raises `BadTemplate`."""
        if isinstance(self.command, str):
            return parse_command(self.command)
        return parse_words(self.command)

    @property
    def fingerprint(self) -> str:
        """What a machine's owner consents to: the same for every spelling of the same words."""
        words = [[{"v": part.name} if isinstance(part, Variable) else part for part in word] for word in self.words]
        said = [words, self.cwd, sorted(self.env), float(self.timeout_s)]
        return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()


class RelayMode(StrEnum):
    """How a message of a hook is delivered."""

    WAIT = "wait"
    STEER = "steer"
    INTERRUPT = "interrupt"


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayAction:
    """A message to an agent, a `#channel`, or `sender`: who wrote the message that the turn answers."""

    to: str
    text: Template | None = None
    """None: what happened, in a few lines."""
    mode: RelayMode = RelayMode.WAIT


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookAction:
    """A POST to another service, signed as Standard Webhooks says."""

    url: str
    """To call, or the reference to a secret that has it."""
    secret: str
    """The name of the secret that signs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyAction:
    """A notification to people, by a service that they have on their phones and desks."""

    to: str
    """The name of the secret that has the service's URL; '' for `topic`."""
    topic: str = ""
    """At ntfy.sh."""
    text: Template | None = None
    """None: what happened, in a few lines."""
    priority: int = 3
    """1 to 5, of a topic at ntfy.sh."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowAction:
    """A run of a workflow, in a session of its own, with the rights of who has applied the hooks."""

    text: str
    """The whole file."""
    workflow: str | None = None
    """Which of the file; None: the first."""
    vars: tuple[tuple[str, Template], ...] = ()
    """Values of the file's variables, by their names."""
    machine: str | None = None
    """Where steps run that the file gives no machine; None: the agent's, in its folder."""


DESKTOP_COMMAND = ("relay-connect", "notify", "--event")
"""Shows what happened on the desktop of the agent's machine; allowed there like every command."""
Action = CommandAction | RelayAction | WebhookAction | NotifyAction | WorkflowAction
Delivered = WebhookAction | NotifyAction
"""Actions that another service is called for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """One definition."""

    id: str
    event: HookEvent
    selector: Selector
    action: Action
    when: When = When()
    max_per_minute: int = DEFAULT_PER_MINUTE
    debounce_s: float = 0
    """Wait until nothing has set it off for so long; 0: it runs at once, each time."""
    enabled: bool = True
    on_error: HookSays | None = None
    """What stands for an answer that does not come; None: what the event has for that."""
    modifies: bool = False
    """Whether it may answer `modify`."""
    may_allow: bool = False
    """Whether its `allow` answers for people, where no rule asks or denies."""
    decides: bool = False
    """Whether what it says of a request that waits for people counts; otherwise it only learns of it."""

    @property
    def answers(self) -> bool:
        """Whether its output is an answer."""
        return self.event in BLOCKING or self.decides

    @property
    def without_answer(self) -> HookSays:
        """What a failure counts as."""
        return self.on_error or DEFAULTS[self.event]


def kind_of(action: Action) -> str:
    """The key of an action in a hooks file."""
    match action:
        case CommandAction():
            return "command"
        case RelayAction():
            return "relay"
        case WebhookAction():
            return "webhook"
        case NotifyAction():
            return "notify"
        case WorkflowAction():
            return "start_workflow"


def secrets_of(action: Action) -> tuple[str, ...]:
    """The names of the secrets that an action needs."""
    match action:
        case WebhookAction():
            named = find_reference(action.url)
            return (action.secret, *([named] if named else []))
        case NotifyAction(to=name) if name:
            return (name,)
        case _:
            return ()


def hook_id(selector: Selector, event: HookEvent, definition: object) -> str:
    """The id of a hook that was given none: the same for as long as its definition says the same."""
    said = json.dumps([str(selector), event, definition], sort_keys=True, ensure_ascii=False, default=str)
    return f"h-{hashlib.sha256(said.encode()).hexdigest()[:12]}"


def misplaced(hook: Hook) -> str:
    """Why a hook about workflows' runs cannot be saved: they happen to no agent. '' when it can."""
    if hook.event not in OF_RUNS:
        return ""
    if hook.selector.scope not in {Scope.ANY, Scope.SESSION}:
        return f'{hook.event} happens to no agent: it stands below "*" or session:NAME'
    if isinstance(hook.action, CommandAction):
        return f"{hook.event} happens on no machine: no command can follow it"
    return ""


def select_files(when: When, paths: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the changed files that a hook is about, in their order."""
    wanted = [each for each in when.glob if not each.startswith("!")]
    unwanted = [each[1:] for each in when.glob if each.startswith("!")]
    return tuple(
        path
        for path in paths
        if (not wanted or any(_is_in(path, each) for each in wanted))
        and not any(_is_in(path, each) for each in unwanted)
    )


def _is_in(path: str, glob: str) -> bool:
    """Whether a path is meant. `**/` is any number of folders, none too; a bare name is meant in every folder."""
    if "/" not in glob:
        glob = f"**/{glob}"
    readings = {glob.replace("**/", "*/"), glob.replace("**/", "")}
    return any(pattern(each.replace("**", "*")).match(path) is Match.MUST for each in readings)
