"""What is said of a run before it starts."""

from typing import Any

from broker.domain.workflows.files.definition import WorkflowFile
from broker.domain.workflows.graphs.graph import compile_workflow
from broker.domain.workflows.planning.plan import ExtraAgent, Place, Plan, plan_workflow, widest
from tests.domain.workflows.driving import AGENTS, Steps, file_of


def plan_of(steps: Steps, **more: Any) -> Plan:
    """The plan of a file of these steps, on the machine `box`."""
    return plan_workflow(file_of(steps, **more), machine="box")


def test_steps_stand_in_waves_and_name_what_they_wait_for() -> None:
    plan = plan_of([{"name": "a"}, {"name": "b"}, {"name": "c", "dependsOn": ["b", "a"]}])
    assert plan.waves == (("a", "b"), ("c",))
    assert plan.steps[2].after == ("a", "b")


def test_the_peak_is_what_may_go_on_at_once_and_not_the_widest_wave() -> None:
    steps: Steps = [{"name": n} for n in "abc"] + [{"name": f"{n}2", "dependsOn": ["a"]} for n in "def"]
    workflow = compile_workflow(file_of(steps))
    assert widest(workflow, list(workflow.steps.values())) == 5  # b and c may go on beside all that waits for a
    assert plan_of(steps).peak == 5
    capped = plan_of(steps, swarm={"maxConcurrency": 2})
    assert (capped.peak, capped.cap) == (2, 2)
    assert any("at most 2 work" in each for each in capped.notes)


def test_a_chain_is_one_wide() -> None:
    steps: Steps = [{"name": f"s{n}", "dependsOn": [f"s{n - 1}"] if n else []} for n in range(30)]
    assert plan_of(steps).peak == 1


def test_every_agent_that_may_be_started_beside_the_steps_is_named_with_how_often() -> None:
    condition = {"type": "output_contains", "value": "x", "diagnosticAgent": "Lead"}
    handling = {"maxRetries": 2, "repairRetries": 1, "repairAgent": "B"}
    step = {"name": "a", "agent": "A", "review": "B", "maxIterations": 2, "verification": condition}
    assert plan_of([step], errorHandling=handling).extra == (
        ExtraAgent(what="review", agent="B", step="a", at_most=6),
        ExtraAgent(what="diagnosis", agent="Lead", step="a", at_most=4),
        ExtraAgent(what="repair", agent="B", step="a", at_most=2),
    )


def test_no_agent_is_started_that_the_file_does_not_ask_for() -> None:
    steps: Steps = [{"name": "a", "agent": "Lead"}, {"name": "b", "agent": "A"}]
    plan = plan_of(steps, pattern="hub-spoke")
    assert plan.extra == ()
    assert any("owner and a reviewer" in each for each in plan.notes)


def test_consent_is_for_each_machine_and_folder_and_does_not_change_with_values() -> None:
    steps: Steps = [
        {"name": "a"},
        {"name": "b", "type": "deterministic", "command": "echo {{x}}", "machine": "far", "cwd": "/srv"},
        {"name": "c", "agent": "A", "verification": {"type": "custom", "value": "./look"}},
        {"name": "d", "type": "worktree", "branch": "try"},
    ]
    here, far = plan_of(steps).consents
    assert (far.place, far.templates) == (Place(machine="far", folder="/srv"), ("command: echo {{x}}",))
    assert here.templates == ("command: true", "check: ./look", "worktree: .worktrees/d of try from HEAD")
    assert plan_of(steps).consents == (here, far)
    steps[0] = {"name": "a", "type": "deterministic", "command": "false"}
    assert plan_of(steps).consents[0].digest != here.digest


def test_what_a_called_workflow_runs_needs_consent_too() -> None:
    calls = {"name": "w", "steps": [{"name": "a", "type": "subworkflow", "workflow": "w2"}]}
    called = {"name": "w2", "steps": [{"name": "b", "type": "deterministic", "command": "make"}]}
    file = {"version": "1.0", "name": "t", "swarm": {"pattern": "dag"}, "workflows": [calls, called]}
    [consent] = plan_workflow(WorkflowFile.model_validate(file)).consents
    assert consent.templates == ("command: make",)


def test_agents_stand_with_their_program_access_and_machine() -> None:
    agents = [{**AGENTS[1], "permissions": "readonly", "machine": "far", "workdir": "src"}]
    plan = plan_of([{"name": "a", "agent": "A"}], agents=agents, paths=[{"name": "src", "path": "/srv/src"}])
    [agent] = plan.agents
    assert (agent.cli, agent.access, agent.machines, agent.talks) == ("claude", "readonly", ("far",), False)
    assert plan.steps[0].place == Place(machine="far", folder="/srv/src")


def test_preflight_stands_before_the_first_step_in_waves_and_consents() -> None:
    ahead = [{"command": "git diff --quiet"}, {"command": "npm --version", "successIf": "^1"}]
    plan = plan_of([{"name": "a"}, {"name": "b", "dependsOn": ["a"]}], workflow={"preflight": ahead})
    assert plan.waves == (("preflight 1",), ("preflight 2",), ("a",), ("b",))
    assert plan.consents[0].templates[:2] == ("preflight: git diff --quiet", "preflight: npm --version")


def test_workflows_that_are_called_are_named() -> None:
    steps: Steps = [{"name": "a", "type": "subworkflow", "workflow": "w2"}]
    other = {"name": "w2", "steps": [{"name": "b", "type": "deterministic", "command": "true"}]}
    value = file_of([{"name": "a"}]).model_dump(by_alias=True, exclude_none=True)
    value["workflows"] = [{"name": "w", "steps": steps}, other]
    plan = plan_workflow(WorkflowFile.model_validate(value))
    assert "runs other workflows of the file, which --workflow shows: w2" in plan.notes


def test_who_is_called_from_outside_is_named() -> None:
    plan = plan_of([{"name": "a", "type": "waitFor", "waitFor": {"webhook": True}}])
    assert "waits to be called from outside, at an address that the run shows: a" in plan.notes


def test_what_is_done_elsewhere_is_named_with_the_secret_that_it_takes_and_runs_on_no_machine() -> None:
    params = {"repo": "team/shop", "title": "x", "token": "secret:BOT"}
    step = {"name": "a", "type": "integration", "integration": "github", "action": "createIssue", "params": params}
    plan = plan_of([step])
    assert plan.steps[0].place is None
    assert any("a (createIssue, secret:BOT)" in each for each in plan.notes)
    assert not any("no time limit" in each for each in plan.notes)


def test_a_plan_says_between_which_steps_no_file_goes() -> None:
    steps: Steps = [
        {"name": "build", "machine": "far"},
        {"name": "beside", "machine": "far", "dependsOn": ["build"]},
        {"name": "use", "dependsOn": ["build"]},
        {"name": "say", "type": "approval", "message": "?", "dependsOn": ["build"]},
    ]
    crossings = [each for each in plan_of(steps).notes if each.startswith("no file goes")]
    assert crossings == [
        "no file goes from build (on far) to use (on box): what that needs is handed over as text,"
        " {{steps.build.output}} or {{steps.build.file}}"
    ]


def test_a_plan_says_which_files_an_agent_is_kept_to() -> None:
    steps: Steps = [
        {"name": "a", "agent": "A", "permissions": {"files": {"write": ["src/**", "docs/*"]}}},
        {"name": "b", "agent": "A"},
    ]
    kept = "A may change files within src/**, docs/* alone in a, and starts no command"
    assert [each for each in plan_of(steps).notes if "may change files" in each] == [kept]
