"""The wheel, installed by pip, pipx and uv into environments of its own: its commands and its SDK work from each."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from broker import __version__
from tests.agents.stage import SESSION, Stage

pytestmark = [pytest.mark.agents, pytest.mark.timeout(300)]

_ROOT = Path(__file__).parents[2]
_STEP_S = 200
"""Bounds one step of an installation from a registry; with warm caches each measured 2 to 15 s."""
_REGISTRY = ("PIP_", "UV_", "SSL_", "REQUESTS_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "XDG_CACHE_HOME")
_SDK = """\
import asyncio, sys
from connect.sdk import AgentRelay

async def main() -> None:
    async with AgentRelay(sys.argv[1], sys.argv[2], sys.argv[3]) as relay:
        print([agent.name for agent in await relay.agents()])

asyncio.run(main())
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """Where the commands lie, and the Python that has the packages."""

    commands: Path
    python: Path


def _run(argv: Sequence[str | Path], environment: Mapping[str, str], *, status: int = 0) -> str:
    done = subprocess.run(
        [str(word) for word in argv],
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=_STEP_S,
        check=False,
    )
    assert done.returncode == status, f"{argv}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _registry_environment(**variables: Path | str) -> dict[str, str]:
    """What the caller says of registries and caches, and nothing else."""
    kept = {name: value for name, value in os.environ.items() if name.upper().startswith(_REGISTRY)}
    cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    common = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "XDG_CACHE_HOME": cache, "HOME": "/nonexistent"}
    return {**kept, **common, **{name: str(value) for name, value in variables.items()}}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from this checkout, without the dashboard's page, for which nothing here asks."""
    folder = tmp_path_factory.mktemp("wheel")
    environment = _registry_environment(RELAYCAST_SKIP_DASHBOARD="1", HOME=folder)
    _run([sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, _ROOT], environment)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that has pipx and uv."""
    folder = tmp_path_factory.mktemp("tools")
    _run([sys.executable, "-m", "venv", folder], _registry_environment())
    _run([folder / "bin" / "pip", "install", "--quiet", "pipx", "uv"], _registry_environment(HOME=folder))
    return folder / "bin"


def _by_pip(wheel: Path, folder: Path, tools: Path) -> Installed:
    _run([sys.executable, "-m", "venv", folder / "env"], _registry_environment())
    commands = folder / "env" / "bin"
    _run([commands / "pip", "install", "--quiet", wheel], _registry_environment(HOME=folder))
    return Installed(commands=commands, python=commands / "python")


def _by_pipx(wheel: Path, folder: Path, tools: Path) -> Installed:
    environment = _registry_environment(HOME=folder, PIPX_HOME=folder / "pipx", PIPX_BIN_DIR=folder / "bin")
    _run([tools / "pipx", "install", "--python", sys.executable, wheel], environment)
    return Installed(commands=folder / "bin", python=folder / "pipx" / "venvs" / "relaycast" / "bin" / "python")


def _by_uv(wheel: Path, folder: Path, tools: Path) -> Installed:
    environment = _registry_environment(HOME=folder, UV_TOOL_DIR=folder / "tools", UV_TOOL_BIN_DIR=folder / "bin")
    _run([tools / "uv", "tool", "install", "--quiet", "--python", sys.executable, wheel], environment)
    return Installed(commands=folder / "bin", python=folder / "tools" / "relaycast" / "bin" / "python")


@pytest.mark.parametrize("install", [_by_pip, _by_pipx, _by_uv], ids=["pip", "pipx", "uv"])
async def test_the_commands_and_the_sdk_work_from_an_installation(
    wheel: Path, tools: Path, tmp_path: Path, stage: Stage, install: Callable[[Path, Path, Path], Installed]
) -> None:
    folder = tmp_path / "installed"
    folder.mkdir()
    installed = await asyncio.to_thread(install, wheel, folder, tools)
    environment = {"PATH": str(installed.commands), "HOME": str(folder), "LANG": "C.UTF-8"}
    relay_connect = installed.commands / "relay-connect"

    assert __version__ in _run([relay_connect, "--version"], environment)
    state = ["--state-dir", str(folder / "state"), "--url", "http://127.0.0.1:9"]
    told = json.loads(_run([relay_connect, "doctor", "--json", *state], environment, status=1))["findings"]
    assert {"broker", "token", "claude", "agents"} <= {finding["subject"] for finding in told}

    broker = await stage.up()
    token = broker.key_file.read_text().strip()
    said = await asyncio.to_thread(_run, [installed.python, "-I", "-c", _SDK, broker.url, token, SESSION], environment)
    assert said.strip() == "[]"
