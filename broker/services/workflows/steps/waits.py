"""Steps that wait: for an instant, a message, a call, or for something else that a session's log tells of."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson

from broker.domain.logs.event_filter import EventFilter
from broker.domain.logs.events import Cursor, EventKind
from broker.domain.workflows.files.waits import longest_wait_ms, waits_for_webhook
from broker.domain.workflows.runs.effects import effect_id
from broker.domain.workflows.runs.evidence import Evidence
from broker.domain.workflows.runs.journal import AttemptEnded, Outcome
from broker.services.ports import EventLog
from broker.services.workflows.scene import Progress, Scene, name_output
from broker.services.workflows.verdicts import unmet
from broker.services.workflows.webhooks import NO_KEY

_AGAIN_MS = 5_000
_PAGE = 500
_KEPT = 1_000


class Waits:
    """Looks whether what steps wait for has come."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._read: OrderedDict[str, Cursor] = OrderedDict()
        """Up to where the log was read for an attempt; another worker reads it from the start."""

    async def carry(self, scene: Scene, name: str) -> Progress:
        """Whether it has come, or its time is over."""
        standing, wanted = scene.standing(name), scene.entry(name).wait_for or {}
        if standing.stopping is not None:
            return _report_end(scene, name, Outcome.FAILED, standing.stopping)
        due_ms = _due_ms(wanted, since_ms=standing.since_ms)
        if due_ms is not None:
            if scene.now_ms >= due_ms:
                return _report_end(scene, name, Outcome.SUCCEEDED, "")
            return Progress(look_at_ms=due_ms)
        if waits_for_webhook(wanted):
            return await self._await_call(scene, name, wanted)
        kind = _kind(wanted)
        if kind is None:
            return _report_end(
                scene, name, Outcome.FAILED, f"nobody knows how to wait for {', '.join(wanted) or 'nothing'}"
            )
        found = await self._find(scene, name, kind, wanted)
        if found is not None:
            return _judge(scene, name, found)
        ends_ms = standing.since_ms + longest_wait_ms(wanted)
        if scene.now_ms >= ends_ms:
            return _report_end(scene, name, Outcome.FAILED, "what it waits for has not come in time")
        return Progress(look_at_ms=min(ends_ms, scene.now_ms + _AGAIN_MS))

    async def _await_call(self, scene: Scene, name: str, wanted: dict[str, Any]) -> Progress:
        """It may have been called before the attempt began: steps ahead of it know its address."""
        standing = scene.standing(name)
        if scene.webhook(name) is None:
            return _report_end(scene, name, Outcome.FAILED, NO_KEY)
        effect = effect_id(scene.row.id, name, standing.attempt)
        found = await scene.records.delivered(scene.workspace, scene.row.id, effect)
        if found is not None:
            return _judge(scene, name, found)
        ends_ms = standing.since_ms + longest_wait_ms(wanted)
        if scene.now_ms >= ends_ms:
            return _report_end(scene, name, Outcome.FAILED, "nobody has called its address in time")
        return Progress(look_at_ms=ends_ms)

    async def _find(self, scene: Scene, name: str, kind: str, wanted: dict[str, Any]) -> str | None:
        """The first event since the step began that is what it waits for: a message's text, else the event's data."""
        standing = scene.standing(name)
        effect = effect_id(scene.row.id, name, standing.attempt)
        after = self._read.pop(effect, None)
        only = EventFilter(kinds=frozenset({kind}))
        while True:
            page = await self._log.read(scene.workspace, scene.session.id, after=after, limit=_PAGE, only=only)
            for text in page.events:
                event = orjson.loads(text)
                if event["at_ms"] >= standing.since_ms and _fits(event, wanted):
                    data = event["data"]
                    return str(data.get("text")) if kind == EventKind.MESSAGE_ACCEPTED else orjson.dumps(data).decode()
            after = page.next
            if page.next.offset >= page.head.offset:
                break
        self._read[effect] = after
        if len(self._read) > _KEPT:
            self._read.popitem(last=False)
        return None


def waits_for_events(wanted: dict[str, Any]) -> bool:
    """Whether what happens anywhere in the session may end it: not the clock, and not a call, which wakes its run."""
    return _due_ms(wanted, since_ms=0) is None and not waits_for_webhook(wanted)


def _due_ms(wanted: dict[str, Any], *, since_ms: int) -> int | None:
    """When a wait for a time is over; None for another one."""
    match wanted:
        case {"durationMs": int() as length}:
            return since_ms + length
        case {"until": str() | datetime() as until}:
            at = until if isinstance(until, datetime) else datetime.fromisoformat(until)
            return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
        case _:
            return None


def _kind(wanted: dict[str, Any]) -> str | None:
    if "message" in wanted:
        return EventKind.MESSAGE_ACCEPTED
    event = wanted.get("event")
    return event if isinstance(event, str) and event in set(EventKind) else None


def _fits(event: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether it has all that is said of it: who has sent it and to whom, what it contains, whom it is about."""
    return all(_all_of(event, wanted.get("message") or wanted))


def _all_of(event: dict[str, Any], said: object) -> Iterator[bool]:
    about, data = said if isinstance(said, dict) else {}, event["data"]
    if "from" in about:
        sender = data.get("from")
        yield isinstance(sender, dict) and sender.get("name") == about["from"]
    if "to" in about:
        yield data.get("to") == about["to"]
    if "agent" in about:
        yield event["name"] == about["agent"]
    if "contains" in about:
        yield str(about["contains"]) in str(data.get("text", ""))


def _judge(scene: Scene, name: str, found: str) -> Progress:
    """It has come, and counts when the step's conditions hold for it."""
    said = unmet(scene.entry(name).conditions, Evidence(output=found))
    outcome = Outcome.SUCCEEDED if said is None else Outcome.REJECTED
    return _report_end(scene, name, outcome, said or "", output=found)


def _report_end(scene: Scene, name: str, outcome: Outcome, reason: str, *, output: str = "") -> Progress:
    kept, outputs = name_output(output) if output else ("", {})
    attempt = scene.standing(name).attempt
    fact = AttemptEnded(step=name, attempt=attempt, outcome=outcome, reason=reason, output=kept)
    return Progress(fact=fact, outputs=outputs)
