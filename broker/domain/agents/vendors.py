"""The agent programs that are known without configuration: their names on PATH, how they are called, driven, installed.

Of the vendors that have a bridge of their own, the oldest version counts that the bridge was run with; whatever else
speaks the Agent Client Protocol is taken as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from broker.domain.agents.agents import Dialect


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """One program; it is called by the word people ask for it with."""

    title: str
    """As people read it."""
    dialect: Dialect = Dialect.ACP
    package: str = ""
    """Of npm; its version is read there, which is quicker than asking the program."""
    install: str = ""
    """How else it is installed."""
    oldest: tuple[int, ...] | None = None
    """None: any version will do, and it is not asked for its own."""
    arguments: tuple[str, ...] = ()
    """What makes it speak its dialect, where that is always the same."""

    @property
    def how_to_install(self) -> str:
        """A command for a person."""
        return self.install or f"npm install -g {self.package}"


def _acp(title: str, *arguments: str, package: str = "", install: str = "") -> Vendor:
    return Vendor(title=title, package=package, install=install, arguments=arguments)


BRIDGED: Mapping[str, Vendor] = {
    "claude": Vendor(title="Claude", dialect=Dialect.CLAUDE, package="@anthropic-ai/claude-code", oldest=(2, 1, 112)),
    "codex": Vendor(
        title="Codex",
        dialect=Dialect.CODEX,
        package="@openai/codex",
        oldest=(0, 169, 0),
        arguments=("app-server",),
    ),
    "gemini": Vendor(
        title="Gemini", package="@google/gemini-cli", oldest=(0, 61, 0), arguments=("--acp", "--skip-trust")
    ),
}
"""Those with a bridge of their own, by word, the first choice first: told as missing where they are not installed."""
KEEP_READONLY = frozenset({"claude", "codex", "gemini"})
"""Those whose start can say that their own tools change nothing."""
ASK_WRITES = frozenset({"claude", "gemini", "demo"})
"""Those whose start can say that each change of a file is asked for, with its path, and that no command is started. The
demo agent's program changes nothing and asks for all that it is told to ask for; Codex changes files in its folder
without asking."""
VENDORS: Mapping[str, Vendor] = {
    **BRIDGED,
    "auggie": _acp("Auggie", "--acp", package="@augmentcode/auggie"),
    "claude-agent-acp": _acp("Claude Agent ACP", package="@agentclientprotocol/claude-agent-acp"),
    "cline": _acp("Cline", "--acp", package="cline"),
    "codex-acp": _acp("Codex ACP", package="@zed-industries/codex-acp"),
    "copilot": _acp("Copilot", "--acp", package="@github/copilot"),
    "cursor-agent": _acp("Cursor", "acp", install="see https://cursor.com/cli"),
    "goose": _acp("Goose", "acp", install="see https://block.github.io/goose"),
    "kimi": _acp("Kimi", "acp", package="@moonshot-ai/kimi-code"),
    "opencode": _acp("opencode", "acp", package="opencode-ai"),
    "qwen": _acp("Qwen", "--acp", package="@qwen-code/qwen-code"),
    "vibe-acp": _acp("Vibe", install="uv tool install mistral-vibe"),
}
"""By word. A program of that name may be another one: only its answer over the protocol tells."""


def title_of(word: str) -> str:
    """What people read for a program that is called by `word`."""
    vendor = VENDORS.get(word)
    return vendor.title if vendor else word.replace("-", " ").title()
