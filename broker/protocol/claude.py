"""Claude Code over stream-json: one conversation as a state machine.

The same frames travel over stdio (today's CLI, bridged by the proxy) and over `--sdk-url` (up to 2.1.120).
The launcher names the conversation (`--session-id`, `--resume`), asks for permission requests
(`--permission-prompt-tool stdio`) and for echoes (`--replay-user-messages`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from broker.domain.approvals import ApprovalAnswer, Verdict
from broker.domain.ids import MessageId
from broker.protocol.agent_events import (
    AgentBroken,
    AgentEvent,
    AgentReady,
    ApprovalWithdrawn,
    ProblemNoted,
    PromptAccepted,
    PromptRefused,
    TextSpoken,
    TextStreamed,
    ThoughtSpoken,
    ToolCalled,
    Unrecognised,
)
from broker.protocol.agent_session import Frame, Opening, Prompt
from broker.protocol.claude_frames import (
    AssistantFrame,
    Block,
    CommandLifecycle,
    ControlCancel,
    ControlOutcome,
    ControlRequest,
    ControlResponse,
    ResultFrame,
    StreamEvent,
    SystemFrame,
    ToolQuestion,
    UserFrame,
    control_error,
    control_request,
    control_success,
    frame_name,
    user_frame,
)
from broker.protocol.claude_tools import (
    PendingTool,
    approval_requested,
    permission_result,
    tool_called,
    tool_returned,
)
from broker.protocol.frames import already_seen, noise, reaction, to_agent
from broker.protocol.ndjson import Document, LineReader, Noise, dumps
from broker.protocol.redelivery import nudge_id
from broker.protocol.turns import RunningTurn

_Reaction = Iterator[AgentEvent | Frame]

_FRAMES_REMEMBERED = 4096
"""2.1.120 keeps its last 1000 frames and sends them all again on every reconnect."""

_MAX_NUDGES = 8
"""A nudge is itself known again after one more restart, and the next one is sent; a loop beyond this is a fault."""


@dataclass(slots=True, kw_only=True)
class _Delivery:
    """A prompt that was written and has not begun."""

    message_id: MessageId
    nudge: str | None
    nudges_sent: int = 0
    told: bool = False
    """`PromptAccepted` is out."""
    queued: bool = False
    """The CLI took its present uuid as a new one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Predecessor:
    """What an earlier object for the same process knew; the process outlives connections, and sends frames again."""

    pending: Mapping[str, dict[str, Any] | None] = field(default_factory=dict)
    """Announced approvals, native id → tool input. The CLI never repeats a permission request."""
    turn_id: str | None = None
    messages: Sequence[MessageId] = ()
    """Those that were written and not answered: part of the turn, or of the next one when none runs."""
    frames: Sequence[str] = ()
    """The uuids of its latest frames, oldest first."""


