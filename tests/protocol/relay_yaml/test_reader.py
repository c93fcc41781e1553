"""What is said about a file, and where."""

import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.protocol.relay_yaml.reader import read_workflow_file
from broker.protocol.relay_yaml.schema import COMMITTED, build_schema, print_schema
from broker.protocol.relay_yaml.writer import write_workflow_file
from broker.protocol.yaml_document import Position, read_document

SAMPLES = sorted(Path(__file__, "../../../fixtures/workflows").resolve().glob("*.yaml"))
HEAD = """\
version: "1.0"
name: t
swarm: {pattern: dag}
agents:
  - {name: A, cli: claude}
workflows:
  - name: w
    steps:
"""


def said(text: str) -> list[tuple[str, int, int, str]]:
    """What is said of a file: severity, line, column and words."""
    problems = read_workflow_file(text).problems
    return [(str(each.severity), each.position.line, each.position.column, each.message) for each in problems]


def of_steps(*steps: str) -> list[tuple[str, int, int, str]]:
    """What is said of steps, written in one line each from line 9 on."""
    return said(HEAD + "".join(f"      - {{{each}}}\n" for each in steps))


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_samples_load_without_a_word_against_them_and_fit_the_schema(path: Path) -> None:
    text = path.read_text()
    reading = read_workflow_file(text)
    assert (reading.file is not None, reading.problems) == (True, ())
    jsonschema.Draft202012Validator(build_schema()).validate(read_document(text).value)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_definition_that_is_written_and_read_again_is_the_same(path: Path) -> None:
    file = read_workflow_file(path.read_text()).file
    assert file is not None
    assert read_workflow_file(write_workflow_file(file)).file == file


def test_the_committed_schema_is_that_of_the_types() -> None:
    assert print_schema() == COMMITTED.read_text(), (
        "the format has changed: `python -m broker.protocol.relay_yaml.schema >"
        " broker/protocol/relay_yaml/relay.schema.json`, then commit it"
    )


def test_an_unknown_key_is_a_warning_with_the_nearest_one_at_every_level() -> None:
    found = said(
        HEAD.replace("dag}", "dag, maxConcurency: 2}") + "      - {name: s, agent: A, task: x, dependson: []}\n"
    )
    assert found == [
        ("warning", 3, 23, 'unknown key "maxConcurency", ignored; did you mean "maxConcurrency"?'),
        ("warning", 9, 38, 'unknown key "dependson", ignored; did you mean "dependsOn"?'),
    ]


def test_what_is_reserved_is_refused_as_not_yet_with_its_line() -> None:
    [(severity, line, column, words)] = of_steps("name: s, agent: A, task: x, foreach: [1, 2]")
    assert (severity, line, column) == ("error", 9, 38)
    assert words == '"foreach" (fan-out over a list) is reserved and not yet supported'
    artifacts = said(HEAD + "      - {name: s, agent: A, task: x}\n    artifacts: [out]\n")
    assert artifacts == [
        ("error", 10, 5, '"artifacts" (files that go from one machine to another) is reserved and not yet supported')
    ]
    assert said(HEAD + "      - {name: s, agent: A, task: x}\nschedule: {cron: '* * * * *'}\n")[0][:2] == ("error", 10)


@pytest.mark.parametrize(
    ("source", "says"),
    [("type: worktree, branch: b", "a worktree"), ("waitFor: {file: out/report.md}", "a file")],
)
@pytest.mark.parametrize(
    ("user", "column"),
    [
        ("type: deterministic, command: 'ls {{steps.there.output}}'", 49),
        ("type: deterministic, command: 'cat {{steps.there.file}}'", 49),
        ("agent: A, task: 'look into {{ steps.there.output | trim }}'", 35),
    ],
)
def test_a_path_of_one_machine_is_refused_on_another_with_its_place(
    source: str, says: str, user: str, column: int
) -> None:
    def found(there: str, here: str) -> list[tuple[str, int, int, str]]:
        return of_steps(f"name: there, {source}{there}", f"name: s, {user}, dependsOn: [there]{here}")

    for there, here, words in (
        (", machine: a", ", machine: b", 'lies on a, and "s" runs on b'),
        (", machine: a", "", 'lies on a, and "s" runs on the run\'s machine'),
        ("", ", machine: b", 'lies on the run\'s machine, and "s" runs on b'),
    ):
        said = f'"there" says where something {words}: files do not go from one machine to another yet'
        assert found(there, here) == [("error", 10, column, said)], says
    assert found("", "") == []
    assert found(", machine: a", ", machine: a") == []
    assert found(", machine: a", f", machine: {'0a' * 16}") == [], "who starts the run knows whether they are one"


