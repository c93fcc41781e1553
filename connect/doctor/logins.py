"""Whether an agent program's user is logged in, as far as its files and the environment tell without asking a model.

What a vendor keeps in the system's keyring cannot be read, and some need no login at all: then it is unknown, and
said to be. A key that is there may be a wrong one; only the vendor knows.
"""

from __future__ import annotations

import contextlib
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson


class LoginState(StrEnum):
    """What is known."""

    FOUND = "found"
    """Something to log in with is there."""
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """The state of one program's login: where it was found, how to log in, or why it is not known."""

    state: LoginState
    text: str


def login_of(word: str, environment: Mapping[str, str]) -> Login:
    """Look at the files and variables of the agent program that is called `word`."""
    look = _LOOKS.get(word)
    return _unknown("it cannot be read from its files") if look is None else look(_Surroundings(environment))


@dataclass(frozen=True, slots=True)
class _Surroundings:
    environment: Mapping[str, str]

    def first(self, names: Iterable[str]) -> Login | None:
        """The first of some variables that is set."""
        found = next((name for name in names if self.environment.get(name)), None)
        return None if found is None else _find_login(f"by {found}")

    def folder(self, variable: str, default: str) -> Path:
        """A vendor's own folder."""
        home = Path(self.environment.get("HOME") or Path.home())
        return Path(self.environment.get(variable) or home / default)


def _claude(here: _Surroundings) -> Login:
    if found := here.first(
        (
            "ANTHROPIC_API_KEY",
            "ANTHROPIC_AUTH_TOKEN",
            "CLAUDE_CODE_OAUTH_TOKEN",
            "CLAUDE_CODE_USE_BEDROCK",
            "CLAUDE_CODE_USE_VERTEX",
            "CLAUDE_CODE_USE_FOUNDRY",
        )
    ):
        return found
    folder = here.folder("CLAUDE_CONFIG_DIR", ".claude")
    if _json(folder / ".credentials.json").get("claudeAiOauth"):
        return _find_login(f"in {folder / '.credentials.json'}")
    settings = _json(folder / "settings.json")
    own = settings.get("env")
    if settings.get("apiKeyHelper") or (isinstance(own, dict) and _claude_keys(own)):
        return _find_login(f"in {folder / 'settings.json'}")
    if sys.platform == "darwin":
        return _unknown("it may lie in the keychain")
    return _missing("run `claude` and /login there, or set ANTHROPIC_API_KEY")


def _claude_keys(environment: Mapping[str, Any]) -> bool:
    return any(name.startswith(("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_")) for name in environment)


def _codex(here: _Surroundings) -> Login:
    folder = here.folder("CODEX_HOME", ".codex")
    config = _toml(folder / "config.toml")
    provider = config.get("model_provider", "openai")
    if provider != "openai":
        return _codex_provider(config, str(provider), here)
    kept = _json(folder / "auth.json")
    if kept.get("OPENAI_API_KEY") or kept.get("tokens"):
        return _find_login(f"in {folder / 'auth.json'}")
    if config.get("cli_auth_credentials_store") in {"keyring", "auto"}:
        return _unknown("it may lie in the system's keyring")
    return _missing("run `codex login`")


def _codex_provider(config: Mapping[str, Any], provider: str, here: _Surroundings) -> Login:
    providers = config.get("model_providers")
    own = providers.get(provider) if isinstance(providers, dict) else None
    variable = own.get("env_key") if isinstance(own, dict) else None
    if not isinstance(variable, str):
        return _unknown(f"its provider {provider} names no variable for a key")
    if here.environment.get(variable):
        return _find_login(f"by {variable}, which its provider {provider} asks for")
    return _missing(f"its provider {provider} asks for {variable}, which is not set")


def _gemini(here: _Surroundings) -> Login:
    if found := here.first(("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GENAI_USE_GCA")):
        return found
    folder = here.folder("GEMINI_CLI_HOME", "") / ".gemini"
    if _json(folder / "oauth_creds.json"):
        return _find_login(f"in {folder / 'oauth_creds.json'}")
    for file in (folder / ".env", folder.parent / ".env"):
        if "_API_KEY" in _text(file) or "GOOGLE_" in _text(file):
            return _find_login(f"in {file}")
    if (folder / "gemini-credentials.json").exists() or _json(folder / "settings.json").get("security"):
        return _unknown("it may lie in the system's keyring")
    return _missing("run `gemini` and log in there, or set GEMINI_API_KEY")


def _opencode(here: _Surroundings) -> Login:
    kept = here.folder("XDG_DATA_HOME", ".local/share") / "opencode" / "auth.json"
    if _json(kept):
        return _find_login(f"in {kept}")
    return _unknown("it has models that need none, and takes many vendors' keys; `opencode auth list` tells")


def _copilot(here: _Surroundings) -> Login:
    if found := here.first(("COPILOT_GITHUB_TOKEN", "GH_TOKEN", "GITHUB_TOKEN", "COPILOT_PROVIDER_BASE_URL")):
        return found
    return _unknown("it may lie in the system's keyring, or be that of `gh`")


_LOOKS: Mapping[str, Callable[[_Surroundings], Login]] = {
    "claude": _claude,
    "claude-agent-acp": _claude,
    "codex": _codex,
    "codex-acp": _codex,
    "gemini": _gemini,
    "opencode": _opencode,
    "copilot": _copilot,
}


def _json(path: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError):
        found = orjson.loads(path.read_bytes())
        if isinstance(found, dict):
            return found
    return {}


def _toml(path: Path) -> dict[str, Any]:
    with contextlib.suppress(OSError, ValueError):
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    return {}


def _text(path: Path) -> str:
    with contextlib.suppress(OSError, ValueError):
        return path.read_text()
    return ""


def _find_login(text: str) -> Login:
    return Login(state=LoginState.FOUND, text=text)


def _missing(text: str) -> Login:
    return Login(state=LoginState.MISSING, text=text)


def _unknown(text: str) -> Login:
    return Login(state=LoginState.UNKNOWN, text=text)
