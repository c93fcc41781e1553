"""What an agent wants to change in files, as far as it is seen."""

from __future__ import annotations

CUT_MARK = "\\ cut: "
"""Begins the last line of a diff that is not shown whole."""


def is_cut(diff: str) -> bool:
    """Whether a diff says that there is more than it shows."""
    return diff.rstrip("\n").rpartition("\n")[2].startswith(CUT_MARK)
