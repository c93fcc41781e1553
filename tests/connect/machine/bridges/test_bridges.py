from __future__ import annotations

import json
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from broker.domain.agents.agents import Dialect, InstalledCli, Transport
from broker.domain.ids import AgentId, SessionId
from broker.protocol.proxy import Spawn
from connect.access.endpoint import Endpoint
from connect.machine.agent_programs import FoundCli
from connect.machine.bridges.launch import Launch, LaunchRequest, NotKept
from connect.machine.bridges.planning import plan_launch

TOKEN = "at_live_secret-of-the-agent"
CONVERSATION = "0f8fad5b-d9cb-469f-a165-70867728950e"


def plan(
    tmp_path: Path,
    dialect: Dialect,
    *,
    agent: str = "a",
    cli: str = "agent",
    resume: str | None = None,
    model: str | None = None,
    transport: Transport = Transport.STDIO,
    readonly: bool = False,
    asks_writes: bool = False,
) -> Launch:
    installed = InstalledCli(cli=cli, dialect=dialect, version="1.0.0", supported=True, transport=transport)
    spawn = Spawn(
        agent=AgentId(agent),
        generation=1,
        name="Worker",
        session=SessionId("s"),
        cli=cli,
        instructions="You are Worker.",
        resume=resume,
        model=model,
        readonly=readonly,
        asks_writes=asks_writes,
    )
    return plan_launch(
        LaunchRequest(
            spawn=spawn,
            cli=FoundCli(installed=installed, command=("/bin/agent", "--first"), env={"EXTRA": "1"}),
            endpoint=Endpoint(url="https://relay.example", token="nt_live_x"),
            token=TOKEN,
            cwd=tmp_path,
            private=tmp_path / "private",
            environment={"HOME": str(tmp_path), "PATH": "/bin"},
        )
    )


def following(launch: Launch, option: str) -> str:
    argv = list(launch.command.argv)
    return argv[argv.index(option) + 1]


@pytest.mark.parametrize("dialect", list(Dialect))
@pytest.mark.parametrize("transport", [Transport.STDIO, Transport.SDK_URL])
def test_the_token_is_never_in_the_arguments(tmp_path: Path, dialect: Dialect, transport: Transport) -> None:
    launch = plan(tmp_path, dialect, cli="gemini", transport=transport)
    assert TOKEN not in " ".join(launch.command.argv)


@pytest.mark.parametrize("dialect", list(Dialect))
def test_arguments_and_environment_of_the_user_come_first(tmp_path: Path, dialect: Dialect) -> None:
    launch = plan(tmp_path, dialect)
    assert tuple(launch.command.argv[:2]) == ("/bin/agent", "--first")
    assert launch.command.env.items() >= {"HOME": str(tmp_path), "EXTRA": "1"}.items()


