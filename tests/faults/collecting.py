"""Says which tests of some files pytest would run: `python -m tests.faults.collecting FILE…` prints a list as JSON."""

from __future__ import annotations

import sys

import orjson
import pytest

_DESELECTED = "not agents"
"""As `make test` runs them."""


class _Collected:
    """A plugin that keeps what is left after deselection."""

    def __init__(self) -> None:
        self.functions: set[str] = set()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.functions = {item.nodeid.partition("[")[0] for item in session.items if not _is_skipped(item)}


def _is_skipped(item: pytest.Item) -> bool:
    if item.get_closest_marker("skip") is not None:
        return True
    return any(condition is True for mark in item.iter_markers("skipif") for condition in mark.args)


def main() -> int:
    collected = _Collected()
    # Nothing is asserted here, and rewriting asserts is most of the time.
    options = ["--collect-only", "--quiet", "--assert=plain", "-m", _DESELECTED, "-p", "no:cacheprovider"]
    status = pytest.main([*options, *sys.argv[1:]], plugins=[collected])
    print()
    print(orjson.dumps(sorted(collected.functions)).decode())
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
