"""What an agent does, as its frames tell it: one type for each kind of content."""

from __future__ import annotations

from typing import Annotated

import strawberry

from graphql_api.types.log import reading
from graphql_api.types.log.reading import Json
from graphql_api.types.log.told import FromLog, tell
from graphql_api.types.scalars import JSON, BigInt


@strawberry.type(description="One file in an edit.")
class FileChange(FromLog):
    """One file in an edit."""

    path: str = tell("Where the file is.", reading.text("path"))
    change: str = tell("`add`, `update` or `delete`.", lambda source: reading.text("change")(source) or "update")
    diff: str | None = tell("The edit as a unified diff, where the vendor gives one.", reading.text_or_none("diff"))


@strawberry.type(description="A finished piece of the agent's text.")
class TextContent(FromLog):
    """A finished piece of the agent's text."""

    text: str = tell("The text.", reading.text("text"))


@strawberry.type(description="A fragment of text that a later `TextContent` repeats whole.")
class TextDelta(FromLog):
    """A fragment of text."""

    delta: str = tell("The fragment.", reading.text("delta"))


@strawberry.type(description="Reasoning that the vendor chose to show.")
class Thought(FromLog):
    """Reasoning."""

    text: str = tell("The text.", reading.text("text"))


@strawberry.type(description="A fragment of reasoning that a later `Thought` repeats whole.")
class ThoughtDelta(FromLog):
    """A fragment of reasoning."""

    delta: str = tell("The fragment.", reading.text("delta"))


@strawberry.type(description="One thing that an agent means to do.")
class PlanStep(FromLog):
    """One thing that an agent means to do."""

    text: str = tell("What it is.", reading.text("text"))
    state: str = tell(
        "`pending`, `in_progress` or `completed`.", lambda source: reading.text("state")(source) or "pending"
    )


@strawberry.type(description="The agent's plan as it is now, in place of the one before.")
class PlanContent(FromLog):
    """The agent's plan."""

    steps: list[PlanStep] = tell("Each step.", reading.objects("steps"), of=lambda _: PlanStep)


@strawberry.type(description="The agent uses a tool.")
class ToolCall(FromLog):
    """The agent uses a tool."""

    call_id: str = tell("Joins the call with its result.", reading.text("call_id"))
    tool: str = tell("The tool's name.", reading.text("tool"))
    server: str | None = tell(
        "The MCP server it belongs to; null for the vendor's own.", reading.text_or_none("server")
    )
    input: JSON | None = tell("What the tool is called with.", reading.anything("input"))


@strawberry.type(description="A tool's result.")
class ToolResult(FromLog):
    """A tool's result."""

    call_id: str = tell("The call that this answers.", reading.text("call_id"))
    ok: bool = tell("Whether the tool succeeded.", lambda source: source.get("ok") is not False)
    output: str = tell("What it gave.", reading.text("output"))


@strawberry.type(description="A shell command that has finished.")
class CommandRun(FromLog):
    """A shell command."""

    call_id: str = tell("Joins the command with the approval it needed.", reading.text("call_id"))
    command: str = tell("The command line.", reading.text("command"))
    cwd: str | None = tell("Where it ran.", reading.text_or_none("cwd"))
    exit_code: int | None = tell("Its exit status, where the vendor tells it.", reading.int_or_none("exit_code"))
    output: str = tell("What it printed.", reading.text("output"))


@strawberry.type(description="Files were edited.")
class FilesChanged(FromLog):
    """Files were edited."""

    call_id: str = tell("Joins the edit with the approval it needed.", reading.text("call_id"))
    changes: list[FileChange] = tell("Each file.", reading.objects("changes"), of=lambda _: FileChange)


@strawberry.type(description="Tokens spent, as the vendor reports them.")
class TokenUsage(FromLog):
    """Tokens spent."""

    input_tokens: BigInt = tell("Tokens read.", reading.count("input_tokens"))
    output_tokens: BigInt = tell("Tokens written.", reading.count("output_tokens"))
    cached_tokens: BigInt = tell("Tokens read from the vendor's cache.", reading.count("cached_tokens"))
    cost_usd: float | None = tell("What it cost, where the vendor tells it.", reading.amount_or_none("cost_usd"))
    cumulative: bool = tell("Whether the figures count from the conversation's start.", reading.is_true("cumulative"))


@strawberry.type(description="Something went wrong that the agent goes on from, such as a retried model call.")
class Problem(FromLog):
    """Something went wrong."""

    detail: str = tell("What went wrong.", reading.text("detail"))
    will_retry: bool = tell("Whether the agent tries again by itself.", reading.is_true("will_retry"))


@strawberry.type(description="Content of a type that this version does not know.")
class UnrecognisedContent(FromLog):
    """Content of a type that this version does not know."""

    type: str = tell("Its type, as the proxy named it.", reading.text("type"))
    data: JSON = tell("All of it.", lambda source: source)


_BY_TYPE: dict[object, type[FromLog]] = {
    "text": TextContent,
    "text_delta": TextDelta,
    "thought": Thought,
    "thought_delta": ThoughtDelta,
    "plan": PlanContent,
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
    | ThoughtDelta
    | PlanContent
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
