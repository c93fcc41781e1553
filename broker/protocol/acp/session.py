"""Any agent that speaks the Agent Client Protocol, version 1: one session as a state machine.

A second `session/prompt` would cancel the running one, so prompts are kept here and go one after the other. The
protocol has no ids for messages; the headers in the replayed history tell what a loaded session has had.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, assert_never

from pydantic import ValidationError

from broker.domain.approvals.answers import ApprovalAnswer, Verdict
from broker.domain.messages.envelope import decline_question, denial
from broker.protocol.acp import requests as acp_requests
from broker.protocol.acp.opening import AUTH_REQUIRED, SET_CONFIG_OPTION, SET_MODEL, Initialized, SessionOpened
from broker.protocol.acp.requests import CAPABILITY, Elicitation, PendingRequest
from broker.protocol.acp.updates import (
    RELAY_SERVER,
    Chunk,
    PermissionQuestion,
    PromptDone,
    SessionUpdate,
    Tool,
    ToolCall,
)
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
    ToolReturned,
    TurnOutcome,
    Unrecognised,
)
from broker.protocol.agents.frames import NOT_SHOWN, AgentOutput, Reaction, reaction, to_agent
from broker.protocol.agents.message_ids import message_ids_in
from broker.protocol.agents.plans import read_plan
from broker.protocol.agents.prompt_queue import PromptQueue
from broker.protocol.agents.session import TWO_AT_ONCE, Frame, HookReply, Opening, Prompt, Standing
from broker.protocol.agents.turns import RunningTurn
from broker.protocol.json_text import dumps
from broker.protocol.jsonrpc import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    Connection,
    Failure,
    Message,
    Notification,
    PeerRequest,
    Result,
    Unmatched,
    message_name,
)
from broker.protocol.ndjson import Broken, Document

_Params = dict[str, Any]

_PROTOCOL_VERSION = 1
_PING = "_relaycast/ping"
"""Unknown to every agent: the answer is "method not found", and it comes after what was read or replayed before."""

_MODE_NOTICE = "[MODE_UPDATE]"
_ALWAYS = "the agent will not ask for its like again: it offers no answer that holds once"


class AcpSession:
    """See `AgentSession`. There is at most one unanswered `session/prompt`; steering prompts wait like all others."""

    def __init__(self, opening: Opening, *, auth_method: str | None = None) -> None:
        """`auth_method` is given only for an agent that will not work without `authenticate`."""
        self._opening = opening
        self._auth_method = auth_method
        self._output = AgentOutput()
        self._connection: Connection[Prompt] = Connection(versioned=True)
        self._agent: Initialized | None = None
        self._session_id = opening.resume
        self._model: str | None = None
        self._opened = SessionOpened()
        self._ready = False
        self._told = 0
        """How much of the foreword is with the running prompt; a refused prompt has told nothing."""
        self._cancelling = False
        self._foreword = [] if opening.resume or not opening.instructions else [opening.instructions]
        self._pending: dict[str, PendingRequest] = {}
        self._tools: dict[str, Tool] = {}
        self._rejected: set[str] = set()
        self._prompts = PromptQueue()
        self._replayed: list[str] = []
        self._turn: RunningTurn | None = None
        self._speech: list[str] = []
        self._thought: list[str] = []
        self._progress = 0

    @property
    def standing(self) -> Standing:
        """A prompt that is not answered counts as work."""
        return Standing.of(
            busy=self._prompts.current is not None,
            asking=bool(self._pending),
            in_tool=bool(self._tools),
            progress=self._progress,
        )

    def start(self) -> list[Frame]:
        """Begin the handshake. Without file and terminal access through us the agent uses its own machine's."""
        access = {"fs": {"readTextFile": False, "writeTextFile": False}, "terminal": False}
        capabilities = {**access, "elicitation": CAPABILITY}
        client = {"name": "relay-connect", "title": "Relaycast", "version": self._opening.client_version}
        hello = {"protocolVersion": _PROTOCOL_VERSION, "clientCapabilities": capabilities, "clientInfo": client}
        return [self._ask("initialize", hello)]

    def receive(self, data: bytes) -> list[Frame]:
        """Take bytes from the process."""
        return self._output.read(data, whole=self._read, broken=self._on_broken)

    def prompt(self, prompt: Prompt) -> list[Frame]:
        """Hand over a message now, or keep it until the running turn has ended."""
        return [*self._prompts.add(prompt, in_turn=()), *self._hand_over_next()]

    def interrupt(self) -> list[Frame]:
        """Stop the running turn and whatever it waits for."""
        if self._prompts.current is None:
            return []
        self._cancelling = True
        cancel = self._connection.notify("session/cancel", {"sessionId": self._session_id})
        return [to_agent(cancel, "session/cancel"), *self._withdraw_all()]

    def probe(self) -> list[Frame]:
        """Nothing: the protocol has no question for it, and there are agents that read nothing during a turn."""
        return []

    def answer(self, native_id: str, answer: ApprovalAnswer) -> list[Frame]:
        """Answer a permission request. Gemini never mentions a rejected tool again, so its end is told here.

        The refusal has no room for a note and a running turn takes no text, so the next prompt begins with it.
        """
        pending = self._pending.pop(native_id, None)
        if pending is None:
            return []
        if answer.verdict is Verdict.DENY and answer.note:
            self._foreword.append((decline_question if pending.prompts else denial)(answer.note))
        problem = pending.problem(answer)
        events: list[AgentEvent] = [ProblemNoted(detail=problem)] if problem else []
        if pending.call_id and (problem or answer.verdict is Verdict.DENY):
            events.append(self._reject(pending.call_id, answer.note))
        frames = [self._respond(pending, pending.result(answer), *events)]
        stop = answer.verdict is Verdict.DENY and answer.interrupt
        return frames + self.interrupt() if stop else frames

    def settle(self, native_id: str, reply: HookReply) -> list[Frame]:
        """Nothing: it asks for permission, and for nothing else."""
        return []

    def revise(self, native_id: str, given: dict[str, Any]) -> ApprovalRequested | None:
        """None: what was asked runs, or nothing."""
        return None

    def close(self) -> list[Frame]:
        """Nothing: the end of its input is what ends the agent."""
        return []

    def _ask(self, method: str, params: _Params, *, subject: Prompt | None = None) -> Frame:
        return to_agent(self._connection.request(method, params, subject=subject), method)

    def _respond(self, pending: PendingRequest, result: _Params, *events: AgentEvent) -> Frame:
        raw = self._connection.respond(pending.request.id, result)
        return to_agent(raw, f"{pending.request.method}:result", *events)

    def _reject(self, call_id: str, note: str) -> ToolReturned:
        tool = self._tools.pop(call_id, None) or Tool(call_id=call_id)
        self._rejected.add(call_id)
        return tool.report_result(ok=False, output=note or "Permission was denied.")

    def _withdraw_all(self) -> list[Frame]:
        withdrawn, self._pending = self._pending, {}
        return [
            self._respond(pending, pending.cancelled, ApprovalWithdrawn(native_id=native_id))
            for native_id, pending in withdrawn.items()
        ]

    def _hand_over_next(self) -> list[Frame]:
        """The ping behind a prompt proves that the agent has read it, long before a slow model says its first word."""
        prompt = self._prompts.take()
        if prompt is None:
            return []
        _, text = self._prompts.wording(prompt)
        text = "\n\n".join([*self._foreword, text])
        self._told = len(self._foreword)
        params: dict[str, Any] = {"sessionId": self._session_id, "prompt": [{"type": "text", "text": text}]}
        if prompt.trace is not None:  # "Extensibility" of ACP reserves this name for W3C trace contexts
            params["_meta"] = {"traceparent": prompt.trace}
        message = self._connection.request("session/prompt", params, subject=prompt)
        handing = to_agent(message, "session/prompt", hands_over=prompt.message_id)
        return [handing, self._ask(_PING, {}, subject=prompt)]

    def _read(self, line: Document) -> list[Frame]:
        message = self._connection.read(line.value, cut=line.cut)
        self._progress += 1
        name, live = _frame_name(message), self._prompts.current is not None
        return reaction(line, name, self._on_message(message, name), transient=live and name in _FRAGMENTS)

    def _on_broken(self, line: Broken) -> Reaction:
        """A lost request is refused, a lost answer is a failure of what it answers; the rest was only news."""
        match self._connection.read_broken(line.head, reason=line.reason):
            case PeerRequest() as request:
                yield self._refuse(request, f"it could not be read: {line.reason}", code=PARSE_ERROR)
            case Failure() as failure:
                yield from self._on_failure(failure)
            case None:
                pass

    def _on_message(self, message: Message[Prompt], name: str) -> Reaction:
        match message:
            case PeerRequest():
                yield from self._on_request(message)
            case Notification(method="session/update"):
                yield from self._on_update(message.params, name)
            case Result():
                yield from self._on_result(message)
            case Failure():
                yield from self._on_failure(message)
            case Notification() | Unmatched():
                yield Unrecognised(frame_type=name)
            case _ as other:
                assert_never(other)

    def _on_result(self, message: Result[Prompt]) -> Reaction:
        match message.call.method:
            case "initialize":
                yield from self._on_initialized(Initialized.model_validate(message.value))
            case "authenticate":
                yield from self._open_session()
            case "session/new" | "session/load":
                yield from self._on_opened(SessionOpened.model_validate(message.value))
            case "session/prompt":
                yield from self._on_prompt_done(message)
            case method if method in {SET_MODEL, SET_CONFIG_OPTION}:
                self._model = self._wanted_model
                yield from self._on_set_up()
            case _:
                yield from self._on_ping_answered(message.call.subject)

    def _on_failure(self, message: Failure[Prompt]) -> Reaction:
        match message.call.method:
            case "initialize" | "authenticate" | "session/new" | "session/load" if message.code == AUTH_REQUIRED:
                yield AgentBroken(code="LOGGED_OUT", detail=message.message)
            case "initialize" | "authenticate" | "session/new":
                yield AgentBroken(code="HANDSHAKE_FAILED", detail=message.message)
            case "session/load":
                yield AgentBroken(code="RESUME_FAILED", detail=message.message)
            case method if method in {SET_MODEL, SET_CONFIG_OPTION}:
                yield self._on_model_refused(message.message)
            case "session/prompt":
                yield from self._on_prompt_failed(message)
            case _:
                yield from self._on_ping_answered(message.call.subject)

    def _on_initialized(self, agent: Initialized) -> Reaction:
        self._agent = agent
        if agent.protocol_version != _PROTOCOL_VERSION:
            detail = f"the agent speaks protocol version {agent.protocol_version}, not {_PROTOCOL_VERSION}"
            yield AgentBroken(code="HANDSHAKE_FAILED", detail=detail)
        elif self._auth_method is not None:
            yield self._ask("authenticate", {"methodId": self._auth_method})
        else:
            yield from self._open_session()

    def _open_session(self) -> Reaction:
        capable = self._agent.agent_capabilities if self._agent else None
        headers = [{"name": "Authorization", "value": f"Bearer {self._opening.mcp_token}"}]
        relay = {"type": "http", "name": RELAY_SERVER, "url": self._opening.mcp_url, "headers": headers}
        params: _Params = {"cwd": self._opening.cwd, "mcpServers": [relay]}
        if capable is None or not capable.mcp_capabilities.http:
            params["mcpServers"] = []
            yield ProblemNoted(detail="the agent takes no MCP servers over HTTP: it works without the relay's tools")
        if not self._opening.resume:
            yield self._ask("session/new", params)
        elif capable is not None and capable.load_session:
            yield self._ask("session/load", {**params, "sessionId": self._opening.resume})
        else:
            yield AgentBroken(code="RESUME_FAILED", detail="the agent cannot load an earlier session")

    def _on_opened(self, opened: SessionOpened) -> Reaction:
        """A load is answered before the history has been replayed; the ping's answer comes behind it."""
        self._session_id = opened.session_id or self._session_id
        self._opened, self._model = opened, opened.model
        wanted = self._wanted_model
        if wanted is None or wanted == self._model:
            yield from self._on_set_up()
        elif (choosing := opened.choose_model(wanted)) is not None:
            yield self._ask(choosing[0], {"sessionId": self._session_id, **choosing[1]})
        else:
            yield AgentBroken(code="MODEL_REFUSED", detail=f"its model cannot be chosen, and {wanted} was asked for")

    @property
    def _wanted_model(self) -> str | None:
        return self._opened.model_meant(self._opening.model) if self._opening.model else None

    def _on_model_refused(self, refusal: str) -> AgentBroken:
        models = self._opened.offered_models
        offered = f"; it offers {', '.join(models)}" if models else ""
        return AgentBroken(code="MODEL_REFUSED", detail=f"{self._opening.model}: {refusal}{offered}")

    def _on_set_up(self) -> Reaction:
        if self._opening.resume:
            yield self._ask(_PING, {})
        else:
            yield self._now_ready()

    def _on_ping_answered(self, prompt: Prompt | None) -> Reaction:
        if prompt is not None and prompt is self._prompts.current:
            yield from self._begin_turn(prompt)
        elif prompt is None and not self._ready:
            self._remember_replay()
            yield self._now_ready()

    def _now_ready(self) -> AgentReady:
        self._ready = True
        info = self._agent.agent_info if self._agent else None
        return AgentReady(
            native_id=self._session_id or "",
            resumed=self._opening.resume is not None,
            model=self._model,
            version=info.version if info else None,
        )

    def _begin_turn(self, prompt: Prompt) -> Reaction:
        if self._turn is not None:
            return
        turn_id, _ = self._prompts.wording(prompt)
        self._turn = RunningTurn(turn_id=turn_id, message_ids=[prompt.message_id])
        del self._foreword[: self._told]
        self._told = 0
        yield from self._prompts.accept(prompt.message_id)
        yield self._turn.report_start()

    def _on_prompt_done(self, message: Result[Prompt]) -> Reaction:
        try:
            done = PromptDone.model_validate(message.value)
        except ValidationError:  # whatever else it says, the turn is over
            done = PromptDone()
            yield Unrecognised(frame_type="session/prompt:result")
        if self._prompts.current is not None:
            yield from self._begin_turn(self._prompts.current)
        if done.usage is not None:
            yield done.usage
        reason = None if done.outcome is TurnOutcome.COMPLETED else done.stop_reason
        yield from self._end_turn(done.outcome, reason=reason)

    def _on_prompt_failed(self, failure: Failure[Prompt]) -> Reaction:
        """JSON-RPC's own codes, all negative, refuse the prompt; Gemini tells a failed model call by HTTP status."""
        if self._turn is None and self._prompts.current is not None and failure.code < 0:
            yield self._prompts.refuse(self._prompts.current, failure.message)
        elif self._prompts.current is not None:
            yield from self._begin_turn(self._prompts.current)
        yield from self._end_turn(TurnOutcome.FAILED, reason=failure.message)

    def _end_turn(self, outcome: TurnOutcome, *, reason: str | None) -> Reaction:
        yield from self._finish_speaking()
        turn, self._turn, self._prompts.current = self._turn, None, None
        self._cancelling = False
        self._told = 0
        self._tools.clear()
        self._rejected.clear()
        if turn is not None:
            yield turn.report_end(outcome, reason=reason)
        yield from self._withdraw_all()
        yield from self._hand_over_next()

    def _on_request(self, request: PeerRequest) -> Reaction:
        """`fs/*` and `terminal/*` were not offered and anything else is unknown; unanswered it would wait for ever."""
        before = self._pending.get(dumps(request.id).decode())
        if before is not None:
            yield from self._on_repeated(before, request)
            return
        try:
            match request.method:
                case acp_requests.PERMISSION:
                    yield from self._on_permission(request, PermissionQuestion.model_validate(request.params))
                case acp_requests.ELICITATION:
                    yield from self._on_elicitation(request, Elicitation.model_validate(request.params))
                case _:
                    yield self._refuse(request, code=METHOD_NOT_FOUND)
        except ValidationError:
            yield Unrecognised(frame_type=request.method)
            yield self._refuse(request, code=INVALID_PARAMS)

    def _refuse(self, request: PeerRequest, why: str = "not supported", *, code: int) -> Frame:
        return to_agent(self._connection.refuse(request.id, why, code=code), f"{request.method}:error")

    def _on_repeated(self, before: PendingRequest, request: PeerRequest) -> Reaction:
        """An answer to the one would be taken for an answer to the other, which nobody has looked at."""
        if before.request == request:
            return
        native_id = dumps(request.id).decode()
        del self._pending[native_id]
        yield ProblemNoted(detail=TWO_AT_ONCE)
        yield ApprovalWithdrawn(native_id=native_id)
        yield self._refuse(request, TWO_AT_ONCE, code=INVALID_PARAMS)

    def _is_void(self, session_id: str | None) -> bool:
        """Whether nobody needs to be asked: while a turn is being cancelled, each request of it is cancelled, too."""
        return self._prompts.current is None or self._cancelling or session_id != self._session_id

    def _on_permission(self, request: PeerRequest, question: PermissionQuestion) -> Reaction:
        native_id, call_id = dumps(request.id).decode(), question.tool_call.tool_call_id
        pending = PendingRequest(request=request, options=question.offered, call_id=call_id)
        if self._prompts.current is None or self._is_void(question.session_id):
            yield self._respond(pending, pending.cancelled)
            return
        yield from self._begin_turn(self._prompts.current)
        tool = self._tools.get(call_id) or Tool(call_id=call_id)
        yield from self._learn(tool, question.tool_call)
        if request.cut:
            yield from self._deny_unseen(pending)
            return
        self._pending[native_id] = replace(pending, prompts=tool.prompts)
        once = any(option.kind == "allow_once" for option in question.options)
        yield tool.approval_requested(native_id, question, widens=() if once else (_ALWAYS,), lasting=not once)

    def _on_elicitation(self, request: PeerRequest, asked: Elicitation) -> Reaction:
        """A question; outside of a turn, or in none of this session's, it is nobody's."""
        native_id, prompts = dumps(request.id).decode(), asked.prompts
        pending = PendingRequest(request=request, prompts=prompts or ())
        if self._prompts.current is None or self._is_void(asked.session_id):
            yield self._respond(pending, pending.cancelled)
            return
        yield from self._begin_turn(self._prompts.current)
        if prompts is None or request.cut:
            yield ProblemNoted(detail=f"a question could not be shown and was declined: {asked.message}")
            yield self._respond(pending, {"action": "decline"})
            return
        self._pending[native_id] = pending
        yield asked.to_event(native_id, prompts)

    def _deny_unseen(self, pending: PendingRequest) -> Reaction:
        yield ProblemNoted(detail=NOT_SHOWN)
        yield self._reject(pending.call_id, NOT_SHOWN)
        yield self._respond(pending, pending.result(ApprovalAnswer(verdict=Verdict.DENY)))

    def _on_update(self, params: _Params, name: str) -> Reaction:
        update = SessionUpdate.model_validate(params)
        handler = _UPDATES.get(name)
        if name == _REPLAYED_PROMPT:
            self._on_replayed_prompt(Chunk.model_validate(update.update).content.text or "")
        elif handler is None and name not in _SILENT:
            yield Unrecognised(frame_type=name)
        elif handler is not None and self._prompts.current is not None and update.session_id == self._session_id:
            yield from self._begin_turn(self._prompts.current)
            yield from handler(self, update.update)

    def _on_replayed_prompt(self, text: str) -> None:
        """During a turn it would be the echo of the running prompt."""
        if self._prompts.current is None:
            self._replayed.append(text)
        if self._ready:
            self._remember_replay()

    def _remember_replay(self) -> None:
        """Take the ids out of the replayed texts: each for itself, and together in case one was cut in pieces."""
        for text in (*self._replayed, "".join(self._replayed)):
            self._prompts.remember(message_ids_in(text))
        self._replayed.clear()

    def _on_speech(self, update: _Params) -> Reaction:
        text = Chunk.model_validate(update).content.said
        if text and not text.startswith(_MODE_NOTICE):
            self._speech.append(text)
            yield TextStreamed(delta=text)

    def _on_thought(self, update: _Params) -> Reaction:
        text = Chunk.model_validate(update).content.said
        if text:
            self._thought.append(text)
            yield ThoughtStreamed(delta=text)

    def _on_plan(self, update: _Params) -> Reaction:
        yield from read_plan(update.get("entries"))

    def _on_tool(self, update: _Params) -> Reaction:
        call = ToolCall.model_validate(update)
        if call.tool_call_id in self._rejected:
            return
        tool = self._tools.get(call.tool_call_id) or Tool(call_id=call.tool_call_id)
        yield from self._learn(tool, call)
        if call.status in {"completed", "failed"}:
            self._tools.pop(tool.call_id, None)
            yield from tool.report_end(ok=call.status == "completed")

    def _learn(self, tool: Tool, call: ToolCall) -> Reaction:
        """A tool may first be heard of at its permission request, or only when it has ended."""
        tool.learn(call)
        if tool.call_id not in self._tools:
            self._tools[tool.call_id] = tool
            yield from self._finish_speaking()
            yield tool.report_call()

    def _finish_speaking(self) -> Reaction:
        """What came in chunks, whole."""
        thought, speech = "".join(self._thought), "".join(self._speech)
        self._thought.clear()
        self._speech.clear()
        if thought:
            yield ThoughtSpoken(text=thought)
        if speech:
            if self._turn is not None:
                self._turn.text = speech
            yield TextSpoken(text=speech)


def _frame_name(message: Message[Prompt]) -> str:
    match message:
        case Notification(method="session/update", params={"update": {"sessionUpdate": str(kind)}}):
            return f"session/update:{kind[:40]}"
        case _:
            return message_name(message)


_UPDATES: dict[str, Callable[[AcpSession, _Params], Reaction]] = {
    "session/update:agent_message_chunk": AcpSession._on_speech,
    "session/update:agent_thought_chunk": AcpSession._on_thought,
    "session/update:plan": AcpSession._on_plan,
    "session/update:tool_call": AcpSession._on_tool,
    "session/update:tool_call_update": AcpSession._on_tool,
}

_FRAGMENTS = frozenset({"session/update:agent_message_chunk", "session/update:agent_thought_chunk"})

_REPLAYED_PROMPT = "session/update:user_message_chunk"

_SILENT = frozenset(
    {
        "session/update:available_commands_update",
        "session/update:config_option_update",
        "session/update:current_mode_update",
    }
)
"""Known, kept, and nothing that changes what the broker knows."""
