"""What secrets look like: the forms that are masked in every log, each with its name.

A form is tried only on texts that hold one of its triggers, which costs next to nothing; that is why there is no single
joined expression: Python tries the alternatives of one at every character, about fifty times slower. The literal stands
first in each expression for the same reason; `(?<!…)` behind it looks at what precedes the literal.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

_FLAGS = re.ASCII
_ANY_CASE = re.ASCII | re.IGNORECASE
_QUOTE = r"(?:\\{0,3}[\"'])?"
"""A quote, perhaps escaped because JSON stands inside a string."""
_NAMED = (
    r"(?:pass(?:word|wd|phrase)|secret|token|credential|authorization"
    r"|api[_-]?key|access[_-]?key|private[_-]?key|secret[_-]?key|account[_-]?key)"
)
_NAMED_TRIGGERS = ("pass", "secret", "token", "credential", "key", "authorization")
_VALUE = r"(?P<secret>[^\s\"'`\\,;&|<>(){}\[\]$][^\s\"'`\\,;&|<>(){}\[\]]{5,511})"
"""Not a variable, a call or a placeholder, and not a mark."""


@dataclass(frozen=True, slots=True)
class SecretForm:
    """One kind of secret. What is masked is the group `secret` of the expression, or all of it when it has none."""

    name: str
    triggers: tuple[str, ...]
    """In lower case; a text without any of them in any case is not looked at. Empty: it always is."""
    pattern: re.Pattern[str]
    accepts: Callable[[str], bool] = bool
    """Whether what was found is a secret after all."""
    window: int | None = None
    """Set for a workspace's own expressions: at most so many characters are matched at a time."""


def _has_digit(found: str) -> bool:
    return any(character.isdigit() for character in found)


def is_random(found: str) -> bool:
    """Whether a value behind a secret's name looks made by a machine: code and prose often stand there too."""
    if len(found) < 12 or not _has_digit(found) or not any(character.isalpha() for character in found):
        return False
    counts = Counter(found).values()
    entropy = -sum(count / len(found) * math.log2(count / len(found)) for count in counts)
    return entropy > 2.3


def _is_credential(found: str) -> bool:
    """Random, or as people choose passwords: letters, digits or signs mixed, and neither a name nor a call in code."""
    mixed = _has_digit(found) and any(character.isalpha() for character in found)
    return is_random(found) or (mixed and not re.fullmatch(r"[A-Za-z_]\w*(?:\.\w+)+|v?[\d.]+\w{0,3}", found))


def _literal(
    name: str, literal: str, rest: str, *, trigger: str = "", accepts: Callable[[str], bool] = bool
) -> SecretForm:
    """A secret that begins with a literal which nothing of the same alphabet precedes."""
    pattern = re.compile(rf"{literal}(?<![A-Za-z0-9]{literal}){rest}", _FLAGS)
    return SecretForm(name, (trigger or literal.lower(),), pattern, accepts)


