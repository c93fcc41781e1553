"""The parts of Codex's app-server messages that are acted on, and its thread items in the broker's words."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from broker.domain.ids import MessageId
from broker.protocol.agents.events import (
    AgentEvent,
    CommandRan,
    FileChange,
    FilesChanged,
    TextSpoken,
    ThoughtSpoken,
    TokensUsed,
    ToolCalled,
    ToolReturned,
    TurnOutcome,
    Unrecognised,
)
from broker.protocol.agents.message_ids import message_ids_in
from broker.protocol.wire import CamelWire

_SILENT_ITEMS = frozenset(
    {
        "collabAgentToolCall",
        "contextCompaction",
        "enteredReviewMode",
        "exitedReviewMode",
        "functionCallOutput",
        "hookPrompt",
        "imageGeneration",
        "imageView",
        "sleep",
        "subAgentActivity",
        "userMessage",
    }
)
_SHELL_WORDS = 3
_SHELLS = frozenset(
    folder + name
    for folder in ("", "/bin/", "/usr/bin/", "/usr/local/bin/", "/opt/homebrew/bin/")
    for name in ("sh", "bash", "zsh")
)
"""Codex runs every command through the user's own shell."""


class ChangeKind(CamelWire):
    """How a file changes."""

    type: Literal["add", "update", "delete"] = "update"
    move_path: str | None = Field(default=None, alias="move_path")
    """Where an updated file is moved to; this one member is not in camel case."""


class Change(CamelWire):
    """One file of a `fileChange`; an added file's `diff` is its whole text."""

    path: str
    kind: ChangeKind = ChangeKind()
    diff: str | None = None


class Item(CamelWire):
    """A thread item; which members there are depends on the type."""

    type: str
    id: str = ""
    status: str | None = None
    text: str | None = None
    summary: list[str] | None = None
    command: str | None = None
    cwd: str | None = None
    aggregated_output: str | None = None
    exit_code: int | None = None
    changes: list[Change] | None = None
    server: str | None = None
    tool: str | None = None
    arguments: Any = None
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    content_items: list[Any] | None = None
    success: bool | None = None
    query: str | None = None

    @property
    def file_changes(self) -> tuple[FileChange, ...]:
        """Of a file change: the files."""
        return tuple(
            FileChange(path=change.path, change=change.kind.type, diff=change.diff, moved_to=change.kind.move_path)
            for change in self.changes or ()
        )


class TurnError(CamelWire):
    """Why a turn or a model call failed."""

    message: str = ""


class Turn(CamelWire):
    """A turn, without its items: their shapes change and must not hide that it ended."""

    id: str
    status: str | None = None
    error: TurnError | None = None

    @property
    def outcome(self) -> TurnOutcome:
        """How it ended."""
        return _OUTCOMES.get(self.status or "", TurnOutcome.FAILED)


class PastItem(CamelWire):
    """An item of an earlier turn; only user messages matter."""

    type: str
    client_id: str | None = None
    content: Any = None

    @property
    def message_ids(self) -> tuple[MessageId, ...]:
        """The ids we gave a user message, as a member or in the header of its text."""
        if self.type != "userMessage":
            return ()
        own = (MessageId(self.client_id),) if self.client_id else ()
        return own + message_ids_in(_texts(self.content))


class PastTurn(CamelWire):
    """A turn as the thread's history has it."""

    id: str
    status: str | None = None
    items: list[PastItem] = Field(default_factory=list)

    @property
    def message_ids(self) -> list[MessageId]:
        """The prompts that are part of it, each once, in order."""
        return list(dict.fromkeys(each for item in self.items for each in item.message_ids))


class TurnNotice(CamelWire):
    """`turn/started`, `turn/completed`, and the answer to `turn/start`."""

    turn: Turn


class TurnPage(CamelWire):
    """The answer to `thread/turns/list`, the newest turn first."""

    data: list[PastTurn]


class SteerResult(CamelWire):
    """The answer to `turn/steer`."""

    turn_id: str


class Thread(CamelWire):
    """A conversation."""

    id: str
    cli_version: str | None = None


class ThreadOpened(CamelWire):
    """The answer to `thread/start` and `thread/resume`."""

    thread: Thread
    model: str | None = None


class ThreadStatus(CamelWire):
    """`idle`, `active`, `systemError` or `notLoaded`."""

    type: str


class ReadThread(CamelWire):
    """The thread of an answer to `thread/read`."""

    status: ThreadStatus


class ThreadRead(CamelWire):
    """The answer to `thread/read`."""

    thread: ReadThread

    @property
    def is_idle(self) -> bool:
        """Whether no turn runs in it."""
        return self.thread.status.type != "active"


