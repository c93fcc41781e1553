"""What a person at the terminal is asked, with everything that a yes is for. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from broker.protocol.agents.events import ApprovalRequested
from broker.protocol.proxy import Spawn
from connect.policy.consent import Question
from connect.policy.decision import AskAnswer


def spawn_question(spawn: Spawn, folder: Path, *, new_folder: bool, loaded: Sequence[str]) -> Question:
    """May this agent start? `loaded`: what the folder makes agents run."""
    return Question(
        title=f"{_asker(spawn)} wants to start {spawn.name} ({spawn.cli}) on this machine",
        details=(
            f"in {folder}",
            *((f"with the model {spawn.model}",) if spawn.model else ()),
            *((f"it loads what lies there, which can run commands: {', '.join(loaded)}",) if loaded else ()),
        ),
        yes="starts it, and lets agents work in this folder from now on" if new_folder else "starts it",
    )


def answer_question(spawn: Spawn, asked: ApprovalRequested, wanted: AskAnswer) -> Question:
    """May this answer reach the agent?"""
    return Question(
        title=f"{spawn.name} ({spawn.cli}) asks for {asked.tool}, and the broker says yes: {wanted.why}",
        details=tuple(_what(asked, wanted)),
        yes="lets it, from now on" if asked.lasting else "lets it, this once",
    )


def _asker(spawn: Spawn) -> str:
    if spawn.asked_by is None:
        return "Somebody, whom the broker does not name,"
    return f"{spawn.asked_by.name or 'Somebody'} ({spawn.asked_by.kind})"


def _what(asked: ApprovalRequested, wanted: AskAnswer) -> list[str]:
    changed = wanted.answer.updated_input
    lines = [f"$ {asked.command}"] if asked.command else []
    lines += [f"in {asked.cwd}"] if asked.cwd else []
    lines += [*asked.widens]
    for change in asked.changes:
        lines += [f"{change.change} {change.path}", *((change.diff,) if change.diff else ())]
    lines += [path for path in asked.paths if all(path != change.path for change in asked.changes)]
    if not asked.command and not asked.changes:
        lines += [asked.title, *((_json(asked.input),) if asked.input else ())]
    if changed is not None and changed != asked.input:
        lines += [f"instead of that: {_json(changed)}"]
    return lines


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)
