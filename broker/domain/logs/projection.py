"""A session event as a line of the long history: one row, or none for a streaming fragment.

What an event says about itself comes from the broker and is trusted in its shape; what stands in an agent's frame comes
from a proxy of any version, so it is read part by part and an odd part is left out: a line that cannot be projected
would hold up all that follow it.
"""

from __future__ import annotations

from typing import Any

from broker.domain.ids import AgentId, SessionId, WorkspaceId
from broker.domain.logs.contents import add_content
from broker.domain.logs.draft import Draft, readable, text_of
from broker.domain.logs.events import EventKind
from broker.domain.logs.rows import LineKind, LogRow

_BAD_ENDS = frozenset({"denied", "expired"})
_SOMETHING_MISSING = frozenset({EventKind.LOG_OVERFLOW, EventKind.LINK_REPORTS_LOST})
_BAD_NEWS = frozenset({EventKind.AGENT_FAILED, EventKind.AGENT_DEAF, *_SOMETHING_MISSING})

Json = dict[str, Any]
_FRAGMENTS = frozenset({"text_delta", "thought_delta"})


def is_fragment(event: Json) -> bool:
    """Whether an event is only a piece of what a later one repeats whole."""
    data = event["data"]
    if not data.get("transient"):
        return False
    contents = [content for content in data.get("events") or () if isinstance(content, dict)]
    return all(content.get("type") in _FRAGMENTS for content in contents)


def project(
    event: Json,
    *,
    workspace: WorkspaceId,
    session: SessionId,
    cli: str,
    body: str = "",
    redactions: int = 0,
) -> LogRow | None:
    """The row for an event, None for a fragment. Pass the event as it is to be stored: secrets already masked.

    `body` is that same event as JSON text and `redactions` how many secrets were masked in it.
    """
    if is_fragment(event):
        return None
    draft = _draft(event)
    data = event["data"]
    return LogRow(
        workspace=workspace,
        session=session,
        epoch=event["epoch"],
        offset=event["offset"],
        at_ms=event["at_ms"],
        kind=draft.kind,
        event=event["kind"],
        agent=event["name"] or "",
        agent_id=AgentId(event["agent"] or ""),
        cli=cli or text_of(data.get("cli")),
        frame_type=text_of(data.get("frame_type")),
        tool=draft.tool,
        command=draft.command,
        exit_code=draft.exit_code,
        paths=draft.paths,
        diff=draft.diff,
        ok=draft.ok,
        text=draft.text,
        input_tokens=draft.input_tokens,
        output_tokens=draft.output_tokens,
        cached_tokens=draft.cached_tokens,
        cost_usd=draft.cost_usd,
        cumulative=draft.cumulative,
        body=body,
        redactions=redactions,
    )


def _draft(event: Json) -> Draft:
    draft, data = Draft(), event["data"]
    match event["kind"]:
        case EventKind.AGENT_FRAME:
            _frame(draft, data)
        case EventKind.MESSAGE_ACCEPTED:
            _message(draft, data)
        case EventKind.MESSAGE_RECEIPT:
            _receipt(draft, data, recipient=event["name"] or "")
        case EventKind.TURN_STARTED:
            draft.is_about(LineKind.TURN).say("turn started")
        case EventKind.TURN_ENDED:
            _turn_ended(draft, data)
        case EventKind.APPROVAL_REQUESTED:
            _project_asked(draft, data)
        case EventKind.APPROVAL_ASSENTED:
            _project_assented(draft, data)
        case EventKind.APPROVAL_RESOLVED:
            _project_resolved(draft, data)
        case EventKind.PLAN_WARNING | EventKind.BUDGET_WARNING | EventKind.BUDGET_SPENT:
            draft.is_about(LineKind.SESSION).say(text_of(data.get("text")))
        case kind:
            _lifecycle(draft, kind, data)
    return draft


def _frame(draft: Draft, data: Json) -> None:
    for content in data.get("events") or ():
        if isinstance(content, dict):
            add_content(draft, content)
    if data.get("frame_type") == "noise":  # a stray line of the process; a crash often says why there
        draft.say(text_of(data.get("raw")))


def _message(draft: Draft, data: Json) -> None:
    sender = data.get("from")
    name = text_of(sender.get("name")) if isinstance(sender, dict) else ""
    draft.is_about(LineKind.MESSAGE).say(f"{name} → {text_of(data.get('to'))}: {text_of(data.get('text'))}")
    draft.say(f"message {text_of(data.get('id'))}")


def _receipt(draft: Draft, data: Json, *, recipient: str) -> None:
    state = text_of(data.get("state"))
    why = text_of(data.get("reason")) or text_of(data.get("because")) or text_of(data.get("outcome"))
    draft.is_about(LineKind.RECEIPT).say(f"{recipient}: {state}" + (f" ({why})" if why else ""))
    draft.say(f"message {text_of(data.get('message'))}")
    if state == "undeliverable":
        draft.mark_failed()


def _turn_ended(draft: Draft, data: Json) -> None:
    outcome = text_of(data.get("outcome"))
    draft.is_about(LineKind.TURN).say(f"turn {outcome}")
    draft.say(text_of(data.get("reason")))
    draft.say(text_of(data.get("text")))
    if outcome == "failed":
        draft.mark_failed()


def _project_asked(draft: Draft, data: Json) -> None:
    draft.is_about(LineKind.APPROVAL).say(f"asks: {text_of(data.get('title'))}")
    draft.uses(text_of(data.get("tool")))
    draft.runs(text_of(data.get("command")))
    changes = data.get("changes")
    draft.changes(changes)
    if not changes and not draft.command:
        draft.takes(data.get("input"))
    draft.say(text_of(data.get("reason")))
    draft.say(text_of(data.get("detail")))
    for prompt in data.get("prompts") or ():
        draft.say(text_of(prompt.get("text")))
    draft.say(f"approval {text_of(data.get('id'))}")


def _project_assented(draft: Draft, data: Json) -> None:
    words = " and ".join(text_of(need.get("words")) for need in data.get("needs") or () if isinstance(need, dict))
    draft.is_about(LineKind.APPROVAL).say(f"yes by {text_of(data.get('by'))}; it needs {words}")
    draft.say(f"approval {text_of(data.get('id'))}")


def _project_resolved(draft: Draft, data: Json) -> None:
    status, by, note = (text_of(data.get(name)) for name in ("status", "by", "note"))
    draft.is_about(LineKind.APPROVAL).say(status + (f" by {by}" if by else "") + (f": {note}" if note else ""))
    if told := text_of(data.get("told")):
        draft.say(f"the agent was told: {told}")
    for texts in (data.get("answers") or {}).values():
        draft.say(", ".join(map(text_of, texts)))
    draft.say(f"approval {text_of(data.get('id'))}")
    if status in _BAD_ENDS:
        draft.mark_failed()


def _lifecycle(draft: Draft, kind: str, data: Json) -> None:
    draft.is_about(_about(kind)).say(kind.replace(".", " "))
    draft.say(readable(data))
    if kind in _BAD_NEWS or (kind == EventKind.AGENT_EXITED and not data.get("expected")):
        draft.mark_failed()


def _about(kind: str) -> LineKind:
    if kind in _SOMETHING_MISSING:
        return LineKind.ERROR
    return LineKind.AGENT if kind.startswith("agent.") else LineKind.SESSION
