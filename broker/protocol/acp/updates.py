"""The parts of Agent Client Protocol messages that are acted on, and its tool calls in the broker's words."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from broker.domain.approvals.answers import AnswerOption
from broker.domain.approvals.questions import QuestionPrompt
from broker.domain.approvals.relay_tools import SERVER, TOOLS, is_relay_tool, may_be_given
from broker.domain.approvals.tool_use import paths_in
from broker.protocol.agents.diffs import render_diff
from broker.protocol.agents.events import (
    AgentEvent,
    ApprovalRequested,
    CommandRan,
    FileChange,
    FilesChanged,
    TokensUsed,
    ToolCalled,
    ToolReturned,
    TurnOutcome,
)
from broker.protocol.agents.question_tools import question_prompts
from broker.protocol.wire import CamelWire, Wire

RELAY_SERVER = SERVER

_MCP_TITLE = re.compile(r"(\S+) \((\S+) MCP Server\)")
_MCP_NAME = re.compile(r"mcp__([^_\s](?:[^_\s]|_(?!_))*)__(\S+)")
_GEMINI_SHELL = "run_shell_command"
"""How Gemini begins the ids of its shell's calls; their titles are the commands."""
_ASK = "ask_user_question"
"""Qwen Code's tool for questions; the answers go back beside the outcome of its permission request."""
_ENDS = frozenset({"completed", "failed"})


class ContentBlock(CamelWire):
    """A piece of a message (agentclientprotocol.com, "Content"): text, a picture, sound, or a link to a resource."""

    type: str | None = None
    text: str | None = None
    mime_type: str | None = None
    data: str | None = None
    """Base64."""
    uri: str | None = None
    name: str | None = None

    @property
    def said(self) -> str:
        """It as Markdown: pictures that readers can show are in it whole, of other data there is what it is."""
        if self.type == "image" and self.mime_type in _SHOWN_PICTURES and _is_shown(self.data):
            return f"\n\n![{_PICTURE}](data:{self.mime_type};base64,{self.data})\n\n"
        if self.type == "resource_link" and self.uri:
            return f"[{self.name or self.uri}]({self.uri})"
        return f"\n\n{self.named}\n\n" if self.type in _DATA else self.text or ""

    @property
    def named(self) -> str:
        """Its text; of data what it is and how much."""
        if (what := _DATA.get(self.type or "")) is None:
            return self.text or ""
        kilobytes = len(self.data or "") * 3 // 4000
        return f"[{what}, {self.mime_type or 'of unknown kind'}, {kilobytes} kB]"


_PICTURE = "picture"
_DATA = {"image": _PICTURE, "audio": "sound"}
_SHOWN_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_MOST_PICTURE_CHARACTERS = 400_000
"""As the dashboard has it (`MarkdownRendered.tsx`)."""
_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


def _is_shown(data: str | None) -> bool:
    return data is not None and len(data) <= _MOST_PICTURE_CHARACTERS and _BASE64.fullmatch(data) is not None


class ToolContent(CamelWire):
    """A piece of a tool's output: text, or a file's old and new text."""

    type: str
    content: ContentBlock | None = None
    path: str | None = None
    old_text: str | None = None
    new_text: str | None = None

    @property
    def file_change(self) -> FileChange | None:
        """Of a diff: the file."""
        if self.type != "diff" or self.path is None:
            return None
        diff = render_diff(self.path, old=self.old_text or "", new=self.new_text or "")
        return FileChange(path=self.path, change="update" if self.old_text else "add", diff=diff)


class Location(CamelWire):
    """A file that a tool call is about."""

    path: str


class ToolCall(CamelWire):
    """A tool call, or an update with the members that changed."""

    tool_call_id: str
    title: str | None = None
    kind: str | None = None
    status: str | None = None
    content: list[ToolContent] | None = None
    locations: list[Location] | None = None
    raw_input: Any = None
    raw_output: Any = None
    meta: Any = Field(default=None, alias="_meta")

    @property
    def texts(self) -> list[str]:
        """The text of its content."""
        return [piece.content.named for piece in self.content or () if piece.content and piece.content.named]

    @property
    def program_name(self) -> str | None:
        """The tool's name as the agent's program knows it: Qwen Code and the adapter of Claude Code tell it."""
        match self.meta:
            case {"toolName": str(name)} | {"claudeCode": {"toolName": str(name)}}:
                return name
            case _:
                return None


