"""Hooks with each vendor's real CLI: the plain example, and hooks that hold an agent up."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
import pytest

from broker.domain.approvals.answers import Verdict
from broker.domain.hooks.definitions import CommandAction
from broker.domain.hooks.events import HookEvent
from broker.protocol.hooks_yaml.reader import read_hooks
from connect.machine.hooks.consent_file import ConsentFile, to_toml
from connect.machine.hooks.consents import Consent, Consents
from connect.machine.hooks.inline_code import as_written
from connect.machine.hooks.programs import digests_of
from connect.policy.folders import real_folder
from tests.agents.model_server import ModelServer
from tests.agents.obedience import Obedient
from tests.agents.script import JsonObject
from tests.agents.stage import Desk, Stage
from tests.agents.vendors import each_vendor

pytestmark = [pytest.mark.agents, pytest.mark.timeout(180)]

vendors = pytest.mark.parametrize("cli", ["claude", "codex", "gemini"])
EXAMPLE = (Path(__file__).parents[1] / "fixtures" / "hooks" / "example.yaml").read_text()
_EDIT: Mapping[str, Callable[[Path], str]] = {
    "claude": lambda file: f"call Write {json.dumps({'file_path': str(file), 'content': 'x'})}",
    "codex": lambda file: f"call shell {json.dumps({'command': _PATCH.format(name=file.name)})}",
    "gemini": lambda file: f"call write_file {json.dumps({'file_path': str(file), 'content': 'x'})}",
}
_PATCH = "apply_patch <<'EOF'\n*** Begin Patch\n*** Add File: {name}\n+x\n*** End Patch\nEOF"
RECORDER = f"""#!{sys.executable}
import json, os, sys
event = json.load(sys.stdin)
with open(os.path.dirname(os.path.abspath(__file__)) + "/ran", "a") as ran:
    ran.write(json.dumps([os.path.basename(sys.argv[0]), *sys.argv[1:]]) + "\\n")
"""


def programs_of(folder: Path) -> Path:
    """Where a machine's own programs are: on PATH, outside of where agents work."""
    made = real_folder(folder) / "desk" / "bin"
    made.mkdir(parents=True, exist_ok=True)
    return made


def program(folder: Path, name: str, code: str = RECORDER) -> Path:
    path = programs_of(folder) / name
    path.write_text(code)
    path.chmod(0o755)
    return path


def guard(folder: Path, name: str, code: str) -> Path:
    return program(folder, name, f"#!{sys.executable}\nimport json, sys\nevent = json.load(sys.stdin)\n{code}\n")


def recorded(folder: Path) -> list[list[str]]:
    file = programs_of(folder) / "ran"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def allow(folder: Path, text: str) -> None:
    """The machine's owner has allowed the hooks of a text."""
    consents = Consents()
    for hook in read_hooks(text).hooks:
        action = hook.action
        if not isinstance(action, CommandAction):
            continue
        words = as_written(action.words)
        path = programs_of(folder) / Path(words[0]).name
        consents = consents.with_consent(
            Consent(
                id=hook.id,
                fingerprint=action.fingerprint,
                words=words,
                program=path,
                roots=(real_folder(folder),),
                timeout_s=action.timeout_s,
                files=digests_of([path]),
            )
        )
    config = folder / "desk"
    state = config / "state"
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    ConsentFile(config, state=state).put(to_toml(consents))


async def desk_with(stage: Stage, folder: Path, cli: str, text: str) -> Desk:
    """A machine whose owner has allowed these hooks, which hold."""
    assert read_hooks(text).problems == ()
    allow(folder, text)
    desk = await stage.desk(cli)
    headers = {"Authorization": f"Bearer {desk.broker.key_file.read_text().strip()}"}
    async with httpx.AsyncClient(base_url=desk.broker.url, headers=headers, trust_env=False) as http:
        (await http.put("/v1/hooks", json={"text": text})).raise_for_status()
    return desk


async def ran(desk: Desk, hook: str, *, count: int = 1, state: str = "completed") -> JsonObject:
    def is_wanted(kind: str, data: JsonObject) -> bool:
        return kind == f"hook.{state}" and data["hook"] == hook

    return (await desk.log.until(lambda event: is_wanted(event.kind, event.data), count=count)).data