def test_what_a_command_on_another_machine_has_printed_goes_there() -> None:
    there = "name: there, type: deterministic, command: ls, machine: a"
    user = "name: s, type: deterministic, command: 'cat {{steps.there.file}}', machine: b, dependsOn: [there]"
    assert of_steps(there, user) == []
    told = "name: s, type: approval, message: 'Use {{steps.there.output}}?', dependsOn: [there]"
    assert of_steps("name: there, type: worktree, branch: b, machine: a", told) == []


def test_a_placeholder_where_nothing_is_replaced_is_named() -> None:
    folder = "name: s, type: deterministic, command: ls, cwd: '{{steps.wt.output}}'"
    [(severity, line, column, words)] = of_steps(folder)
    assert (severity, line, column) == ("error", 9, 58)
    assert words == "{{steps.wt.output}} is not replaced in cwd, which is taken as it is written"
    [(severity, *_, words)] = of_steps("name: s, type: worktree, branch: 'try/{{what}}'")
    assert severity == "warning"
    assert words.startswith("{{what}} is not replaced in branch")


def test_another_dialect_is_refused_with_the_names_of_what_is_missing() -> None:
    words = [each[3] for each in said("name: x\npaths: []\nagents:\n  a: {steps: [{run: ls}]}\n")]
    assert '"version" is missing' in words
    assert '"swarm" is missing' in words


def test_flows_of_version_2_and_the_older_layout_are_named() -> None:
    assert any("flow of version 2" in each[3] for each in said("name: x\nsteps:\n  - {id: a, run: ls}\n"))
    older = "name: x\npattern: dag\nworkflow:\n  steps:\n    - {id: a, agent: b, prompt: c}\n"
    assert any("older layout of templates" in each[3] for each in said(older))


def test_circles_and_names_that_mean_nothing_are_errors() -> None:
    agent = "agent: A, task: x"
    assert of_steps(f"name: a, {agent}, dependsOn: [b]", f"name: b, {agent}, dependsOn: [a]") == [
        ("error", 9, 49, "the steps wait for each other: a → b → a")
    ]
    assert of_steps(f"name: build, {agent}", f"name: b, {agent}, dependsOn: [biuld]") == [
        ("error", 10, 50, 'there is no step "biuld"; did you mean "build"?')
    ]
    assert of_steps(f"name: a, {agent}", f"name: a, {agent}") == [("error", 10, 16, 'there is another step "a"')]
    assert of_steps("name: a, agent: B, task: x")[0][3] == 'there is no agent "B"'
    assert of_steps(f"name: ../x, {agent}")[0][0] == "error"


