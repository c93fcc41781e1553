"""What was refused on this machine lately, so that a person can be shown it and allow it. Bounded."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from connect.system.own_file import NotOwn, read_own
from connect.system.state_folder import write_private

_MOST = 50
"""The newest; more than that nobody goes through."""
_MAX_BYTES = 4 * 1024 * 1024
_R = TypeVar("_R", bound=BaseModel)


class Refusals(Generic[_R]):
    """The link's side: adds, and writes the file whole."""

    def __init__(self, file: Path, model: type[_R], *, same: Callable[[_R], Hashable], longest: int) -> None:
        """`same`: a later one with the same takes the place of the earlier; `longest`: of one as JSON."""
        self._file = file
        self._adapter = TypeAdapter(list[model])  # type: ignore[valid-type]  # a type that is given
        self._same = same
        self._longest = longest
        self._known = read_refusals(file, model)

    def add(self, refusal: _R) -> None:
        """Keep it. That it cannot be kept costs nothing else."""
        if len(refusal.model_dump_json()) > self._longest:
            return
        kept = [each for each in self._known if self._same(each) != self._same(refusal)]
        self._known = [*kept, refusal][-_MOST:]
        with contextlib.suppress(OSError):
            write_private(self._file, self._adapter.dump_json(self._known))


def read_refusals(file: Path, model: type[_R]) -> list[_R]:
    """What was refused, the oldest first; nothing where that cannot be read. Whoever shows it makes it harmless."""
    with contextlib.suppress(NotOwn, ValidationError):
        content = read_own(file, max_bytes=_MAX_BYTES) or b"[]"
        found: list[_R] = TypeAdapter(list[model]).validate_json(content)  # type: ignore[valid-type]  # as above
        return found
    return []