@vendors
async def test_every_line_of_the_plain_example_does_what_it_says(
    model: ModelServer, stage: Stage, tmp_path: Path, cli: str
) -> None:
    model.script = Obedient()
    for name in ("afplay", "say", "npm"):
        program(tmp_path, name)
    text = EXAMPLE.replace("  codex:", f"  {cli}:").replace("/usr/bin/say", str(programs_of(tmp_path) / "say"))
    async with asyncio.timeout(90):
        desk = await desk_with(stage, tmp_path, cli, text)
        await stage.set_rules(desk.broker, [{"effect": "allow", "tool": "edit"}])
        await desk.relay.spawn("Lead", cli)
        await desk.relay.spawn("Worker", cli, _EDIT[cli](desk.machine.project / "made it.ts"))
        await desk.log.turns_ended("Worker", 1)
        await desk.relay.send("Worker", "run: touch asked.txt")
        asked = await desk.log.asked("Worker", count=1 if cli == "codex" else 2)
        await ran(desk, next(hook.id for hook in read_hooks(text).hooks if hook.event is HookEvent.APPROVAL_NEEDED))
        await desk.relay.answer(asked.id, Verdict.ALLOW)
        await desk.log.turns_ended("Worker", 2)
        await desk.log.turns_ended("Lead", 2)
        sound, relay, lint, types, spoken = (hook.id for hook in read_hooks(text).hooks)
        await ran(desk, sound, count=4)
        await ran(desk, relay, count=2)
        await ran(desk, relay, count=2, state="skipped")  # Lead is not told of the turns in which it was told
        for hook in (lint, types, spoken):
            await ran(desk, hook)
    # Both agents have ended two turns; one file was changed, and one request has waited for a person.
    assert Counter(map(tuple, recorded(tmp_path))) == {
        ("afplay", "/System/Library/Sounds/Glass.aiff"): 4,
        ("npm", "run", "lint", "--", "made it.ts"): 1,
        ("npm", "run", "typecheck"): 1,
        ("say", "Codex needs input"): 1,
    }
    told = [request.everything for request in model.requests if "hook:" in request.everything]
    assert any(f"Worker ({cli}): on_turn_complete" in each for each in told)


@each_vendor()
async def test_a_tool_that_a_hook_refuses_does_not_run_and_the_model_is_told_why(
    model: ModelServer, stage: Stage, tmp_path: Path, cli: str
) -> None:
    model.script = Obedient()
    path = guard(
        tmp_path, "guard", "if 'denied' in json.dumps(event): sys.stderr.write('not on a Sunday'); sys.exit(2)"
    )
    text = f'hooks:\n  "*":\n    before_tool: {{id: guard, command: {path}}}\n'
    async with asyncio.timeout(60):
        desk = await desk_with(stage, tmp_path, cli, text)
        await desk.relay.spawn("Worker", cli, "run: touch denied.txt")
        answered = await ran(desk, "guard")
        await desk.log.turns_ended("Worker", 1)
        await desk.relay.send("Worker", "why?")
        await desk.log.turns_ended("Worker", 2)
    assert (answered["answer"]["says"], answered["answer"]["reason"]) == ("deny", "not on a Sunday")
    assert not (desk.machine.project / "denied.txt").exists()
    assert "not on a Sunday" in model.requests[-1].everything


@each_vendor()
async def test_a_hook_answers_what_waits_for_people_and_leaves_the_rest_to_them(
    model: ModelServer, stage: Stage, tmp_path: Path, cli: str
) -> None:
    model.script = Obedient()
    code = """
command = event["data"]["command"] or ""
if "good.txt" in command:
    print(json.dumps({"decision": "allow"}))
if "bad.txt" in command:
    print(json.dumps({"decision": "deny", "reason": "not on a Sunday"}))
"""
    path = guard(tmp_path, "guard", code)
    hook = f"{{id: guard, command: {path}, decides: true, may_allow: true}}"
    async with asyncio.timeout(90):
        desk = await desk_with(stage, tmp_path, cli, f'hooks:\n  "*":\n    on_approval_needed: {hook}\n')
        await desk.relay.spawn("Worker", cli, "run: touch good.txt")
        await desk.log.turns_ended("Worker", 1)
        await desk.relay.send("Worker", "run: touch bad.txt")
        await desk.log.turns_ended("Worker", 2)
        await desk.relay.send("Worker", "run: touch other.txt")
        asked = await desk.log.asked("Worker", count=3)
        await ran(desk, "guard", count=3)
        await desk.relay.answer(asked.id, Verdict.ALLOW)
        await desk.log.turns_ended("Worker", 3)
    made = {name for name in ("good.txt", "bad.txt", "other.txt") if (desk.machine.project / name).exists()}
    assert made == {"good.txt", "other.txt"}
    answers = desk.log.matching(lambda event: event.kind == "approval.resolved")
    by = [event.data["by"] for event in answers]
    assert by[:2] == ["hook guard", "hook guard"]
    assert by[2] != "hook guard"


