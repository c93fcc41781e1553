"""Gives each vendor's CLI an empty environment and a throw-away home in which it knows only the model server."""

import json
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
_COPILOT_MODEL = "claude-sonnet-4.5"
"""One it knows: for others it begins what the agent says with a warning."""
OTHER_MODEL = "other-model"
"""To be chosen instead."""


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


def opencode_environment(executable: Path, *, folder: Path, model_url: str) -> CliEnvironment:
    """Prepare opencode, with a provider of its own; in the one way in which its shell tool asks."""
    environment = _environment(
        executable, folder, {"OPENCODE_DISABLE_AUTOUPDATE": "1", "OPENCODE_DISABLE_MODELS_FETCH": "1"}
    )
    provider = {
        "npm": "@ai-sdk/anthropic",
        "name": "mock",
        "options": {"baseURL": f"{model_url}/v1", "apiKey": _FAKE_KEY},
        "models": {CODEX_MODEL: {"name": CODEX_MODEL}, OTHER_MODEL: {"name": OTHER_MODEL}},
    }
    configuration = {
        "$schema": "https://opencode.ai/config.json",
        "model": f"mock/{CODEX_MODEL}",
        "small_model": f"mock/{CODEX_MODEL}",
        "autoupdate": False,
        "share": "disabled",
        "permission": {"bash": "ask"},
        "provider": {"mock": provider},
    }
    _write(environment.home / ".config" / "opencode" / "opencode.json", json.dumps(configuration))
    return environment


def qwen_environment(executable: Path, *, folder: Path, model_url: str) -> CliEnvironment:
    """Prepare Qwen Code; it looks at MCP servers before its first prompt, and asks no model on its own account."""
    variables = {
        "ANTHROPIC_API_KEY": f"sk-ant-{_FAKE_KEY}",
        "ANTHROPIC_BASE_URL": model_url,
        "ANTHROPIC_MODEL": CODEX_MODEL,
        "QWEN_CODE_LEGACY_MCP_BLOCKING": "1",
    }
    settings = {
        "security": {"auth": {"selectedType": "anthropic"}},
        "general": {"enableAutoUpdate": False},
        "memory": {"enableManagedAutoMemory": False, "enableManagedAutoDream": False, "enableAutoSkill": False},
        "ui": {"enableFollowupSuggestions": False},
        "privacy": {"usageStatisticsEnabled": False},
        "telemetry": {"enabled": False},
    }
    environment = _environment(executable, folder, variables)
    _write(environment.home / ".qwen" / "settings.json", json.dumps(settings))
    return environment


def copilot_environment(executable: Path, *, folder: Path, model_url: str) -> CliEnvironment:
    """Prepare Copilot CLI, which takes a provider and a key of its user's own from variables."""
    return _environment(
        executable,
        folder,
        {
            "COPILOT_PROVIDER_BASE_URL": model_url,
            "COPILOT_PROVIDER_TYPE": "anthropic",
            "COPILOT_PROVIDER_API_KEY": f"sk-ant-{_FAKE_KEY}",
            "COPILOT_MODEL": _COPILOT_MODEL,
            "COPILOT_OFFLINE": "true",
            "COPILOT_AUTO_UPDATE": "false",
        },
    )


def kimi_environment(executable: Path, *, folder: Path, model_url: str) -> CliEnvironment:
    """Prepare Kimi Code."""
    environment = _environment(executable, folder, {"KIMI_DISABLE_TELEMETRY": "1", "KIMI_CODE_NO_AUTO_UPDATE": "1"})
    _write(
        environment.home / ".kimi-code" / "config.toml",
        f"""\
default_model = "{CODEX_MODEL}"
telemetry = false

[providers.mock]
type = "anthropic"
base_url = "{model_url}"
api_key = "{_FAKE_KEY}"

[models."{CODEX_MODEL}"]
provider = "mock"
model = "{CODEX_MODEL}"
max_context_size = 100000

[models."{OTHER_MODEL}"]
provider = "mock"
model = "{OTHER_MODEL}"
max_context_size = 100000
""",
    )
    return environment


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


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
