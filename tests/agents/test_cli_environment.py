"""A CLI under test sees nothing of the caller's environment and knows only the model server."""

import tomllib
from pathlib import Path

import pytest

from tests.agents.cli_environment import codex_environment
from tests.agents.stage import ENVIRONMENTS
from tests.agents.vendors import VENDORS

_URL = "http://127.0.0.1:8111"


def test_nothing_of_the_callers_environment_is_passed_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-real")
    monkeypatch.setenv("SOME_SECRET", "hunter2")

    environments = [
        build(tmp_path / "bin" / "agent", folder=tmp_path, model_url=_URL) for build in ENVIRONMENTS.values()
    ]

    assert set(ENVIRONMENTS) == set(VENDORS)
    for environment in environments:
        assert "SOME_SECRET" not in environment.variables
        assert "sk-ant-real" not in environment.variables.values()
        assert environment.variables["HOME"] == str(tmp_path / "home")
        assert environment.variables["PATH"].startswith(str(tmp_path / "bin"))


def test_codex_finds_the_model_server_in_its_configuration(tmp_path: Path) -> None:
    environment = codex_environment(tmp_path / "codex", folder=tmp_path, model_url=_URL)

    configuration = tomllib.loads((environment.home / ".codex" / "config.toml").read_text())
    provider = configuration["model_providers"][configuration["model_provider"]]
    assert provider["base_url"] == f"{_URL}/v1"
    assert provider["env_key"] in environment.variables
