"""Whatever a journal has is read as it was written."""

from dataclasses import MISSING, fields
from typing import Any, get_args

import pytest

from broker.domain.workflows.runs.journal import Aide, Command, Entry, Fact, Outcome, RunState, Timer
from broker.domain.workflows.runs.journal_text import read_entry, write_entry

_SAMPLES: dict[str, Any] = {
    "str": "text",
    "str | None": "text",
    "int": 7,
    "int | None": 7,
    "bool": True,
    "Outcome": Outcome.REJECTED,
    "Aide": Aide.REVIEW,
    "Timer": Timer.QUOTA,
    "RunState": RunState.FAILED,
    "tuple[str, ...]": ("a", "b"),
}
KINDS = sorted((*get_args(Fact), *get_args(Command)), key=lambda kind: kind.__name__)


def sample(kind: type[Any], *, whole: bool) -> Any:
    """One of that kind, with every field or only with those that it needs."""
    wanted = [each for each in fields(kind) if whole or each.default is MISSING]
    return kind(**{each.name: _SAMPLES[str(each.type)] for each in wanted})


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_entry_comes_back_as_it_was(kind: type[Any], whole: bool) -> None:
    entry = Entry(at_ms=5, what=sample(kind, whole=whole))
    assert read_entry(write_entry(entry)) == entry


def test_what_no_version_has_written_is_refused() -> None:
    with pytest.raises(ValueError, match="'dance'"):
        read_entry('{"at_ms": 1, "kind": "dance", "what": {}}')
