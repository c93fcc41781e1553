"""Questions to the person at this machine's terminal. Only a yes is a yes: without a terminal it is a no."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked. Its texts come from brokers and agents: whoever shows them makes them harmless."""

    title: str
    details: tuple[str, ...] = ()
    """Everything that a yes is for, whole."""
    yes: str = ""
    """What a yes does."""


class Consent(Protocol):
    """Whoever can ask the person at this machine."""

    @property
    def reachable(self) -> bool:
        """Whether there is a terminal to ask at."""

    async def ask(self, question: Question) -> bool:
        """Whether the person said yes. Cancelling it takes the question back."""


class NoTerminal:
    """Nobody is there."""

    reachable = False

    async def ask(self, question: Question) -> bool:
        """No."""
        del question
        return False


class ConsentDesk:
    """Questions that wait for whoever sits at a terminal of this machine, each under a number.

    A terminal that is still being opened is waited for; when the last one is left, every answer is no.
    """

    def __init__(self, *, awaited: bool = False) -> None:
        """`awaited`: a terminal is about to come."""
        self.reachable = awaited
        self._open: dict[int, tuple[Question, asyncio.Future[bool]]] = {}
        self._asked = 0
        self.on_change: Callable[[], None] = _nobody_looks

    @property
    def open(self) -> dict[int, Question]:
        """What waits, the oldest first."""
        return {number: question for number, (question, _) in self._open.items()}

    def attend(self, *, person: bool) -> None:
        """Whether somebody sits at a terminal has changed, or not."""
        self.reachable = person
        if not person:
            for number in self._open:
                self.answer(number, yes=False)

    async def ask(self, question: Question) -> bool:
        """Put it on the desk and wait."""
        if not self.reachable:
            return False
        self._asked += 1
        number = self._asked
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._open[number] = (question, answer)
        self.on_change()
        try:
            return await answer
        finally:
            del self._open[number]
            self.on_change()

    def answer(self, number: int, *, yes: bool) -> None:
        """Take an answer; one to a question that is over is too late."""
        _, answer = self._open.get(number, (None, None))
        if answer is not None and not answer.done():
            answer.set_result(yes)


def _nobody_looks() -> None:
    """No terminal shows the questions."""
