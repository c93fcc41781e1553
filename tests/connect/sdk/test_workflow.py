"""Workflows written in Python."""

import pytest

from broker.protocol.relay_yaml.reader import read_workflow_file
from connect.sdk.workflow import InvalidWorkflow, Workflow, workflow


def _build_feature() -> Workflow:
    return (
        workflow("build-feature")
        .agent("Backend", cli="codex")
        .agent("Frontend", {"cli": "claude"})
        .step("implement", agent="Backend", task="Build API")
    )


def test_the_specs_own_words_give_the_document_that_the_public_builders_give() -> None:
    assert _build_feature().to_yaml() == (
        "version: '1.0'\n"
        "name: build-feature\n"
        "swarm:\n  pattern: dag\n"
        "agents:\n- name: Backend\n  cli: codex\n- name: Frontend\n  cli: claude\n"
        "workflows:\n- name: build-feature-workflow\n"
        "  steps:\n  - name: implement\n    agent: Backend\n    task: Build API\n"
    )


def test_what_is_written_is_read_again_without_a_word_against_it() -> None:
    wf = (
        workflow("all")
        .description("Line one\nline two")
        .pattern("review-loop")
        .swarm(max_concurrency=2, channel="all", budget={"tokens": 1000})
        .vars(task={"type": "string"}, rounds=2)
        .agent("A", cli="claude", model="opus", retries=1)
        .agent("B", cli="codex", preset="reviewer", permissions="readonly")
        .step("build", agent="A", task="{{task}}\n  yes: no\n")
        .step("test", {"type": "deterministic", "command": "make test", "dependsOn": ["build"]})
        .step("read", agent="B", task="on", depends_on=["test"], verification={"type": "regex", "value": "yes|no"})
        .coordination(barriers=[{"name": "b", "waitFor": ["test"]}])
        .state(ttl_ms=1000)
        .on_error("retry", max_retries=1)
    )
    reading = read_workflow_file(wf.to_yaml())
    assert reading.problems == ()
    assert reading.file is not None
    assert reading.file.agents[0].constraints is not None
    assert (reading.file.agents[0].constraints.model, reading.file.agents[0].constraints.retries) == ("opus", 1)
    assert reading.file.workflows[0].steps[0].task == "{{task}}\n  yes: no\n"
    assert reading.file.workflows[0].steps[2].depends_on == ["test"]


def test_a_plan_needs_no_broker() -> None:
    plan = _build_feature().plan(machine="box")
    assert plan.waves == (("implement",),)
    assert [(each.name, each.machines) for each in plan.agents] == [("Backend", ("box",))]


@pytest.mark.parametrize(
    ("wf", "says"),
    [
        (workflow("x"), "at least 1 item"),
        (workflow("x").step("s", agent="A", task="t"), 'there is no agent "A"'),
        (workflow("x").agent("A").step("s", agent="A"), 'needs "task"'),
        (workflow("x").step("s", type="deterministic"), 'needs "command"'),
        (workflow("x").agent("A").step("s", agent="A", task="t", depends_on=["z"]), 'there is no step "z"'),
        (workflow("x").agent("A").step("s", agent="A", task="t").step("s", agent="A", task="t"), "another step"),
        (workflow("x").agent("A").step("s", agent="A", task="t", retries=-1), "greater than or equal to 0"),
    ],
)
def test_the_whole_plan_is_checked_before_anything_is_written(wf: Workflow, says: str) -> None:
    with pytest.raises(InvalidWorkflow, match=says):
        wf.to_yaml()
    with pytest.raises(InvalidWorkflow, match=says):
        wf.plan()


def test_an_option_that_is_none_is_refused_where_it_is_given() -> None:
    with pytest.raises(InvalidWorkflow, match='agent A has no option "permission"; did you mean "permissions"'):
        workflow("x").agent("A", permission="readonly")
    with pytest.raises(InvalidWorkflow, match='step s has no option "dependson"'):
        workflow("x").step("s", dependson=["a"])
