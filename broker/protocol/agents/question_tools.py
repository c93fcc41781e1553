"""Questions that a model asks its user by a tool: Claude Code's `AskUserQuestion`, whose shape Qwen Code's has too.

`{"questions": [{"question", "header", "multiSelect", "options": [{"label", "description"}]}]}`; a person may also
answer in words of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broker.domain.approvals.questions import Choice, QuestionPrompt


def question_prompts(given: Mapping[str, Any]) -> tuple[QuestionPrompt, ...]:
    """What a tool's input asks, in its order; nothing for what has another shape. The ids are `q1`, `q2`, …"""
    asked = given.get("questions")
    if not isinstance(asked, list):
        return ()
    return tuple(_prompt(number, each) for number, each in enumerate(asked, 1) if isinstance(each, dict))


def _prompt(number: int, asked: dict[str, Any]) -> QuestionPrompt:
    options = asked.get("options")
    return QuestionPrompt(
        id=f"q{number}",
        header=str(asked.get("header") or ""),
        text=str(asked.get("question") or ""),
        choices=tuple(
            Choice(label=str(each.get("label") or ""), description=str(each.get("description") or ""))
            for each in (options if isinstance(options, list) else ())
            if isinstance(each, dict)
        ),
        multi_select=bool(asked.get("multiSelect")),
    )
