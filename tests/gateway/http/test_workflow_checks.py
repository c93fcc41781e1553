"""Files that are checked and planned over HTTP before anything is started."""

from __future__ import annotations

from tests.fixtures.gateway import A_WORKFLOW, Gateway

CHECK = "/v1/workflows/check"


async def test_a_file_is_planned_with_what_it_still_has_to_be_given(gateway: Gateway) -> None:
    text = A_WORKFLOW.replace("task: say hello", 'task: "say {{ what }}"')
    found = await gateway.ok("POST", CHECK, {"text": text})
    assert [each["severity"] for each in found["problems"]] == ["warning"]  # of `demo`, which no vendor has
    assert (found["workflows"], found["missing"]) == (["greeting"], ["what"])
    plan = found["plan"]
    assert (plan["waves"], plan["peak"]) == ([["utter"]], 1)
    assert [(each["name"], each["cli"], each["access"]) for each in plan["agents"]] == [
        ("Greeter", "demo", "readwrite")
    ]
    assert (await gateway.ok("GET", "/v1/workflows/runs"))["runs"] == []


async def test_what_is_wrong_is_said_with_line_and_column_and_there_is_no_plan(gateway: Gateway) -> None:
    found = await gateway.ok("POST", CHECK, {"text": A_WORKFLOW.replace("agent: Greeter", "agent: Greter")})
    (problem,) = [each for each in found["problems"] if each["severity"] == "error"]
    assert (problem["severity"], problem["message"]) == ("error", 'there is no agent "Greter"; did you mean "Greeter"?')
    assert (
        A_WORKFLOW.replace("agent: Greeter", "agent: Greter")
        .splitlines()[problem["line"] - 1][problem["column"] - 1 :]
        .startswith("Greter")
    )
    assert found["plan"] is None


async def test_a_workflow_that_the_file_has_not_and_a_text_without_end_are_refused(gateway: Gateway) -> None:
    for body, code in (
        ({"text": A_WORKFLOW, "workflow": "other"}, "INVALID_WORKFLOW"),
        ({"text": "#" * 1_000_001}, "TOO_LARGE"),
    ):
        answer = await gateway.call("POST", CHECK, body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
