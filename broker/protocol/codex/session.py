"""Codex's app-server: one thread as a state machine.

Codex steers: a `turn/start` during a turn joins it. So prompts that want a turn of their own are kept here until the
running one has ended. Nor does it know a message again; the ids in the thread's history tell what it has had.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, assert_never

from pydantic import ValidationError

from broker.domain.approvals.answers import ApprovalAnswer, Verdict
from broker.domain.messages.envelope import decline_question, denial
from broker.protocol.agents.events import (
    AgentBroken,
    AgentReady,
    ApprovalRequested,
    ApprovalWithdrawn,
    FileChange,
    ProblemNoted,
    TextSpoken,
    TextStreamed,
    ThoughtStreamed,
    TurnOutcome,
    Unrecognised,
)
from broker.protocol.agents.frames import NOT_SHOWN, AgentOutput, Reaction, reaction, to_agent
from broker.protocol.agents.plans import read_plan
from broker.protocol.agents.prompt_queue import PromptQueue
from broker.protocol.agents.session import END_LOST, TWO_AT_ONCE, Frame, HookReply, Opening, Prompt, Standing
from broker.protocol.agents.turns import RunningTurn
from broker.protocol.codex.items import (
    Delta,
    ErrorNotice,
    Item,
    ItemNotice,
    RequestResolved,
    ServerStartup,
    SteerResult,
    ThreadOpened,
    ThreadRead,
    TurnNotice,
    TurnPage,
    UsageNotice,
    WarningNotice,
    item_completed,
    item_started,
)
from broker.protocol.codex.own_hooks import HookList
from broker.protocol.codex.requests import (
    RELAY_SERVER,
    PendingApproval,
    approval_requested,
    decline_request,
)
from broker.protocol.json_text import dumps
from broker.protocol.jsonrpc import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    UNREADABLE,
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

_OWN_HOOKS = "hooks/list"
_Params = dict[str, Any]
_OVERLOADED = -32001
_SPEECH = frozenset({"agentMessage", "plan", "reasoning", "userMessage"})
"""Items of the model's own; during all others the thread may be silent for long."""
_TURNS_REMEMBERED = 64
"""Ended ones, whose late notices are known by them."""
_HISTORY_TURNS = 100
"""How far back a redelivered message is looked for. Only unanswered ones are sent again, and those are recent."""


