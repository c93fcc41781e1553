"""What hooks that are waited for answer, and what their answers come to together.

An answer is one JSON object on standard output, or exit code 2 with the reason on standard error. Whatever else comes
back is a failure, and counts as what the hook's definition says for that (`on_error`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from broker.domain.hooks.events import HookEvent

REFUSED_BY_CODE = 2
"""The exit code by which a hook says no without JSON, as with the vendors' own hooks."""
MAX_ANSWER_BYTES = 64 * 1024
MAX_REASON = 2_000
_MEMBERS = frozenset({"decision", "reason", "input", "context"})


class HookSays(StrEnum):
    """An answer, the strongest first."""

    DENY = "deny"
    ASK = "ask"
    MODIFY = "modify"
    ALLOW = "allow"
    """No objection. It allows nothing by itself, unless the definition has `may_allow`."""


_TAKEN = {
    HookEvent.BEFORE_TOOL: frozenset(HookSays),
    # A prompt cannot wait for a person: `ask` refuses it and says so.
    HookEvent.BEFORE_TURN: frozenset(HookSays),
    HookEvent.BEFORE_STOP: frozenset({HookSays.DENY, HookSays.ALLOW}),
    HookEvent.APPROVAL_NEEDED: frozenset({HookSays.DENY, HookSays.ASK, HookSays.ALLOW}),
}
DEFAULTS = {
    HookEvent.BEFORE_TOOL: HookSays.DENY,
    HookEvent.BEFORE_TURN: HookSays.ALLOW,
    HookEvent.BEFORE_STOP: HookSays.ALLOW,
    HookEvent.APPROVAL_NEEDED: HookSays.ASK,
}
"""What a failure counts as, where a definition does not say: a tool is refused, a turn begins and ends all the same,
and what waits for people is left to them."""


class BadAnswer(ValueError):
    """It is no answer; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookAnswer:
    """What one hook says."""

    says: HookSays
    reason: str = ""
    input: dict[str, Any] | None = None
    """Of `modify`: what the tool is called with instead; of a prompt `{"prompt": …}`."""
    context: str = ""
    """For the agent, behind the prompt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opined:
    """The answer of one hook, by its id."""

    hook: str
    answer: HookAnswer
    failed: str = ""
    """Why there was none, and its definition's `on_error` stands for it."""
    allows: bool = False
    """Whether its `allow` answers for people."""


def read_answer(event: HookEvent, *, exit_code: int, value: object, empty: bool, complaint: str) -> HookAnswer | None:
    """What a hook that has ended says; None for no opinion. Raises `BadAnswer`.

    `value`: its standard output as JSON, unless it is `empty`; `complaint`: its standard error.
    """
    if exit_code == REFUSED_BY_CODE:
        return HookAnswer(says=HookSays.DENY, reason=complaint.strip()[:MAX_REASON] or "it ended with exit code 2")
    if exit_code != 0:
        raise BadAnswer(f"exit code {exit_code}" if exit_code > 0 else f"ended by signal {-exit_code}")
    if empty:
        return None
    if not isinstance(value, Mapping):
        raise BadAnswer("its output is not one JSON object")
    if unknown := sorted(map(str, value.keys() - _MEMBERS)):
        raise BadAnswer(f"its answer has {', '.join(unknown)}; known are {', '.join(sorted(_MEMBERS))}")
    return _check(event, value)


def _check(event: HookEvent, value: Mapping[str, Any]) -> HookAnswer:
    said, given = value.get("decision"), value.get("input")
    if said not in set(map(str, _TAKEN[event])):
        raise BadAnswer(f"its decision is {str(said)[:80]!r}; {event} takes {', '.join(sorted(_TAKEN[event]))}")
    texts = {name: value.get(name) or "" for name in ("reason", "context")}
    if not all(isinstance(text, str) for text in texts.values()):
        raise BadAnswer("its reason and its context are texts")
    says = HookSays(said)
    if given is not None and (says is not HookSays.MODIFY or not isinstance(given, dict)):
        raise BadAnswer("`input` is an object, and goes with the decision modify")
    if says is HookSays.MODIFY and not _changes(event, given, texts["context"]):
        wanted = "an `input` with `prompt`, or a `context`" if event is HookEvent.BEFORE_TURN else "an `input`"
        raise BadAnswer(f"a modify has {wanted}")
    return HookAnswer(says=says, reason=texts["reason"][:MAX_REASON], input=given, context=texts["context"])


def _changes(event: HookEvent, given: dict[str, Any] | None, context: str) -> bool:
    if event is HookEvent.BEFORE_TURN:
        return (given is None and context != "") or (given is not None and isinstance(given.get("prompt"), str))
    return given is not None


def stand_in_answer(on_error: HookSays, *, why: str) -> HookAnswer:
    """What stands for an answer that was not given."""
    return HookAnswer(says=on_error, reason=f"the hook failed: {why}"[:MAX_REASON])


def combine(opined: Iterable[Opined]) -> Opined | None:
    """What answers come to together: deny over ask over modify over allow. None: nobody has an opinion.

    Two that would each change the same thing in another way are a no: neither has seen what the other made of it.
    """
    given = list(opined)
    if not given:
        return None
    order = list(HookSays)
    strongest = min(given, key=lambda each: order.index(each.answer.says))
    changing = [each for each in given if each.answer.input is not None]
    if strongest.answer.says is HookSays.MODIFY and len({repr(each.answer.input) for each in changing}) > 1:
        names = ", ".join(each.hook for each in changing)
        return Opined(
            hook=strongest.hook, answer=HookAnswer(says=HookSays.DENY, reason=f"they change it differently: {names}")
        )
    contexts = [each.answer.context for each in given if each.answer.context]
    answer = replace(strongest.answer, context="\n".join(contexts))
    if answer.says is HookSays.MODIFY and changing:
        answer = replace(answer, input=changing[0].answer.input)
    return replace(strongest, answer=answer)
