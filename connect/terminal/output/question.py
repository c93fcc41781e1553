"""An agent's question: how it looks, and what a typed answer to it means. Pure."""

from __future__ import annotations

from broker.domain.errors import BadRequest
from connect.sdk.types import Approval, QuestionPrompt
from connect.terminal.text.layout import Line, box, inner_width, one_line, paragraph

_BETWEEN = ";"
"""Between the answers to several prompts."""


def question_box(question: Approval, *, asker: str, short_id: str, width: int) -> list[Line]:
    """The prompts with their numbered choices, and how to answer."""
    inner = inner_width(width)
    several = len(question.prompts) > 1
    body: list[Line] = []
    for number, prompt in enumerate(question.prompts, 1):
        body += [()] if body else []
        body += _prompt(prompt, inner, number=number if several else None)
    body += [(), *paragraph(_how(question.prompts, short_id), inner, style="class:warn")]
    return box(f"{asker} has a question", body, width=width, style="class:ask")


def read_answers(prompts: tuple[QuestionPrompt, ...], typed: str) -> dict[str, list[str]]:
    """`2`, `1,3`, a choice's words, or free text; for several prompts, in their order, with `;` between.

    Raises `BadRequest` when there are not as many answers as prompts; whether they fit is the broker's to say.
    """
    parts = [typed] if len(prompts) == 1 else typed.split(_BETWEEN)
    if len(parts) != len(prompts):
        raise BadRequest(f"it asks {len(prompts)} things: answer them in order, with {_BETWEEN} between")
    given = {prompt.id: _texts(prompt, part.strip()) for prompt, part in zip(prompts, parts, strict=True)}
    return {name: texts for name, texts in given.items() if texts}


def describe_answer(question: Approval, answers: dict[str, tuple[str, ...]] | None) -> str:
    """What was answered, in one line; the secret answers are not known."""
    texts = [", ".join((answers or {}).get(prompt.id, ())) or "…" for prompt in question.prompts]
    return one_line("; ".join(texts), limit=60)


def _prompt(prompt: QuestionPrompt, width: int, *, number: int | None) -> list[Line]:
    head = "".join((f"{number}. " if number else "", f"{prompt.header}: " if prompt.header else "", prompt.text))
    lines = paragraph(head, width, style="class:strong")
    for place, choice in enumerate(prompt.choices, 1):
        about = f": {choice.description}" if choice.description else ""
        lines += paragraph(f"  {place}) {choice.label}{about}", width)
    notes = [
        "several may be chosen" if prompt.multi_select else "",
        "or in your own words" if prompt.choices and prompt.free_text else "",
        "a number" if prompt.number else "",
        "not kept, but the broker and the agent see it" if prompt.secret else "",
        "may be left out" if not prompt.required else "",
    ]
    said = "; ".join(note for note in notes if note)
    return lines + (paragraph(f"  ({said})", width, style="class:dim") if said else [])


def _how(prompts: tuple[QuestionPrompt, ...], short_id: str) -> str:
    one = "<number>" if prompts[0].choices else "<text>"
    wanted = one if len(prompts) == 1 else f"{one}{_BETWEEN} …"
    return f"answer {short_id} {wanted} · deny {short_id} [note]"


def _texts(prompt: QuestionPrompt, typed: str) -> list[str]:
    """Numbers stand for choices where all of them do; a text with commas stays one where it is free."""
    if not typed:
        return []
    labels = [choice.label for choice in prompt.choices]
    parts = [part.strip() for part in typed.split(",")] if prompt.multi_select else [typed]
    chosen = [_choice(part, labels) for part in parts]
    if labels and all(label is not None for label in chosen):
        return [label for label in chosen if label is not None]
    return [typed] if prompt.free_text else parts


def _choice(typed: str, labels: list[str]) -> str | None:
    if typed.isdecimal() and 1 <= int(typed) <= len(labels):
        return labels[int(typed) - 1]
    return next((label for label in labels if label.casefold() == typed.casefold()), None)
