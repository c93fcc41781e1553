"""Gives each vendor's CLI an empty environment and a throw-away home in which it knows only the model server."""

import os
from dataclasses import dataclass
from pathlib import Path

from tests.agents.install import NODE_FOLDER

_FAKE_KEY = "fake-key-for-the-scripted-model"
_DEAD_PROXY = "http://127.0.0.1:9"
"""Nothing listens there: whatever is not on the loopback interface fails at once instead of going out."""
_SYSTEM_PATH = "/usr/bin:/bin"

CODEX_MODEL = "mock-model"
"""A model id Codex does not know: it then offers its classic tools, which are called one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CliEnvironment:
    """What one CLI process is started with: nothing of the caller's environment is passed on."""

    executable: Path
    variables: dict[str, str]
    home: Path
    project: Path


def claude_environment(executable: Path, *, folder: Path, model_url: str) -> CliEnvironment:
    """Prepare Claude Code, which takes its whole configuration from variables."""
    return _environment(
        executable,
        folder,
        {
            "ANTHROPIC_BASE_URL": model_url,
            "ANTHROPIC_API_KEY": f"sk-ant-{_FAKE_KEY}",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
            "DISABLE_TELEMETRY": "1",
            "DISABLE_ERROR_REPORTING": "1",
        },
    )


def codex_environment(executable: Path, *, folder: Path, model_url: str) -> CliEnvironment:
    """Prepare Codex, whose model provider is named in `config.toml` in its home."""
    environment = _environment(executable, folder, {"MOCK_API_KEY": _FAKE_KEY})
    configuration = environment.home / ".codex" / "config.toml"
    configuration.parent.mkdir(parents=True, exist_ok=True)
    configuration.write_text(codex_configuration(model_url))
    return environment


def codex_configuration(model_url: str) -> str:
    """The `config.toml` that makes the model server Codex's provider."""
    return f"""\
model = "{CODEX_MODEL}"
model_provider = "mock"
check_for_update_on_startup = false

[model_providers.mock]
name = "mock"
base_url = "{model_url}/v1"
wire_api = "responses"
env_key = "MOCK_API_KEY"
request_max_retries = 0
stream_max_retries = 0
"""


def gemini_environment(executable: Path, *, folder: Path, model_url: str) -> CliEnvironment:
    """Prepare Gemini CLI; without the relaunch it is one process, which signals reach."""
    return _environment(
        executable,
        folder,
        {"GEMINI_API_KEY": _FAKE_KEY, "GOOGLE_GEMINI_BASE_URL": model_url, "GEMINI_CLI_NO_RELAUNCH": "true"},
    )


def _environment(executable: Path, folder: Path, variables: dict[str, str]) -> CliEnvironment:
    home, project = folder / "home", folder / "project"
    home.mkdir(parents=True, exist_ok=True)
    project.mkdir(exist_ok=True)
    shared = {
        "HOME": str(home),
        "PATH": os.pathsep.join([str(executable.parent), str(NODE_FOLDER), _SYSTEM_PATH]),
        "HTTPS_PROXY": _DEAD_PROXY,
        "HTTP_PROXY": _DEAD_PROXY,
        "NO_PROXY": "127.0.0.1,localhost",
        "LANG": "C.UTF-8",
    }
    return CliEnvironment(executable=executable, variables=shared | variables, home=home, project=project)