class ClaudeSession:
    """See `AgentSession`. Prompts sent to a working agent wait (`later`) or join its turn (`next`) inside the CLI."""

    def __init__(self, opening: Opening, *, session_id: str, predecessor: Predecessor | None = None) -> None:
        """`predecessor` is given by who takes over a live process."""
        before = predecessor or Predecessor()
        self._opening = opening
        self._session_id = session_id
        self._lines = LineReader()
        self._recent_frames = dict.fromkeys(before.frames)
        self._pending = {native_id: PendingTool(input=given or {}) for native_id, given in before.pending.items()}
        self._asked: dict[str, str] = {}
        self._calls: dict[str, ToolCalled] = {}
        self._handed = set(before.messages)
        self._waiting: dict[str, _Delivery] = {}
        self._tells_lifecycle = False
        self._turn: RunningTurn | None = None
        if before.turn_id is not None:
            self._turn = RunningTurn(turn_id=before.turn_id, message_ids=list(before.messages))
        else:
            for message_id in before.messages:
                self._waiting[message_id] = _Delivery(message_id=message_id, nudge=None, told=True, queued=True)
        self._turns_begun = 0

    def start(self) -> list[Frame]:
        """Ask for the handshake; the instructions become a part of the system prompt."""
        return [self._ask({"subtype": "initialize", "appendSystemPrompt": self._opening.instructions})]

    def receive(self, data: bytes) -> list[Frame]:
        """Take bytes from the process."""
        return [frame for line in self._lines.feed(data) for frame in self._read(line)]

    def prompt(self, prompt: Prompt) -> list[Frame]:
        """Hand over a message; its id is the idempotency key, so a known one is not run again."""
        delivery = _Delivery(message_id=prompt.message_id, nudge=prompt.nudge)
        if prompt.message_id not in self._handed:
            self._handed.add(prompt.message_id)
            return [self._send(prompt.text, uuid=prompt.message_id, delivery=delivery, steer=prompt.steer)]
        frames = [already_seen(prompt.message_id)]
        if prompt.nudge and not self._is_under_way(prompt.message_id):
            delivery.told = True
            frames.append(self._send_nudge(prompt.message_id, delivery, text=prompt.nudge))
        return frames

    def interrupt(self) -> list[Frame]:
        """Stop the running turn; the CLI withdraws its open questions by itself."""
        if self._turn is None:
            return []
        self._turn.stop_asked = True
        return [self._ask({"subtype": "interrupt"})]

    def answer(self, native_id: str, answer: ApprovalAnswer) -> list[Frame]:
        """Answer a permission request."""
        pending = self._pending.pop(native_id, None)
        if pending is None:
            return []
        if self._turn is not None and answer.verdict is Verdict.DENY and answer.interrupt:
            self._turn.stop_asked = True
        request_id = _request_id(native_id)
        return [to_agent(control_success(request_id, permission_result(pending, answer)), "control_response")]

    def close(self) -> list[Frame]:
        """Nothing: the end of its input is what ends the CLI."""
        return []

    def _ask(self, request: dict[str, Any]) -> Frame:
        request_id = f"relay-{len(self._asked) + 1}"
        self._asked[request_id] = request["subtype"]
        return to_agent(control_request(request_id, request), f"control_request:{request['subtype']}")

    def _send(self, text: str, *, uuid: str, delivery: _Delivery, steer: bool) -> Frame:
        busy = self._turn is not None or bool(self._waiting)
        self._waiting[uuid] = delivery
        return to_agent(user_frame(text, uuid=uuid, priority="later" if busy and not steer else None), "user")

    def _send_nudge(self, previous: str, delivery: _Delivery, *, text: str) -> Frame:
        delivery.nudges_sent += 1
        delivery.queued = False
        return self._send(text, uuid=nudge_id(previous, text), delivery=delivery, steer=False)

    def _is_under_way(self, message_id: MessageId) -> bool:
        running = self._turn.message_ids if self._turn else []
        return message_id in running or any(each.message_id == message_id for each in self._waiting.values())

    def _read(self, line: Document | Noise) -> list[Frame]:
        if isinstance(line, Noise):
            return [noise(line)]
        if self._is_repeated(line.value):
            return []
        kind, name = line.value.get("type"), frame_name(line.value)
        handler = _HANDLERS.get(kind) if isinstance(kind, str) else None
        said = handler(self, line.value) if handler else iter((Unrecognised(frame_type=name),))
        return reaction(line, name, said, transient=kind == "stream_event")

    def _is_repeated(self, value: dict[str, Any]) -> bool:
        """Whether this frame has been here before; an echo bears the uuid of the prompt and may come for each try."""
        uuid = value.get("uuid")
        if not isinstance(uuid, str) or value.get("isReplay"):
            return False
        if uuid in self._recent_frames:
            return True
        self._recent_frames[uuid] = None
        if len(self._recent_frames) > _FRAMES_REMEMBERED:
            del self._recent_frames[next(iter(self._recent_frames))]
        return False

    def _on_system(self, value: dict[str, Any]) -> _Reaction:
        frame = SystemFrame.model_validate(value)
        match frame.subtype:
            case "init":
                yield from self._on_turn_init(frame.uuid or "")
            case "api_retry":
                attempt = f"attempt {frame.attempt} of {frame.max_retries}"
                yield ProblemNoted(
                    detail=f"the model call failed (HTTP {frame.error_status}), {attempt}", will_retry=True
                )
            case "permission_denied":
                yield ProblemNoted(detail=frame.message or "a tool was denied")
            case "status":
                pass
            case _:
                yield Unrecognised(frame_type=frame_name(value))

    def _on_turn_init(self, uuid: str) -> _Reaction:
        """`init` opens every turn, but does not say for which prompt: without `command_lifecycle`, the oldest."""
        if self._turn is None and self._waiting and not self._tells_lifecycle:
            yield from self._on_prompt_begun(next(iter(self._waiting)))
        elif self._turn is None:
            yield from self._begin_turn(RunningTurn(turn_id=uuid))

    def _on_lifecycle(self, value: dict[str, Any]) -> _Reaction:
        step = CommandLifecycle.model_validate(value)
        self._tells_lifecycle = True
        match step.state:
            case "queued":
                yield from self._accept(self._waiting.get(step.command_uuid))
            case "started":
                yield from self._on_prompt_begun(step.command_uuid)
            case "completed":
                yield from self._on_prompt_known(step.command_uuid)
            case "cancelled":
                cancelled = self._waiting.pop(step.command_uuid, None)
                if cancelled is not None:
                    self._handed.discard(cancelled.message_id)
                    yield PromptRefused(message_id=cancelled.message_id, reason="cancelled")
            case _:
                yield Unrecognised(frame_type=frame_name(value))

    def _on_prompt_begun(self, uuid: str) -> _Reaction:
        """A prompt enters a turn: a new one, or the running one after a tool's result."""
        delivery = self._waiting.pop(uuid, None)
        yield from self._accept(delivery)
        if self._turn is None:
            message_ids = [delivery.message_id] if delivery else []
            yield from self._begin_turn(RunningTurn(turn_id=uuid, message_ids=message_ids))
        elif delivery is not None:
            yield self._turn.join(delivery.message_id)

    def _on_prompt_known(self, uuid: str) -> _Reaction:
        """Told of a prompt that never began: the CLI has had it before a restart, and nothing will follow by itself.

        Unless the CLI goes on with the cut-off turn on its own (CLAUDE_CODE_RESUME_INTERRUPTED_TURN): then the prompt
        belongs to that turn, the first of this process, which bears an id that nobody has sent.
        """
        delivery = self._waiting.get(uuid)
        if delivery is None or delivery.queued:
            return
        del self._waiting[uuid]
        if not delivery.told:
            delivery.told = True
            yield PromptAccepted(message_id=delivery.message_id, already_seen=True)
        if self._turn is not None and self._turns_begun == 1 and not self._turn.message_ids and self._opening.resume:
            yield self._turn.join(delivery.message_id)
        elif delivery.nudges_sent == _MAX_NUDGES:
            yield PromptRefused(message_id=delivery.message_id, reason="already_seen")
        elif delivery.nudge:
            yield self._send_nudge(uuid, delivery, text=delivery.nudge)

    def _accept(self, delivery: _Delivery | None) -> _Reaction:
        if delivery is None:
            return
        delivery.queued = True
        if not delivery.told:
            delivery.told = True
            yield PromptAccepted(message_id=delivery.message_id)

    def _begin_turn(self, turn: RunningTurn) -> _Reaction:
        self._turn = turn
        self._turns_begun += 1
        yield turn.started()

    def _on_assistant(self, value: dict[str, Any]) -> _Reaction:
        frame = AssistantFrame.model_validate(value)
        own_words = frame.parent_tool_use_id is None
        if self._turn is None and own_words:
            yield from self._begin_turn(RunningTurn(turn_id=frame.uuid or ""))
        for block in frame.message.blocks:
            yield from self._on_block(block, is_error=bool(frame.is_api_error_message), own_words=own_words)

    def _on_block(self, block: Block, *, is_error: bool, own_words: bool) -> _Reaction:
        match block.type:
            case "text" if is_error:
                yield ProblemNoted(detail=block.text or "")
            case "text":
                if self._turn is not None and own_words:
                    self._turn.text = block.text or ""
                yield TextSpoken(text=block.text or "")
            case "thinking":
                yield ThoughtSpoken(text=block.thinking or "")
            case "tool_use":
                call = tool_called(block)
                self._calls[call.call_id] = call
                yield call
            case _:
                pass

    def _on_user(self, value: dict[str, Any]) -> _Reaction:
        frame = UserFrame.model_validate(value)
        if frame.is_replay:
            yield from self._on_echo(frame.uuid or "")
            return
        for block in frame.message.blocks:
            if block.type == "tool_result":
                yield from self._on_tool_result(block, details=frame.tool_use_result)

    def _on_echo(self, uuid: str) -> _Reaction:
        """The echo of a new prompt comes after it was queued or begun; of a known one it is the first thing said."""
        yield from self._on_prompt_known(uuid)

    def _on_tool_result(self, block: Block, *, details: object) -> _Reaction:
        for native_id in [key for key, each in self._pending.items() if each.tool_use_id == block.tool_use_id]:
            del self._pending[native_id]
            yield ApprovalWithdrawn(native_id=native_id)
        yield tool_returned(block, self._calls.pop(block.tool_use_id or "", None), details=details)

    def _on_result(self, value: dict[str, Any]) -> _Reaction:
        result = ResultFrame.model_validate(value)
        if self._opening.resume and not self._turns_begun and _is_lost(result):
            yield AgentBroken(code="RESUME_FAILED", detail=result.reason or "")
            return
        if self._turn is None:
            yield from self._begin_turn(RunningTurn(turn_id=result.uuid or ""))
        if result.usage is not None:
            yield result.usage
        if self._turn is not None:
            yield from self._end_turn(self._turn, result)

    def _end_turn(self, turn: RunningTurn, result: ResultFrame) -> _Reaction:
        if result.result is not None and not result.is_error:
            turn.text = result.result
        self._turn = None
        self._calls.clear()
        yield turn.ended(result.outcome(stop_asked=turn.stop_asked), reason=result.reason)

    def _on_control_request(self, value: dict[str, Any]) -> _Reaction:
        frame = ControlRequest.model_validate(value)
        match frame.request.get("subtype"):
            case "can_use_tool":
                yield from self._on_tool_question(frame)
            case "hook_callback":
                yield to_agent(control_success(frame.request_id, {}), "control_response")
            case subtype:
                # Unanswered it would wait for ever. We offer no in-process MCP servers, so `mcp_message` ends here too.
                yield to_agent(control_error(frame.request_id, f"not supported: {subtype}"), "control_response")

    def _on_tool_question(self, frame: ControlRequest) -> _Reaction:
        try:
            question = ToolQuestion.model_validate(frame.request)
        except ValidationError:
            yield Unrecognised(frame_type="control_request:can_use_tool")
            yield to_agent(control_error(frame.request_id, "not understood"), "control_response")
            return
        native_id = dumps(frame.request_id).decode()
        self._pending[native_id] = PendingTool(
            input=question.input,
            suggestions=tuple(question.permission_suggestions or ()),
            tool_use_id=question.tool_use_id,
        )
        yield approval_requested(native_id, question)

    def _on_control_cancel(self, value: dict[str, Any]) -> _Reaction:
        native_id = dumps(ControlCancel.model_validate(value).request_id).decode()
        if self._pending.pop(native_id, None) is not None:
            yield ApprovalWithdrawn(native_id=native_id)

    def _on_control_response(self, value: dict[str, Any]) -> _Reaction:
        """An answer to us. Echoes of our own answers bear ids that we did not ask under."""
        outcome = ControlResponse.model_validate(value).response
        if self._asked.get(outcome.request_id) == "initialize":
            yield self._ready_or_broken(outcome)

    def _ready_or_broken(self, outcome: ControlOutcome) -> AgentEvent:
        error = (outcome.error or "") if outcome.subtype == "error" else ""
        if outcome.subtype == "error" and "already initialized" not in error.lower():
            return AgentBroken(code="HANDSHAKE_FAILED", detail=error)
        return AgentReady(
            native_id=self._session_id,
            resumed=self._opening.resume is not None,
            model=self._opening.model,
            can_steer=True,
        )

    def _on_stream_event(self, value: dict[str, Any]) -> _Reaction:
        delta = StreamEvent.model_validate(value).event.delta
        if delta is not None and delta.text:
            yield TextStreamed(delta=delta.text)

    def _on_keep_alive(self, value: dict[str, Any]) -> _Reaction:
        yield from ()


def _request_id(native_id: str) -> str:
    return str(json.loads(native_id))


def _is_lost(result: ResultFrame) -> bool:
    return any("No conversation found" in error for error in result.errors or ())


_HANDLERS: dict[str, Callable[[ClaudeSession, dict[str, Any]], _Reaction]] = {
    "assistant": ClaudeSession._on_assistant,
    "command_lifecycle": ClaudeSession._on_lifecycle,
    "control_cancel_request": ClaudeSession._on_control_cancel,
    "control_request": ClaudeSession._on_control_request,
    "control_response": ClaudeSession._on_control_response,
    "keep_alive": ClaudeSession._on_keep_alive,
    "result": ClaudeSession._on_result,
    "stream_event": ClaudeSession._on_stream_event,
    "system": ClaudeSession._on_system,
    "user": ClaudeSession._on_user,
}