class Chunk(CamelWire):
    """A fragment of a message."""

    content: ContentBlock


class SessionUpdate(CamelWire):
    """`session/update`; which members the update has depends on its kind."""

    session_id: str
    update: dict[str, Any]


class PermissionOption(CamelWire):
    """One of the answers the agent offers."""

    option_id: str
    kind: str
    name: str = ""


class PermissionQuestion(CamelWire):
    """`session/request_permission`."""

    session_id: str
    options: list[PermissionOption]
    tool_call: ToolCall

    @property
    def offered(self) -> tuple[AnswerOption, ...]:
        """Its options, as people are shown them."""
        return tuple(AnswerOption(id=o.option_id, name=o.name or o.option_id, kind=o.kind) for o in self.options)


class TokenCount(Wire):
    """Gemini's figures of one prompt."""

    input_tokens: int = 0
    output_tokens: int = 0


class Quota(Wire):
    """Gemini's `_meta.quota`."""

    token_count: TokenCount | None = None


class PromptMeta(Wire):
    """Gemini's `_meta`."""

    quota: Quota | None = None


class PromptDone(CamelWire):
    """The answer to `session/prompt`: the end of the turn."""

    stop_reason: str = "unknown"
    meta: PromptMeta | None = Field(default=None, alias="_meta")

    @property
    def outcome(self) -> TurnOutcome:
        """How the turn ended."""
        return _OUTCOMES.get(self.stop_reason, TurnOutcome.FAILED)

    @property
    def usage(self) -> TokensUsed | None:
        """What the prompt used, where the agent tells."""
        count = self.meta.quota.token_count if self.meta and self.meta.quota else None
        return TokensUsed(input_tokens=count.input_tokens, output_tokens=count.output_tokens) if count else None


_OUTCOMES = {"end_turn": TurnOutcome.COMPLETED, "cancelled": TurnOutcome.INTERRUPTED}
"""The others (`max_tokens`, `max_turn_requests`, `refusal`) cut the work short; the word is the reason told."""