@pytest.mark.parametrize(
    ("step", "says"),
    [
        ("name: s", 'needs "agent"'),
        ("name: s, type: deterministic", 'needs "command"'),
        ("name: s, type: worktree", 'needs "branch"'),
        ("name: s, type: integration, integration: x", 'needs "action"'),
        (
            "name: s, type: integration, integration: github, action: createPR",
            "write the repository as owner/name",
        ),
        (
            "name: s, type: integration, integration: github, action: getRepo, params: {repo: a/b},"
            " verification: {type: git_clean}",
            "it runs on no machine",
        ),
        ("name: s, type: waitFor", 'needs "waitFor"'),
        ("name: s, waitFor: {path: out/*.json}", "a pattern names none"),
        ("name: s, waitFor: {file: ../out}", "within the step's folder"),
        ("name: s, waitFor: {path: out, provider: github}", "nobody can wait for path, provider"),
        ("name: s, waitFor: {event: workflow.end}", 'no event "workflow.end"; did you mean "workflow.ended"'),
        ("name: s, waitFor: {until: tomorrow}", '"tomorrow" is no time'),
        ("name: s, waitFor: {durationMs: long}", "number of milliseconds"),
        ("name: s, waitFor: {webhook: github}", "write webhook: true"),
        ("name: s, waitFor: {webhook: true, durationMs: 5}", "waited for alone, without durationMs"),
        ("name: s, waitFor: {webhook: true}, verification: {type: git_clean}", "it runs on no machine"),
        ("name: s, agent: A, task: '{{steps.s.webhook}}'", '"s" is no step that waits for a webhook'),
        ("name: s, agent: A, task: x, permissions: restricted", "nobody can keep A to what is listed"),
        ("name: s, agent: A, task: x, permissions: {exec: [ls]}", "nobody can keep A to exec"),
        ("name: s, type: deterministic, command: x, permissions: readonly", "only the step of an agent"),
        ("name: s, agent: A, task: '{{x | last-line}}'", '"last-line" is no filter'),
        ("name: s, type: subworkflow, workflow: nowhere", 'no workflow "nowhere"'),
        ("name: s, type: subworkflow, workflow: w", "the workflows call each other: w → w"),
        ("name: s, use: mine", "not supported"),
        ("name: s, agent: A, task: x, retries: many", "valid integer"),
        ("name: s, type: deterministic, command: x, backoff: {factor: '1e400'}", "finite number"),
        ("name: s, agent: A, task: x, timeoutMs: -5", "greater than or equal to 0"),
        ("name: s, agent: A, task: x, verification: {type: exit_cod}", 'did you mean "exit_code"'),
        ("name: s, agent: A, task: x, verification: {type: output_contains}", "it would check nothing"),
        ("name: s, agent: A, task: x, verification: {type: exit_code, value: fine}", "from 0 to 255"),
        ("name: s, agent: A, task: x, verification: [{type: regex, value: '('}]", "no regular expression"),
        ("name: s, agent: A, task: x, verification: {type: json_schema}", 'needs "schema"'),
        ("name: s, agent: A, task: x, verification: {type: file_exists, value: ../x}", "within the step's folder"),
        ("name: s, agent: A, task: x, repeatFrom: later, maxIterations: 2", "does not come before it"),
        ("name: s, agent: A, task: x, repeatFrom: s", "needs maxIterations"),
        ("name: s, type: deterministic, command: 'echo `{{x}}`'", "within backticks"),
        ("name: s, type: deterministic, command: x, compensates: s", "cannot be compensated"),
    ],
)
def test_a_step_that_cannot_be_kept_to_is_an_error_on_its_line(step: str, says: str) -> None:
    errors = [each for each in of_steps(step) if each[0] == "error"]
    assert any(says in each[3] for each in errors), errors
    assert {each[1] for each in errors} <= {7, 9}


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        (["name: s, type: agnet, agent: A, task: x"], "no type of a step, taken as agent; did you mean"),
        (["name: s, agent: A, task: x, retries: '3'"], "it is read as one"),
        (["name: s, agent: A, task: '{{steps.t.output}}'", "name: t, agent: A, task: x"], "add it to dependsOn"),
        (["name: s, agent: A, task: '{{steps.t.output}}'"], 'no step "t"'),
        (["name: s, type: deterministic, command: 'sh -c \"ls {{x}}\"'"], "a shell within the command"),
        (["name: s, agent: A, task: Wait for build", "name: build, agent: A, task: x, dependsOn: [s]"], "told to wait"),
        (["name: s, agent: A, task: x, maxIterations: 2"], "asks for another round"),
    ],
)
def test_what_is_accepted_and_may_not_be_meant_is_a_warning(steps: list[str], says: str) -> None:
    found = of_steps(*steps)
    assert [each[0] for each in found] == ["warning"]
    assert says in found[0][3]


def test_permissions_that_name_nothing_are_errors() -> None:
    def of_agent(permissions: str) -> list[tuple[str, int, int, str]]:
        agent = f"  - {{name: A, cli: claude, permissions: {permissions}}}\n"
        text = HEAD.replace("  - {name: A, cli: claude}\n", agent) + "      - {name: s, agent: A, task: x}\n"
        return said(text)

    assert of_agent("readonly") == of_agent("{access: full, why: it has to}") == []
    assert 'did you mean "readonly"' in of_agent("readonyl")[0][3]
    assert "access is one of" in of_agent("{access: root}")[0][3]
    assert "list of strings" in of_agent("{exec: git}")[0][3]
    assert "no pattern for paths" in of_agent("{files: {read: ['[a']}}")[0][3]
    assert 'no profile "dev"' in of_agent("{profile: dev}")[0][3]


def of_agents(agent: str, *, more: str = "", swarm: str = "") -> list[tuple[str, int, int, str]]:
    """What is said of an agent that is written so in line 5."""
    head = HEAD.replace("{name: A, cli: claude}", agent).replace("dag}", f"dag{swarm}}}")
    return said(f"{head}      - {{name: s, agent: A, task: x}}\n{more}")


