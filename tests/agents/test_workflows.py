"""A workflow with the vendors' own agents: three build, a fourth that may change nothing picks, all are released."""

import asyncio
import json
from typing import Any

import pytest

from tests.agents.model_server import ModelServer
from tests.agents.script import Answer, CallTool, ModelRequest, Say, by_agent, in_order, named_in_text
from tests.agents.stage import SESSION, Stage

pytestmark = [pytest.mark.agents, pytest.mark.timeout(180)]

_RUNS = "/v1/workflows/runs"
_FILE = """\
version: "1.0"
name: competition
swarm: { pattern: competitive }
agents:
  - { name: Alpha, cli: claude, preset: worker }
  - { name: Beta, cli: codex, preset: worker }
  - { name: Gamma, cli: gemini, preset: worker }
  - { name: Judge, cli: claude, preset: reviewer, role: judge, permissions: readonly }
workflows:
  - name: competition
    steps:
      - { name: a, agent: Alpha, task: Build it. }
      - { name: b, agent: Beta, task: Build it. }
      - { name: c, agent: Gamma, task: Build it. }
      - name: pick
        agent: Judge
        task: "Which is best? {{steps.a.output}} / {{steps.b.output}} / {{steps.c.output}}"
        dependsOn: [a, b, c]
        verification: { type: json_schema, schema: { type: object, required: [choice] } }
"""


def _builder(name: str) -> Any:
    def build(request: ModelRequest) -> Answer:
        return Say(f"built by {name}")

    return build


class _Judge:
    """Hands in its choice, once it has seen what all three have built."""

    def __init__(self) -> None:
        self.seen = ""

    def __call__(self, request: ModelRequest) -> Answer:
        if request.tool_results:
            return Say("It is decided.")
        self.seen = request.everything
        return CallTool("relay_submit", {"result": {"choice": "b"}})


async def test_claude_codex_and_gemini_compete_and_a_fourth_picks(model: ModelServer, stage: Stage) -> None:
    judge = _Judge()
    scripts = {"Judge": judge, **{name: _builder(name) for name in ("Alpha", "Beta", "Gamma")}}
    model.script = by_agent(scripts, agent_of=named_in_text(r'You are the agent "([^"]+)"'))
    async with asyncio.timeout(150):
        _, _, relay, log = await stage.desk("claude", "codex", "gemini")
        run = await relay.request("POST", _RUNS, body={"text": _FILE, "session": SESSION})
        ended = await log.until(lambda event: event.kind == "workflow.ended")
        shown = await relay.request("GET", f"{_RUNS}/{run['id']}")
        said = await relay.request("GET", f"{_RUNS}/{run['id']}/steps/pick/output")
        await log.until(lambda event: event.kind == "agent.released" and event.name == "Judge")
        agents = {(each.name, each.cli, each.state) for each in await relay.agents()}
        await stage.no_agent_remains()
    assert ended.data["state"] == "completed", shown
    assert said["output"] == '{"choice":"b"}'
    assert all(f"built by {name}" in judge.seen for name in ("Alpha", "Beta", "Gamma"))
    assert agents == {
        ("Alpha", "claude", "released"),
        ("Beta", "codex", "released"),
        ("Gamma", "gemini", "released"),
        ("Judge", "claude", "released"),
    }


_KEPT = """\
version: "1.0"
name: kept
swarm: { pattern: dag }
agents: [{ name: A, cli: CLI, preset: worker, permissions: { files: { write: ["out/**"] } } }]
workflows: [{ name: kept, steps: [{ name: write, agent: A, task: Write both. }] }]
"""
_CLAUDES_OWN = {"permissions": {"allow": ["Edit", "Write", "Bash"], "defaultMode": "acceptEdits"}}
_GEMINIS_OWN = {
    "tools": {"allowed": ["write_file", "run_shell_command"]},
    "general": {"defaultApprovalMode": "auto_edit"},
}


@pytest.mark.parametrize(
    ("cli", "tool", "settings", "own"),
    [
        ("claude", "Write", ".claude/settings.json", _CLAUDES_OWN),
        ("gemini", "write_file", ".gemini/settings.json", _GEMINIS_OWN),
    ],
)
async def test_an_agent_that_is_kept_to_files_writes_no_other_whatever_its_users_settings_allow(
    model: ModelServer, stage: Stage, cli: str, tool: str, settings: str, own: dict[str, Any]
) -> None:
    async with asyncio.timeout(150):
        broker, machine, relay, log = await stage.desk(cli)
        (machine.project / "out").mkdir()
        kept = machine.home / settings
        before = json.loads(kept.read_text()) if kept.exists() else {}
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(json.dumps({**before, **own}))
        outside, inside = machine.project / "other.txt", machine.project / "out" / "a.txt"
        writes = in_order(
            CallTool(tool, {"file_path": str(outside), "content": "x"}),
            CallTool(tool, {"file_path": str(inside), "content": "x"}),
            Say("Over."),
        )
        offered = set[str]()

        def noting(request: ModelRequest) -> Answer:
            offered.update(each.name for each in request.tools)
            return writes(request)

        model.script = noting
        await stage.set_rules(broker, [{"effect": "allow"}])
        await relay.request("POST", _RUNS, body={"text": _KEPT.replace("CLI", cli), "session": SESSION})
        ended = await log.until(lambda event: event.kind == "workflow.ended")
        await stage.no_agent_remains()
    assert ended.data["state"] == "completed", ended.data
    there = {str(each.relative_to(machine.project)) for each in machine.project.rglob("*.txt")}
    assert there == {"out/a.txt"}
    assert tool in offered
    assert not offered & {"Bash", "run_shell_command"}