class CodexSession:
    """See `AgentSession`. At most one `turn/start` or `turn/steer` is unanswered at a time."""

    def __init__(
        self, opening: Opening, *, approval_policy: str = "on-request", sandbox: str = "workspace-write"
    ) -> None:
        self._opening = opening
        self._permissions = {"approvalPolicy": approval_policy, "sandbox": sandbox}
        self._output = AgentOutput()
        self._connection: Connection[Prompt] = Connection(versioned=False)
        self._thread: ThreadOpened | None = None
        self._pending: dict[str, PendingApproval] = {}
        self._changes: dict[str, tuple[FileChange, ...]] = {}
        self._prompts = PromptQueue()
        self._turn: RunningTurn | None = None
        self._ended_turns: deque[str] = deque(maxlen=_TURNS_REMEMBERED)
        self._stop_asked = False
        self._probed: RunningTurn | Prompt | None = None
        """What was open when the thread was asked whether it is idle; None while no such question is out."""
        self._progress = 0
        self._running_items: set[str] = set()
        self._unfinished: dict[str, list[str]] = {}
        """What was streamed of texts that are not told whole yet, by their item."""

    @property
    def standing(self) -> Standing:
        """A prompt that is not answered for counts as work."""
        return Standing.of(
            busy=self._turn is not None or self._prompts.current is not None,
            asking=bool(self._pending),
            in_tool=bool(self._running_items),
            progress=self._progress,
            unanswered=self._probed is not None,
        )

    def start(self) -> list[Frame]:
        """Begin the handshake; the rest of it follows the answers."""
        client = {"name": "relay-connect", "title": "Relaycast", "version": self._opening.client_version}
        return [self._ask("initialize", {"clientInfo": client, "capabilities": {"experimentalApi": True}})]

    def receive(self, data: bytes) -> list[Frame]:
        """Take bytes from the process."""
        return self._output.read(data, whole=self._read, broken=self._on_broken)

    def prompt(self, prompt: Prompt) -> list[Frame]:
        """Hand over a message now, or keep it until the running turn has ended."""
        known = self._prompts.add(prompt, in_turn=self._turn.message_ids if self._turn else ())
        return [*known, *self._hand_over_next()]

    def interrupt(self) -> list[Frame]:
        """Stop the running turn, or the one that is about to start as soon as its id is known."""
        if self._turn is None:
            self._stop_asked = self._prompts.current is not None
            return []
        self._turn.stop_asked = True
        return [self._ask("turn/interrupt", {"threadId": self._thread_id, "turnId": self._turn.turn_id})]

    def probe(self) -> list[Frame]:
        """Ask for the thread's status."""
        self._probed = self._turn or self._prompts.current
        return [self._ask("thread/read", {"threadId": self._thread_id, "includeTurns": False})] if self._probed else []

    def answer(self, native_id: str, answer: ApprovalAnswer) -> list[Frame]:
        """Answer an approval. Its refusal has no room for a note, which joins the turn as a text instead."""
        pending = self._pending.pop(native_id, None)
        if pending is None:
            return []
        frames = [self._respond(pending, answer)]
        if answer.verdict is Verdict.DENY and answer.note and not answer.interrupt and self._turn is not None:
            why = (decline_question if pending.prompts else denial)(answer.note)
            told = {"threadId": self._thread_id, "input": [{"type": "text", "text": why}]}
            frames.append(self._ask("turn/steer", {**told, "expectedTurnId": self._turn.turn_id}))
        return frames

    def settle(self, native_id: str, reply: HookReply) -> list[Frame]:
        """Nothing: it asks for permission, and for nothing else."""
        return []

    def revise(self, native_id: str, given: dict[str, Any]) -> ApprovalRequested | None:
        """None: what was asked runs, or nothing."""
        return None

    def close(self) -> list[Frame]:
        """Nothing: the end of its input is what ends the app-server."""
        return []

    @property
    def _thread_id(self) -> str:
        return self._thread.thread.id if self._thread else ""

    def _ask(self, method: str, params: _Params, *, subject: Prompt | None = None) -> Frame:
        message = self._connection.request(method, params, subject=subject)
        return to_agent(message, method, hands_over=subject.message_id if subject else None)

    def _hand_over_next(self) -> list[Frame]:
        """The next prompt that may go now: any when idle, a steering one during a turn."""
        prompt = self._prompts.take(steering=self._turn is not None)
        return [self._hand_over(prompt, turn=self._turn)] if prompt else []

    def _hand_over(self, prompt: Prompt, *, turn: RunningTurn | None) -> Frame:
        client_id, text = self._prompts.wording(prompt)
        params: _Params = {
            "threadId": self._thread_id,
            "input": [{"type": "text", "text": text}],
            "clientUserMessageId": client_id,
        }
        if turn is None:
            return self._ask("turn/start", params, subject=prompt)
        return self._ask("turn/steer", {**params, "expectedTurnId": turn.turn_id}, subject=prompt)

    def _read(self, line: Document) -> list[Frame]:
        message = self._connection.read(line.value, cut=line.cut)
        name = _frame_name(message)
        self._progress += not name.startswith("thread/read:")
        return reaction(line, name, self._on_message(message, name), transient=name in _FRAGMENTS)

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
            case Notification():
                yield from self._on_notification(message, name)
            case Result():
                yield from self._on_result(message)
            case Failure():
                yield from self._on_failure(message)
            case Unmatched():
                yield Unrecognised(frame_type=name)
            case _ as other:
                assert_never(other)

    def _on_notification(self, message: Notification, name: str) -> Reaction:
        """Other threads, of sub-agents or other clients, are only kept, but for what their questions are about."""
        handler = _NOTIFICATIONS.get(message.method)
        thread = message.params.get("threadId", self._thread_id)
        if message.method == "serverRequest/resolved":
            yield from self._on_resolved(message.params)  # sub-agents' threads ask as well
            return
        if thread != self._thread_id:
            if message.method == "turn/completed":
                yield from self._withdraw(thread)
            elif message.method == "item/started":  # a sub-agent's edit may be asked about
                self._learn_changes(ItemNotice.model_validate(message.params).item)
            return
        if handler is not None:
            yield from handler(self, message.params)
        elif message.method not in _SILENT:
            yield Unrecognised(frame_type=name)

    def _on_request(self, request: PeerRequest) -> Reaction:
        """Sub-agents' threads ask here too; whatever is not for people is declined, or the turn would wait for ever."""
        native_id = dumps(request.id).decode()
        try:
            event = approval_requested(native_id, request, changes=self._changes)
        except ValidationError:
            yield Unrecognised(frame_type=request.method)
            yield self._refuse(request, code=INVALID_PARAMS)
            return
        if event is None:
            yield from self._decline(request)
            return
        thread = request.params.get("threadId", self._thread_id)
        pending = PendingApproval(request=request, thread=thread, prompts=event.prompts)
        before = self._pending.get(native_id)
        if request.cut:
            yield ProblemNoted(detail=NOT_SHOWN)
            yield self._respond(pending, ApprovalAnswer(verdict=Verdict.DENY))
        elif before is None:
            self._pending[native_id] = pending
            yield event
        elif before.request != request:  # the same is asked again of a client that comes back
            # An answer to the one would be taken for an answer to the other, which nobody has looked at.
            del self._pending[native_id]
            yield ProblemNoted(detail=TWO_AT_ONCE)
            yield ApprovalWithdrawn(native_id=native_id)
            yield self._respond(pending, ApprovalAnswer(verdict=Verdict.DENY))

    def _respond(self, pending: PendingApproval, answer: ApprovalAnswer) -> Frame:
        request = pending.request
        return to_agent(self._connection.respond(request.id, pending.result(answer)), f"{request.method}:result")

    def _decline(self, request: PeerRequest) -> Reaction:
        """A request that no person can be shown; where one was meant for them, that is said."""
        result = decline_request(request.method)
        if result is None:
            yield self._refuse(request, code=METHOD_NOT_FOUND)
            return
        if request.method == "mcpServer/elicitation/request":
            asked = request.params.get("message") or request.params.get("title") or request.params.get("mode")
            yield ProblemNoted(detail=f"a question could not be shown and was declined: {asked}")
        yield to_agent(self._connection.respond(request.id, result), f"{request.method}:result")

    def _refuse(self, request: PeerRequest, why: str = "not supported", *, code: int) -> Frame:
        return to_agent(self._connection.refuse(request.id, why, code=code), f"{request.method}:error")

    def _on_result(self, message: Result[Prompt]) -> Reaction:
        match message.call.method:
            case "initialize":
                yield to_agent(self._connection.notify("initialized"), "initialized")
                own_hooks = {"cwds": [self._opening.cwd]}
                yield to_agent(self._connection.request_beside(_OWN_HOOKS, own_hooks), _OWN_HOOKS)
                yield self._open_thread()
            case str(method) if method == _OWN_HOOKS:
                for problem in HookList.model_validate(message.value).problems():
                    yield ProblemNoted(detail=problem)
            case "thread/start":
                self._thread = ThreadOpened.model_validate(message.value)
                yield self._ready(self._thread)
            case "thread/resume":
                self._thread = ThreadOpened.model_validate(message.value)
                page = {"threadId": self._thread_id, "limit": _HISTORY_TURNS, "itemsView": "full"}
                yield self._ask("thread/turns/list", page)
            case "thread/turns/list":
                yield from self._on_history(TurnPage.model_validate(message.value))
            case "turn/start":
                yield from self._on_turn(TurnNotice.model_validate(message.value).turn.id, message.call.subject)
            case "thread/read":
                yield from self._on_probed(ThreadRead.model_validate(message.value))
            case "turn/steer" if message.call.subject is not None:
                yield from self._on_turn(SteerResult.model_validate(message.value).turn_id, message.call.subject)
            case _:
                pass

    def _on_failure(self, message: Failure[Prompt]) -> Reaction:
        prompt = message.call.subject
        match message.call.method:
            case "initialize" | "thread/start":
                yield AgentBroken(code="HANDSHAKE_FAILED", detail=message.message)
            case "thread/resume" | "thread/turns/list":
                yield AgentBroken(code="RESUME_FAILED", detail=message.message)
            case "turn/start" | "turn/steer" if prompt is not None and message.code == UNREADABLE:
                yield from self._on_unknown_turn(prompt)
            case "turn/start" | "turn/steer" if prompt is not None:
                yield from self._on_refusal(prompt, message)
                yield from self._hand_over_next()
            case "thread/read":
                self._probed = None
            case _:
                pass

    def _on_probed(self, read: ThreadRead) -> Reaction:
        """The thread is idle and something is open that was so when it was asked: its end was lost."""
        probed, self._probed = self._probed, None
        if not read.is_idle or probed is None:
            return
        if isinstance(probed, RunningTurn) and probed is self._turn:
            yield from self._end_turn(probed, TurnOutcome.FAILED, reason=END_LOST)
            yield from self._hand_over_next()
        elif isinstance(probed, Prompt) and probed is self._prompts.current:
            self._prompts.current = None
            yield self._prompts.refuse(probed, END_LOST)
            yield from self._hand_over_next()

    def _on_refusal(self, prompt: Prompt, message: Failure[Prompt]) -> Reaction:
        """A turn that could not be steered has ended or changed meanwhile, or is of a kind that takes no steering."""
        self._prompts.current = None
        self._stop_asked = False  # it was meant for this prompt, not for the next one
        if message.code == _OVERLOADED:
            yield self._prompts.refuse(prompt, "overloaded")
        elif message.call.method == "turn/start":
            yield self._prompts.refuse(prompt, message.message)
        elif self._turn is None or "expected active turn" in message.message:
            self._prompts.current = prompt
            yield self._hand_over(prompt, turn=None)
        else:
            self._prompts.add_again(prompt)

    def _open_thread(self) -> Frame:
        relay = {
            "url": self._opening.mcp_url,
            "http_headers": {"Authorization": f"Bearer {self._opening.mcp_token}"},
            "default_tools_approval_mode": "approve",
        }
        params: _Params = {
            "cwd": self._opening.cwd,
            "developerInstructions": self._opening.instructions,
            "config": {f"mcp_servers.{RELAY_SERVER}": relay},
            **self._permissions,
        }
        if self._opening.model:
            params["model"] = self._opening.model
        if self._opening.resume:
            return self._ask("thread/resume", {**params, "threadId": self._opening.resume, "excludeTurns": True})
        return self._ask("thread/start", params)

    def _ready(self, opened: ThreadOpened) -> AgentReady:
        return AgentReady(
            native_id=opened.thread.id,
            resumed=self._opening.resume is not None,
            model=opened.model,
            version=opened.thread.cli_version,
            can_steer=True,
        )

    def _on_history(self, page: TurnPage) -> Reaction:
        """What the thread has had; a turn that still runs (the app-server outlived its client) goes on here."""
        for turn in page.data:
            self._prompts.remember(turn.message_ids)
        if self._thread is not None:
            yield self._ready(self._thread)
        running = [turn for turn in page.data if turn.status == "inProgress"]
        if running and self._turn is None:
            yield from self._begin_turn(RunningTurn(turn_id=running[0].id, message_ids=running[0].message_ids))

    def _on_turn(self, turn_id: str, prompt: Prompt | None) -> Reaction:
        """A prompt was taken into this turn: a new one or the running one."""
        if prompt is not None and prompt is self._prompts.current:
            self._prompts.current = None
            self._stop_asked = self._stop_asked and turn_id not in self._ended_turns
            yield from self._prompts.accept(prompt.message_id)
            # A short turn may end before it is answered for.
            if self._turn is None and turn_id not in self._ended_turns:
                yield from self._begin_turn(RunningTurn(turn_id=turn_id, message_ids=[prompt.message_id]))
            elif self._turn is not None and prompt.message_id not in self._turn.message_ids:
                yield self._turn.join(prompt.message_id)
        yield from self._hand_over_next()

    def _on_unknown_turn(self, prompt: Prompt) -> Reaction:
        """It was taken, into a turn whose id could not be read: the running one, or the next that is told of."""
        if self._turn is not None:
            yield from self._on_turn(self._turn.turn_id, prompt)

    def _begin_turn(self, turn: RunningTurn) -> Reaction:
        self._turn = turn
        yield turn.report_start()
        if self._stop_asked:
            self._stop_asked = False
            yield from self.interrupt()

    def _on_turn_started(self, params: _Params) -> Reaction:
        """It may come before the answer to the `turn/start` that it belongs to; a thread has one turn at a time."""
        turn_id = TurnNotice.model_validate(params).turn.id
        if turn_id in self._ended_turns or (self._turn is not None and self._turn.turn_id == turn_id):
            return
        if self._turn is not None:
            yield from self._end_turn(self._turn, TurnOutcome.FAILED, reason="another turn began; its end was not told")
        prompt = self._prompts.current
        if prompt is not None:
            yield from self._prompts.accept(prompt.message_id)
        yield from self._begin_turn(RunningTurn(turn_id=turn_id, message_ids=[prompt.message_id] if prompt else []))

    def _on_turn_completed(self, params: _Params) -> Reaction:
        ended = TurnNotice.model_validate(params).turn
        self._ended_turns.append(ended.id)
        if self._turn is None or self._turn.turn_id != ended.id:
            return
        reason = ended.error.message if ended.error else None
        yield from self._end_turn(self._turn, ended.outcome, reason=reason)
        yield from self._hand_over_next()

    def _end_turn(self, turn: RunningTurn, outcome: TurnOutcome, *, reason: str | None) -> Reaction:
        self._turn = None
        self._ended_turns.append(turn.turn_id)
        self._changes.clear()
        self._running_items.clear()
        if self._prompts.current is not None and self._prompts.current.message_id in turn.message_ids:
            self._prompts.current = None  # the answer to its `turn/start` was lost; that it ended says enough
        for piece in self._unfinished.values():  # an interrupted turn never tells them whole
            turn.text = "".join(piece)
            yield TextSpoken(text=turn.text)
        self._unfinished.clear()
        yield turn.report_end(outcome, reason=reason)
        yield from self._withdraw(self._thread_id)

    def _on_item_started(self, params: _Params) -> Reaction:
        item = ItemNotice.model_validate(params).item
        self._learn_changes(item)
        if item.type not in _SPEECH:
            self._running_items.add(item.id)
        yield from item_started(item)

    def _learn_changes(self, item: Item) -> None:
        if item.type == "fileChange":
            self._changes[item.id] = item.file_changes

    def _on_item_completed(self, params: _Params) -> Reaction:
        item = ItemNotice.model_validate(params).item
        self._running_items.discard(item.id)
        self._unfinished.pop(item.id, None)
        for event in item_completed(item):
            if isinstance(event, TextSpoken) and self._turn is not None:
                self._turn.text = event.text
            yield event

    def _on_text_delta(self, params: _Params) -> Reaction:
        fragment = Delta.model_validate(params)
        if self._turn is not None and fragment.delta:
            self._unfinished.setdefault(fragment.item_id, []).append(fragment.delta)
        yield TextStreamed(delta=fragment.delta)

    def _on_thought_delta(self, params: _Params) -> Reaction:
        yield ThoughtStreamed(delta=Delta.model_validate(params).delta)

    def _on_plan(self, params: _Params) -> Reaction:
        yield from read_plan(params.get("plan"))

    def _on_usage(self, params: _Params) -> Reaction:
        yield UsageNotice.model_validate(params).event

    def _on_error(self, params: _Params) -> Reaction:
        notice = ErrorNotice.model_validate(params)
        yield ProblemNoted(detail=notice.error.message, will_retry=notice.will_retry)

    def _on_warning(self, params: _Params) -> Reaction:
        warning = WarningNotice.model_validate(params)
        yield ProblemNoted(detail=warning.message or warning.summary or "")

    def _on_server_startup(self, params: _Params) -> Reaction:
        startup = ServerStartup.model_validate(params)
        if startup.status == "failed":
            yield ProblemNoted(detail=f"MCP server {startup.name}: {startup.error or 'failed'}")

    def _withdraw(self, thread: object) -> Reaction:
        """A turn is over: nobody waits for the answers to what was asked in it."""
        for native_id in [key for key, pending in self._pending.items() if pending.thread == thread]:
            del self._pending[native_id]
            yield ApprovalWithdrawn(native_id=native_id)

    def _on_resolved(self, params: _Params) -> Reaction:
        native_id = dumps(RequestResolved.model_validate(params).request_id).decode()
        if self._pending.pop(native_id, None) is not None:
            yield ApprovalWithdrawn(native_id=native_id)


