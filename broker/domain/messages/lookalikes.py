"""What a character looks like, or means to a model that reads it: for texts that must not pass for what we write.

A skeleton has the length of its text, character for character, so that what is found in it is found in the text too.
The idea is that of Unicode Technical Standard 39, section 4; the table holds what can stand for ASCII letters and for
the marks of a tag, which is all that is looked for.
"""
# ruff: noqa: RUF001 - look-alikes are what this is about

from __future__ import annotations

import html
import re
import unicodedata
from typing import ClassVar

from broker.domain.names import FILLERS

UNSEEN = "\0"
"""In a skeleton: nothing is seen there."""
_ENTITY = re.compile(r"&(?:amp;)*(?:[lL][tT]|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,31});?")
_TAGS = range(0xE0020, 0xE007F)
"""Unicode's tag characters: invisible, and read by models as the ASCII that they stand for."""
_LETTERS = {
    "a": "аɑαᴀꭺᎪⲁａ",
    "e": "еєɛεᴇᎬҽℯ℮ⅇ∊ⲉꬲ",
    "g": "ɡɢᶃցԍᏀᏻ",
    "l": "I1|ⅼ׀ӏӀלןІіΙᛁⲒℓ∣⏽￨ʟᏞⳑɩ",
    "m": "мᴍᎷⅿϻΜⲙ",
    "r": "гᴦʀᎡᏒɾꮁⲅꭇꭈ",
    "s": "ѕꜱᏚƽʂჽ",
    "y": "уүγʏᎩϒỿɣᶌყҮΥ",
}
_MARKS = {
    "<": "‹«〈《⟨⟪❮❬❰˂ᐸᑅ≺⋖≪⧼𝈶ᚲ⪡⟬〈",
    "/": "⁄∕╱⧸⟋᜵〳Ⳇノ⼃㇓",
    "-": "‐‑‒–—―−⁃➖Ⲻ﹘ー_·∙•",
}


class _Skeleton(dict[int, int]):
    """A table for `str.translate` that fills itself. It holds at most what Unicode has."""

    _known: ClassVar[dict[str, str]] = {
        look: plain for table in (_LETTERS, _MARKS) for plain, looks in table.items() for look in looks
    }

    def __missing__(self, code: int) -> int:
        """A character that was not asked for before."""
        found = self[code] = ord(self._plain(chr(code)))
        return found

    def _plain(self, character: str) -> str:
        if ord(character) in _TAGS:
            return chr(ord(character) - 0xE0000).lower()
        if character in self._known:
            return self._known[character]
        if character.isspace():
            return " "
        if _is_unseen(character):
            return UNSEEN
        # The first that it is made of: an accent, a width or a fount is other clothes.
        first = unicodedata.normalize("NFKD", character)[:1].lower()[:1]
        return self._known.get(first, first) or UNSEEN


def _is_unseen(character: str) -> bool:
    """Control, format and combining characters, and fillers that are drawn as nothing."""
    return unicodedata.category(character) in {"Cc", "Cf", "Mn", "Me", "Cn", "Co", "Cs"} or character in FILLERS


_SKELETON = _Skeleton()


def skeleton(text: str) -> str:
    """What `text` looks like in small ASCII letters, as far as it does; as long as the text."""
    return _ENTITY.sub(_decode, text).translate(_SKELETON)


def _decode(entity: re.Match[str]) -> str:
    """The character that an HTML entity names, in as many places as the entity takes."""
    said = re.sub("&(?:amp;)+", "&", entity.group())
    character = html.unescape(said if said.endswith(";") else said + ";")
    return character + UNSEEN * (len(entity.group()) - 1) if len(character) == 1 else entity.group()
