"""Which agents can be held up by hooks, and where. What one of them cannot do is refused when hooks are saved."""

from __future__ import annotations

from broker.domain.agents.agents import Dialect
from broker.domain.agents.vendors import VENDORS
from broker.domain.hooks.definitions import CommandAction, Hook, Scope
from broker.domain.hooks.events import BLOCKING, HookEvent
from broker.domain.hooks.templates import Variable

MAX_TIMEOUT_S = {HookEvent.BEFORE_TOOL: 60.0, HookEvent.BEFORE_TURN: 7.0, HookEvent.BEFORE_STOP: 60.0}
"""An agent that does nothing with a prompt for ten seconds counts as deaf."""
DEFAULT_TIMEOUT_S = {HookEvent.BEFORE_TOOL: 10.0, HookEvent.BEFORE_TURN: 5.0, HookEvent.BEFORE_STOP: 10.0}
MOST_CONTINUED = 3
"""Times that an agent which wants to stop is made to go on in one turn."""
_KNOWN = frozenset({"event", "agent", "kind", "session", "cwd", "project"})
"""Variables that are never empty for these; all else is on standard input."""


def can_be_held(kind: str) -> bool:
    """Whether an agent of this program asks before it ends a turn, and calls a tool with an input that was changed.

    Programs that a machine has configured itself are known there alone, and decided on there.
    """
    vendor = VENDORS.get(kind)
    return vendor is None or vendor.dialect is Dialect.CLAUDE


def blocking_problem(hook: Hook) -> str:
    """Why a hook that is waited for cannot be saved; '' when it can."""
    if not hook.answers:
        return ""
    if not isinstance(hook.action, CommandAction):
        what = "a hook that decides" if hook.decides else f"{hook.event}"
        return f"only a command can answer: {what} is waited for"
    if hook.debounce_s or hook.when.once_per:
        return "a hook that answers is asked each time: `debounce` and `once_per` mean nothing for it"
    if hook.event not in BLOCKING:
        return ""
    named = {part.name for word in hook.action.words for part in word if isinstance(part, Variable)}
    if unknown := sorted(named - _KNOWN):
        return f"${{{unknown[0]}}} is not for {hook.event}: its command reads the event on standard input"
    if hook.action.timeout_s > MAX_TIMEOUT_S[hook.event]:
        return f"{hook.event} is waited for: its timeout is {MAX_TIMEOUT_S[hook.event]:g}s at most"
    return _vendor_problem(hook) if hook.selector.scope is Scope.KIND else ""


def _vendor_problem(hook: Hook) -> str:
    kind = hook.selector.pattern
    if can_be_held(kind):
        return ""
    if hook.event is HookEvent.BEFORE_STOP:
        return f"{kind} does not ask before it ends a turn: {hook.event} is for claude"
    if hook.event is HookEvent.BEFORE_TOOL and hook.modifies:
        return f"{kind} runs what it has asked for or nothing: `modifies` is for claude"
    return ""


def note_on(hook: Hook) -> str:
    """What people should know of a hook that was saved; '' for nothing."""
    if hook.selector.scope is Scope.KIND and hook.selector.pattern == "claude":
        return ""
    if hook.event is HookEvent.BEFORE_TOOL:
        how = "codex, gemini and other ACP agents only before those they ask permission for"
        return f"{hook.id}: claude is held before each tool; {how}"
    return f"{hook.id}: only claude is held before the end of a turn" if hook.event is HookEvent.BEFORE_STOP else ""
