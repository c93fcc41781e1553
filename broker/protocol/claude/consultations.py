"""What Claude Code asks its host by hooks that are registered with `initialize`: before each tool, before it stops.

No settings file is touched. Its own time-out lets a tool run, so it is set to be longer than any answer takes.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from broker.domain.hooks.answers import HookSays
from broker.domain.hooks.events import HookEvent
from broker.protocol.agents.frames import Reaction, to_agent
from broker.protocol.agents.session import Frame, HookQuestion, HookReply
from broker.protocol.claude.frames import ControlRequest, ToolQuestion, control_success
from broker.protocol.claude.tools import approval_requested
from broker.protocol.json_text import dumps
from broker.protocol.wire import Wire

HOOK_CALLBACK = "control_request:hook_callback"
_BEFORE_TOOL, _BEFORE_STOP = "relay_before_tool", "relay_before_stop"
_TIMEOUT_S = 3600
_EVENTS = {_BEFORE_TOOL: HookEvent.BEFORE_TOOL, _BEFORE_STOP: HookEvent.BEFORE_STOP}


class _Input(Wire):
    tool_name: str | None = None
    tool_input: dict[str, Any] | None = None
    tool_use_id: str | None = None
    agent_id: str | None = None
    last_assistant_message: str | None = None


class _Callback(Wire):
    callback_id: str
    input: _Input


class Consultations:
    """Callbacks that wait, by their request's id as JSON."""

    def __init__(self, *, wanted: bool) -> None:
        self._wanted = wanted
        self._waiting: dict[str, HookEvent] = {}

    @property
    def registration(self) -> dict[str, Any]:
        """What `initialize` has of them."""
        if not self._wanted:
            return {}
        return {
            "hooks": {
                "PreToolUse": [{"hookCallbackIds": [_BEFORE_TOOL], "timeout": _TIMEOUT_S}],
                "Stop": [{"hookCallbackIds": [_BEFORE_STOP], "timeout": _TIMEOUT_S}],
            }
        }

    def ask(self, frame: ControlRequest, *, closing: str) -> Reaction:
        """The CLI waits. A callback that cannot be read is refused; of one that is not ours there is no opinion.

        `closing`: the last words of the turn, where the CLI does not say them.
        """
        try:
            callback = _Callback.model_validate(frame.request)
        except ValidationError:
            yield from self.refuse(frame, "relay-connect did not understand what is to be run")
            return
        event = _EVENTS.get(callback.callback_id)
        if event is None:
            yield to_agent(control_success(frame.request_id, {}), "control_response")
            return
        native_id = dumps(frame.request_id).decode()
        given = callback.input
        if event is HookEvent.BEFORE_STOP:
            self._waiting[native_id] = event
            yield HookQuestion(native_id=native_id, event=event, last_message=given.last_assistant_message or closing)
            return
        if given.tool_name is None or given.tool_input is None:
            yield from self.refuse(frame, "relay-connect was not told what is to be run")
            return
        self._waiting[native_id] = event
        question = ToolQuestion(
            tool_name=given.tool_name, input=given.tool_input, tool_use_id=given.tool_use_id, agent_id=given.agent_id
        )
        yield HookQuestion(native_id=native_id, event=event, use=approval_requested(native_id, question))

    def refuse(self, frame: ControlRequest, why: str) -> Reaction:
        """No tool runs of which nobody knows what it is; an end of a turn is none the worse for that."""
        reply = HookReply(says=HookSays.DENY, reason=why)
        is_tool = frame.request.get("callback_id") == _BEFORE_TOOL
        yield to_agent(control_success(frame.request_id, _tool_reply(reply) if is_tool else {}), "control_response")

    def settle(self, native_id: str, reply: HookReply) -> list[Frame]:
        """Answer one."""
        event = self._waiting.pop(native_id, None)
        if event is None:
            return []
        said = _tool_reply(reply) if event is HookEvent.BEFORE_TOOL else _stop_reply(reply)
        return [to_agent(control_success(_request_id(native_id), said), "control_response")]

    def forget(self, native_id: str) -> None:
        """The CLI does not wait any more."""
        self._waiting.pop(native_id, None)


def _tool_reply(reply: HookReply) -> dict[str, Any]:
    """With another input it asks for permission like any other use: a yes from here would go past all rules."""
    said: dict[str, Any] = {"additionalContext": reply.context} if reply.context else {}
    match reply.says:
        case HookSays.DENY | HookSays.ASK as decision:
            said |= {"permissionDecision": str(decision), "permissionDecisionReason": reply.reason}
        case HookSays.MODIFY:
            said |= {"permissionDecision": "ask", "permissionDecisionReason": reply.reason, "updatedInput": reply.input}
        case HookSays.ALLOW | None:
            pass
    return {"hookSpecificOutput": {"hookEventName": "PreToolUse", **said}} if said else {}


def _stop_reply(reply: HookReply) -> dict[str, Any]:
    return {"decision": "block", "reason": reply.reason} if reply.says is HookSays.DENY else {}


def _request_id(native_id: str) -> str:
    return str(json.loads(native_id))
