"""Whose words are the result of what a person asked, when agents ask each other in between. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from broker.domain.ids import MessageId
from broker.domain.messages.steps import ReceiptState
from connect.sdk.facts import MessageAccepted, MessageReceipt, TurnEnded
from connect.sdk.types import Event


@dataclass(slots=True)
class _Open:
    sender: str | None
    """The agent that sent it; None for a person."""
    waiting: set[str]
    """Recipients that have not answered."""


@dataclass(slots=True)
class _Asked:
    result: Event | None = None
    """The last turn that ended with words."""


class Results:
    """The last words of each agent that a person has asked, once nobody it has asked in turn still works on it."""

    def __init__(self) -> None:
        self._open: dict[MessageId, _Open] = {}
        self._asked: dict[str, _Asked] = {}
        self._asks: dict[str, set[str]] = {}

    def on_message(self, fact: MessageAccepted) -> None:
        """Somebody is asked."""
        names = {each.name for each in fact.recipients}
        if not names:
            return
        sender = fact.sender.name if fact.sender.agent is not None else None
        self._open[fact.id] = _Open(sender=sender, waiting=names)
        if sender is None:
            self._asked |= {name: _Asked() for name in names if name not in self._asked}
        else:
            self._asks.setdefault(sender, set()).update(names)

    def on_receipt(self, fact: MessageReceipt) -> None:
        """A message has come to its end with one recipient, or not yet."""
        if fact.state in {ReceiptState.ANSWERED, ReceiptState.UNDELIVERABLE}:
            self._settle(fact.message, fact.name)

    def on_turn_ended(self, fact: TurnEnded, name: str, *, event: Event) -> None:
        """An agent is done with some messages."""
        for message in fact.messages:
            self._settle(message, name)
        if name in self._asked and fact.text.strip():
            self._asked[name].result = event

    def take(self, *, anyway: bool = False) -> list[Event]:
        """The turns whose words are results now; all that are held back with `anyway`, when nothing goes on."""
        done = [name for name, asked in self._asked.items() if asked.result is not None]
        done = [name for name in done if anyway or not self._is_busy(name)]
        taken = [event for name in done if (event := self._asked[name].result) is not None]
        for name in done:
            self._asked[name].result = None
        return taken

    @property
    def at_rest(self) -> bool:
        """Whether nobody works on anything that a person has asked."""
        return not any(self._is_busy(name) for name in self._asked)

    def forget(self) -> None:
        """Events are missing: what is open is not known any more."""
        self._open.clear()

    def _is_busy(self, name: str) -> bool:
        circle = self._circle(name)
        return any(each.waiting & circle or each.sender in circle for each in self._open.values())

    def _circle(self, name: str) -> set[str]:
        """The agent, those it has asked, those they have, and so on."""
        found, new = {name}, {name}
        while new:
            new = {other for each in new for other in self._asks.get(each, ())} - found
            found |= new
        return found

    def _settle(self, message: MessageId, name: str) -> None:
        found = self._open.get(message)
        if found is not None:
            found.waiting.discard(name)
            if not found.waiting:
                del self._open[message]
