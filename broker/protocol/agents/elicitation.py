"""Forms and links that an MCP server puts to a person, as prompts; and the answers to them as the server wants them.

Model Context Protocol, `elicitation/create` (2025-11-25 and the draft of 2026-07-28): a form is a flat object of texts,
numbers, yes-or-no and choices. The Agent Client Protocol 1 and Codex pass on the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from broker.domain.approvals.answers import ApprovalAnswer, Verdict
from broker.domain.approvals.questions import Choice, QuestionPrompt

_LINK = "link"
_YES_NO = (Choice(label="Yes"), Choice(label="No"))


def form_prompts(message: str, schema: object) -> tuple[QuestionPrompt, ...] | None:
    """A form's members as prompts, one that only wants consent as a single one; None for what is no such form.

    What the whole form is for, its message, stands in the first of them.
    """
    members: object = schema.get("properties") if isinstance(schema, Mapping) else None
    if not isinstance(schema, Mapping) or not isinstance(members, Mapping):
        return None
    properties = {str(name): member for name, member in members.items()}
    if not properties:
        return (QuestionPrompt(id=_LINK, text=message, choices=(Choice(label="Yes"),), free_text=False),)
    required = schema.get("required") or []
    prompts = [_prompt(name, member, required=name in required) for name, member in properties.items()]
    known = [prompt for prompt in prompts if prompt is not None]
    if len(known) < len(prompts):
        return None
    known[0] = replace(known[0], text=_introduce(known[0], message, alone=len(known) == 1))
    return tuple(known)


def _introduce(prompt: QuestionPrompt, message: str, *, alone: bool) -> str:
    says_nothing = prompt.text == prompt.header
    if not message or prompt.text == message:
        return prompt.text
    return message if alone and says_nothing else f"{message}\n{prompt.text}"


def link_prompts(message: str, url: str) -> tuple[QuestionPrompt, ...]:
    """A page that a person is to visit; the answer says that they agree to that."""
    return (QuestionPrompt(id=_LINK, text=f"{message}\n{url}", choices=(Choice(label="Done"),), free_text=False),)


def elicitation_result(prompts: Sequence[QuestionPrompt], answer: ApprovalAnswer) -> dict[str, Any]:
    """What the server is told."""
    if answer.verdict is Verdict.DENY or answer.answers is None:
        return {"action": "cancel" if answer.interrupt else "decline"}
    given = {prompt.id: prompt for prompt in prompts if prompt.id in answer.answers}
    content = {name: _value(prompt, answer.answers[name]) for name, prompt in given.items() if prompt.header}
    return {"action": "accept", "content": content}


def _prompt(name: str, member: object, *, required: bool) -> QuestionPrompt | None:
    """None for a member that is none of a form's."""
    if not isinstance(member, Mapping):
        return None
    kind, title = member.get("type"), str(member.get("title") or name)
    text = str(member.get("description") or title)
    match kind:
        case "boolean":
            return QuestionPrompt(id=name, header=title, text=text, choices=_YES_NO, free_text=False, required=required)
        case "number" | "integer":
            return QuestionPrompt(id=name, header=title, text=text, number=True, required=required)
        case "string":
            choices = _choices(member)
            return QuestionPrompt(
                id=name, header=title, text=text, choices=choices, free_text=not choices, required=required
            )
        case "array" if isinstance(member.get("items"), Mapping) and (choices := _choices(member["items"])):
            return QuestionPrompt(
                id=name,
                header=title,
                text=text,
                choices=choices,
                multi_select=True,
                free_text=False,
                required=required,
            )
        case _:
            return None


def _choices(member: Mapping[str, Any]) -> tuple[Choice, ...]:
    titled = member.get("oneOf") or member.get("anyOf")
    if isinstance(titled, list):
        return tuple(map(_read_titled, titled))
    values = [str(value) for value in member.get("enum") or ()]
    names = member.get("enumNames")
    labels = [str(name) for name in names] if isinstance(names, list) and len(names) == len(values) else values
    pairs = list(zip(labels, values, strict=True))
    return tuple(Choice(label=label, value=None if label == value else value) for label, value in pairs)


def _read_titled(each: Mapping[str, Any]) -> Choice:
    value, description = str(each.get("const")), str(each.get("description") or "")
    label = str(each.get("title") or value)
    return Choice(label=label, value=None if label == value else value, description=description)


def _value(prompt: QuestionPrompt, texts: Sequence[str]) -> object:
    values = {choice.label: choice.value or choice.label for choice in prompt.choices}
    told = [values.get(text, text) for text in texts]
    if prompt.multi_select:
        return told
    if prompt.choices == _YES_NO:
        return told[0] == "Yes"
    if prompt.number:
        number = float(told[0])
        return int(number) if number.is_integer() else number
    return told[0]
