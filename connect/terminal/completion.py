"""What Tab offers: commands, agents, programs, approvals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from typing_extensions import override

from broker.domain.agents.vendors import BRIDGED
from connect.terminal.input.commands import WORDS
from connect.terminal.output.view import View
from connect.terminal.session.places import Places

_OPTIONS = {
    "spawn": ("--on", "--model", "--cwd", "--worktree"),
    "send": ("--steer", "--interrupt"),
    "stop": ("--release", "--machine", "--workspace", "--note"),
    "resume": ("--machine", "--workspace", "--note"),
    "approve": ("--session", "--option", "--always"),
    "logs": ("--last", "--before"),
}


class WordCompleter(Completer):
    """Completes the word at the cursor by what can stand in its place."""

    def __init__(self, view: View, places: Places) -> None:
        self._view = view
        self._places = places

    @override
    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        """The candidates that start with what is typed."""
        words = document.text_before_cursor.split(" ")
        typed = words[-1]
        for candidate in self.candidates(words):
            if candidate.lower().startswith(typed.lower()):
                yield Completion(candidate, start_position=-len(typed))

    def candidates(self, words: list[str]) -> Iterable[str]:
        """What can stand as the last of `words`."""
        command, *before = [word for word in words[:-1] if word] or [""]
        if not command:
            return WORDS
        if words[-1].startswith("--"):
            return _OPTIONS.get(command, ())
        if before and before[-1] in {"--on", "--machine"}:
            return sorted(self._places.machines)
        return self._arguments(command, [word for word in before if not word.startswith("--")])

    def _arguments(self, command: str, before: list[str]) -> Iterable[str]:
        match command, len(before):
            case ("send", 0):
                return [*self._view.roster.living(), "*", *self._view.channels.names()]
            case ("join" | "leave", 0):
                return self._view.channels.names()
            case ("join" | "leave", _):
                return self._could_move(command, before[0], named=before[1:])
            case ("release" | "logs" | "interrupt" | "attach", 0):
                return self._view.roster.living()
            case ("trace" | "show", 0):
                return [str(number) for number in reversed(self._view.numbers)]
            case ("spawn", 1):
                return sorted({*BRIDGED, *self._places.clis})
            case ("approve" | "deny", 0):
                return [self._view.asked.short_id(approval.id) for approval in self._view.asked.pending()]
            case _:
                return ()

    def _could_move(self, command: str, channel: str, *, named: list[str]) -> Iterable[str]:
        members = self._view.channels.members(channel)
        living = self._view.roster.living()
        could = members if command == "leave" else [name for name in living if name not in members]
        return [name for name in could if name not in named]
