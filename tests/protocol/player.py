"""Plays a recorded transcript against a codec: the agent's lines go in, the host's become orders.

The recordings were made by a hand-written host, so its request ids are mapped to those of the codec, and requests a
codec never makes are left out together with their answers.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from typing_extensions import override

from broker.domain.approvals.answers import ApprovalAnswer, Scope, Verdict
from broker.domain.ids import MessageId
from broker.protocol.acp.session import AcpSession
from broker.protocol.agents.session import AgentSession, Direction, Frame, Opening, Prompt
from broker.protocol.claude.session import ClaudeSession
from broker.protocol.codex.session import CodexSession

TRANSCRIPTS = Path(__file__).parent.parent / "fixtures" / "transcripts"

TORN = "torn"
"""The direction of a line of the agent's that breaks off."""

Cut = Callable[[bytes], list[bytes]]
Json = dict[str, Any]


def opening(*, resume: str | None = None) -> Opening:
    return Opening(
        cwd="/tmp/project",
        instructions="You are Bob.",
        mcp_url="http://127.0.0.1:8222/mcp",
        mcp_token="relay-secret",
        resume=resume,
    )


def entries(name: str, *, client: str | None = None) -> Iterator[tuple[str, Json]]:
    """Direction and frame of each line; of a recording with several clients only one client's."""
    for line in (TRANSCRIPTS / f"{name}.ndjson").read_text().splitlines():
        entry = json.loads(line)
        if entry["dir"] != "meta" and entry.get("client") in {None, client}:
            yield entry["dir"], entry["frame"]


def whole(data: bytes) -> list[bytes]:
    return [data]


def play(name: str, *, client: str | None = None, cut: Cut = whole) -> list[Frame]:
    """Every frame the codec gives, in order."""
    player = player_of(name, client=client, cut=cut)
    return player.play(player.lines)


def player_of(name: str, *, client: str | None = None, cut: Cut = whole) -> Player:
    """Of a recording, which has not begun."""
    vendor = {"claude": _ClaudePlayer, "codex": _CodexPlayer, "gemini": _AcpPlayer}[name.partition("-")[0]]
    return vendor([*entries(name, client=client)], cut)


