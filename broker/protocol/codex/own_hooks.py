"""The hooks that a person has given Codex itself (`hooks/list`, 0.171): which of them do nothing, and why.

Codex passes over a hook that nobody has trusted without a word.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from broker.protocol.wire import CamelWire

_ACTIVE = frozenset({"trusted", "managed"})
_MOST = 20
_LONGEST = 300
_WHY = {
    "untrusted": "nobody has trusted it: `/hooks` in Codex does",
    "modified": "it was changed since it was trusted: `/hooks` in Codex trusts it again",
}


class _Hook(CamelWire):
    event_name: str = ""
    command: str | None = None
    matcher: str | None = None
    source_path: str = ""
    enabled: bool = True
    trust_status: str = "trusted"

    @property
    def why_inactive(self) -> str:
        if not self.enabled:
            return "it is disabled"
        if self.trust_status in _ACTIVE:
            return ""
        return _WHY.get(self.trust_status, self.trust_status)

    @property
    def words(self) -> str:
        matcher = f" {self.matcher}" if self.matcher else ""
        return f"{self.event_name}{matcher}: {self.command or 'no command'}"[:_LONGEST]


class _Entry(CamelWire):
    hooks: list[_Hook] = Field(default_factory=list)
    warnings: list[Any] = Field(default_factory=list)
    errors: list[Any] = Field(default_factory=list)


class HookList(CamelWire):
    """The answer to `hooks/list`."""

    data: list[_Entry] = Field(default_factory=list)

    def problems(self) -> Iterator[str]:
        """What of a person's own hooks does nothing, as many as anybody reads."""
        told = list(self._problems())
        yield from told[:_MOST]
        if len(told) > _MOST:
            yield f"{len(told) - _MOST} more of Codex' own hooks do nothing"

    def _problems(self) -> Iterator[str]:
        for entry in self.data:
            for hook in entry.hooks:
                if why := hook.why_inactive:
                    yield f"Codex' own hook {hook.words} ({hook.source_path}) does not run: {why}"
            for said in (*entry.warnings, *entry.errors):
                yield f"Codex' own hooks: {_text(said)}"[:_LONGEST]


def _text(said: Any) -> str:
    """A warning is a text, an error an object with a message and a file."""
    if isinstance(said, dict):
        return ": ".join(str(said[name]) for name in ("path", "message") if said.get(name)) or str(said)
    return str(said)
