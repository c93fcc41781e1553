"""What agents ask people in words: prompts with choices or free text, and the answers to them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from broker.domain.errors import BadRequest

MAX_ANSWER = 20_000
"""Characters of one answer."""
_SHOWN = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of the answers that a prompt suggests."""

    label: str
    """What is answered, and what a person reads."""
    description: str = ""
    value: str | None = None
    """What the agent is told, where that is another text than the label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionPrompt:
    """One question of those that an agent asks together."""

    id: str
    text: str
    header: str = ""
    """A word or two for what it is about."""
    choices: tuple[Choice, ...] = ()
    multi_select: bool = False
    """Whether several choices may be taken."""
    free_text: bool = True
    """Whether an answer may be any text."""
    secret: bool = False
    """The answer is shown to nobody and kept nowhere."""
    required: bool = True
    number: bool = False
    """Whether the answer is a number."""


def check_answers(prompts: Sequence[QuestionPrompt], answers: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The answers as the agent is given them, choices by their labels. Raises `BadRequest` (BAD_ANSWER)."""
    known = {prompt.id for prompt in prompts}
    for unknown in answers.keys() - known:
        raise _bad(f"no prompt has the id {unknown[:_SHOWN]!r}; there are {', '.join(sorted(known))[:400]}")
    given = {prompt.id: _check(prompt, answers.get(prompt.id, ())) for prompt in prompts}
    return {name: texts for name, texts in given.items() if texts}


def show_answers(prompts: Sequence[QuestionPrompt], answers: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The same as they are kept for readers: without the secret ones."""
    secret = {prompt.id for prompt in prompts if prompt.secret}
    return {name: list(texts) for name, texts in answers.items() if name not in secret}


def secrets_in(prompts: Sequence[QuestionPrompt], answers: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The texts among the answers that nobody is to see."""
    return tuple(text for prompt in prompts if prompt.secret for text in answers.get(prompt.id, ()) if text)


def _check(prompt: QuestionPrompt, texts: Sequence[str]) -> list[str]:
    kept = [text for text in texts if text.strip()]
    about = prompt.header or prompt.text[:_SHOWN] or prompt.id
    if prompt.required and not kept:
        raise _bad(f"{about}: it needs an answer")
    if len(kept) > 1 and not prompt.multi_select:
        raise _bad(f"{about}: one answer only")
    labels = {choice.label for choice in prompt.choices}
    for text in kept:
        if prompt.number and not is_number(text):
            raise _bad(f"{about}: {text[:_SHOWN]!r} is no number")
        if len(text) > MAX_ANSWER:
            raise _bad(f"{about}: {MAX_ANSWER} characters at most")
        if text not in labels and not prompt.free_text:
            raise _bad(f"{about}: {text[:_SHOWN]!r} is none of {', '.join(sorted(labels))[:400]}")
    return kept


def is_number(text: str) -> bool:
    """Whether a text is a finite number, written as JSON has it or with blanks around."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _bad(text: str) -> BadRequest:
    return BadRequest(text, code="BAD_ANSWER")