class Player:
    """Feeds the agent's side and maps ids; what the host's lines mean is the vendor's."""

    session: AgentSession

    def __init__(self, lines: list[tuple[str, Json]], cut: Cut) -> None:
        self.lines = lines
        self.cut = cut
        self.frames: list[Frame] = []
        self.prompts = 0
        self.torn = False

    def play(self, lines: list[tuple[str, Json]]) -> list[Frame]:
        """Go through these lines, which may be others than those of the recording; of a `TORN` one half arrives."""
        for direction, frame in lines:
            self.torn = direction == TORN
            if direction == "server->cli":
                self.on_host(frame)
            else:
                self.on_agent(frame)
        self.torn = False
        self.on_end()
        return self.frames

    def on_host(self, frame: Json) -> None:
        raise NotImplementedError

    def on_agent(self, frame: Json) -> None:
        raise NotImplementedError

    def on_end(self) -> None:
        """Nothing to finish."""

    def feed(self, frame: Json) -> None:
        data = orjson.dumps(frame)
        for piece in self.cut((data[: len(data) // 2] if self.torn else data) + b"\n"):
            self.keep(self.session.receive(piece))

    def keep(self, frames: list[Frame]) -> None:
        self.frames += frames

    def prompt(self, text: str, *, message_id: str | None = None, steer: bool = False) -> None:
        self.prompts += 1
        chosen = MessageId(message_id or str(UUID(int=self.prompts)))
        self.keep(self.session.prompt(Prompt(message_id=chosen, text=text, steer=steer)))


class _ClaudePlayer(Player):
    def __init__(self, lines: list[tuple[str, Json]], cut: Cut) -> None:
        super().__init__(lines, cut)
        resume = "99999999-2222-4333-8444-555555555555" if _says(lines, "No conversation found") else None
        self.session = ClaudeSession(opening(resume=resume), session_id="the-session")
        self.ids: dict[str, str] = {}

    @override
    def on_host(self, frame: Json) -> None:
        match frame:
            case {"type": "control_request", "request": {"subtype": "initialize"}}:
                self.ask(frame, self.session.start())
            case {"type": "control_request", "request": {"subtype": "interrupt"}}:
                self.ask(frame, self.session.interrupt())
            case {"type": "user", "uuid": str(uuid), "message": {"content": str(text)}}:
                self.prompt(text, message_id=uuid)
            case {"type": "control_response", "response": {"request_id": str(asked), "response": {"behavior": _}}}:
                result = frame["response"]["response"]
                self.keep(self.session.answer(json.dumps(asked), _claude_answer(result)))
            case _:
                pass

    def ask(self, recorded: Json, frames: list[Frame]) -> None:
        for frame in frames:
            self.ids[recorded["request_id"]] = orjson.loads(frame.raw)["request_id"]
        self.keep(frames)

    @override
    def on_agent(self, frame: Json) -> None:
        if frame["type"] == "control_response":
            asked = frame["response"]["request_id"]
            frame = {**frame, "response": {**frame["response"], "request_id": self.ids.get(asked, asked)}}
        self.feed(frame)


class _RpcPlayer(Player):
    """Maps the recorded host's request ids to the codec's, first come first served for each method."""

    def __init__(self, lines: list[tuple[str, Json]], cut: Cut) -> None:
        super().__init__(lines, cut)
        self.recorded: dict[str, deque[Any]] = defaultdict(deque)
        self.ours: dict[str, deque[int]] = defaultdict(deque)
        self.ids: dict[Any, int] = {}
        self.questions: dict[Any, Json] = {}

    @override
    def keep(self, frames: list[Frame]) -> None:
        super().keep(frames)
        for frame in frames:
            written = orjson.loads(frame.raw) if frame.direction is Direction.TO_AGENT else {}
            if "method" in written and "id" in written:
                self.on_request(written)
        self.match()

    def on_request(self, written: Json) -> None:
        self.ours[written["method"]].append(written["id"])

    def match(self) -> None:
        for method, asked in self.recorded.items():
            while asked and self.ours[method]:
                self.ids[asked.popleft()] = self.ours[method].popleft()

    @override
    def on_agent(self, frame: Json) -> None:
        if "method" in frame:
            if "id" in frame:
                self.questions[frame["id"]] = frame
            self.feed(frame)
        elif frame["id"] in self.ids:
            self.feed({**frame, "id": self.ids[frame["id"]]})

    def answer_of(self, request: Json) -> Json:
        found = [
            frame
            for direction, frame in self.lines
            if direction == "cli->server" and frame.get("id") == request["id"] and "method" not in frame
        ]
        return found[0] if found else {}


class _CodexPlayer(_RpcPlayer):
    def __init__(self, lines: list[tuple[str, Json]], cut: Cut) -> None:
        super().__init__(lines, cut)
        resumed = [frame["params"]["threadId"] for _, frame in lines if frame.get("method") == "thread/resume"]
        self.session = CodexSession(opening(resume=resumed[0] if resumed else None))
        self.running = False
        self.history: list[Json] = []

    @override
    def on_request(self, written: Json) -> None:
        if written["method"] == "thread/turns/list":
            self.feed({"id": written["id"], "result": {"data": self.history[::-1]}})
        super().on_request(written)

    @override
    def on_host(self, frame: Json) -> None:
        match frame:
            case {"id": asked, "method": "turn/start" | "turn/steer" as method, "params": {"input": [{"text": text}]}}:
                if "error" not in self.answer_of(frame) and not (self.running and method == "turn/start"):
                    self.recorded[method].append(asked)
                    self.prompt(text, steer=method == "turn/steer")
            case {"id": asked, "method": "initialize"}:
                self.recorded["initialize"].append(asked)
                self.keep(self.session.start())
            case {"id": asked, "method": "turn/interrupt"}:
                self.recorded["turn/interrupt"].append(asked)
                self.keep(self.session.interrupt())
            case {"id": asked, "method": "thread/start" | "thread/resume" as method}:
                self.recorded[method].append(asked)
                self.match()
            case {"id": asked, "result": {"decision": str(decision)}}:
                self.keep(self.session.answer(json.dumps(asked), _decision(decision)))
            case {"id": asked, "result": {"action": "accept"}}:
                self.keep(self.session.answer(json.dumps(asked), ApprovalAnswer(verdict=Verdict.ALLOW)))
            case _:
                pass

    @override
    def on_agent(self, frame: Json) -> None:
        match frame:
            case {"method": "turn/started"}:
                self.running = True
            case {"method": "turn/completed"}:
                self.running = False
            case {"result": {"thread": {"turns": [*turns]}}}:
                self.history = turns
        super().on_agent(frame)


class _AcpPlayer(_RpcPlayer):
    def __init__(self, lines: list[tuple[str, Json]], cut: Cut) -> None:
        super().__init__(lines, cut)
        loads = [frame for _, frame in lines if frame.get("method") == "session/load"]
        news = [frame for _, frame in lines if frame.get("method") == "session/new"]
        prompted = [frame["params"]["sessionId"] for _, frame in lines if frame.get("method") == "session/prompt"]
        resume = None if news else loads[0]["params"]["sessionId"]
        self.own = prompted[0] if prompted else resume or self.answer_of(news[0])["result"]["sessionId"]
        self.session = AcpSession(opening(resume=resume))
        self.pings: list[int] = []

    @override
    def on_request(self, written: Json) -> None:
        if written["method"] == "_relaycast/ping":
            self.pings.append(written["id"])
        else:
            super().on_request(written)

    @override
    def on_host(self, frame: Json) -> None:
        self.answer_pings()
        match frame:
            case {"id": asked, "method": "initialize"}:
                self.recorded["initialize"].append(asked)
                self.keep(self.session.start())
            case {"id": asked, "method": "session/load"}:
                self.recorded["session/load"].append(asked)
                self.match()
            case {"id": asked, "method": "session/new"} if self.answer_of(frame)["result"]["sessionId"] == self.own:
                self.recorded["session/new"].append(asked)
                self.match()
            case {
                "id": asked,
                "method": "session/prompt",
                "params": {"sessionId": self.own, "prompt": [{"text": text}]},
            }:
                self.recorded["session/prompt"].append(asked)
                self.prompt(text)
            case {"method": "session/cancel", "params": {"sessionId": self.own}}:
                self.keep(self.session.interrupt())
            case {"id": asked, "result": {"outcome": outcome}}:
                self.keep(self.session.answer(json.dumps(asked), self.chosen(asked, outcome)))
            case _:
                pass

    @override
    def on_end(self) -> None:
        self.answer_pings()

    def answer_pings(self) -> None:
        pings, self.pings = self.pings, []
        for ping in pings:
            self.feed({"jsonrpc": "2.0", "id": ping, "error": {"code": -32601, "message": "Method not found"}})

    def chosen(self, asked: Any, outcome: Json) -> ApprovalAnswer:
        question = self.questions.get(asked, {"params": {"options": []}})
        options = {each["optionId"]: each["kind"] for each in question["params"]["options"]}
        kind = options.get(outcome.get("optionId"), "reject_once")
        return ApprovalAnswer(
            verdict=Verdict.DENY if kind.startswith("reject") else Verdict.ALLOW,
            scope=Scope.SESSION if kind.endswith("always") else Scope.ONCE,
        )


def _claude_answer(result: Json) -> ApprovalAnswer:
    return ApprovalAnswer(
        verdict=Verdict.ALLOW if result["behavior"] == "allow" else Verdict.DENY,
        scope=Scope.SESSION if result.get("updatedPermissions") else Scope.ONCE,
        note=result.get("message", ""),
        interrupt=result.get("interrupt", False),
        updated_input=result.get("updatedInput"),
    )


def _decision(word: str) -> ApprovalAnswer:
    return ApprovalAnswer(
        verdict=Verdict.ALLOW if word.startswith("accept") else Verdict.DENY,
        scope=Scope.SESSION if word == "acceptForSession" else Scope.ONCE,
        interrupt=word == "cancel",
    )


def _says(lines: list[tuple[str, Json]], text: str) -> bool:
    return any(text in json.dumps(frame) for _, frame in lines)