def _frame_name(message: Message[Prompt]) -> str:
    match message:
        case Notification(method="item/started" | "item/completed" as method, params={"item": {"type": str(kind)}}):
            return f"{method}:{kind[:40]}"
        case _:
            return message_name(message)


_NOTIFICATIONS: dict[str, Callable[[CodexSession, _Params], Reaction]] = {
    "configWarning": CodexSession._on_warning,
    "error": CodexSession._on_error,
    "item/agentMessage/delta": CodexSession._on_text_delta,
    "item/completed": CodexSession._on_item_completed,
    "item/reasoning/summaryTextDelta": CodexSession._on_thought_delta,
    "item/started": CodexSession._on_item_started,
    "mcpServer/startupStatus/updated": CodexSession._on_server_startup,
    "thread/tokenUsage/updated": CodexSession._on_usage,
    "turn/completed": CodexSession._on_turn_completed,
    "turn/plan/updated": CodexSession._on_plan,
    "turn/started": CodexSession._on_turn_started,
    "warning": CodexSession._on_warning,
}

_FRAGMENTS = frozenset(
    {
        "item/agentMessage/delta",
        "item/commandExecution/outputDelta",
        "item/fileChange/patchUpdated",
        "item/mcpToolCall/progress",
        "item/reasoning/summaryTextDelta",
        "item/reasoning/textDelta",
    }
)

_SILENT = _FRAGMENTS | {
    "account/rateLimits/updated",
    "deprecationNotice",
    "model/rerouted",
    "remoteControl/status/changed",
    "thread/archived",
    "thread/closed",
    "thread/compacted",
    "thread/goal/cleared",
    "thread/readState/changed",
    "thread/started",
    "thread/status/changed",
    "turn/diff/updated",
}
"""Known, kept, and nothing that changes what the broker knows."""
