"""Scripts speak of tools and turns in words that hold for every vendor."""

import pytest

from tests.agents.script import (
    CallTool,
    Message,
    ModelRequest,
    OfferedTool,
    Role,
    Say,
    ScriptExhaustedError,
    ToolNotOfferedError,
    ToolResult,
    Vendor,
    by_agent,
    in_order,
    named_in_text,
    resolve,
)

_RESULT = ToolResult(call_id="1", text="ran")


def _request(
    vendor: Vendor = Vendor.ANTHROPIC, *messages: Message, tools: tuple[OfferedTool, ...] = ()
) -> ModelRequest:
    return ModelRequest(vendor=vendor, model="mock-model", messages=messages, tools=tools)


def _user(*texts: str, results: tuple[ToolResult, ...] = ()) -> Message:
    return Message(role=Role.USER, texts=texts, tool_results=results)


@pytest.mark.parametrize(
    ("vendor", "offered"),
    [
        (Vendor.ANTHROPIC, OfferedTool(name="mcp__relay__relay_send")),
        (Vendor.OPENAI, OfferedTool(name="relay_send", namespace="mcp__relay")),
        (Vendor.GOOGLE, OfferedTool(name="mcp_relay_relay_send")),
        (Vendor.ANTHROPIC, OfferedTool(name="relay-relay_send")),
        (Vendor.ANTHROPIC, OfferedTool(name="relay_relay_send")),
    ],
)
def test_a_relay_tool_is_found_under_every_vendors_name_for_it(vendor: Vendor, offered: OfferedTool) -> None:
    tools = (OfferedTool(name="resend"), offered, OfferedTool(name="mcp__relay__relay_release"))

    resolved = resolve(CallTool("relay_send", {"to": "bob"}), _request(vendor, tools=tools))

    assert resolved.tool == offered
    assert resolved.arguments == {"to": "bob"}


@pytest.mark.parametrize(
    ("vendor", "name", "argument"),
    [
        (Vendor.ANTHROPIC, "Bash", "command"),
        (Vendor.OPENAI, "exec_command", "cmd"),
        (Vendor.GOOGLE, "run_shell_command", "command"),
        (Vendor.ANTHROPIC, "bash", "command"),
        (Vendor.ANTHROPIC, "run_shell_command", "command"),
    ],
)
def test_shell_is_the_vendors_own_shell_tool(vendor: Vendor, name: str, argument: str) -> None:
    resolved = resolve(
        CallTool("shell", {"command": "ls", "description": "look"}), _request(vendor, tools=(OfferedTool(name=name),))
    )

    assert resolved.tool.name == name
    assert resolved.arguments == {argument: "ls", "description": "look"}


def test_a_tool_that_was_not_offered_is_an_error_that_lists_what_was() -> None:
    with pytest.raises(ToolNotOfferedError, match="no tool 'relay_send' among Bash, Read"):
        resolve(CallTool("relay_send"), _request(tools=(OfferedTool(name="Bash"), OfferedTool(name="Read"))))


def test_a_relay_tool_that_is_kept_back_is_called_through_the_one_that_calls_others() -> None:
    tools = (OfferedTool(name="tool_search"), OfferedTool(name="tool_call"))

    resolved = resolve(CallTool("relay_send", {"to": "bob"}), _request(tools=tools))

    assert resolved.tool.name == "tool_call"
    assert resolved.arguments == {"name": "mcp__relay__relay_send", "arguments": {"to": "bob"}}


def test_a_name_that_fits_two_servers_tools_is_an_error() -> None:
    tools = (OfferedTool(name="mcp__one__relay_send"), OfferedTool(name="mcp__two__relay_send"))

    with pytest.raises(ToolNotOfferedError, match="could be any of"):
        resolve(CallTool("relay_send"), _request(tools=tools))


def test_a_prompt_starts_a_turn_and_a_tool_result_goes_on_with_it() -> None:
    called = Message(role=Role.ASSISTANT)

    assert _request(Vendor.ANTHROPIC, _user("build")).starts_turn
    assert not _request(Vendor.ANTHROPIC, _user("build"), called, _user(results=(_RESULT,))).starts_turn
    assert _request(Vendor.OPENAI, _user("build"), called, _user(results=(_RESULT,)), _user("build")).starts_turn


def test_a_prompt_with_the_agents_own_words_around_it_starts_a_turn() -> None:
    request = _request(Vendor.ANTHROPIC, _user("<reminder/>", "build"), Message(role=Role.SYSTEM, texts=("today",)))

    assert request.starts_turn
    assert request.prompt == "build"


def test_a_request_without_tools_or_for_json_is_the_agents_own() -> None:
    tools = (OfferedTool(name="Bash"),)

    assert _request(tools=()).is_side_request
    assert not _request(tools=tools).is_side_request
    assert _request(tools=(OfferedTool(name="respond_in_schema"),)).is_side_request
    assert ModelRequest(vendor=Vendor.GOOGLE, model="m", tools=tools, answer_schema={}).is_side_request


def test_answers_in_order_run_out_loudly() -> None:
    script = in_order(Say("one"), Say("two"))

    assert [script(_request()), script(_request())] == [Say("one"), Say("two")]
    with pytest.raises(ScriptExhaustedError, match="gave its 2 answers"):
        script(_request())


def test_each_agent_follows_its_own_script() -> None:
    script = by_agent(
        {"alice": lambda _: Say("I am alice"), "bob": lambda _: Say("I am bob")},
        agent_of=named_in_text(r"Your name is (\w+)"),
    )

    assert script(_request(Vendor.OPENAI, _user("Your name is bob."), _user("build"))) == Say("I am bob")
