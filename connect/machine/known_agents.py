"""The agent programs that are known without configuration: their names on PATH, how they are driven and installed.

Of the vendors that have a bridge of their own, the oldest version counts that the bridge was run with; whatever else
speaks the Agent Client Protocol is taken as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from broker.domain.agents.agents import Dialect


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAgent:
    """One program; it is called by the word people ask for it with."""

    dialect: Dialect = Dialect.ACP
    package: str = ""
    """Of npm; its version is read there, which is quicker than asking the program."""
    install: str = ""
    """How else it is installed."""
    oldest: tuple[int, ...] | None = None
    """None: any version will do, and it is not asked for its own."""
    arguments: tuple[str, ...] = ()
    """What makes it speak its dialect, where that is always the same."""
    always_told: bool = False
    """Whether it is told as missing where it is not installed."""

    @property
    def how_to_install(self) -> str:
        """A command for a person."""
        return self.install or f"npm install -g {self.package}"


def _acp(*arguments: str, package: str = "", install: str = "") -> KnownAgent:
    return KnownAgent(package=package, install=install, arguments=arguments)


KNOWN_AGENTS: Mapping[str, KnownAgent] = {
    "claude": KnownAgent(
        dialect=Dialect.CLAUDE, package="@anthropic-ai/claude-code", oldest=(2, 1, 112), always_told=True
    ),
    "codex": KnownAgent(
        dialect=Dialect.CODEX,
        package="@openai/codex",
        oldest=(0, 169, 0),
        arguments=("app-server",),
        always_told=True,
    ),
    "gemini": KnownAgent(
        package="@google/gemini-cli", oldest=(0, 61, 0), arguments=("--acp", "--skip-trust"), always_told=True
    ),
    "auggie": _acp("--acp", package="@augmentcode/auggie"),
    "claude-agent-acp": _acp(package="@agentclientprotocol/claude-agent-acp"),
    "cline": _acp("--acp", package="cline"),
    "codex-acp": _acp(package="@zed-industries/codex-acp"),
    "copilot": _acp("--acp", package="@github/copilot"),
    "cursor-agent": _acp("acp", install="see https://cursor.com/cli"),
    "goose": _acp("acp", install="see https://block.github.io/goose"),
    "kimi": _acp("acp", package="@moonshot-ai/kimi-code"),
    "opencode": _acp("acp", package="opencode-ai"),
    "qwen": _acp("--acp", package="@qwen-code/qwen-code"),
    "vibe-acp": _acp(install="uv tool install mistral-vibe"),
}
"""By word. A program of that name may be another one: only its answer over the protocol tells."""