@dataclass(slots=True, kw_only=True)
class Tool:
    """What is known of a tool call so far; the agent sends only what changes."""

    call_id: str
    title: str = ""
    kind: str = "other"
    content: list[ToolContent] = field(default_factory=list)
    locations: list[Location] = field(default_factory=list)
    raw_input: Any = None
    raw_output: Any = None
    arguments: dict[str, Any] | None = None
    """What it is called with, where the agent streams that as the call's text (Kimi Code)."""
    program_name: str | None = None

    def learn(self, update: ToolCall) -> None:
        """Take over what an update tells."""
        self.title = update.title or self.title
        self.kind = update.kind or self.kind
        self.content = update.content or self.content
        self.locations = update.locations or self.locations
        self.raw_input = self.raw_input if update.raw_input is None else update.raw_input
        self.raw_output = self.raw_output if update.raw_output is None else update.raw_output
        self.program_name = update.program_name or self.program_name
        if update.status not in _ENDS and len(update.texts) == 1:
            self.arguments = _json_object(update.texts[0]) or self.arguments

    @property
    def mcp_name(self) -> tuple[str, str] | None:
        """Server and tool, where the agent's program tells both; what only a title says may be the model's own words.

        Gemini tells them twice, by the call's id and the title `relay_send (relay MCP Server)`; Qwen Code and the
        adapter of Claude Code by the program's name of the tool. Copilot and Kimi Code tell the broker's tools by their
        titles alone: there the input has to be one that the tool takes, which that of no shell and no editor is.
        """
        if self.program_name is not None:
            named = _MCP_NAME.fullmatch(self.program_name)
            return (named[1], named[2]) if named else None
        titled = _MCP_TITLE.fullmatch(self.title)
        if titled is not None and self.call_id.startswith(f"mcp_{titled[2]}_{titled[1]}__"):
            return titled[2], titled[1]
        own = self.title.removeprefix(f"mcp__{SERVER}__")
        return (SERVER, own) if self._looks_like_relay_tool(own) else None

    def _looks_like_relay_tool(self, name: str) -> bool:
        if name not in TOOLS or self.kind != "other" or self.locations or self.changes:
            return False
        return may_be_given(name, self._given or {})

    @property
    def _name(self) -> tuple[str | None, str]:
        return self.mcp_name or (None, self.kind)

    @property
    def _given(self) -> dict[str, Any] | None:
        return self.raw_input if isinstance(self.raw_input, dict) else self.arguments

    @property
    def command(self) -> str | None:
        """Of a shell call: the command. None where it is not known: a title may be any words, but for Gemini's."""
        if self.kind != "execute":
            return None
        given = (self._given or {}).get("command")
        if isinstance(given, list) and all(isinstance(word, str) for word in given):
            return shlex.join(given)
        if isinstance(given, str):
            return given
        return self.title if self.call_id.startswith(_GEMINI_SHELL) else None

    @property
    def input(self) -> dict[str, Any]:
        """What it is called with; the title where the agent tells no more."""
        given = self._given
        return {"title": self.title} if given is None else given

    @property
    def prompts(self) -> tuple[QuestionPrompt, ...]:
        """What it asks a person in words, where it is the tool for that."""
        return question_prompts(self._given or {}) if self.program_name == _ASK else ()

    @property
    def output(self) -> str:
        """The text it gave."""
        texts = [piece.content.named for piece in self.content if piece.content and piece.content.named]
        return "\n".join(texts) or (self.raw_output if isinstance(self.raw_output, str) else "")

    @property
    def changes(self) -> tuple[FileChange, ...]:
        """The files it edits or deletes."""
        edits = tuple(change for piece in self.content if (change := piece.file_change))
        if self.kind == "delete" and not edits:
            return tuple(FileChange(path=each.path, change="delete") for each in self.locations)
        return edits

    @property
    def paths(self) -> tuple[str, ...]:
        """All files it is about."""
        given = paths_in(self._given) if self.kind != "execute" else ()
        named = (*(each.path for each in self.locations), *(each.path for each in self.changes), *given)
        return tuple(dict.fromkeys(named))

    def report_call(self) -> ToolCalled:
        """The event for its beginning."""
        server, tool = self._name
        return ToolCalled(call_id=self.call_id, tool=tool, server=server, input=self.input)

    def report_result(self, *, ok: bool, output: str) -> ToolReturned:
        """The event for a result that is neither a command's nor an edit's."""
        server, tool = self._name
        return ToolReturned(call_id=self.call_id, ok=ok, output=output, tool=tool, server=server)

    def report_end(self, *, ok: bool) -> Iterator[AgentEvent]:
        """The event for its end."""
        if ok and self.kind == "execute":
            command = self.title if self.command is None else self.command
            yield CommandRan(call_id=self.call_id, command=command, output=self.output, tool=self.kind)
        elif ok and self.changes:
            yield FilesChanged(call_id=self.call_id, changes=self.changes, tool=self.kind)
        else:
            yield self.report_result(ok=ok, output=self.output)

    def approval_requested(
        self, native_id: str, question: PermissionQuestion, *, widens: tuple[str, ...] = (), lasting: bool = False
    ) -> ApprovalRequested:
        """The event for its permission request."""
        server, tool = self._name
        return ApprovalRequested(
            native_id=native_id,
            tool=f"mcp__{server}__{tool}" if server else tool,
            title="; ".join((self.title, *widens)),
            command=self.command,
            changes=self.changes,
            paths=self.paths,
            widens=widens,
            lasting=lasting,
            input=self.input,
            relay_tool=is_relay_tool(server, tool),
            detail=self._detail(question.tool_call),
            options=() if self.prompts else question.offered,
            prompts=self.prompts,
        )

    def _detail(self, asked: ToolCall) -> str:
        """What the request itself says, but for what is shown as input or command anyway."""
        shown = {self.command, self.title}
        return "\n".join(text for text in asked.texts if text not in shown and _json_object(text) is None)


def _json_object(text: str) -> dict[str, Any] | None:
    if not text.startswith("{"):
        return None
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