_RELAY = r"[A-Za-z0-9_-]{8,}"
_PRIVATE_KEY = (
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"(?=[\s\S]{0,200}?[A-Za-z0-9+/]{40})"  # a key's bytes follow: code that only looks for the header stays
    r"(?:(?:[^-]|-(?!----))*+-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"|(?:[A-Za-z0-9+/=\s\\\"',:|>→]|-(?!----))*+)"  # cut off; perhaps quoted, in a diff, behind line numbers
)

FORMS: tuple[SecretForm, ...] = (
    SecretForm("private-key", ("key",), re.compile(_PRIVATE_KEY, _FLAGS)),
    *(
        _literal("relay-token", prefix, _RELAY, trigger="_live_")
        for prefix in ("rk_live_", "at_live_", "nt_live_", "ot_live_", "mt_live_", "oc_live_", "rt_live_")
    ),
    _literal("anthropic-key", "sk-ant-", r"[A-Za-z0-9_-]{12,}", trigger="sk-"),
    _literal("openai-key", "sk-", r"(?!ant-)[A-Za-z0-9_-]{20,}", accepts=_has_digit),
    _literal("google-key", "AIza", r"[A-Za-z0-9_-]{30,}"),
    _literal("google-token", "ya29.", r"[A-Za-z0-9_.-]{20,}"),
    *(_literal("github-token", f"gh{kind}_", r"[A-Za-z0-9]{20,}") for kind in "pousr"),
    _literal("github-token", "github_pat_", r"[A-Za-z0-9_]{20,}"),
    _literal("gitlab-token", "glpat-", r"[A-Za-z0-9_-]{16,}"),
    _literal("npm-token", "npm_", r"[A-Za-z0-9]{30,}"),
    _literal("pypi-token", "pypi-AgE", r"[A-Za-z0-9_-]{20,}"),
    _literal("huggingface-token", "hf_", r"[A-Za-z0-9]{30,}"),
    _literal("stripe-key", "sk_live_", r"[A-Za-z0-9]{16,}", trigger="_live_"),
    _literal("aws-key", "AKIA", r"[A-Z0-9]{16}(?![A-Za-z0-9])"),
    _literal("aws-key", "ASIA", r"[A-Z0-9]{16}(?![A-Za-z0-9])"),
    SecretForm("slack-token", ("xox", "xapp-"), re.compile(r"x(?:ox[a-z]|app)-[A-Za-z0-9-]{10,}", _FLAGS)),
    _literal("jwt", "eyJ", r"[A-Za-z0-9_-]{10,1000}\.[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]*){1,3}"),
    SecretForm(
        "url-password", ("://",), re.compile(r"://[^\s/:@\"']{0,64}:(?P<secret>[^\s/@\"'<>{}\[\]$]{3,256})@", _FLAGS)
    ),
    SecretForm(
        "authorization",
        ("authorization",),
        re.compile(
            rf"authorization{_QUOTE}\s{{0,4}}[:=]\s{{0,4}}{_QUOTE}(?:bearer|basic|token|digest)[ ]{{1,4}}{_VALUE}",
            _ANY_CASE,
        ),
    ),
    SecretForm(
        "authorization",
        ("bearer",),
        re.compile(r"bearer[ ]{1,4}(?P<secret>[A-Za-z0-9._~+/=-]{12,})", _ANY_CASE),
        is_random,
    ),
    SecretForm(
        "aws-secret",
        ("key",),
        re.compile(
            rf"aws_?(?:secret)?_?(?:access)?_?key{_QUOTE}\s{{0,4}}[:=]\s{{0,4}}{_QUOTE}"
            r"(?P<secret>[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+])",
            _ANY_CASE,
        ),
    ),
    SecretForm(
        "password",
        ("pass",),
        re.compile(rf"pass(?:word|wd|phrase){_QUOTE}\s{{0,4}}(?:=>|[:=])\s{{0,4}}{_QUOTE}{_VALUE}", _ANY_CASE),
        _is_credential,
    ),
    SecretForm(
        "assignment",
        _NAMED_TRIGGERS,
        re.compile(rf"{_NAMED}{_QUOTE}\s{{0,4}}(?:=>|[:=])\s{{0,4}}{_QUOTE}{_VALUE}", _ANY_CASE),
        is_random,
    ),
    SecretForm(
        "assignment",
        _NAMED_TRIGGERS,
        re.compile(rf"--(?:[a-z0-9]{{1,20}}-){{0,3}}{_NAMED} {{1,4}}{_QUOTE}{_VALUE}", _ANY_CASE),
        is_random,
    ),
)
"""The particular before the general, so that a mark tells what it hides."""

_SECRET_MEMBERS = re.compile(
    r"(?:proxy-?)?authorization|(?:set-?)?cookie"
    r"|(?:\w{0,64}[_-])?(?:pass(?:word|wd|phrase)|secret|api[_-]?key|token)"
    r"|(?:x[_-])?(?:goog[_-])?api-?key"
    r"|(?:\w{0,64}[_-])?(?:access|auth|bearer|refresh|session|id|secret|client|private)[_-]?"
    r"(?:access[_-]?)?(?:token|key|secret|password)",
    _ANY_CASE,
)


def is_secret_member(name: str) -> bool:
    """Whether the value under this name in a JSON object or a list of headers is a secret whatever it looks like."""
    return len(name) <= 128 and _SECRET_MEMBERS.fullmatch(name) is not None


MEMBER_TRIGGERS: tuple[str, ...] = ("authorization", "cookie", "pass", "secret", "key", "token")
"""One of these stands in each name that `is_secret_member` knows."""
