"""Who works, for how long, and on what: the line below the prompt, and the title of the window. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rich.cells import cell_len

from broker.domain.agents.agents import AgentState
from broker.protocol.agents.events import CommandRan, ContentEvent, FilesChanged, ProblemNoted, ToolCalled
from connect.sdk.facts import (
    AgentFailed,
    AgentReady,
    AgentReleased,
    AgentSpawning,
    AgentStateChanged,
    Fact,
    FrameSeen,
    TurnEnded,
    TurnStarted,
)
from connect.sdk.types import Agent
from connect.terminal.text.deeds import command_words, file_words, tool_words
from connect.terminal.text.layout import cut, one_line

_LONGEST_DEED = 60
_WRITES = "writing"
_THINKS = "thinking"
_BY_TYPE = {"text_delta": _WRITES, "text": _WRITES, "thought": _THINKS, "thought_delta": _THINKS}


@dataclass(slots=True)
class _Work:
    since_s: float
    is_starting: bool = False
    doing: str = ""


class Activity:
    """Follows what agents do now. Times are this terminal's own: from when it heard of the work."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._work: dict[str, _Work] = {}

    def on(self, name: str, fact: Fact) -> None:
        """Follow one event about the agent called `name`."""
        match fact:
            case AgentSpawning():
                self._work[fact.name] = _Work(since_s=self._clock(), is_starting=True)
            case TurnStarted():
                self._begin(name)
            case AgentStateChanged():
                self._become(name, fact.state)
            case AgentReady() if name in self._work and self._work[name].is_starting:
                del self._work[name]
            case TurnEnded() | AgentFailed() | AgentReleased():
                self._work.pop(name, None)
            case FrameSeen() if name in self._work:
                self._work[name].doing = _doing(fact) or self._work[name].doing
            case _:
                pass

    def learn(self, agents: Iterable[Agent]) -> None:
        """Take over the broker's list."""
        known = {agent.name: agent.state for agent in agents}
        for name in [name for name in self._work if name not in known]:
            del self._work[name]
        for name, state in known.items():
            self._become(name, state)

    def working(self) -> list[str]:
        """The agents whose turns run, the longest first."""
        return [name for name, work in self._work.items() if not work.is_starting]

    def describe(self) -> list[str]:
        """`Lead is working, 42 s: Bash pytest -q`, one for each who works or starts."""
        return [self._describe(name, work) for name, work in self._work.items()]

    def _describe(self, name: str, work: _Work) -> str:
        verb = "starting" if work.is_starting else "working"
        doing = f": {work.doing}" if work.doing else ""
        return f"{one_line(name)} is {verb}, {_span(self._clock() - work.since_s)}{doing}"

    def _begin(self, name: str) -> None:
        known = self._work.get(name)
        if known is None or known.is_starting:
            self._work[name] = _Work(since_s=self._clock())

    def _become(self, name: str, state: AgentState) -> None:
        if state is AgentState.WORKING:
            self._begin(name)
        elif state is AgentState.STARTING:
            self._work.setdefault(name, _Work(since_s=self._clock(), is_starting=True))
        else:
            self._work.pop(name, None)


def status_line(activity: Activity, *, here: str, idle: Iterable[str], waiting: int, width: int) -> str:
    """One line of at most `width` cells: what goes on at the left, and `here`, session and machine, at the right."""
    told = activity.describe()
    if waiting:
        told.insert(0, f"{waiting} {'question waits' if waiting == 1 else 'questions wait'} for an answer")
    if not told:
        names = list(idle)
        told = [f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} idle"] if names else ["no agents yet"]
    left = cut(" · ".join(told), width)
    room = width - cell_len(left) - 2
    return left + " " * (room - cell_len(here) + 2) + here if 0 < cell_len(here) <= room else left


def window_title(activity: Activity, *, session: str, waiting: int) -> str:
    """Short, for a tab: what needs the person first."""
    working = activity.working()
    mark = "? " if waiting else "… " if working else ""
    who = f" ({', '.join(working)})" if working else ""
    return one_line(f"{mark}relay {session}{who}", limit=60)


def _doing(frame: FrameSeen) -> str:
    """The last thing an agent is seen to do in a frame; '' when it shows none."""
    if frame.transient:  # one for each word of a text: not worth reading as a whole
        kinds = [_BY_TYPE.get(str(each.get("type")), "") for each in frame.events]
        return next(filter(None, reversed(kinds)), "")
    deeds = [_deed(content) for content in frame.contents()]
    return next(filter(None, reversed(deeds)), "")


def _deed(content: ContentEvent) -> str:
    match content:
        case ToolCalled():
            return one_line(tool_words(content), limit=_LONGEST_DEED)
        case CommandRan():
            return one_line(command_words(content), limit=_LONGEST_DEED)
        case FilesChanged():
            return one_line(", ".join(file_words(content)), limit=_LONGEST_DEED)
        case ProblemNoted():
            return one_line(content.detail, limit=_LONGEST_DEED)
        case _:
            return _BY_TYPE.get(content.type, "")


def _span(seconds: float) -> str:
    whole = max(0, int(seconds))
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02} s"
