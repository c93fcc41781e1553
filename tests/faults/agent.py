"""An ACP agent that records every prompt before it answers: `agent.py RECORDS`. Nothing but the standard library.

It appends a line of JSON for each prompt it reads, `{"at", "pid", "conversation", "text", "ids"}`, and for each answer
to a question of its own, `{"at", "pid", "heard", "outcome"}`. Its record is its memory too: `session/load` replays it.
The last line of a message's text is what it does:

    note …          answers
    work SECONDS    answers after that time
    ask KEY         asks for permission to `touch KEY`, and answers when it has been told
    stream N BYTES SECONDS
                    says so many pieces of text a second, that much each, for that time, then answers
    bad KIND        prints a frame that no agent should (see `BAD`), then answers
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

_MESSAGE = re.compile(r'<relay-message id="([0-9a-f-]{36})"[^>]*>\n(.*?)\n</relay-message>', re.DOTALL)
_FIRST_QUESTION = 1000
_OPTIONS = [
    {"optionId": "yes", "name": "Allow", "kind": "allow_once"},
    {"optionId": "no", "name": "Reject", "kind": "reject_once"},
]


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


def tool_call(raw_input: str) -> bytes:
    """An update whose `rawInput` is this text, which need not be JSON."""
    call = '"sessionUpdate":"tool_call","toolCallId":"t","title":"t","kind":"other","rawInput":' + raw_input
    return ('{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":{' + call + "}}}").encode()


BAD: dict[str, bytes] = {
    "deep-150": tool_call(nested(150)),
    "deep-250": tool_call(nested(250)),
    "deep-1000": tool_call(nested(1000)),
    "nan": tool_call('{"score":NaN}'),
    "huge-number": tool_call('{"n":1e400}'),
    "many-digits": tool_call('{"n":' + "9" * 400 + "}"),
    "surrogate": tool_call('{"s":"\\ud83d"}'),
    "not-utf8": tool_call('{"s":"?"}').replace(b"?", b"\xff\xfe"),
    "nul": tool_call('{"s":"\\u0000"}'),
    "log-line": b"{'level': 'info'}",
    "half": b'{"jsonrpc":"2.0","method":"session/upd',
    "noise": b"\x1b[31mLoading\x1b[0m 100 %",
    "wrong-types": b'{"jsonrpc":2,"method":["session/update"],"params":"?"}',
}
"""Frames that programs really print, or that a prompt may ask them for."""


class RecordingAgent:
    def __init__(self, records: str) -> None:
        self.records = records
        self.conversation = ""
        self.questions: dict[int, tuple[Any, str]] = {}
        self.prompt: Any = None

    def run(self) -> None:
        for line in sys.stdin.buffer:
            self.take(json.loads(line))

    def take(self, message: dict[str, Any]) -> None:
        match message:
            case {"method": "initialize", "id": number}:
                capabilities = {"loadSession": True, "mcpCapabilities": {"http": True}}
                self.answer(number, {"protocolVersion": 1, "agentCapabilities": capabilities, "authMethods": []})
            case {"method": "session/new", "id": number}:
                self.conversation = os.urandom(8).hex()
                self.answer(number, {"sessionId": self.conversation})
            case {"method": "session/load", "id": number, "params": {"sessionId": str(conversation)}}:
                self.conversation = conversation
                self.replay()
                self.answer(number, {})
            case {"method": "session/prompt", "id": number, "params": params}:
                self.take_prompt(number, "".join(part.get("text", "") for part in params["prompt"]))
            case {"method": "session/cancel"}:
                self.end_turn("cancelled")
            case {"id": int(number), "result": result} if number in self.questions:
                self.hear(number, result)
            case {"method": str(method), "id": number}:
                self.write({"id": number, "error": {"code": -32601, "message": f"no {method}"}})

    def take_prompt(self, number: Any, text: str) -> None:
        messages = _MESSAGE.findall(text)
        self.record({"conversation": self.conversation, "text": text, "ids": [each[0] for each in messages]})
        self.prompt = number
        if not [each for _, each in messages if self.acts(each.rpartition("\n")[2])]:
            self.end_turn("end_turn")

    def acts(self, order: str) -> bool:
        """Begin what a message asks for; whether the turn goes on until somebody answers."""
        word, _, rest = order.partition(" ")
        match word:
            case "work":
                time.sleep(float(rest))
            case "ask":
                self.ask(rest)
                return True
            case "stream":
                self.stream(*map(float, rest.split()))
            case "bad":
                self.print_line(BAD[rest].replace(b'"sessionId":"s"', b'"sessionId":"%s"' % self.conversation.encode()))
        return False

    def stream(self, per_s: float, size: float, seconds: float) -> None:
        began = time.monotonic()
        for number in range(int(per_s * seconds)):
            time.sleep(max(0.0, began + number / per_s - time.monotonic()))
            self.say("x" * int(size))

    def ask(self, key: str) -> None:
        number = _FIRST_QUESTION + len(self.questions)
        self.questions[number] = (self.prompt, key)
        about = {"title": f"touch {key}", "kind": "execute", "rawInput": {"command": f"touch {key}"}}
        call = {"toolCallId": key, "status": "pending", **about}
        params = {"sessionId": self.conversation, "options": _OPTIONS, "toolCall": call}
        self.write({"id": number, "method": "session/request_permission", "params": params})

    def hear(self, number: int, result: dict[str, Any]) -> None:
        prompt, key = self.questions[number]
        outcome = result.get("outcome", {})
        self.record({"heard": key, "outcome": outcome.get("optionId") or outcome.get("outcome")})
        if prompt == self.prompt:
            self.end_turn("end_turn")

    def end_turn(self, why: str) -> None:
        if self.prompt is not None:
            number, self.prompt = self.prompt, None
            self.say("done")
            self.answer(number, {"stopReason": why})

    def replay(self) -> None:
        if not Path(self.records).exists():  # nobody was ever asked anything
            return
        with Path(self.records).open("rb") as lines:
            for line in lines:
                record = json.loads(line)
                if record.get("conversation") == self.conversation:
                    self.say(record["text"], kind="user_message_chunk")
                    self.say("done")

    def say(self, text: str, kind: str = "agent_message_chunk") -> None:
        update = {"sessionUpdate": kind, "content": {"type": "text", "text": text}}
        self.write({"method": "session/update", "params": {"sessionId": self.conversation, "update": update}})

    def answer(self, number: Any, result: dict[str, Any]) -> None:
        self.write({"id": number, "result": result})

    def record(self, fact: dict[str, Any]) -> None:
        """On disk before anything else happens: a process that is killed now has read its prompt."""
        line = json.dumps({"at": time.time(), "pid": os.getpid(), **fact}).encode() + b"\n"
        file = os.open(self.records, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, line)
        finally:
            os.close(file)

    def write(self, message: dict[str, Any]) -> None:
        self.print_line(json.dumps({"jsonrpc": "2.0", **message}).encode())

    def print_line(self, line: bytes) -> None:
        sys.stdout.buffer.write(line + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    RecordingAgent(sys.argv[1]).run()
