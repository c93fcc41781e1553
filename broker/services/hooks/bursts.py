"""What the many events of one look come to together: one hold of what waits for quiet, one record of what is too much.

Ten thousand files that change at once are then a few writes, and a log that people can read. Without I/O.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from broker.domain.hooks.definitions import Hook
from broker.domain.hooks.happenings import Happening
from broker.domain.hooks.matching import Matched
from broker.domain.hooks.runs import HookRunId
from broker.domain.ids import AgentId
from broker.domain.timings import TIMINGS
from broker.services.hooks.scene import Scene
from broker.services.ports import HeldHook


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A run that would begin now."""

    scene: Scene
    matched: Matched
    happening: Happening
    run: HookRunId
    causes: tuple[str, ...]


class Burst:
    """Of one look at a session."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, AgentId], HeldHook] = {}
        self._over: dict[tuple[str, AgentId], tuple[Due, int] | None] = {}

    def hold(self, held: HeldHook) -> None:
        """One more that waits until things are quiet."""
        key = held.hook, held.happening.agent
        before = self._held.get(key)
        if before is not None:
            files = tuple(dict.fromkeys((*before.files, *held.files)))[: TIMINGS.hook_held_files]
            held = replace(held, files=files, count=before.count + held.count)
        self._held[key] = held

    def held(self) -> Iterator[HeldHook]:
        """What waits, once for each hook and agent."""
        yield from self._held.values()

    def note_skipped(self, hook: Hook, agent: AgentId) -> None:
        """The broker would not begin one: those behind it are counted."""
        if not (hook.decides or hook.when.once_per):  # each of these is about another thing, or one run all along
            self._over.setdefault((hook.id, agent))

    def counts(self, due: Due) -> bool:
        """Whether a run is one of those, and is said with the last of them."""
        key = due.matched.hook.id, due.happening.agent
        if key not in self._over:
            return False
        before = self._over[key]
        self._over[key] = due, 1 + (before[1] if before else 0)
        return True

    def counted(self) -> Iterator[tuple[Due, int]]:
        """The last of those that were too much, and how many they are."""
        yield from filter(None, self._over.values())
