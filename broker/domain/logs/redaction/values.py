"""What a value looks like: a secret, or what code, prose and configuration put in the same places.

A name alone proves nothing: `token = next_token(stream)`, `password: str`, `"secret": "${VAULT}"`. So behind a secret's
name a value is one only when a machine or a careful person made it.
"""

from __future__ import annotations

import math
import re
from collections import Counter

SHORTEST = 8
"""Characters. Shorter ones are words and numbers nearly always, and guessed in no time when they are not."""

_LONGEST_PLACEHOLDER = 100
_SHOWS_A_PLACE = (
    *("example", "placeholder", "changeme", "change-me", "change_me", "changeit", "changethis", "dummy", "redacted"),
    *("undefined", "not-set", "not_set", "xxxx", "***", "...", "…", "•••", "____", "----", "${", "$(", "{{", "<%"),
)
_NAMES_A_PLACE = re.compile(
    r"(?i:your|my|the|some|any|fake|sample|test|insert|enter|replace|provide|paste)(?:[-_ ]|[A-Z][a-z])"
    r"|(?i:abc|1234|secret|password|passwd|token|null|none|true|false|string|optional)[a-z0-9]{0,3}$"
)
_TEMPLATE = re.compile(
    r"%\w+%|@\w+@|<[^<>]*>|\{[^{}]*\}|\[[^\[\]]*\]|%[sdr]"
    r"|\$(?:[A-Z_][A-Z0-9_]*|[a-z_]+\d{0,2}|[a-z]+(?:[A-Z][a-z]+)+\d{0,2}|env:\w+)"
)
_REFERENCE = re.compile(r"[A-Za-z_]+\d{0,3}(?:(?:\.|->|::|\?\.)[A-Za-z_]{1,32}\d{0,3})+")
"""`settings.password1`: an attribute, not a value."""
_CALL = re.compile(r"[A-Za-z_][\w.:>-]*[(\[{<]|[\w.]*[!?]?=>")
_TYPE = re.compile(r"[A-Z]?[a-z]+(?:[A-Z][a-z]+)+\d{0,2}")
_PATH = re.compile(
    r"(?:~|\.{1,2})?/(?:[\w.@-]+/)+[\w.@-]*|(?:~|\.{1,2})/.*|[A-Za-z]:[\\/].*|(?:[\w.-]+/)*[\w-]+\.[a-z]{2,5}\d?"
)
_URL = re.compile(r"[a-z][a-z0-9+.-]{1,20}://")
_NUMBER = re.compile(r"[\d.,:/_T+Z -]+")
_WORDS = re.compile(r"[A-Za-z]+|\d{1,6}|[A-Za-z]+\d{1,3}|v\d+")
_HUMP = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[\s\S]")
_DIGIT = re.compile(r"[0-9]")
_LETTER = re.compile(r"[^\W\d_]")
_SIGNS = re.compile(r"[^\w\s.:/-]")
_SENTENCE = re.compile(
    r"\W*(?:a|an|and|any|are|as|at|be|been|by|can|cannot|could|current|do|does|enter|for|forgot|from|has|have"
    r"|if|in|incorrect|invalid|is|it|its|least|long|match|minimum|missing|must|new|no|not|of|on|or|our"
    r"|password|please|required|reset|set|should|than|that|the|this|to|token|too|use|used|user|was|we|weak"
    r"|were|will|with|wrong|you|your)\W*",
    re.IGNORECASE,
)
"""Words that a pass phrase does not need."""


def is_random(found: str) -> bool:
    """Whether a value looks made by a machine: letters and digits in no order."""
    if len(found) < 12 or not has_digit(found) or not _has_letter(found):
        return False
    counts = Counter(found).values()
    entropy = -sum(count / len(found) * math.log2(count / len(found)) for count in counts)
    return entropy > 2.3


def has_digit(found: str) -> bool:
    """Whether there is a digit in it: names that look like a key have none."""
    return _DIGIT.search(found) is not None


