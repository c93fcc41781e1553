from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Literal

import pytest

from broker.domain.agents.agents import Dialect, Transport
from connect.machine.agent_programs import CliCatalogue
from connect.settings import AgentSettings


def npm_package(folder: Path, name: str, *, version: str) -> Path:
    """A program installed as npm does it: a link to a file inside a package that states its version."""
    package = folder / "node_modules" / name
    (package / "bin").mkdir(parents=True)
    (package / "package.json").write_text(json.dumps({"name": name, "version": version}))
    return program(package / "bin" / "program", says="never asked")


def program(path: Path, *, says: str, status: int = 0) -> Path:
    path.write_text(f"#!/bin/sh\necho x >> {path}.runs\necho '{says}'\nexit {status}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "versions.json"


async def test_a_missing_program_comes_with_how_to_install_it(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    found = await CliCatalogue({}, cache=cache).find("claude")
    assert found is not None
    assert not found.installed.supported
    assert found.installed.problem == "`claude` was not found; npm install -g @anthropic-ai/claude-code"


@pytest.mark.parametrize(
    ("version", "transport"),
    [
        ("2.1.112", Transport.SDK_URL),
        ("2.1.120", Transport.SDK_URL),
        ("2.1.121", Transport.STDIO),
        ("2.1.330", Transport.STDIO),
    ],
)
async def test_the_version_decides_how_claude_is_connected(
    cache: Path, tmp_path: Path, version: str, transport: Transport
) -> None:
    path = npm_package(tmp_path, "@anthropic-ai/claude-code", version=version)
    found = await CliCatalogue({"claude": AgentSettings(command=(str(path),))}, cache=cache).find("claude")
    assert found is not None
    assert (found.installed.version, found.installed.transport) == (version, transport)
    assert found.installed.supported


async def test_stdio_can_be_forced_for_an_old_claude(cache: Path, tmp_path: Path) -> None:
    path = npm_package(tmp_path, "@anthropic-ai/claude-code", version="2.1.120")
    agents = {"claude": AgentSettings(command=(str(path),), transport="stdio")}
    found = await CliCatalogue(agents, cache=cache).find("claude")
    assert found is not None
    assert found.installed.transport is Transport.STDIO


@pytest.mark.parametrize(("chosen", "transport"), [("auto", Transport.STDIO), ("unix", Transport.UNIX_SOCKET)])
async def test_codex_is_on_stdio_unless_a_unix_socket_is_chosen(
    cache: Path, tmp_path: Path, chosen: Literal["auto", "unix"], transport: Transport
) -> None:
    path = npm_package(tmp_path, "@openai/codex", version="0.169.0")
    agents = {"codex": AgentSettings(command=(str(path),), transport=chosen)}
    found = await CliCatalogue(agents, cache=cache).find("codex")
    assert found is not None
    assert (found.installed.transport, found.installed.supported) == (transport, True)


async def test_a_program_without_a_package_is_asked_once_for_its_version(cache: Path, tmp_path: Path) -> None:
    path = program(tmp_path / "codex", says="codex-cli 0.169.0")
    agents = {"codex": AgentSettings(command=(str(path), "app-server"))}
    for _ in range(2):
        found = await CliCatalogue(agents, cache=cache).find("codex")
        assert found is not None
        assert found.installed.version == "0.169.0"
    assert Path(f"{path}.runs").read_text() == "x\n"


async def test_a_program_that_was_replaced_is_asked_again(cache: Path, tmp_path: Path) -> None:
    path = program(tmp_path / "codex", says="0.169.0")
    catalogue = CliCatalogue({"codex": AgentSettings(command=(str(path),))}, cache=cache)
    await catalogue.find("codex")
    path.unlink()
    program(path, says="0.170.1")
    found = await catalogue.find("codex")
    assert found is not None
    assert found.installed.version == "0.170.1"


async def test_too_old_a_version_is_not_used_unless_that_is_wanted(cache: Path, tmp_path: Path) -> None:
    path = npm_package(tmp_path, "@google/gemini-cli", version="0.1.0")
    found = await CliCatalogue({"gemini": AgentSettings(command=(str(path),))}, cache=cache).find("gemini")
    assert found is not None
    assert not found.installed.supported
    assert "older than 0.61.0" in (found.installed.problem or "")
    forced = {"gemini": AgentSettings(command=(str(path),), any_version=True)}
    found = await CliCatalogue(forced, cache=cache).find("gemini")
    assert found is not None
    assert found.installed.supported


async def test_a_program_that_gives_no_version_is_a_problem(cache: Path, tmp_path: Path) -> None:
    path = program(tmp_path / "claude", says="Segmentation fault", status=139)
    found = await CliCatalogue({"claude": AgentSettings(command=(str(path),))}, cache=cache).find("claude")
    assert found is not None
    assert "gave no version" in (found.installed.problem or "")


async def test_configured_agents_speak_acp_unless_said_otherwise(cache: Path) -> None:
    agents = {
        "opencode": AgentSettings(command=("sh", "acp")),
        "double": AgentSettings(command=("sh",), dialect=Dialect.CLAUDE),
    }
    found = {cli.installed.cli: cli for cli in await CliCatalogue(agents, cache=cache).find_all()}
    assert found["opencode"].installed.dialect is Dialect.ACP
    assert found["opencode"].command[1:] == ("acp",)
    assert found["double"].installed.dialect is Dialect.CLAUDE
    assert await CliCatalogue(agents, cache=cache).find("unheard-of") is None


async def test_a_program_that_does_not_answer_is_no_reason_to_wait_and_is_asked_once(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connect.machine.agent_programs._PROBE_TIMEOUT_S", 2.0)
    path = tmp_path / "claude"
    path.write_text(f"#!/bin/sh\necho x >> {path}.runs\nexec sleep 60\n")
    path.chmod(0o755)
    catalogue = CliCatalogue({"claude": AgentSettings(command=(str(path),))}, cache=cache)
    before = {cli.cli: cli for cli in catalogue.list_known()}["claude"]
    found = await asyncio.gather(*(catalogue.find("claude") for _ in range(3)))
    after = {cli.cli: cli for cli in catalogue.list_known()}["claude"]
    assert before.problem == f"`{path} --version` has not answered yet; run it by hand to see why"
    assert after.problem == f"`{path} --version` did not answer in 2 s; run it by hand to see why"
    assert [cli.installed for cli in found if cli] == [after, after, after]
    assert Path(f"{path}.runs").read_text() == "x\n"


async def test_a_version_counts_though_something_holds_the_output_open(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connect.machine.agent_programs._PROBE_TIMEOUT_S", 3.0)
    path = tmp_path / "codex"
    path.write_text("#!/bin/sh\necho codex-cli 0.169.0\nexec sleep 60\n")
    path.chmod(0o755)
    found = await CliCatalogue({"codex": AgentSettings(command=(str(path),))}, cache=cache).find("codex")
    assert found is not None
    assert found.installed.version == "0.169.0"


async def test_a_program_that_prints_without_end_is_not_listened_to_for_ever(cache: Path, tmp_path: Path) -> None:
    path = tmp_path / "codex"
    path.write_text("#!/bin/sh\nexec yes\n")
    path.chmod(0o755)
    found = await CliCatalogue({"codex": AgentSettings(command=(str(path),))}, cache=cache).find("codex")
    assert found is not None
    assert "gave no version" in (found.installed.problem or "")


async def test_an_agent_that_is_known_to_speak_acp_is_found_on_path_without_configuration(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    path = npm_package(tmp_path, "@qwen-code/qwen-code", version="0.24.4")
    (tmp_path / "qwen").symlink_to(path)
    program(tmp_path / "kimi", says="never asked")
    catalogue = CliCatalogue({}, cache=cache)
    told = {cli.cli: cli for cli in catalogue.list_known()}
    assert sorted(told) == ["claude", "codex", "gemini", "kimi", "qwen"]
    assert (told["qwen"].supported, told["qwen"].version, told["qwen"].dialect) == (True, "0.24.4", Dialect.ACP)
    assert (told["kimi"].supported, told["kimi"].version) == (True, None)
    found = await catalogue.find("kimi")
    assert found is not None
    assert found.command == (str(tmp_path / "kimi"), "acp")
    assert not (tmp_path / "kimi.runs").exists()


async def test_an_agent_that_is_known_and_not_installed_comes_with_how_to_install_it(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    found = await CliCatalogue({}, cache=cache).find("opencode")
    assert found is not None
    assert found.installed.problem == "`opencode` was not found; npm install -g opencode-ai"


async def test_a_configured_command_wins_over_what_is_known_of_its_word(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    own = program(tmp_path / "own", says="never asked")
    found = await CliCatalogue({"kimi": AgentSettings(command=(str(own), "serve"))}, cache=cache).find("kimi")
    assert found is not None
    assert (found.installed.supported, found.command) == (True, (str(own), "serve"))
