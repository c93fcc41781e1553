"""Session events as the broker writes them, and a search over rows as the store answers it."""

from __future__ import annotations

import dataclasses
import json
from fnmatch import fnmatchcase
from typing import Any

from broker.domain.ids import SessionId, WorkspaceId
from broker.domain.logs.projection import project
from broker.domain.logs.rows import LogRow
from broker.domain.logs.search.fields import Match
from broker.domain.logs.search.highlight import highlights
from broker.domain.logs.search.query import LogQuery, Wanted
from broker.protocol.agents.events import AgentEvent, ApprovalRequested, StateEvent, TurnEnded
from broker.protocol.agents.session import Frame

Event = dict[str, Any]


def event(kind: str, data: Event, *, name: str | None = "Bob", offset: int = 7) -> Event:
    agent = f"id-of-{name}" if name else None
    return {
        "epoch": "e1",
        "offset": offset,
        "kind": kind,
        "at_ms": 1_795_359_534_483,
        "agent": agent,
        "name": name,
        "data": data,
    }


def frame_event(*contents: Event, raw: Any = None, frame_type: str = "assistant", transient: bool = False) -> Event:
    data = {"direction": "out", "frame_type": frame_type, "transient": transient, "events": [*contents], "raw": raw}
    return event("agent.frame", data)


def logged(frames: list[Frame]) -> list[Event]:
    """What the broker's log holds after these frames."""
    events: list[Event] = []
    for frame in frames:
        contents = [_json(each) for each in frame.events if not isinstance(each, StateEvent)]
        raw = json.loads(frame.raw)
        events.append(frame_event(*contents, raw=raw, frame_type=frame.type, transient=frame.transient))
        events += [told for each in frame.events if (told := _told(each))]
    return [{**each, "offset": offset} for offset, each in enumerate(events, start=1)]


def row_of(event: Event) -> LogRow | None:
    return project(event, workspace=WorkspaceId("w1"), session=SessionId("s1"), cli="claude")


def line(event: Event) -> LogRow:
    row = row_of(event)
    assert row is not None
    return row


def rows_of(events: list[Event]) -> list[LogRow]:
    return [row for each in events if (row := row_of(each))]


def finds(query: LogQuery, row: LogRow) -> bool:
    return (
        all(highlights(row.text, [term]) for term in query.terms)
        and not highlights(row.text, query.without)
        and all(_has(row, each) is not each.excluded for each in query.fields)
    )


def _has(row: LogRow, wanted: Wanted) -> bool:
    own = getattr(row, wanted.field.column)
    match wanted.field.match:
        case Match.WORD | Match.NAME | Match.KIND:
            return own in wanted.values
        case Match.PATTERN:
            return any(fnmatchcase(own, each) for each in wanted.values)
        case Match.PATH:
            return any(fnmatchcase(path, each) for each in wanted.values for path in own)
        case Match.STATUS:
            return str(own) in wanted.values
        case Match.FAILURE:
            return wanted.values == (str(not own).lower(),)
        case Match.SINCE | Match.UNTIL:
            raise ValueError(wanted)


def _told(told: AgentEvent) -> Event | None:
    match told:
        case TurnEnded():
            return event(
                "turn.ended", {"turn": told.turn_id, "outcome": told.outcome, "text": told.text, "reason": told.reason}
            )
        case ApprovalRequested():
            return event("approval.requested", {**_json(told), "id": "a1", "agent": "Bob", "status": "pending"})
        case _:
            return None


def _json(content: AgentEvent) -> Event:
    told: Event = json.loads(json.dumps(dataclasses.asdict(content)))
    return told