def test_claude_gets_the_relays_tools_from_a_file_that_only_its_user_can_read(tmp_path: Path) -> None:
    path = Path(following(plan(tmp_path, Dialect.CLAUDE), "--mcp-config"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    server = json.loads(path.read_text())["mcpServers"]["relay"]
    assert server["url"] == "https://relay.example/mcp"
    assert server["headers"] == {"Authorization": f"Bearer {TOKEN}"}
    assert server["alwaysLoad"] is True


def test_claude_resumes_a_conversation_that_has_a_file(tmp_path: Path) -> None:
    project = tmp_path / ".claude" / "projects" / "-tmp-project"
    project.mkdir(parents=True)
    (project / f"{CONVERSATION}.jsonl").touch()
    assert following(plan(tmp_path, Dialect.CLAUDE, resume=CONVERSATION), "--resume") == CONVERSATION


def test_claude_starts_a_conversation_that_was_killed_before_it_had_a_file_anew_under_its_id(tmp_path: Path) -> None:
    assert following(plan(tmp_path, Dialect.CLAUDE, resume=CONVERSATION), "--session-id") == CONVERSATION


def test_a_conversation_id_that_is_none_of_claudes_is_not_passed_on(tmp_path: Path) -> None:
    launch = plan(tmp_path, Dialect.CLAUDE, resume="../../x --dangerous")
    assert "../../x --dangerous" not in launch.command.argv


def test_a_new_conversation_of_claude_has_the_agents_own_id(tmp_path: Path) -> None:
    launch = plan(tmp_path, Dialect.CLAUDE, agent=CONVERSATION)
    assert following(launch, "--session-id") == CONVERSATION


def test_an_old_claude_dials_the_broker_with_its_token_in_the_environment(tmp_path: Path) -> None:
    launch = plan(tmp_path, Dialect.CLAUDE, transport=Transport.SDK_URL)
    assert following(launch, "--sdk-url") == "wss://relay.example/agent/Worker"
    assert launch.command.env["CLAUDE_CODE_SESSION_ACCESS_TOKEN"] == TOKEN
    assert launch.session is None


def test_codex_is_told_to_listen_in_its_private_folder(tmp_path: Path) -> None:
    launch = plan(tmp_path, Dialect.CODEX, transport=Transport.UNIX_SOCKET)
    assert launch.command.socket is not None
    assert following(launch, "--listen") == f"unix://{launch.command.socket}"
    assert launch.command.socket.parent.stat().st_mode & 0o777 == 0o700


def test_codex_is_spoken_with_over_stdio_by_default(tmp_path: Path) -> None:
    launch = plan(tmp_path, Dialect.CODEX)
    assert (launch.command.socket, launch.transport) == (None, Transport.STDIO)


def test_a_model_is_passed_to_claude(tmp_path: Path) -> None:
    assert "--model=opus" in plan(tmp_path, Dialect.CLAUDE, model="opus").command.argv


@pytest.mark.parametrize("transport", [Transport.STDIO, Transport.SDK_URL])
def test_a_read_only_claude_has_no_tool_that_changes_anything(tmp_path: Path, transport: Transport) -> None:
    argv = plan(tmp_path, Dialect.CLAUDE, transport=transport, readonly=True).command.argv
    assert {"Bash", "Monitor", "PowerShell", "Edit", "Write", "NotebookEdit"} <= set(
        argv[argv.index("--disallowedTools") + 1].split(",")
    )
    assert "--strict-mcp-config" in argv
    (tmp_path / "other").mkdir()
    assert "--disallowedTools" not in plan(tmp_path / "other", Dialect.CLAUDE, transport=transport).command.argv


@pytest.mark.parametrize(
    ("readonly", "kept_to"),
    [
        (True, {"approvalPolicy": "never", "sandbox": "read-only"}),
        (False, {"approvalPolicy": "on-request", "sandbox": "workspace-write"}),
    ],
)
def test_a_read_only_codex_is_in_its_sandbox_and_asks_nobody_to_be_let_out(
    tmp_path: Path, readonly: bool, kept_to: dict[str, str]
) -> None:
    session = plan(tmp_path, Dialect.CODEX, readonly=readonly).session
    assert session is not None
    (greeting,) = session.start()
    answer = {"id": json.loads(greeting.raw)["id"], "result": {"userAgent": "codex/1"}}
    sent = [json.loads(each.raw) for each in session.receive(json.dumps(answer).encode() + b"\n")]
    (begin,) = [each["params"] for each in sent if each.get("method") == "thread/start"]
    assert {name: begin[name] for name in kept_to} == kept_to


def test_a_read_only_gemini_is_denied_its_tools_that_change_anything(tmp_path: Path) -> None:
    rules = Path(following(plan(tmp_path, Dialect.ACP, cli="gemini", readonly=True), "--admin-policy")).read_text()
    denied = {each["toolName"] for each in tomllib.loads(rules)["rule"] if each["decision"] == "deny"}
    assert denied == {"run_shell_command", "write_file", "replace", "save_memory"}


def test_another_acp_agent_is_not_started_read_only(tmp_path: Path) -> None:
    with pytest.raises(NotKept):
        plan(tmp_path, Dialect.ACP, cli="opencode", readonly=True)


def test_a_claude_that_is_kept_to_files_asks_for_each_change_and_starts_no_command(tmp_path: Path) -> None:
    argv = plan(tmp_path, Dialect.CLAUDE, asks_writes=True).command.argv
    settings = json.loads(argv[argv.index("--settings") + 1])
    assert set(settings["permissions"]["ask"]) == {"Edit", "MultiEdit", "Write", "NotebookEdit"}
    assert argv[argv.index("--permission-mode") + 1] == "default"
    disallowed = set(argv[argv.index("--disallowedTools") + 1].split(","))
    assert "Bash" in disallowed
    assert "Write" not in disallowed
    assert "--strict-mcp-config" in argv


def test_a_gemini_that_is_kept_to_files_asks_for_each_change_and_starts_no_command(tmp_path: Path) -> None:
    rules = Path(following(plan(tmp_path, Dialect.ACP, cli="gemini", asks_writes=True), "--admin-policy")).read_text()
    found = {each["toolName"]: each["decision"] for each in tomllib.loads(rules)["rule"] if each["priority"] == 950}
    assert found == {
        "run_shell_command": "deny",
        "save_memory": "deny",
        "write_file": "ask_user",
        "replace": "ask_user",
    }


@pytest.mark.parametrize(("dialect", "cli"), [(Dialect.CODEX, "codex"), (Dialect.ACP, "opencode")])
def test_one_that_changes_files_without_asking_is_not_started_with_limits(
    tmp_path: Path, dialect: Dialect, cli: str
) -> None:
    with pytest.raises(NotKept):
        plan(tmp_path, dialect, cli=cli, asks_writes=True)


def test_gemini_is_told_not_to_ask_about_the_relays_tools_and_not_to_relaunch(tmp_path: Path) -> None:
    launch = plan(tmp_path, Dialect.ACP, cli="gemini")
    assert 'mcpName = "relay"' in Path(following(launch, "--admin-policy")).read_text()
    assert launch.command.env["GEMINI_CLI_NO_RELAUNCH"] == "true"


def test_gemini_waits_out_the_minute_in_which_the_conversation_to_resume_was_begun(tmp_path: Path) -> None:
    chats = tmp_path / ".gemini" / "tmp" / "project" / "chats"
    chats.mkdir(parents=True)
    now = datetime.now(UTC)
    for minute in (now, now + timedelta(minutes=1)):  # The clock may tick over while this test runs.
        name = f"session-{minute:%Y-%m-%dT%H-%M}-{CONVERSATION[:8]}.jsonl"
        (chats / name).write_text(f'{{"sessionId": "{CONVERSATION}"}}\n{{"type": "user", "id": "1"}}\n')
    assert 1 < plan(tmp_path, Dialect.ACP, cli="gemini", resume=CONVERSATION).delay_s <= 61


def test_gemini_starts_at_once_when_the_conversation_is_older(tmp_path: Path) -> None:
    assert plan(tmp_path, Dialect.ACP, cli="gemini", resume=CONVERSATION).delay_s == 0


def test_other_acp_agents_are_started_as_they_are_configured(tmp_path: Path) -> None:
    assert plan(tmp_path, Dialect.ACP, cli="opencode").command.argv == ("/bin/agent", "--first")


def test_claude_writes_a_prompt_down_before_it_asks_the_model(tmp_path: Path) -> None:
    assert plan(tmp_path, Dialect.CLAUDE).command.env["CLAUDE_CODE_EAGER_FLUSH"] == "1"
