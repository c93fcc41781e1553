"""What a scripted model sees and says, in words that hold for every vendor."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import takewhile
from typing import Any, TypeAlias

JsonObject: TypeAlias = dict[str, Any]


_SIDE_TOOLS = frozenset({"respond_in_schema"})
"""With which Qwen Code has its own questions answered, of what a command would do for one."""


class Vendor(StrEnum):
    """Whose model API a request came in by."""

    ANTHROPIC = "anthropic"
    OPENAI = "openai"
    GOOGLE = "google"


class Role(StrEnum):
    """Who speaks in a message; `SYSTEM` covers what OpenAI calls the developer."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A tool the model asked for earlier in the conversation."""

    id: str
    name: str
    arguments: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult:
    """What the agent answered to a tool call."""

    call_id: str
    text: str
    is_error: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One entry of the conversation as the agent sent it."""

    role: Role
    texts: tuple[str, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_results: tuple[ToolResult, ...] = ()

    @property
    def text(self) -> str:
        """All its pieces of text, one under the other."""
        return "\n".join(self.texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedTool:
    """A tool the model may call; OpenAI groups the tools of one MCP server under a namespace."""

    name: str
    namespace: str = ""

    @property
    def full_name(self) -> str:
        """The name with its namespace, written the way Claude writes it."""
        return f"{self.namespace}__{self.name}" if self.namespace else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """One call of a model API, free of the vendor's wording."""

    vendor: Vendor
    model: str
    system: str = ""
    messages: tuple[Message, ...] = ()
    tools: tuple[OfferedTool, ...] = ()
    answer_schema: JsonObject | None = None
    """Set when the answer must be JSON: agents ask such questions for themselves, not for their user."""

    @property
    def is_side_request(self) -> bool:
        """Whether the agent asks for its own ends (titles, quota, routing): scripts never see these."""
        return self.answer_schema is not None or {tool.name for tool in self.tools} <= _SIDE_TOOLS

    @property
    def unanswered(self) -> tuple[Message, ...]:
        """The messages since the model last spoke."""
        tail = takewhile(lambda message: message.role is not Role.ASSISTANT, reversed(self.messages))
        return tuple(tail)[::-1]

    @property
    def starts_turn(self) -> bool:
        """Whether a prompt is the newest thing said, as it is when a turn starts.

        Results of a turn that was cut off may stand before the prompt. A prompt that Codex steers into a running turn
        cannot be told from one that starts a turn.
        """
        said = [message for message in self.unanswered if message.role is Role.USER]
        return bool(said) and bool(said[-1].texts) and not said[-1].tool_results

    @property
    def prompt(self) -> str:
        """The newest text of the user, whenever it was said; agents put their own additions in front of it."""
        said = (message.texts[-1] for message in reversed(self.messages) if message.role is Role.USER and message.texts)
        return next(said, "")

    @property
    def tool_results(self) -> tuple[ToolResult, ...]:
        """The results of the tools the model called last."""
        return tuple(result for message in self.unanswered for result in message.tool_results)

    @property
    def everything(self) -> str:
        """Everything the model gets to see, what tools answered included."""
        results = (result.text for message in self.messages for result in message.tool_results)
        return "\n".join((self.text, *results))

    @property
    def text(self) -> str:
        """Everything said so far, the system text included; for finding out which agent asks."""
        return "\n".join((self.system, *(message.text for message in self.messages)))


@dataclass(frozen=True, slots=True)
class Say:
    """Answer with text and end the turn."""

    text: str


@dataclass(frozen=True, slots=True)
class CallTool:
    """Ask for one tool, by a name that holds for every vendor: `shell`, `relay_send`, …"""

    name: str
    arguments: Mapping[str, object] = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True, slots=True)
class CallTools:
    """Ask for several tools in one message."""

    calls: tuple[CallTool, ...]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Hang:
    """Say some text, hold the stream open until `event` is set, then go on with `then`."""

    event: asyncio.Event
    text: str = "Thinking"
    then: Say | CallTool | CallTools = Say(" done.")


