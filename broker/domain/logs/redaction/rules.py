"""A workspace's own secret forms: regular expressions of a small, safe kind.

Python's `re` cannot be given a time limit, so an expression must not be able to run long. What is checked:

* at most 200 characters, of which only these mean something: literals, `.`, classes, escapes, `^`, `$`, groups, `|`,
  and the counts `* + ? {m} {m,} {m,n}`; no look-around, no back-references, no flags but a leading `(?i)`;
* nothing that can itself match in several ways may be repeated: no `(a+)+`, no `(a|b)*`; that is where exponential
  time comes from;
* open counts end at 256, and all counts and alternatives together leave at most 4 096 ways to match at one place, so
  `.*.*x` is refused and `[a-z]{4,40}-[a-z]{4,40}` is not;
* it is matched line by line, 2 048 characters at a time.

So a rule costs microseconds on real lines and, on the worst that could be made for it, some twenty for each character.
That is an estimate from the expression's structure, not a limit that is enforced while it runs.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field

from broker.domain.errors import BadRequest
from broker.domain.logs.redaction.form import Expression, SecretForm
from broker.domain.logs.redaction.forms import FORMS

MAX_RULES = 20
MAX_PATTERN_CHARACTERS = 200
MIN_MATCH_CHARACTERS = 4
"""Anything shorter is no secret, and would mask half of every text."""
MAX_WAYS = 2**12
OPEN_COUNT = 256
WINDOW = 2048

_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_TOKEN = re.compile(
    r"(?P<repeat>[*+?]|\{\d{1,4}(?:,\d{0,4})?\})"
    r"|(?P<open>\((?:\?:)?)(?!\?)"
    r"|(?P<close>\))"
    r"|(?P<either>\|)"
    r"|(?P<anchor>[\^$]|\\[bB])"
    r"|(?P<atom>\\[dDwWsStnr]|\\[^A-Za-z0-9\s]|\[(?!\^?\])\^?(?:\\[^\n]|[^\]\\\[\n])+\]|[^\\()\[\]{}|*+?^$])"
)


@dataclass(slots=True)
class _Part:
    """Some of an expression: how short its match can be, and in how many ways it can match."""

    width: int = 0
    ways: int = 1
    repeatable: bool = True


@dataclass(slots=True)
class _Group:
    """An open bracket: alternatives that are complete, and the sequence being read."""

    alternatives: list[_Part] = field(default_factory=list)
    sequence: list[_Part] = field(default_factory=list)


def secret_form(name: str, pattern: str) -> SecretForm:
    """The form for one rule. Raises `BadRequest` (INVALID_RULE) with what is wrong and where."""
    if not _NAME.fullmatch(name) or name in {form.name for form in FORMS} | {"field"}:
        raise _refusal(name, "the name must be new, and lower-case letters, digits and '-', 32 at most")
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        raise _refusal(name, f"the expression has {len(pattern)} characters; {MAX_PATTERN_CHARACTERS} at most")
    flags, inner = (re.IGNORECASE, pattern[4:]) if pattern.startswith("(?i)") else (re.NOFLAG, pattern)
    expression = Expression(_bound(name, inner), flags | re.ASCII | re.MULTILINE)
    _try(name, expression)
    return SecretForm(name, (), expression, window=WINDOW)


def secret_forms(rules: Iterable[tuple[str, str]]) -> tuple[SecretForm, ...]:
    """The forms for a workspace's (name, expression) pairs. Raises `BadRequest` (INVALID_RULE)."""
    forms = tuple(secret_form(name, pattern) for name, pattern in rules)
    if len(forms) > MAX_RULES:
        raise BadRequest(f"{len(forms)} redaction rules; {MAX_RULES} at most", code="INVALID_RULE")
    if len({form.name for form in forms}) < len(forms):
        raise BadRequest("two redaction rules have the same name", code="INVALID_RULE")
    return forms


def _try(name: str, expression: Expression) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            expression.pattern  # noqa: B018 - compiled here, where it can still be refused
    except (re.error, Warning) as error:
        raise _refusal(name, str(error)) from None


def _bound(name: str, pattern: str) -> str:
    """The expression with its open counts closed, once it is known to be harmless."""
    groups, place, written = [_Group()], 0, []
    while place < len(pattern):
        token = _TOKEN.match(pattern, place)
        if token is None:
            raise _refusal(
                name, f"{pattern[place:][:10]!r} at column {place + 1} is not allowed here; escape it or leave it out"
            )
        written.append(_read(name, groups, token))
        place = token.end()
    if len(groups) > 1:
        raise _refusal(name, "a bracket is not closed")
    whole = _close(groups[0])
    if whole.width < MIN_MATCH_CHARACTERS:
        raise _refusal(name, f"it could match fewer than {MIN_MATCH_CHARACTERS} characters")
    if whole.ways > MAX_WAYS:
        raise _refusal(name, "it could take too long: fewer or closer counts, such as {8,40} instead of +")
    return "".join(written)


def _read(name: str, groups: list[_Group], token: re.Match[str]) -> str:
    """Take one token in; returns it, a repeat with its open end closed."""
    match token.lastgroup:
        case "open":
            groups.append(_Group())
        case "close":
            if len(groups) == 1:
                raise _refusal(name, f"the bracket at column {token.start() + 1} was never opened")
            part = _close(groups.pop())
            groups[-1].sequence.append(part)
        case "either":
            groups[-1].alternatives.append(_join(groups[-1].sequence))
            groups[-1].sequence = []
        case "anchor":
            groups[-1].sequence.append(_Part())
        case "repeat":
            return _repeat(name, groups[-1].sequence, token)
        case _:
            groups[-1].sequence.append(_Part(width=1))
    return token[0]


def _repeat(name: str, sequence: list[_Part], token: re.Match[str]) -> str:
    least, most = _counts(token[0])
    part = sequence.pop() if sequence else _Part()
    if least > most or most > 1024:
        raise _refusal(name, f"{token[0]!r} at column {token.start() + 1} is no count up to 1024")
    if part.width == 0 or not (part.repeatable or most == 1):
        raise _refusal(
            name, f"{token[0]!r} at column {token.start() + 1} repeats what can match nothing, or in several ways"
        )
    varies = least != most
    ways = part.ways * (most - least + 1)
    sequence.append(_Part(width=part.width * least, ways=ways, repeatable=part.repeatable and not varies))
    return f"{{{least},{most}}}"


def _counts(text: str) -> tuple[int, int]:
    match text:
        case "*":
            return 0, OPEN_COUNT
        case "+":
            return 1, OPEN_COUNT
        case "?":
            return 0, 1
        case _:
            least, comma, most = text.strip("{}").partition(",")
            return int(least), int(most) if most else int(least) + (OPEN_COUNT if comma else 0)


def _join(sequence: list[_Part]) -> _Part:
    joined = _Part()
    for part in sequence:
        joined.width += part.width
        joined.ways = min(joined.ways * part.ways, MAX_WAYS + 1)
        joined.repeatable = joined.repeatable and part.repeatable
    return joined


def _close(group: _Group) -> _Part:
    parts = [*group.alternatives, _join(group.sequence)]
    return _Part(
        width=min(part.width for part in parts),
        ways=sum(part.ways for part in parts),
        repeatable=len(parts) == 1 and parts[0].repeatable,
    )


def _refusal(name: str, problem: str) -> BadRequest:
    return BadRequest(f"redaction rule {name[:40]!r}: {problem}", code="INVALID_RULE")
