"""Secrets that tell by their own look what they are, wherever they stand."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator

from broker.domain.logs.redaction.form import ANY_CASE, BLANK, FLAGS, Expression, SecretForm, Span, cases
from broker.domain.logs.redaction.values import has_digit, is_placeholder, is_random
from broker.domain.logs.redaction.vendors import VENDOR_SECRETS

MAX_KEY = 16 * 1024
"""Of a private key in text form; RSA with 4096 bits has 3.3 KB."""


def _literals() -> Iterator[SecretForm]:
    for name, beginnings, rest in VENDOR_SECRETS:
        for literal in beginnings:
            yield _literal(name, literal, rest)


def _literal(
    name: str,
    literal: str,
    rest: str,
    *,
    before: str = "",
    bounded: bool = True,
    accepts: Callable[[str], bool] = bool,
) -> SecretForm:
    """A secret that is known by a literal: it begins with it, but for `before`, one class for each character.

    `bounded`: nothing of the same alphabet precedes it.
    """
    width = before.count("]") or len(before)
    boundary = "(?<![A-Za-z0-9])" if bounded else ""

    def secret(match: re.Match[str]) -> Span | None:
        return match.span() if "EXAMPLE" not in match[0] and "xxxx" not in match[0] and accepts(match[0]) else None

    expression = Expression(rf"{boundary}{before}{re.escape(literal)}(?:{rest})", FLAGS)
    begin = Expression(rf"{boundary}{before}{re.escape(literal)}[\w.+/=~%-]*\Z", FLAGS)
    return SecretForm(name, (literal,), expression, secret, before=width, begin=begin)


_KEY_END = re.compile(r"-----END[ +A-Z0-9]{0,60}PRIVATE[ +]KEY(?:[ +]BLOCK)?-----", FLAGS)
_DASHES = re.compile(r"-----(?!-)", FLAGS)
"""A removed line of a diff has one more."""
_KEY_REST = re.compile(r"[A-Za-z0-9+/=\s\\\"',:|>→.-]*", FLAGS)


_KEY_BEGUN = Expression(
    r"-----BEGIN[ +A-Z0-9]{0,60}(?:-{0,5}\Z|PRIVATE[ +]KEY(?:[ +]BLOCK)?-----"
    rf"(?![\s\S]{{0,{MAX_KEY}}}?-----END[ +A-Z0-9]{{0,80}}-----)"
    rf"(?:[\s\S]{{0,340}}\Z|(?=[\s\S]{{0,300}}?[A-Za-z0-9+/]{{40}})[\s\S]{{0,{MAX_KEY}}}\Z))",
    FLAGS,
)


def _private_key(match: re.Match[str]) -> Span:
    """To its end mark; of one that is cut off, perhaps quoted, in a diff, behind numbers, all that looks like it."""
    text, body = match.string, match.end()
    dashes = _DASHES.search(text, body, body + MAX_KEY)
    end = _KEY_END.match(text, dashes.start()) if dashes else None
    if end:
        return match.start(), end.end()
    rest = _KEY_REST.match(text, body, dashes.start() if dashes else body + MAX_KEY)
    return match.start(), body + len(text[body : rest.end() if rest else body].rstrip("-\n +"))


_PUTTY_END = re.compile(r"Private-MAC: [0-9a-f]{40,64}", FLAGS)


def _putty_key(match: re.Match[str]) -> Span | None:
    text = match.string
    mark = text.find("Private-MAC: ", match.end(), match.end() + MAX_KEY)
    end = _PUTTY_END.match(text, mark) if mark >= 0 else None
    return (match.start(), end.end()) if end else None


def _bearer(match: re.Match[str]) -> Span | None:
    return match.span("secret") if is_random(match["secret"]) and not is_placeholder(match["secret"]) else None


def _basic(match: re.Match[str]) -> Span | None:
    """Base64 of `user:password`, wherever it stands."""
    try:
        said = base64.b64decode(match["secret"] + "=" * (-len(match["secret"]) % 4), validate=True)
    except binascii.Error:
        return None
    return match.span("secret") if b":" in said and said.isascii() and said.decode().isprintable() else None


def _find_encoded(match: re.Match[str]) -> Span | None:
    return match.span("secret") if has_digit(match["secret"]) else None


_RELAY = r"[A-Za-z0-9_-]{8,}"
_GENERIC_SK = r"(?!ant-|proj-|or-v1-|live_|test_)[A-Za-z0-9_-]{20,}"

STANDING: tuple[SecretForm, ...] = (
    SecretForm(
        "private-key",
        ("-----BEGIN",),
        Expression(
            r"-----BEGIN[ +A-Z0-9]{0,60}PRIVATE[ +]KEY(?:[ +]BLOCK)?-----"
            r"(?=[\s\S]{0,300}?[A-Za-z0-9+/]{40})",  # a key's bytes follow: code that only looks for the header stays
            FLAGS,
        ),
        _private_key,
        begin=_KEY_BEGUN,
    ),
    SecretForm("private-key", ("PuTTY-User-Key-File-",), Expression(r"PuTTY-User-Key-File-\d: ", FLAGS), _putty_key),
    *_literals(),
    _literal("terraform-token", ".atlasv1.", r"[A-Za-z0-9_-]{40,}", before="[A-Za-z0-9]" * 14),
    # Any kind of token of this product, those of later versions too; `pk_live_` is Stripe's public key.
    _literal("relay-token", "_live_", _RELAY, before="[a-z][a-z]", accepts=lambda found: not found.startswith("pk_")),
    _literal("openai-key", "sk-", _GENERIC_SK, accepts=has_digit),
    _literal("jwt", "eyJ", r"[A-Za-z0-9_-]{10,1000}\.[A-Za-z0-9_-]{10,}(?:\.[A-Za-z0-9_-]*){1,3}"),
    _literal("telegram-token", ":AA", r"[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])", before="[0-9]" * 8, bounded=False),
    *(_literal("azure-secret", f"{digit}Q~", r"[\w~.-]{31,34}", before=r"[\w~.-]" * 3) for digit in "78"),
    SecretForm(
        "azure-signature",
        ("sig=",),
        Expression(r"sig=(?P<secret>[A-Za-z0-9+/=%]{40,})", FLAGS),
        _find_encoded,
        begin=Expression(r"sig=(?P<secret>[A-Za-z0-9+/=%]*)\Z", FLAGS),
    ),
    SecretForm(
        "azure-key",
        ("AccountKey=", "SharedAccessKey="),
        Expression(r"\w+Key=(?P<secret>[A-Za-z0-9+/=\x00]{40,})", FLAGS),
    ),
    SecretForm(
        "authorization",
        cases("bearer"),
        Expression(rf"bearer{BLANK}{{1,8}}(?P<secret>[A-Za-z0-9._~+/=-]{{12,}})", ANY_CASE),
        _bearer,
        begin=Expression(rf"bearer{BLANK}{{1,8}}(?P<secret>\S*)\Z", ANY_CASE),
    ),
    SecretForm(
        "authorization",
        ("Basic ", "basic "),
        Expression(r"basic {1,4}(?P<secret>[A-Za-z0-9+/]{8,}={0,2})", ANY_CASE),
        _basic,
        begin=Expression(r"basic {1,4}(?P<secret>[A-Za-z0-9+/=]*)\Z", ANY_CASE),
    ),
)