@dataclass(frozen=True, slots=True)
class Fail:
    """Refuse the call with an HTTP status."""

    status: int
    message: str = "scripted failure"


Answer: TypeAlias = Say | CallTool | CallTools | Hang | Fail
Script: TypeAlias = Callable[[ModelRequest], Answer]


def echo(request: ModelRequest) -> Answer:
    """Say the prompt back: the script of a test that does not care."""
    return Say(f"Echo: {request.prompt}")


def in_order(*answers: Answer) -> Script:
    """Give these answers one after the other, whoever asks; asking once more is an error."""
    remaining = iter(answers)

    def script(request: ModelRequest) -> Answer:
        answer = next(remaining, None)
        if answer is None:
            raise ScriptExhaustedError(f"the script gave its {len(answers)} answers; then came {request.prompt!r}")
        return answer

    return script


def by_agent(scripts: Mapping[str, Script], *, agent_of: Callable[[ModelRequest], str]) -> Script:
    """Let each agent follow its own script; `agent_of` tells from the request which agent asks."""

    def script(request: ModelRequest) -> Answer:
        return scripts[agent_of(request)](request)

    return script


def named_in_text(pattern: str) -> Callable[[ModelRequest], str]:
    """Find the agent's name with a regular expression whose first group is the name."""
    compiled = re.compile(pattern)

    def agent_of(request: ModelRequest) -> str:
        found = compiled.search(request.text)
        return found[1] if found else ""

    return agent_of


class ScriptError(Exception):
    """The script could not answer; the test is wrong, or the agent asked for what nobody foresaw."""


class ScriptExhaustedError(ScriptError):
    """More was asked than the script has answers for."""


class ToolNotOfferedError(ScriptError):
    """The script names a tool that the agent did not offer."""


_SHELLS = ("Bash", "bash", "exec_command", "run_shell_command")
"""What agents call their shell tool; several speak to a model by one vendor's API."""
_SHELL_COMMAND_ARGUMENT = {Vendor.OPENAI: "cmd"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolvedCall:
    """A tool call in the vendor's own words."""

    tool: OfferedTool
    arguments: JsonObject


def resolve(call: CallTool, request: ModelRequest) -> ResolvedCall:
    """Translate a script's tool name and arguments into those of the request's vendor."""
    if call.name != "shell":
        return _resolve_named(call, request.tools)
    arguments = dict(call.arguments)
    arguments[_SHELL_COMMAND_ARGUMENT.get(request.vendor, "command")] = arguments.pop("command")
    return ResolvedCall(tool=_offered(_shell(request.tools), request.tools), arguments=arguments)


def _resolve_named(call: CallTool, tools: Sequence[OfferedTool]) -> ResolvedCall:
    """Qwen Code keeps the tools of MCP servers back, and has them called through another."""
    deferring = next((tool for tool in tools if tool.name == "tool_call"), None)
    if deferring is not None and call.name.startswith("relay_"):
        return ResolvedCall(
            tool=deferring, arguments={"name": f"mcp__relay__{call.name}", "arguments": dict(call.arguments)}
        )
    return ResolvedCall(tool=_offered(call.name, tools), arguments=dict(call.arguments))


def _shell(tools: Sequence[OfferedTool]) -> str:
    offered = {tool.name for tool in tools}
    return next((name for name in _SHELLS if name in offered), "shell")


def _offered(name: str, tools: Sequence[OfferedTool]) -> OfferedTool:
    exact = [tool for tool in tools if name in (tool.name, tool.full_name)]
    # An MCP tool carries its server's name in front: mcp__relay__relay_send, mcp_relay_relay_send, relay-relay_send.
    prefixed = [tool for tool in tools if tool.full_name.endswith((f"_{name}", f"-{name}"))]
    match exact or prefixed:
        case [tool]:
            return tool
        case []:
            raise ToolNotOfferedError(f"no tool {name!r} among {', '.join(tool.full_name for tool in tools)}")
        case several:
            raise ToolNotOfferedError(f"{name!r} could be any of {', '.join(tool.full_name for tool in several)}")
