"""What a word is to the log store's text index: ClickHouse's `splitByNonAlpha` over `lower(text)`.

ASCII letters and digits make words, so `exit_code` is two; every character beyond ASCII belongs to a word. Only ASCII
letters have a lower case: `É` and `é` differ for the index, and so they do here.
"""

from __future__ import annotations

import re

_INSIDE = "0-9A-Za-z\\x80-\\U0010ffff"
BETWEEN = f"[^{_INSIDE}]"
"""A character that parts words, for regular expressions."""
STARTS = f"(?<![{_INSIDE}])"
"""Where a word can begin."""
ENDS = f"(?![{_INSIDE}])"
"""Where a word can end."""
FOLD = re.IGNORECASE | re.ASCII
"""How the index compares letters."""

_WORD = re.compile(f"[{_INSIDE}]+")


def words(text: str) -> list[str]:
    """The words of `text`, as written."""
    return _WORD.findall(text)
