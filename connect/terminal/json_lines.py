"""A session for programs: events as JSON lines on standard output, commands as lines on standard input."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import orjson

from connect.sdk.event_feed import FeedItem
from connect.sdk.facts import TurnEnded, read_fact
from connect.sdk.types import Event, LinkLost, LinkUp, Reset, Session
from connect.terminal.actions import Reply
from connect.terminal.input.commands import Command
from connect.terminal.output.view import View
from connect.terminal.text.layout import Line
from connect.terminal.unattended import Ending
from connect.terminal.verbosity import Verbosity


class JsonLines:
    """Quiet: what the quiet screen would tell. Otherwise all events, of agents' frames only when verbose."""

    takes_commands = True

    def __init__(self, view: View) -> None:
        self._view = view

    def begin(self, session: Session) -> None:
        """Say which session it is."""
        _write({"kind": "session", **session.model_dump(mode="json")})

    def announce(self, lines: Sequence[Line]) -> None:
        """Nothing: events tell it."""

    def item(self, item: FeedItem, lines: Sequence[Line], *, results: Sequence[Event]) -> None:
        """One line for each event that is wanted."""
        for found in self._select(item):
            _write(_as_json(found))

    def say_done(self, line: str, command: Command, reply: Reply) -> None:
        """Say what a command gave."""
        _write({"kind": "command.done", "line": line, "result": reply.result})

    def say_failed(self, line: str, *, code: str, message: str) -> None:
        """Say why a command was refused."""
        _write({"kind": "command.failed", "line": line, "code": code, "message": message})

    def tell(self, text: str) -> None:
        """Say a word about itself."""
        _write({"kind": "notice", "text": text})

    def end(self, ending: Ending, *, results: Sequence[Event]) -> None:
        """Say how the task ended, with the last words of whoever was asked."""
        said = [{"agent": event.name, "text": result_text(event)} for event in results]
        _write({"kind": "result", "ending": ending.name.lower(), "status": int(ending), "results": said})

    def _select(self, item: FeedItem) -> list[FeedItem]:
        if not isinstance(item, Event):
            return [item]
        if self._view.verbosity is Verbosity.QUIET:
            concluded = self._view.concluded
            return [*concluded, *([item] if self._view.told and item not in concluded else [])]
        return [item] if item.kind != "agent.frame" or self._view.verbosity is Verbosity.VERBOSE else []


def result_text(event: Event) -> str:
    """The last words of a turn."""
    fact = read_fact(event)
    return fact.text.strip() if isinstance(fact, TurnEnded) else ""


def _as_json(item: FeedItem) -> dict[str, object]:
    body: dict[str, object] = item.model_dump(mode="json")
    match item:
        case LinkUp():
            return {"kind": "link.up", **body}
        case LinkLost():
            return {"kind": "link.lost", **body}
        case Reset():
            return {"kind": "reset", **body}
        case Event():
            return body


def _write(line: dict[str, object]) -> None:
    sys.stdout.write(orjson.dumps(line).decode() + "\n")
    sys.stdout.flush()
