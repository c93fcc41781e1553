"""Edited files, as agents tell of them in their frames, and the turns they were edited in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from broker.domain.ids import AgentId
from broker.domain.logs.event_filter import file_contents
from broker.domain.logs.events import Cursor, EventKind


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """One file as one frame changed it."""

    path: str
    change: str
    """`add`, `update`, `delete`, or the vendor's own word."""
    diff: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChanges:
    """What one frame changed."""

    cursor: Cursor
    at_ms: int
    agent_id: AgentId
    agent: str
    turn: str | None
    """None when the beginning of the turn is not kept, or there was none."""
    changes: tuple[FileChange, ...]


def turns_of(edits: Sequence[dict[str, Any]], turn_events: Iterable[dict[str, Any]]) -> dict[int, str | None]:
    """The turn that each edit was made in, by the edit's offset; what is not in here began before `turn_events`.

    Both are events in order of their offsets.
    """
    running: dict[str, str | None] = {}
    found: dict[int, str | None] = {}
    for event in sorted([*edits, *turn_events], key=lambda each: int(each["offset"])):
        agent = event["agent"]
        match event["kind"]:
            case EventKind.TURN_STARTED:
                running[agent] = event["data"]["turn"]
            case EventKind.TURN_ENDED:
                running[agent] = None
            case _ if agent in running:
                found[event["offset"]] = running[agent]
            case _:
                pass
    return found


def file_changes(event: dict[str, Any], *, turn: str | None) -> FileChanges:
    """What a frame that was admitted for its edits tells."""
    return FileChanges(
        cursor=Cursor(event["epoch"], event["offset"]),
        at_ms=event["at_ms"],
        agent_id=AgentId(event["agent"] or ""),
        agent=event["name"] or "",
        turn=turn,
        changes=tuple(_file_change(change) for change in file_contents(event)),
    )


def _file_change(change: dict[str, Any]) -> FileChange:
    diff, word = change.get("diff"), change.get("change")
    return FileChange(
        path=change["path"],
        change=word if isinstance(word, str) and word else "update",
        diff=diff if isinstance(diff, str) and diff else None,
    )
