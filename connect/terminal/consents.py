"""What this machine asks the person in front of it: how it looks, and which question an answer is for."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping

from broker.domain.errors import BadRequest, NotFound
from connect.policy.consent import Question
from connect.terminal.text.layout import Line, box, inner_width, one_line, paragraph

_NAME = re.compile(r"m([0-9]{1,9})")
"""Approvals are called by the ends of their ids, which have no `m`."""
_MOST_LINES = 200
"""Of one text; the rest is said to be missing, so that nobody takes a part for the whole."""


class Consents:
    """The questions of the machine's link: each is shown once, and one that is taken back is said to be."""

    def __init__(self, answer: Callable[[int, bool], None] | None = None) -> None:
        """`answer` takes the answers."""
        self._answer = answer
        self._open: Mapping[int, Question] = {}
        self._shown: dict[int, Question] = {}
        self.changed = asyncio.Event()

    def take(self, questions: Mapping[int, Question]) -> None:
        """All that wait now."""
        self._open = questions
        self.changed.set()

    def names(self) -> list[str]:
        """What the open questions are called."""
        return [f"m{number}" for number in self._open]

    def changes(self, *, width: int) -> list[Line]:
        """The lines for what has come or gone since the last call."""
        gone = [number for number in self._shown if number not in self._open]
        new = {number: question for number, question in self._open.items() if number not in self._shown}
        for number in gone:
            del self._shown[number]
        self._shown |= new
        over: list[Line] = [(("class:dim", f"· m{number} is no longer asked"),) for number in gone]
        return over + [line for number, question in new.items() for line in _lines(number, question, width=width)]

    def answer(self, name: str | None, *, yes: bool, others: bool) -> Question | None:
        """Answer the question called `name`, or the only one when there are no `others`; None when it is for those.

        Raises `BadRequest`, `NotFound`.
        """
        named = _NAME.fullmatch(name or "")
        if not named and (name is not None or others or not self._open):
            return None
        number = self._meant(int(named[1]) if named else None)
        self._shown.pop(number, None)
        question = self._open[number]
        self._open = {each: other for each, other in self._open.items() if each != number}
        if self._answer is not None:
            self._answer(number, yes)
        return question

    def _meant(self, number: int | None) -> int:
        names = ", ".join(f"m{each}" for each in self._open) or "none"
        if number is None and len(self._open) > 1:
            raise BadRequest(f"which one? open: {names}")
        meant = next(iter(self._open)) if number is None else number
        if meant not in self._open:
            raise NotFound(f"this machine does not ask that; open: {names}", code="QUESTION_NOT_FOUND")
        return meant


def _lines(number: int, question: Question, *, width: int) -> list[Line]:
    inner = inner_width(width)
    body: list[Line] = []
    for detail in question.details:
        lines = paragraph(detail, inner, style="class:strong", exact=True)
        body += lines[:_MOST_LINES]
        if len(lines) > _MOST_LINES:
            body.append((("class:bad", f"{len(lines) - _MOST_LINES} more lines are not shown: deny it if in doubt"),))
    does = f"approve m{number} ({question.yes}) · deny m{number}"
    body += [*paragraph(question.title, inner), (), *paragraph(does, inner, style="class:warn")]
    return [(), *box(one_line(f"this machine asks you: m{number}"), body, width=width, style="class:ask")]