async def test_claude_asks_before_a_tool_that_needs_no_permission_and_runs_what_a_hook_has_made_of_it(
    model: ModelServer, stage: Stage, tmp_path: Path
) -> None:
    model.script = Obedient()
    code = """
command = event["data"]["command"] or ""
if event["data"]["tool"] == "Read":
    sys.stderr.write("nobody reads that"); sys.exit(2)
if "wrong.txt" in command:
    given = {**event["data"]["input"], "command": command.replace("wrong", "right")}
    print(json.dumps({"decision": "modify", "reason": "a better name", "input": given}))
"""
    path = guard(tmp_path, "guard", code)
    text = f"hooks:\n  claude:\n    before_tool: {{id: guard, command: {path}, modifies: true}}\n"
    async with asyncio.timeout(60):
        desk = await desk_with(stage, tmp_path, "claude", text)
        secret = desk.machine.project / "secret.txt"
        secret.write_text("vermilion")
        await desk.relay.spawn("Worker", "claude", f"call Read {json.dumps({'file_path': str(secret)})}")
        await desk.log.turns_ended("Worker", 1)
        await desk.relay.send("Worker", "run: touch wrong.txt")
        asked = await desk.log.asked("Worker")
        assert asked.command == "touch right.txt"
        await desk.relay.answer(asked.id, Verdict.ALLOW)
        await desk.log.turns_ended("Worker", 2)
    assert all("vermilion" not in request.everything for request in model.requests)
    assert "nobody reads that" in model.requests[-1].everything
    assert (desk.machine.project / "right.txt").exists()
    assert not (desk.machine.project / "wrong.txt").exists()


async def test_claude_goes_on_when_a_hook_says_so_and_stops_after_three_times(
    model: ModelServer, stage: Stage, tmp_path: Path
) -> None:
    model.script = Obedient()
    path = guard(tmp_path, "guard", 'print(json.dumps({"decision": "deny", "reason": "run the tests first"}))')
    text = f"hooks:\n  claude:\n    before_stop: {{id: guard, command: {path}}}\n"
    async with asyncio.timeout(60):
        desk = await desk_with(stage, tmp_path, "claude", text)
        await desk.relay.spawn("Worker", "claude", "hello")
        await ran(desk, "guard", count=3)
        await desk.log.turns_ended("Worker", 1)
    assert "run the tests first" in model.requests[-1].everything
    assert len(desk.log.matching(lambda event: event.kind == "hook.completed")) == 3


async def test_claudes_own_hooks_are_in_the_log(model: ModelServer, stage: Stage, tmp_path: Path) -> None:
    model.script = Obedient()
    handler = {"type": "command", "command": "echo no such thing >&2; exit 2"}
    settings = {"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [handler]}]}}
    file = tmp_path / "desk" / "home" / ".claude" / "settings.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(settings))
    async with asyncio.timeout(60):
        desk = await stage.desk("claude")
        await desk.relay.spawn("Worker", "claude", "run: touch never.txt")
        await desk.log.turns_ended("Worker", 1)
    told = [said for said in contents(desk) if said["type"] == "tool_result" and said["tool"] == "hook PreToolUse:Bash"]
    assert [(said["ok"], said["output"]) for said in told] == [(False, "exit code 2\nno such thing")]


async def test_codexs_own_hooks_that_do_nothing_are_told_with_the_reason(
    model: ModelServer, stage: Stage, tmp_path: Path
) -> None:
    model.script = Obedient()
    handler = {"type": "command", "command": "say done"}
    file = tmp_path / "desk" / "home" / ".codex" / "hooks.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"hooks": {"Stop": [{"hooks": [handler]}]}}))
    async with asyncio.timeout(60):
        desk = await stage.desk("codex")
        await desk.relay.spawn("Worker", "codex", "hello")
        await desk.log.turns_ended("Worker", 1)
    problems = [said["detail"] for said in contents(desk) if said["type"] == "problem"]
    assert any("own hook stop: say done" in each and "nobody has trusted it" in each for each in problems), problems


def contents(desk: Desk) -> list[JsonObject]:
    frames = desk.log.matching(lambda event: event.kind == "agent.frame")
    return [said for frame in frames for said in frame.data.get("events", ())]