def is_placeholder(found: str) -> bool:
    """Whether it only shows where a value goes: `<token>`, `$TOKEN`, `{{ token }}`, `your-token`, `changeme`."""
    if len(found) > _LONGEST_PLACEHOLDER:
        return False
    lowered = found.lower()
    return (
        any(sign in lowered for sign in _SHOWS_A_PLACE)
        or _NAMES_A_PLACE.match(found) is not None
        or (found[:1] in {"$", "%", "@", "<", "{", "["} and _TEMPLATE.fullmatch(found) is not None)
    )


def is_secret(found: str, *, password: bool, data: bool) -> bool:
    """Whether a value behind a secret's name is one.

    `password`: the name says that people choose it, so it need not be random. `data`: it stands in quotes or in a file
    of settings, where no program's own names stand.
    """
    found = found.strip()
    if len(found) < SHORTEST or is_placeholder(found) or _points_elsewhere(found) or (not data and _is_code(found)):
        return False
    if " " in found:
        return _is_phrase(found.split())
    if password:
        return _is_password(found, data=data)
    return is_random(found) and not _is_wordy(found)


def _points_elsewhere(found: str) -> bool:
    """An attribute, a path or an address: what is meant is not here."""
    return bool(
        _REFERENCE.fullmatch(found) or _URL.match(found) or (_PATH.fullmatch(found) and not _is_scrambled(found))
    )


def _is_code(found: str) -> bool:
    """A call, an index, the name of a class."""
    return _CALL.match(found) is not None or _TYPE.fullmatch(found) is not None


def _is_scrambled(path: str) -> bool:
    """Whether what could be a path is base64: its parts are long and mix letters of both kinds with digits."""
    longest = max(re.split(r"[/.]", path), key=len)
    return len(longest) >= 16 and has_digit(longest) and longest.lower() != longest and not _is_wordy(longest)


def _is_password(found: str, *, data: bool) -> bool:
    if _NUMBER.fullmatch(found):
        return data and found.isdigit()
    if has_digit(found) and _has_letter(found):
        return data or not re.fullmatch(r"v?[\d.]+\w{0,3}|[A-Za-z_]*_[a-z_]*\d{0,2}", found)
    if _SIGNS.search(found) and _has_letter(found):
        return data or len(re.findall(r"[A-Za-z]", found)) >= 6
    return len(found) >= 16 and found.isalpha() and (found.islower() or (data and not found.isupper()))


def _is_wordy(found: str) -> bool:
    """Whether it is made of words, such as `design-system-v2.primary` or `accessTokenV2`."""
    parts = [part for part in re.split(r"[._/:,-]+", found) if part]
    if len(parts) < 2:
        return _is_humped(found)
    return all(_WORDS.fullmatch(part) for part in parts) and not any(len(part) > 24 for part in parts)


def _is_humped(found: str) -> bool:
    """Words without anything between them, and a small number: `accessTokenV2`, `identifier1`."""
    humps = _HUMP.findall(found.rstrip("0123456789"))
    digits = len(found) - len(found.rstrip("0123456789"))
    return digits <= 3 and all(
        len(hump) > 1 and hump.isalpha() and not (hump.isupper() and len(hump) > 6) for hump in humps
    )


def _is_phrase(words: list[str]) -> bool:
    """Several words: a pass phrase has no grammar; a sentence has, and capitals and stops."""
    odd = sum(1 for word in words if (has_digit(word) and _has_letter(word)) or _SIGNS.search(word.rstrip(",.!?:;")))
    if any(_SENTENCE.fullmatch(word) for word in words):
        return False
    if 2 * odd >= len(words):
        return sum(map(len, words)) >= SHORTEST
    return len(words) >= 4 and all(word.isalpha() and word.islower() and 3 <= len(word) <= 10 for word in words)


def _has_letter(found: str) -> bool:
    return _LETTER.search(found) is not None
