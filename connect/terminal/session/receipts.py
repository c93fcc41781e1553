"""What became of the messages this terminal sent. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from broker.domain.ids import MessageId
from broker.domain.messages.messages import Mode
from broker.domain.messages.steps import ReceiptState
from connect.sdk.facts import MessageAccepted, MessageReceipt
from connect.terminal.text.layout import Line, one_line
from connect.terminal.text.words import reason_words
from connect.terminal.verbosity import Verbosity

_WAITS = {
    "interrupted": "{name} is interrupted for it",
    "agent_busy": "{name} is working; it gets this after its turn",
    "agent_starting": "{name} is starting; it gets this when it is ready",
    "stopped": "{name} is stopped; it gets this when somebody resumes it",
    "budget_spent": "{name}'s budget is spent; it gets this when somebody raises it",
    "budget_held": "running turns may use up {name}'s budget; it gets this when one has ended and left some",
    "proxy_away": "{name}'s machine is away; the message waits for it",
}
_ALARMING = frozenset({"stopped", "proxy_away", "budget_spent"})
"""What does not pass by itself."""
_FAR = frozenset({ReceiptState.IN_TURN, ReceiptState.ANSWERED})


@dataclass(slots=True)
class _Own:
    accepted_at_ms: int
    number: int
    mode: Mode
    open: set[str]
    """Recipients that have neither answered nor become unreachable."""
    told: set[tuple[str, str]] = field(default_factory=set)


class OwnMessages:
    """Follows the messages of this terminal.

    A message's event can overtake the broker's answer to the call that sent it, so what is about to be sent is
    announced by `sending` and recognised by its address and text.
    """

    def __init__(self, verbosity: Verbosity) -> None:
        self._verbosity = verbosity
        self._expected: Counter[tuple[str, str]] = Counter()
        self._own: dict[MessageId, _Own] = {}
        self.addressed: set[str] = set()
        """Whom this terminal has asked for something, or started."""
        self.undelivered: set[str] = set()
        """Who did not get a message of this terminal, and never will."""
        self.stopped: set[str] = set()
        """Who gets one only when somebody resumes it."""

    @contextmanager
    def sending(self, to: str, text: str | None) -> Iterator[None]:
        """Announce a message for the time of the call that sends it; a refused one is forgotten."""
        if text is None:
            yield
            return
        key = _key(to, text)
        self._expected[key] += 1
        try:
            yield
        except BaseException:
            self._expected -= Counter([key])
            raise

    @property
    def all_settled(self) -> bool:
        """Whether everything that was sent is answered or undeliverable."""
        return not self._expected.total() and not any(own.open for own in self._own.values())

    def takes(self, fact: MessageAccepted, *, at_ms: int, number: int) -> bool:
        """Whether the accepted message, at `number` in the log, is one of ours; then its receipts are followed."""
        key = _key(fact.to, fact.text)
        if fact.sender.agent is not None or not self._expected[key]:
            return False
        self._expected -= Counter([key])
        names = {each.name for each in fact.recipients}
        self.addressed |= names
        self._own[fact.id] = _Own(accepted_at_ms=at_ms, number=number, mode=fact.mode, open=names)
        return True

    def on_accepted(self, fact: MessageAccepted) -> list[Line]:
        """What to say at once about a message of ours: whether it has to wait."""
        own = self._own[fact.id]
        if not fact.recipients:
            return [_warning(f"nobody is there to get this: {one_line(fact.to)}")]
        return [line for each in fact.recipients for line in self._waits(own, each.name, each.because)]

    def on_receipt(self, fact: MessageReceipt, *, at_ms: int) -> list[Line]:
        """What to say about a step of one of our messages."""
        own = self._own.get(fact.message)
        if own is None:
            return []
        if fact.state in {ReceiptState.ANSWERED, ReceiptState.UNDELIVERABLE}:
            own.open.discard(fact.name)
        if fact.state is ReceiptState.UNDELIVERABLE:
            self.undelivered.add(fact.name)
            return [(("class:bad", f"✗ not delivered to {one_line(fact.name)}: {reason_words(fact.reason)}"),)]
        if fact.state in _FAR:
            self.stopped.discard(fact.name)
            return self._has_it(own, fact.name, took_ms=at_ms - own.accepted_at_ms)
        return self._waits(own, fact.name, fact.because)

    def _has_it(self, own: _Own, name: str, *, took_ms: int) -> list[Line]:
        if self._verbosity is Verbosity.QUIET or not _first(own, name, "has it"):
            return []
        return [(("class:dim", f"✓ {one_line(name)} has it ({duration(took_ms)}) · #{own.number}"),)]

    def _waits(self, own: _Own, name: str, because: str | None) -> list[Line]:
        (self.stopped.add if because == "stopped" else self.stopped.discard)(name)
        if because == "agent_busy" and own.mode is Mode.INTERRUPT:
            because = "interrupted"
        if because not in _WAITS or not _first(own, name, because):
            return []
        if self._verbosity is Verbosity.QUIET and because not in _ALARMING:
            return []
        text = _WAITS[because].format(name=one_line(name))
        return [_warning(text) if because in _ALARMING else (("class:dim", f"· {text}"),)]


def duration(took_ms: int) -> str:
    """`12 ms`, `1.2 s`, `3 min`."""
    if took_ms < 1000:
        return f"{max(0, took_ms)} ms"
    return f"{took_ms / 1000:.1f} s" if took_ms < 60_000 else f"{round(took_ms / 60_000)} min"


def _first(own: _Own, name: str, what: str) -> bool:
    """Whether this is said for the first time: the same step can be reported again after a redelivery."""
    new = (name, what) not in own.told
    own.told.add((name, what))
    return new


def _warning(text: str) -> Line:
    return (("class:warn", f"! {text}"),)


def _key(to: str, text: str) -> tuple[str, str]:
    return to.removeprefix("@"), text.strip()