class ItemNotice(CamelWire):
    """`item/started` and `item/completed`."""

    item: Item


class Delta(CamelWire):
    """A fragment of an item."""

    item_id: str = ""
    delta: str = ""


class Usage(CamelWire):
    """Token figures."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0


class ThreadUsage(CamelWire):
    """Figures since the thread began."""

    total: Usage


class UsageNotice(CamelWire):
    """`thread/tokenUsage/updated`."""

    token_usage: ThreadUsage

    @property
    def event(self) -> TokensUsed:
        """The event for it."""
        total = self.token_usage.total
        return TokensUsed(
            input_tokens=total.input_tokens,
            output_tokens=total.output_tokens,
            cached_tokens=total.cached_input_tokens,
            cumulative=True,
        )


class ErrorNotice(CamelWire):
    """`error`: a failed model call, retried or not; a failed turn is told by `turn/completed` as well."""

    error: TurnError
    will_retry: bool = False


class WarningNotice(CamelWire):
    """`warning` and `configWarning`."""

    message: str | None = None
    summary: str | None = None


class ServerStartup(CamelWire):
    """`mcpServer/startupStatus/updated`."""

    name: str
    status: str
    error: str | None = None


class RequestResolved(CamelWire):
    """`serverRequest/resolved`: an approval was answered, by us or by somebody else, or is void."""

    request_id: int | str


_OUTCOMES = {"completed": TurnOutcome.COMPLETED, "interrupted": TurnOutcome.INTERRUPTED}


def item_started(item: Item) -> Iterator[AgentEvent]:
    """The event for a tool that begins."""
    match item.type:
        case "commandExecution":
            yield _tool_called(item, {"command": plain_command(item.command or ""), "cwd": item.cwd})
        case "fileChange":
            yield _tool_called(item, {"paths": [change.path for change in item.changes or ()]})
        case "webSearch":
            yield _tool_called(item, {"query": item.query})
        case "mcpToolCall" | "dynamicToolCall":
            yield _tool_called(item, item.arguments if isinstance(item.arguments, dict) else None)
        case _:
            pass


def item_completed(item: Item) -> Iterator[AgentEvent]:
    """The event for a finished item."""
    match item.type:
        case "agentMessage" | "plan":
            yield TextSpoken(text=item.text or "")
        case "reasoning":
            if item.summary:
                yield ThoughtSpoken(text="\n".join(item.summary))
        case "commandExecution" if item.status != "declined":
            yield _command_ran(item)
        case "fileChange" if item.status == "completed":
            yield FilesChanged(call_id=item.id, changes=item.file_changes, tool=item.type)
        case "commandExecution" | "fileChange":
            yield ToolReturned(call_id=item.id, ok=False, output=item.status or "", tool=item.type)
        case "mcpToolCall" | "dynamicToolCall" | "webSearch":
            yield _tool_returned(item)
        case known if known in _SILENT_ITEMS:
            pass
        case unknown:
            yield Unrecognised(frame_type=f"item/completed:{unknown[:40]}")


def plain_command(command: str) -> str:
    """What the shell is told to run: `touch a` of `/bin/bash -lc 'touch a'`.

    Only where it is a shell: of `./evilsh -c 'git status'` nothing is known, and rules must see all of it.
    """
    try:
        words = shlex.split(command)
    except ValueError:
        return command
    wrapped = len(words) == _SHELL_WORDS and words[0] in _SHELLS and words[1] in {"-c", "-lc"}
    return words[2] if wrapped else command


def _tool_called(item: Item, arguments: dict[str, Any] | None) -> ToolCalled:
    return ToolCalled(call_id=item.id, tool=item.tool or item.type, server=item.server, input=arguments)


def _command_ran(item: Item) -> CommandRan:
    return CommandRan(
        call_id=item.id,
        command=plain_command(item.command or ""),
        cwd=item.cwd,
        exit_code=item.exit_code,
        output=item.aggregated_output or "",
        tool=item.type,
    )


def _tool_returned(item: Item) -> ToolReturned:
    if item.error is not None:
        ok, output = False, str(item.error.get("message", ""))
    else:
        ok = item.status != "failed" and item.success is not False
        output = _texts(item.result.get("content") if item.result else item.content_items)
    return ToolReturned(call_id=item.id, ok=ok, output=output, tool=item.tool or item.type, server=item.server)


def _texts(content: object) -> str:
    parts = content if isinstance(content, list) else []
    return "\n".join(part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str))
