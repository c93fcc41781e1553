"""What the demo agent does with a message: reads the relay's envelope and picks its part. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any

from connect.demo.game import Board, best_move, draw, outcome, read_board, square_name

OPPONENT = "Opponent"
_GAME = re.compile(r"play tic-?tac-?toe(?: with an? (?P<cli>[a-z][a-z0-9_-]*) agent)?", re.IGNORECASE)
OPPONENT_TASK = "You are O in a game of tic-tac-toe, I am X. Wait for my move, then answer it with relay_send."
_ENVELOPE = re.compile(r'<relay-message (id="[0-9a-f-]{36}"[^>]*)>\n(.*?)\n</relay-message>', re.DOTALL)
"""As the broker writes it: the instructions show an envelope too, but without a real id."""
_ATTRIBUTE = re.compile(r'([a-z_-]+)="([^"]*)"')
_EDIT = re.compile(r"([^\s:]+):\s(.*?)\s?=>\s?(.*)", re.DOTALL)
"""Where a file is edited, what goes and what comes; both may be several lines, of which the first keeps its indent."""
_RULE = re.compile(r"^---$", re.MULTILINE)
_LONGEST_SLEEP_S = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One message as it arrived; without an envelope it is taken as a human's and has no id."""

    id: str | None
    sender: str
    role: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Words for the turn's own text."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTool:
    """Use one of the relay's tools."""

    tool: str
    arguments: dict[str, Any] = field(default_factory=dict)
    tell: bool = False
    """Whether its result becomes part of the turn's text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportEdit:
    """Tell of an edit of a file, with its old and new text; nothing is written."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskPermission:
    """Ask to run a command or to edit files, and report the answer; nothing is run or written."""

    command: str
    edits: tuple[ReportEdit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AskPermissions:
    """Ask for several things at once, and report the answers."""

    asked: tuple[AskPermission, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskQuestion:
    """Ask a person in words, and report the answer."""

    text: str
    choices: tuple[str, ...] = ()
    several: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Think:
    """Reasoning, which is shown apart from the turn's text."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TellPlan:
    """Tell what is to be done, in place of what was told before: each step with its state."""

    steps: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sleep:
    """Work for a while."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Quit:
    """End the process in the middle of the turn."""

    code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GoDeaf:
    """Keep the process and its pipes, but react to nothing any more."""


Step = (
    Say
    | CallTool
    | AskPermission
    | AskPermissions
    | AskQuestion
    | ReportEdit
    | Think
    | TellPlan
    | Sleep
    | Quit
    | GoDeaf
)


def read_prompt(text: str) -> list[Incoming]:
    """The messages in a prompt, in order."""
    found = [_incoming(match) for match in _ENVELOPE.finditer(text)]
    return found or [Incoming(id=None, sender="", role="human", text=text.strip())]


def steps_for(message: Incoming) -> list[Step]:
    """What to do about a message."""
    board = read_board(message.text)
    if board is not None:
        return _play(board, against=message.sender)
    return _read_scripted(message.text) or _part(message)


def _part(message: Incoming) -> list[Step]:
    if asked := _GAME.match(message.text):
        return _open_game((asked["cli"] or "demo").lower())
    if message.text == OPPONENT_TASK:
        return [Say(text="Ready to play O.")]
    who = f", {message.sender}" if message.sender else ""
    return [Say(text=f"I am a demo agent{who}: I play tic-tac-toe. Try: Play tic-tac-toe with a demo agent")]


def _open_game(cli: str) -> list[Step]:
    first = best_move(Board())
    board = Board().play(first)
    text = f"Let's play tic-tac-toe. I'm X, you're O.\nI play {square_name(first)}. Your move.\n\n{draw(board)}"
    return [
        Say(text=f"I'll spawn a {cli.capitalize()} opponent and start the game."),
        CallTool(tool="relay_spawn", arguments={"name": OPPONENT, "cli": cli, "task": OPPONENT_TASK}),
        CallTool(tool="relay_send", arguments={"to": OPPONENT, "text": text}),
    ]


def _play(board: Board, *, against: str) -> list[Step]:
    if board.is_over:
        return [Say(text=f"Good game. {outcome(board)}")]
    square = best_move(board)
    after = board.play(square)
    ending = f"{outcome(after)} Good game!" if after.is_over else "Your turn."
    text = f"I play {square_name(square)}. {ending}\n\n{draw(after)}"
    move = CallTool(tool="relay_send", arguments={"to": against, "text": text})
    return [move, Say(text=f"The game is over. {outcome(after)}\n\n{draw(after)}")] if after.is_over else [move]


def _read_scripted(text: str) -> list[Step]:
    """The lines tests speak; empty when it is none of them. What stands behind a rule is only about them."""
    text = _RULE.split(text, maxsplit=1)[0]
    word, _, rest = text.strip().partition(" ")
    match word, rest.strip():
        case "say", words if words:
            return [Say(text=words)]
        case "ask", asked if asked.startswith("permission:"):
            return [_ask(asked.removeprefix("permission:").strip())]
        case "ask", asked if asked.startswith("permissions:"):
            commands = asked.removeprefix("permissions:").split(" | ")
            return [AskPermissions(asked=tuple(_ask(command.strip()) for command in commands))]
        case "ask", asked if asked.startswith("question:"):
            return [_question(asked.removeprefix("question:").strip())]
        case "edit", words if edits := _edits(words):
            return [*edits, Say(text=f"I told of editing {', '.join(edit.path for edit in edits)}.")]
        case "sleep", seconds if re.fullmatch(r"\d+(\.\d+)?", seconds):
            return [Sleep(seconds=min(float(seconds), _LONGEST_SLEEP_S)), Say(text=f"I slept {seconds} s.")]
        case "exit", code if code.isdecimal():
            return [Quit(code=int(code) % 256)]
        case "ignore", "":
            return [GoDeaf()]
        case (("think" | "plan:"), _):
            return [step for words in text.strip().split("\n\n") for step in _work(words)]
        case "call", words if words:
            return _call(words)
        case _:
            return []


def _work(words: str) -> list[Step]:
    word, _, rest = words.strip().partition(" ")
    match word:
        case "think":
            return [Think(text=rest)]
        case "plan:":
            return [TellPlan(steps=tuple(_plan_step(each.strip()) for each in rest.split("|")))]
        case _:
            return _read_scripted(words)


def _plan_step(words: str) -> tuple[str, str]:
    state = {"*": "completed", "-": "in_progress"}.get(words[:1])
    return (words, "pending") if state is None else (words[1:].strip(), state)


def _ask(command: str) -> AskPermission:
    word, _, rest = command.partition(" ")
    return AskPermission(command=command, edits=tuple(_edits(rest)) if word == "edit" else ())


def _question(words: str) -> AskQuestion:
    """`Which one? a | b` takes one of them, with `&` between them several; without choices any text."""
    text, _, offered = words.partition("?")
    several = "&" in offered
    choices = tuple(each.strip() for each in offered.split("&" if several else "|") if each.strip())
    return AskQuestion(text=f"{text}?", choices=choices, several=several)


def _edits(words: str) -> list[ReportEdit]:
    found = [_EDIT.fullmatch(each) for each in re.split(r"\n\nedit ", words)]
    return [_report(*edit.groups()) for edit in found if edit]


def _report(path: str, old: str, new: str) -> ReportEdit:
    return ReportEdit(path=path, old=old and f"{old}\n", new=new and f"{new}\n")


def _call(words: str) -> list[Step]:
    tool, _, arguments = words.partition(" ")
    try:
        found = json.loads(arguments or "{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        return [Say(text="That is not a JSON object: " + arguments)]
    return [CallTool(tool=tool, arguments=found, tell=True)]


def _incoming(match: re.Match[str]) -> Incoming:
    attributes = {name: unescape(value) for name, value in _ATTRIBUTE.findall(match[1])}
    return Incoming(
        id=attributes.get("id"),
        sender=attributes.get("from", ""),
        role=attributes.get("role", "human"),
        text=match[2].strip("\n"),
    )
