"""What an agent does, as its frames tell it: one type for each kind of content."""

from __future__ import annotations

from typing import Annotated

import strawberry

from graphql_api.types import reading
from graphql_api.types.reading import Json
from graphql_api.types.scalars import JSON, BigInt
from graphql_api.types.told import FromLog, told


@strawberry.type(description="One file in an edit.")
class FileChange(FromLog):
    """One file in an edit."""

    path: str = told("Where the file is.", reading.text("path"))
    change: str = told("`add`, `update` or `delete`.", lambda source: reading.text("change")(source) or "update")
    diff: str | None = told("The edit as a unified diff, where the vendor gives one.", reading.text_or_none("diff"))


@strawberry.type(description="A finished piece of the agent's text.")
class TextContent(FromLog):
    """A finished piece of the agent's text."""

    text: str = told("The text.", reading.text("text"))


@strawberry.type(description="A fragment of text that a later `TextContent` repeats whole.")
class TextDelta(FromLog):
    """A fragment of text."""

    delta: str = told("The fragment.", reading.text("delta"))


@strawberry.type(description="Reasoning that the vendor chose to show.")
class Thought(FromLog):
    """Reasoning."""

    text: str = told("The text.", reading.text("text"))


@strawberry.type(description="The agent uses a tool.")
class ToolCall(FromLog):
    """The agent uses a tool."""

    call_id: str = told("Joins the call with its result.", reading.text("call_id"))
    tool: str = told("The tool's name.", reading.text("tool"))
    server: str | None = told(
        "The MCP server it belongs to; null for the vendor's own.", reading.text_or_none("server")
    )
    input: JSON | None = told("What the tool is called with.", reading.anything("input"))


@strawberry.type(description="A tool's result.")
class ToolResult(FromLog):
    """A tool's result."""

    call_id: str = told("The call that this answers.", reading.text("call_id"))
    ok: bool = told("Whether the tool succeeded.", lambda source: source.get("ok") is not False)
    output: str = told("What it gave.", reading.text("output"))


@strawberry.type(description="A shell command that has finished.")
class CommandRun(FromLog):
    """A shell command."""

    call_id: str = told("Joins the command with the approval it needed.", reading.text("call_id"))
    command: str = told("The command line.", reading.text("command"))
    cwd: str | None = told("Where it ran.", reading.text_or_none("cwd"))
    exit_code: int | None = told("Its exit status, where the vendor tells it.", reading.int_or_none("exit_code"))
    output: str = told("What it printed.", reading.text("output"))


@strawberry.type(description="Files were edited.")
class FilesChanged(FromLog):
    """Files were edited."""

    call_id: str = told("Joins the edit with the approval it needed.", reading.text("call_id"))
    changes: list[FileChange] = told("Each file.", reading.objects("changes"), of=lambda _: FileChange)


@strawberry.type(description="Tokens spent, as the vendor reports them.")
class TokenUsage(FromLog):
    """Tokens spent."""

    input_tokens: BigInt = told("Tokens read.", reading.count("input_tokens"))
    output_tokens: BigInt = told("Tokens written.", reading.count("output_tokens"))
    cached_tokens: BigInt = told("Tokens read from the vendor's cache.", reading.count("cached_tokens"))
    cost_usd: float | None = told("What it cost, where the vendor tells it.", reading.amount_or_none("cost_usd"))
    cumulative: bool = told("Whether the figures count from the conversation's start.", reading.is_true("cumulative"))


@strawberry.type(description="Something went wrong that the agent goes on from, such as a retried model call.")
class Problem(FromLog):
    """Something went wrong."""

    detail: str = told("What went wrong.", reading.text("detail"))
    will_retry: bool = told("Whether the agent tries again by itself.", reading.is_true("will_retry"))


@strawberry.type(description="Content of a type that this version does not know.")
class UnrecognisedContent(FromLog):
    """Content of a type that this version does not know."""

    type: str = told("Its type, as the proxy named it.", reading.text("type"))
    data: JSON = told("All of it.", lambda source: source)


_BY_TYPE: dict[object, type[FromLog]] = {
    "text": TextContent,
    "text_delta": TextDelta,
    "thought": Thought,
    "tool_call": ToolCall,
    "tool_result": ToolResult,
    "command": CommandRun,
    "files": FilesChanged,
    "usage": TokenUsage,
    "problem": Problem,
}

Content = Annotated[
    TextContent
    | TextDelta
    | Thought
    | ToolCall
    | ToolResult
    | CommandRun
    | FilesChanged
    | TokenUsage
    | Problem
    | UnrecognisedContent,
    strawberry.union("Content", description="One thing that an agent said or did."),
]


def content_type(source: Json) -> type[FromLog]:
    """The type of one content."""
    kind = source.get("type")
    return _BY_TYPE.get(kind, UnrecognisedContent) if isinstance(kind, str) else UnrecognisedContent
