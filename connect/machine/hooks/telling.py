"""What the person at this machine is told of hooks, once each, and what the broker's people read of those not run."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence

from broker.domain.hooks.runs import RunState
from broker.protocol.proxy import RunHook
from connect.machine.hooks.consents import is_hook_id
from connect.machine.hooks.loop_guard import PAUSE_S
from connect.machine.hooks.preparation import PROGRAM_NOT_FOUND, NotRun, Objected
from connect.notices import Notice, Warned

_MOST_TOLD = 100
"""Different things of hooks that one relay-connect tells: whoever makes up ids does not fill the terminal."""
_LONGEST = 300


class HookNotices:
    """Tells each thing once, and no more than a hundred of them."""

    def __init__(self, notice: Callable[[Notice], None]) -> None:
        self._notice = notice
        self._told: set[str] = set()

    def not_run(self, order: RunHook, why: NotRun) -> str:
        """The reason, with what a person can do; it is told here, too, where it is news."""
        match why:
            case Objected():
                words = f"{why}; to look at it and allow it here: `{allowing(order.hook)}`"
                key = f"{order.hook} {why.objection.standing} {why.refusal.action.fingerprint} {why.refusal.root}"
                self._tell(key, f"hook {_name(order.hook)} was not run: {show(why.argv)}: {words}")
                return f"{why}; to look at it and allow it: `{allowing(order.hook)}` in a terminal of that machine"
            case NotRun(state=RunState.SKIPPED) if str(why) == PROGRAM_NOT_FOUND:
                return self._not_found(order, why)
            case NotRun(state=RunState.REFUSED, known=False):
                self._tell(f"{order.hook} {why}", f"hook {_name(order.hook)} was not run: {why}")
        return str(why)

    def say_paused(self, order: RunHook) -> str:
        """A hook goes round in circles."""
        minutes = f"{PAUSE_S / 60:g} minutes"
        why = f"it is started by the files it writes itself: no more of it for {minutes}"
        self._tell(f"{order.hook} paused", f"hook {_name(order.hook)} is paused: {why}")
        return why

    def overrun(self, dropped: int) -> None:
        """There was no place for a run."""
        if dropped.bit_count() == 1:  # at 1, 2, 4, …: it goes on, and is not told for each
            self._notice(Warned(problem=f"more hooks than this machine can run: {dropped} runs were skipped so far"))

    def _not_found(self, order: RunHook, why: NotRun) -> str:
        program = why.argv[0] if why.argv else ""
        words = f"{PROGRAM_NOT_FOUND}: {show([program])}"
        self._tell(f"program {program}", f"hook {_name(order.hook)} was skipped: {words}")
        return words

    def _tell(self, key: str, words: str) -> None:
        if key in self._told or len(self._told) > _MOST_TOLD:
            return
        self._told.add(key)
        full = len(self._told) > _MOST_TOLD
        more = "more is told of hooks than anybody reads; `relay-connect hooks list` shows the rest"
        self._notice(Warned(problem=more if full else words))


def allowing(hook: str) -> str:
    """The command that allows a hook."""
    return f"relay-connect hooks allow {_name(hook)}"


def show(argv: Sequence[str]) -> str:
    """A command as one line that a terminal takes for nothing but text."""
    line = shlex.join(argv)
    cut = f"{line[:_LONGEST]}…" if len(line) > _LONGEST else line
    return "".join(each if each.isprintable() else f"⟨U+{ord(each):04X}⟩" for each in cut)


def _name(hook: str) -> str:
    return hook if is_hook_id(hook) else "(of no readable id)"
