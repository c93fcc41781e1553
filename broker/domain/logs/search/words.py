"""What a word is to the log store's text index: ClickHouse's `splitByNonAlpha` over `lower(text)`.

ASCII letters and digits make words, so `exit_code` is two; every character beyond ASCII belongs to a word. Only ASCII
letters have a lower case: `É` and `é` differ for the index, and so they do here.

So a whole sentence in Japanese or Thai is one word to the index: what is looked for in those is looked for as
characters.
"""

from __future__ import annotations

import re
import unicodedata

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
_UNSPACED = re.compile(
    "["
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff"  # Hangul: particles follow their word without a space
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "\u3040-\u312f\u31a0-\u31ff\uff66-\uffdc"  # Kana, Bopomofo, and their half widths
    "]"
)
"""Letters of scripts that put no space between words, or not between all."""


def words(text: str) -> list[str]:
    """The words of `text`, as written."""
    return _WORD.findall(text)


def is_unspaced(text: str) -> bool:
    """Whether words of the text may stand inside of what the index takes for one word."""
    return _UNSPACED.search(text) is not None


def spellings(text: str) -> tuple[str, ...]:
    """The text as it is, and with its accents composed and apart: macOS names files in the latter way."""
    if text.isascii():
        return (text,)
    return tuple(dict.fromkeys((text, *(unicodedata.normalize(form, text) for form in ("NFC", "NFD")))))
