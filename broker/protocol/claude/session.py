"""Claude Code over stream-json: one conversation as a state machine.

The same frames travel over stdio (today's CLI, bridged by the proxy) and over `--sdk-url` (up to 2.1.120).
The launcher names the conversation (`--session-id`, `--resume`), asks for permission requests
(`--permission-prompt-tool stdio`) and for echoes (`--replay-user-messages`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from broker.domain.approvals.answers import ApprovalAnswer, Verdict
from broker.domain.ids import MessageId
from broker.protocol.agents.events import (
    AgentBroken,
    AgentEvent,
    AgentReady,
    ApprovalRequested,
    ApprovalWithdrawn,
    ProblemNoted,
    TextSpoken,
    TextStreamed,
    ThoughtSpoken,
    ThoughtStreamed,
    ToolCalled,
    TurnOutcome,
    Unrecognised,
)
from broker.protocol.agents.frames import NOT_SHOWN, AgentOutput, Reaction, reaction, to_agent
from broker.protocol.agents.plans import read_plan
from broker.protocol.agents.session import END_LOST, TWO_AT_ONCE, Frame, HookReply, Opening, Prompt, Standing
from broker.protocol.agents.turns import RunningTurn
from broker.protocol.claude.consultations import HOOK_CALLBACK, Consultations
from broker.protocol.claude.frames import (
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
)
from broker.protocol.claude.prompts import Deliveries
from broker.protocol.claude.tools import (
    RELAY_SERVER,
    PendingTool,
    approval_requested,
    own_hook_ran,
    permission_result,
    tool_called,
    tool_returned,
)
from broker.protocol.json_text import dumps
from broker.protocol.ndjson import Broken, Document

_PERMISSION = "control_request:can_use_tool"
_PLANNER = "TodoWrite"
_PROBE = "relaycast_probe"
_FRAMES_REMEMBERED = 4096
"""2.1.120 keeps its last 1000 frames and sends them all again on every reconnect."""


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
        self._output = AgentOutput()
        self._recent_frames = dict.fromkeys(before.frames)
        self._pending = {native_id: PendingTool(input=given or {}) for native_id, given in before.pending.items()}
        self._asked: dict[str, str] = {}
        self._last_asked = 0
        self._initialized = False
        self._consultations = Consultations(wanted=opening.consults)
        self._calls: dict[str, ToolCalled] = {}
        self._deliveries = Deliveries(before.messages, begun=before.turn_id is not None)
        self._tells_lifecycle = False
        self._failed_servers: set[str] = set()
        self._turn: RunningTurn | None = None
        if before.turn_id is not None:
            self._turn = RunningTurn(turn_id=before.turn_id, message_ids=list(before.messages))
        self._turns_begun = 0
        self._stop_asked = False
        self._is_idle = False
        """What it last said of itself, where it does (`CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS`)."""
        self._probe: str | None = None
        """The id of the question that is out."""
        self._progress = 0

    @property
    def standing(self) -> Standing:
        """A prompt that waits in the CLI counts as work."""
        return Standing.of(
            busy=self._turn is not None or self._deliveries.oldest is not None,
            asking=bool(self._pending),
            in_tool=bool(self._calls),
            progress=self._progress,
            unanswered=self._probe is not None,
        )

    def start(self) -> list[Frame]:
        """Ask for the handshake; the instructions become a part of the system prompt.

        Empty ones are left out: they would take the place of those on the command line.
        """
        own: dict[str, Any] = {"appendSystemPrompt": self._opening.instructions} if self._opening.instructions else {}
        return [self._ask({"subtype": "initialize", **own, **self._consultations.registration})]

    def receive(self, data: bytes) -> list[Frame]:
        """Take bytes from the process."""
        return self._output.read(data, whole=self._read, broken=self._on_broken)

    def prompt(self, prompt: Prompt) -> list[Frame]:
        """Hand over a message; its id is the idempotency key, so a known one is not run again."""
        return self._deliveries.hand_over(prompt, turn=self._turn)

    def interrupt(self) -> list[Frame]:
        """Stop the running turn or the one to come; the CLI withdraws its open questions by itself."""
        if self._turn is None:
            self._stop_asked = self._deliveries.oldest is not None
            return []
        self._turn.stop_asked = True
        return [self._ask({"subtype": "interrupt"})]

    def probe(self) -> list[Frame]:
        """Ask for what no version knows: its refusal says that the CLI reads, and comes in a turn as well."""
        frame = self._ask({"subtype": _PROBE})
        self._probe = next(reversed(self._asked))
        return [frame]

    def answer(self, native_id: str, answer: ApprovalAnswer) -> list[Frame]:
        """Answer a permission request."""
        pending = self._pending.pop(native_id, None)
        if pending is None:
            return []
        if self._turn is not None and answer.verdict is Verdict.DENY and answer.interrupt:
            self._turn.stop_asked = True
        request_id = _request_id(native_id)
        return [to_agent(control_success(request_id, permission_result(pending, answer)), "control_response")]

    def settle(self, native_id: str, reply: HookReply) -> list[Frame]:
        """Answer a hook's callback."""
        return self._consultations.settle(native_id, reply)

    def revise(self, native_id: str, given: dict[str, Any]) -> ApprovalRequested | None:
        """A yes repeats the input: with another one, that is what runs."""
        pending = self._pending.get(native_id)
        if pending is None or pending.question is None:
            return None
        question = pending.question.model_copy(update={"input": given})
        self._pending[native_id] = replace(pending, input=given, question=question)
        return approval_requested(native_id, question)

    def close(self) -> list[Frame]:
        """Nothing: the end of its input is what ends the CLI."""
        return []

    def _ask(self, request: dict[str, Any]) -> Frame:
        self._last_asked += 1
        request_id = f"relay-{self._last_asked}"
        self._asked[request_id] = request["subtype"]
        return to_agent(control_request(request_id, request), f"control_request:{request['subtype']}")

    def _read(self, line: Document) -> list[Frame]:
        if self._is_repeated(line.value):
            return []
        self._progress += not self._is_probed(line.value)
        kind, name = line.value.get("type"), frame_name(line.value)
        handler = _HANDLERS.get(kind) if isinstance(kind, str) else None
        if line.cut and name == _PERMISSION:
            handler = ClaudeSession._on_cut_question
        if line.cut and name == HOOK_CALLBACK:
            handler = ClaudeSession._on_cut_callback
        said = handler(self, line.value) if handler else iter((Unrecognised(frame_type=name),))
        return reaction(line, name, said, transient=kind == "stream_event")

    def _on_broken(self, line: Broken) -> Reaction:
        """A lost request is refused, a lost end of a turn ends it; the rest was only news."""
        match line.head:
            case {"type": "control_request", "request_id": str(request_id)}:
                why = f"it could not be read: {line.reason}"
                yield to_agent(control_error(request_id, why), "control_response")
            case {"type": "control_response"} if not self._initialized:
                detail = f"the answer to initialize could not be read: {line.reason}"
                yield AgentBroken(code="HANDSHAKE_FAILED", detail=detail)
            case {"type": "result"} if self._turn is not None:
                turn, self._turn = self._turn, None
                self._calls.clear()
                outcome = TurnOutcome.INTERRUPTED if turn.stop_asked else TurnOutcome.FAILED
                yield turn.report_end(outcome, reason=f"what it ended with could not be read: {line.reason}")
                yield from self._withdraw_asked()
            case _:
                pass

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

    def _on_system(self, value: dict[str, Any]) -> Reaction:
        frame = SystemFrame.model_validate(value)
        match frame.subtype:
            case "init":
                # `init` opens every turn, but does not say for which prompt: without `command_lifecycle`, the oldest.
                oldest = None if self._tells_lifecycle else self._deliveries.oldest
                yield from self._on_turn_init(frame.uuid or "", oldest=oldest)
                yield from self._on_servers(frame.failed_servers)
            case "api_retry":
                yield ProblemNoted(detail=frame.retry, will_retry=True)
            case "permission_denied":
                yield ProblemNoted(detail=frame.message or "a tool was denied")
            case "session_state_changed":
                yield from self._on_state(frame.state)
            case "status" | "hook_started" | "hook_progress":
                pass
            case "hook_response":
                yield own_hook_ran(frame)
            case _:
                yield Unrecognised(frame_type=frame_name(value))

    def _on_turn_init(self, uuid: str, *, oldest: str | None) -> Reaction:
        """A turn of whose prompt nothing is said belongs to `oldest`, or to none of ours."""
        if self._turn is None and oldest is not None:
            yield from self._on_prompt_begun(oldest)
        elif self._turn is None:
            yield from self._begin_turn(RunningTurn(turn_id=uuid))

    def _on_servers(self, failed: set[str]) -> Reaction:
        """Say once which tool servers failed: the agent goes on without their tools and tells nobody."""
        for name in sorted(failed - self._failed_servers):
            whose = "the relay's tools" if name == RELAY_SERVER else "its tools"
            yield ProblemNoted(detail=f"MCP server {name}: failed; the agent is without {whose}")
        self._failed_servers = failed

    def _on_lifecycle(self, value: dict[str, Any]) -> Reaction:
        step = CommandLifecycle.model_validate(value)
        self._tells_lifecycle = True
        match step.state:
            case "queued":
                yield from self._deliveries.confirm(step.command_uuid)
            case "started":
                yield from self._on_prompt_begun(step.command_uuid)
            case "completed":
                yield from self._on_prompt_known(step.command_uuid)
                yield from self._on_prompt_passed(step.command_uuid)
            case "cancelled":
                self._stop_asked = False  # it was meant for this prompt, not for the next one
                yield from self._deliveries.cancel(step.command_uuid)
            case _:
                yield Unrecognised(frame_type=frame_name(value))

    def _on_prompt_begun(self, uuid: str) -> Reaction:
        """A prompt enters a turn: a new one, or the running one after a tool's result."""
        yield from self._deliveries.confirm(uuid)
        message_id = self._deliveries.begin(uuid)
        if self._turn is None:
            yield from self._begin_turn(RunningTurn(turn_id=uuid, message_ids=[message_id] if message_id else []))
        elif message_id is not None:
            yield self._turn.join(message_id)

    def _on_prompt_known(self, uuid: str) -> Reaction:
        """Told of a prompt that never began: the CLI has had it before a restart, and nothing will follow by itself.

        Unless the CLI goes on with the cut-off turn on its own (CLAUDE_CODE_RESUME_INTERRUPTED_TURN): then the prompt
        belongs to that turn, the first of this process, which bears an id that nobody has sent.
        """
        first = self._opening.resume is not None and self._turns_begun == 1
        continued = self._turn if first and self._turn is not None and not self._turn.message_ids else None
        yield from self._deliveries.note_known(uuid, continued=continued)

    def _on_prompt_passed(self, uuid: str) -> Reaction:
        """It is over and was never begun, as when a hook of the CLI's blocks it: nothing else will tell of its end."""
        message_id = self._deliveries.begin(uuid) if self._deliveries.is_queued(uuid) else None
        if message_id is None:
            return
        if self._turn is not None:
            yield self._turn.join(message_id)
            return
        passed = RunningTurn(turn_id=uuid, message_ids=[message_id])
        yield passed.report_start()
        yield passed.report_end(TurnOutcome.COMPLETED)

    def _begin_turn(self, turn: RunningTurn) -> Reaction:
        self._turn = turn
        self._turns_begun += 1
        yield turn.report_start()
        if self._stop_asked:
            self._stop_asked = False
            yield from self.interrupt()

    def _on_assistant(self, value: dict[str, Any]) -> Reaction:
        frame = AssistantFrame.model_validate(value)
        own_words = frame.parent_tool_use_id is None
        for block in frame.message.blocks:
            yield from self._on_block(block, is_error=bool(frame.is_api_error_message), own_words=own_words)

    def _on_block(self, block: Block, *, is_error: bool, own_words: bool) -> Reaction:
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
                if call.tool == _PLANNER:
                    yield from read_plan((call.input or {}).get("todos"))
            case _:
                pass

    def _on_user(self, value: dict[str, Any]) -> Reaction:
        frame = UserFrame.model_validate(value)
        if frame.is_replay:
            # The echo of a new prompt comes after it was queued or begun; of a known one it is the first thing said.
            yield from self._on_prompt_known(frame.uuid or "")
            return
        for block in frame.message.blocks:
            if block.type == "tool_result":
                yield from self._on_tool_result(block, details=frame.tool_use_result)

    def _on_tool_result(self, block: Block, *, details: object) -> Reaction:
        """A tool that has a result no longer waits for permission; at its end of input the CLI decides by itself."""
        call_id = block.tool_use_id or ""
        for native_id in [key for key, each in self._pending.items() if each.tool_use_id == call_id]:
            del self._pending[native_id]
            yield ApprovalWithdrawn(native_id=native_id)
        yield tool_returned(block, self._calls.pop(call_id, None), details=details)

    def _on_result(self, value: dict[str, Any]) -> Reaction:
        try:
            result = ResultFrame.model_validate(value)
        except ValidationError:  # whatever else it says, the turn is over
            result = ResultFrame(is_error=bool(value.get("is_error")))
            yield Unrecognised(frame_type="result")
        if self._opening.resume and not self._turns_begun and _is_lost(result):
            yield AgentBroken(code="RESUME_FAILED", detail=result.reason or "")
            return
        if self._turn is None:
            yield from self._on_turn_init(result.uuid or "", oldest=self._deliveries.oldest_queued)
        if result.usage is not None:
            yield result.usage
        if self._turn is not None:
            yield from self._end_turn(self._turn, result)

    def _end_turn(self, turn: RunningTurn, result: ResultFrame) -> Reaction:
        if result.result is not None and not result.is_error:
            turn.text = result.result
        self._turn = None
        self._calls.clear()
        yield turn.report_end(result.outcome(stop_asked=turn.stop_asked), reason=result.reason)
        yield from self._withdraw_asked()

    def _on_control_request(self, value: dict[str, Any]) -> Reaction:
        frame = ControlRequest.model_validate(value)
        match frame.request.get("subtype"):
            case "can_use_tool":
                yield from self._on_tool_question(frame)
            case "hook_callback":
                yield from self._consultations.ask(frame, closing=self._turn.text if self._turn else "")
            case subtype:
                # Unanswered it would wait for ever. We offer no in-process MCP servers, so `mcp_message` ends here too.
                yield to_agent(control_error(frame.request_id, f"not supported: {subtype}"), "control_response")

    def _on_tool_question(self, frame: ControlRequest) -> Reaction:
        try:
            question = ToolQuestion.model_validate(frame.request)
        except ValidationError:
            yield Unrecognised(frame_type="control_request:can_use_tool")
            yield to_agent(control_error(frame.request_id, "not understood"), "control_response")
            return
        native_id = dumps(frame.request_id).decode()
        before = self._pending.get(native_id)
        if before is not None and before.input == question.input:  # asked again; who took over does not know the rest
            return
        if before is not None:
            yield from self._refuse_both(native_id)
            return
        self._pending[native_id] = PendingTool(
            input=question.input, tool_use_id=question.tool_use_id, question=question
        )
        yield approval_requested(native_id, question)

    def _refuse_both(self, native_id: str) -> Reaction:
        """An answer to the one would be taken for an answer to the other, which nobody has looked at."""
        del self._pending[native_id]
        yield ProblemNoted(detail=TWO_AT_ONCE)
        yield ApprovalWithdrawn(native_id=native_id)
        denial = {"behavior": "deny", "message": TWO_AT_ONCE}
        yield to_agent(control_success(_request_id(native_id), denial), "control_response")

    def _withdraw_asked(self) -> Reaction:
        """The turn is over: nobody waits for the answers to what was asked in it, but sub-agents in the background."""
        for native_id in [key for key, each in self._pending.items() if not each.outlives_turn]:
            del self._pending[native_id]
            yield ApprovalWithdrawn(native_id=native_id)

    def _on_cut_question(self, value: dict[str, Any]) -> Reaction:
        """What is allowed goes back with the answer and is what runs: it must be all that was asked."""
        frame = ControlRequest.model_validate(value)
        yield ProblemNoted(detail=NOT_SHOWN)
        denial = {"behavior": "deny", "message": NOT_SHOWN}
        yield to_agent(control_success(frame.request_id, denial), "control_response")

    def _on_cut_callback(self, value: dict[str, Any]) -> Reaction:
        """Hooks could not see all of what would run."""
        yield ProblemNoted(detail=NOT_SHOWN)
        yield from self._consultations.refuse(ControlRequest.model_validate(value), NOT_SHOWN)

    def _on_control_cancel(self, value: dict[str, Any]) -> Reaction:
        native_id = dumps(ControlCancel.model_validate(value).request_id).decode()
        self._consultations.forget(native_id)
        if self._pending.pop(native_id, None) is not None:
            yield ApprovalWithdrawn(native_id=native_id)

    def _on_control_response(self, value: dict[str, Any]) -> Reaction:
        """An answer to us. Echoes of our own answers bear ids that we did not ask under."""
        outcome = ControlResponse.model_validate(value).response
        match self._asked.pop(outcome.request_id, None):
            case "initialize":
                self._initialized = True
                yield self._ready_or_broken(outcome)
            case subtype if subtype == _PROBE:
                self._probe = None
                if self._is_idle:
                    yield from self._end_all()
            case _:
                pass

    def _is_probed(self, value: dict[str, Any]) -> bool:
        """Whether it is the answer to a probe and says nothing else."""
        response = value.get("response")
        return self._probe is not None and isinstance(response, dict) and response.get("request_id") == self._probe

    def _on_state(self, state: str | None) -> Reaction:
        """`idle` comes behind the `result` of the last turn: one that is open then has lost its own."""
        self._is_idle = state == "idle"
        if self._is_idle and self._turn is not None:
            yield from self._lose_end(self._turn)

    def _end_all(self) -> Reaction:
        """It is idle and has been silent: nothing will come of the turn, nor of the prompts it took and never began."""
        if self._turn is not None:
            yield from self._lose_end(self._turn)
        while (uuid := self._deliveries.oldest) is not None:
            message_id = self._deliveries.begin(uuid)
            passed = RunningTurn(turn_id=uuid, message_ids=[message_id] if message_id else [])
            yield passed.report_start()
            yield passed.report_end(TurnOutcome.FAILED, reason=END_LOST)

    def _lose_end(self, turn: RunningTurn) -> Reaction:
        self._turn = None
        self._calls.clear()
        yield turn.report_end(TurnOutcome.INTERRUPTED if turn.stop_asked else TurnOutcome.FAILED, reason=END_LOST)

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

    def _on_stream_event(self, value: dict[str, Any]) -> Reaction:
        delta = StreamEvent.model_validate(value).event.delta
        if delta is not None and delta.text:
            yield TextStreamed(delta=delta.text)
        elif delta is not None and delta.thinking:
            yield ThoughtStreamed(delta=delta.thinking)

    def _on_keep_alive(self, value: dict[str, Any]) -> Reaction:
        yield from ()


def _request_id(native_id: str) -> str:
    return str(json.loads(native_id))


def _is_lost(result: ResultFrame) -> bool:
    return any("No conversation found" in error for error in result.errors or ())


_HANDLERS: dict[str, Callable[[ClaudeSession, dict[str, Any]], Reaction]] = {
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