def test_what_an_agent_cannot_be_kept_to_is_an_error_where_it_stands() -> None:
    keyed = "{name: A, cli: claude, permissions: {access: readwrite, files: {deny: ['**/*.pem']}, network: false}}"
    assert of_agents(keyed) == [
        (
            "error",
            5,
            68,
            "nobody can keep A to files.deny: what it may read nobody is asked about; files.write can be kept to, and a"
            " rule of the workspace can deny paths",
        ),
        ("error", 5, 90, "nobody can keep A to network: its program's own sandbox decides"),
    ]
    [(_, line, column, words)] = of_agents("{name: A, cli: claude, permissions: restricted}")
    assert (line, column) == (5, 41)
    assert words == "nobody can keep A to what is listed: access is readonly, readwrite or full"
    by_profile = of_agents(
        "{name: A, cli: codex, permissions: tight}", more="permission_profiles: {tight: {scopes: [a]}}\n"
    )
    assert by_profile == [("error", 5, 40, "nobody can keep A to scopes: it has those of its session")]
    [(*_, words)] = of_agents("{name: A, cli: goose, permissions: readonly}")
    assert words == "goose cannot be kept from changing files; claude, codex, gemini can"


def test_files_to_write_can_be_kept_to_where_each_change_is_asked_for() -> None:
    written = "{name: A, cli: CLI, permissions: {files: {write: ['src/**']}}}"
    for cli in ("claude", "gemini", "demo"):
        assert [each for each in of_agents(written.replace("CLI", cli)) if each[0] == "error"] == []
    [(_, line, column, words)] = of_agents(written.replace("CLI", "codex"))
    assert (line, column) == (5, 48)
    assert words == "codex changes files without asking, and cannot be kept to files.write; claude, demo, gemini can"
    profile = "permission_profiles: {src: {files: {write: ['src/**'], read: ['src/**']}}}\n"
    [(_, line, column, words)] = of_agents("{name: A, cli: claude, permissions: src}", more=profile)
    assert (line, column) == (5, 41)
    assert words.startswith("nobody can keep A to files.read")


def test_credentials_and_permissions_that_stand_elsewhere_are_errors_where_they_stand() -> None:
    assert of_agents("{name: A, cli: claude, credentials: {proxy: true}}")[0][:3] == ("error", 5, 28)
    assert of_agents("{name: A, cli: claude}", swarm=", credentialProxy: {proxyUrl: x}")[0][:3] == ("error", 3, 23)
    [(*place, words)] = of_agents("{name: A, cli: claude}", more="permissions: {network: false, profiles: {}}\n")
    assert (place, words) == (["error", 10, 15], '"network" holds for no agent here: write it with the agent')


def test_what_nothing_looks_at_is_said_with_what_there_is_instead() -> None:
    found = of_agents("{name: A, cli: claude, watch: [{paths: [a]}]}", swarm=", idleNudge: {maxNudges: 2}")
    assert found == [
        (
            "warning",
            3,
            23,
            '"idleNudge" has no effect here: idleTimeoutMs gives up an agent that shows no sign of work',
        ),
        ("warning", 5, 28, '"watch" has no effect here: a hook can tell an agent what has changed'),
    ]
    more = "trajectories: false\nerrorHandling: {strategy: retry, notifyChannel: x}\n"
    assert [each[1:3] for each in of_agents("{name: A, cli: claude}", more=more)] == [(11, 34)]
    for protection, at in (("{protectedPaths: [tests, checks/*.sh]}", None), ("{protectedPaths: [../x]}", 37)):
        said = of_agents("{name: A, cli: claude}", more=f"repairProtection: {protection}\n")
        assert [each[:3] for each in said] == ([("error", 10, at)] if at else [])
    assert of_agents("{name: A, cli: claude}", more="repairProtection: {mode: warn}\n")[0][:3] == ("error", 10, 20)


def test_problems_come_in_the_order_of_the_file() -> None:
    problems = read_workflow_file(HEAD.replace("dag", "dga") + "      - {name: s, agent: B, task: x, x: 1}\n").problems
    assert [each.position for each in problems] == [Position(3, 18), Position(9, 26), Position(9, 38)]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "version",
                        "name",
                        "swarm",
                        "pattern",
                        "agents",
                        "workflows",
                        "steps",
                        "agent",
                        "task",
                        "vars",
                        "dependsOn",
                        "type",
                    ]
                ),
                inner,
                max_size=5,
            )
        ),
        max_leaves=20,
    )
)
def test_nothing_that_a_file_contains_raises(value: object) -> None:

    reading = read_workflow_file(json.dumps(value))
    assert reading.file is not None or reading.errors
