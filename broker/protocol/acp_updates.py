"""The parts of Agent Client Protocol messages that are acted on, and its tool calls in the broker's words."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from broker.domain.tool_use import paths_in
from broker.protocol.agent_events import (
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
from broker.protocol.diffs import unified
from broker.protocol.wire import CamelWire, Wire

RELAY_SERVER = "relay"

_MCP_TITLE = re.compile(r"(\S+) \((\S+) MCP Server\)")


class ContentBlock(CamelWire):
    """A piece of a message; pictures and links have no text."""

    text: str | None = None


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
        diff = unified(self.path, old=self.old_text or "", new=self.new_text or "")
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


class PermissionQuestion(CamelWire):
    """`session/request_permission`."""

    session_id: str
    options: list[PermissionOption]
    tool_call: ToolCall


class McpCapabilities(CamelWire):
    """Which MCP transports the agent speaks beside stdio."""

    http: bool = False


class AgentCapabilities(CamelWire):
    """What the agent can do."""

    load_session: bool = False
    mcp_capabilities: McpCapabilities = McpCapabilities()


class AgentInfo(CamelWire):
    """Who the agent is."""

    version: str | None = None


class Initialized(CamelWire):
    """The answer to `initialize`."""

    protocol_version: int
    agent_capabilities: AgentCapabilities = AgentCapabilities()
    agent_info: AgentInfo | None = None


class Models(CamelWire):
    """Which models there are."""

    current_model_id: str | None = None


class SessionOpened(CamelWire):
    """The answer to `session/new` and `session/load`; the latter repeats no id."""

    session_id: str | None = None
    models: Models | None = None


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

    def learn(self, update: ToolCall) -> None:
        """Take over what an update tells."""
        self.title = update.title or self.title
        self.kind = update.kind or self.kind
        self.content = update.content or self.content
        self.locations = update.locations or self.locations
        self.raw_input = self.raw_input if update.raw_input is None else update.raw_input
        self.raw_output = self.raw_output if update.raw_output is None else update.raw_output

    @property
    def mcp_name(self) -> tuple[str, str] | None:
        """Server and tool, when Gemini says so twice: by the call's id and the title `relay_send (relay MCP Server)`.

        A title alone proves nothing: a shell command's title is the command, which the model chooses.
        """
        named = _MCP_TITLE.fullmatch(self.title)
        if named is None or not self.call_id.startswith(f"mcp_{named[2]}_{named[1]}__"):
            return None
        return named[2], named[1]

    @property
    def _name(self) -> tuple[str | None, str]:
        return self.mcp_name or (None, self.kind)

    @property
    def command(self) -> str | None:
        """Of a shell call: the command; Gemini gives it as the title."""
        if self.kind != "execute":
            return None
        given = self.raw_input.get("command") if isinstance(self.raw_input, dict) else None
        if isinstance(given, list) and all(isinstance(word, str) for word in given):
            return shlex.join(given)
        return given if isinstance(given, str) else self.title

    @property
    def input(self) -> dict[str, Any]:
        """What it is called with; the title where the agent tells no more."""
        return self.raw_input if isinstance(self.raw_input, dict) else {"title": self.title}

    @property
    def output(self) -> str:
        """The text it gave."""
        texts = [piece.content.text for piece in self.content if piece.content and piece.content.text]
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
        given = paths_in(self.raw_input) if isinstance(self.raw_input, dict) and self.kind != "execute" else ()
        named = (*(each.path for each in self.locations), *(each.path for each in self.changes), *given)
        return tuple(dict.fromkeys(named))

    def called(self) -> ToolCalled:
        """The event for its beginning."""
        server, tool = self._name
        return ToolCalled(call_id=self.call_id, tool=tool, server=server, input=self.input)

    def returned(self, *, ok: bool, output: str) -> ToolReturned:
        """The event for a result that is neither a command's nor an edit's."""
        server, tool = self._name
        return ToolReturned(call_id=self.call_id, ok=ok, output=output, tool=tool, server=server)

    def ended(self, *, ok: bool) -> Iterator[AgentEvent]:
        """The event for its end."""
        if ok and self.command is not None:
            yield CommandRan(call_id=self.call_id, command=self.command, output=self.output, tool=self.kind)
        elif ok and self.changes:
            yield FilesChanged(call_id=self.call_id, changes=self.changes, tool=self.kind)
        else:
            yield self.returned(ok=ok, output=self.output)

    def approval_requested(
        self, native_id: str, *, widens: tuple[str, ...] = (), lasting: bool = False
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
            relay_tool=server == RELAY_SERVER,
        )
