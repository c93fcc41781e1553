"""Which characters of a text are not seen, or turn what is around them, where they stand; scripts need some of them.

What may pass unseen: a joiner or non-joiner between letters of a script that joins them (Persian, Hindi), a joiner
between pictures, the tags of the three flags that are spelt with them, and a choice of form after what has forms. What
turns text around (U+202E, U+200F, …) never may, nor anything unseen that has no business where it stands.
"""

from __future__ import annotations

import re
import unicodedata

from broker.domain.names import FILLERS

_BLANK_BRAILLE = "\u2800"
"""A part of drawings; elsewhere a space that is none."""
FLAGS = re.compile(
    "(\U0001f3f4\U000e0067\U000e0062(?:\U000e0065\U000e006e\U000e0067|\U000e0073\U000e0063\U000e0074"
    "|\U000e0077\U000e006c\U000e0073)\U000e007f)"
)
"""England, Scotland, Wales."""
_JOINS = re.compile("[\u0600-\u07ff\u0840-\u086f\u08a0-\u0dff\u0f00-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefc]")
"""Letters and marks of scripts whose letters join."""
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
"""Scripts that mark the ends of words with a space of no width: Thai, Lao, Burmese, Khmer."""
_PICTURE = re.compile("[\u2190-\u21ff\u2300-\u27bf\u2934\u2935\u2b00-\u2bff\U0001f000-\U0001faff]")
_HAS_FORMS = re.compile(f"[0-9#*\u00a9\u00ae\u203c\u2049\u2122\u2139\u3030\u303d\u3297\u3299]|{_PICTURE.pattern}")
_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af]")
_MONGOLIAN = re.compile("[\u1820-\u18aa]")


def is_hint(text: str, place: int) -> bool:
    """Whether the character there only says where a word may be broken: it is never seen, and no terminal heeds it."""
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    match text[place]:
        case "\u00ad":
            return before.isalpha() and after.isalpha()
        case "\u200b":
            return bool(_UNSPACED.match(before) and _UNSPACED.match(after))
        case _:
            return False


def is_unseen(text: str, place: int, *, exact: bool) -> bool:
    """Whether the character there hides or turns something. `exact`: spaces that only look like one do so, too."""
    character, before, after = text[place], text[place - 1 : place] if place else "", text[place + 1 : place + 2]
    code, category = ord(character), unicodedata.category(character)
    if character in FILLERS or character == "\u034f":
        return exact or character != _BLANK_BRAILLE
    if character in "\u200c\u200d" and _JOINS.match(before) and _JOINS.match(after):
        return False
    if character == "\u200d":
        return not (_is_picture(before) and _PICTURE.match(after))
    if 0xFE00 <= code <= 0xFE0F:
        chooses = _HAS_FORMS if code >= 0xFE0E else _HAN
        return not chooses.match(before)
    if 0xE0100 <= code <= 0xE01EF:
        return not _HAN.match(before)
    if character in "\u180b\u180c\u180d\u180f":
        return not _MONGOLIAN.match(before)
    if category == "Zs":
        return exact and character != "\u3000"
    return category in {"Cc", "Cf", "Cs", "Zl", "Zp"}


def _is_picture(character: str) -> bool:
    return character == "\ufe0f" or _PICTURE.match(character) is not None
