"""Secrets by their place: in headers, in addresses, in commands and files of settings."""

from __future__ import annotations

import re

from broker.domain.logs.redaction.form import ANY_CASE, BLANK, FLAGS, IS, QUOTE, Expression, SecretForm, Span, cases
from broker.domain.logs.redaction.values import has_digit, is_placeholder, is_secret

_SCHEME = (
    r"bearer|basic|token|api-?key|key|negotiate|ntlm|bot|oauth|geniekey|splunk|sso-key|hmac[\w-]*|hawk|signature|digest"
    r"|aws4-[\w-]+|pveapitoken|mac|private-token|jwt"
)
_VALUE = r"(?P<secret>[^\s\"'`\\,;<>(){}\[\]$][^\s\"'`\\,;<>(){}\[\]]{5,4095})"
_CREDENTIALS = re.compile(rf"(?:(?P<scheme>{_SCHEME})(?:{BLANK}{{1,8}}|=))?{_VALUE}", ANY_CASE)
_IN_PARTS = ("digest", "hmac", "hawk", "signature", "aws4", "oauth", "mac")
"""Schemes whose credentials are a list of parts, to the header's end."""
_LINE = re.compile(r"[^\n\r']{0,2048}")


def holds_credentials(value: str) -> bool:
    """Whether an Authorization header's value opens anything."""
    found = _CREDENTIALS.match(value)
    return found is not None and _authorization(found) is not None


def _authorization(match: re.Match[str]) -> Span | None:
    start, end = match.span("secret")
    scheme = (match["scheme"] or "").lower()
    if scheme.startswith(_IN_PARTS) and "=" in match["secret"]:
        line = _LINE.match(match.string, start)
        return start, start + len((line[0] if line else "").rstrip('"\\ ,}'))
    value = match["secret"]
    if is_placeholder(value):
        return None
    if scheme or is_secret(value, password=False, data=True):
        return start, end
    return None


_COOKIE = re.compile(r"=([^;\s\"',]{8,})")


def holds_session(value: str) -> bool:
    """Whether one of a header's cookies looks like a key to something."""
    return any(
        has_digit(each) and any(map(str.isalpha, each)) and not is_placeholder(each) for each in _COOKIE.findall(value)
    )


def _cookies(match: re.Match[str]) -> Span | None:
    return match.span("secret") if holds_session(match["secret"]) else None


_EVERYDAY = frozenset(
    {
        *(
            "password",
            "passwd",
            "pass",
            "pwd",
            "pw",
            "secret",
            "user",
            "username",
            "postgres",
            "root",
            "admin",
            "mysql",
        ),
        *("mysql", "test", "guest", "token", "port", "host", "db", "key", "x", "mypassword", "mysecretpassword"),
    }
)
"""What documentation and local databases have in the place of a password."""


def _password_of(match: re.Match[str]) -> Span | None:
    """Of an address or of curl's `-u`, where syntax says that it is one."""
    start, end = match.span("secret")
    value = match["secret"]
    if "://" in value or value.lower() in _EVERYDAY or is_placeholder(value) or not value.strip("*."):
        return None
    return (start, end) if not value.isdigit() or len(value) > 5 else None


PLACED: tuple[SecretForm, ...] = (
    SecretForm(
        "url-password",
        ("://",),
        # The last `@` before the path: a password may have any sign, and in the wild has.
        Expression(
            r"://(?!\[)[^\s/:@\"'`]{0,128}:(?!\d{1,5}(?:[/?#,]|$))(?P<secret>[^\s\"'`]{3,256})"
            r"@(?!sha\d)(?=[\w.\[-]{0,253}(?:[:/?#,\s\"'`)\]>;|]|$))",
            FLAGS,
        ),
        _password_of,
        nests=True,
        begin=Expression(r"://(?!\[)[^\s/:@\"'`]{0,128}:(?!\d{1,5}(?:[/?#,]|\Z))(?P<secret>[^\s\"'`]{0,256})\Z", FLAGS),
    ),
    SecretForm(
        "authorization",
        cases("authorization"),
        Expression(rf"authorization{QUOTE}{IS}{QUOTE}{_CREDENTIALS.pattern}", ANY_CASE),
        _authorization,
        begin=Expression(
            rf"authorization{QUOTE}{IS}{QUOTE}"
            rf"(?P<secret>(?:{'|'.join(_IN_PARTS)})[^\n']{{0,2048}}|(?:[\w-]{{1,20}}{BLANK}{{1,8}})?\S{{0,4096}})\Z",
            ANY_CASE,
        ),
    ),
    SecretForm(
        "cookie",
        cases("cookie"),
        Expression(rf"cookie{QUOTE}{IS}{QUOTE}(?P<secret>[\w.$-]{{1,128}}=[^\n\r\"'`]{{4,4096}})", ANY_CASE),
        _cookies,
    ),
    SecretForm(
        "password",
        ("machine ", "default login"),
        Expression(
            r"(?:machine\s{1,16}\S{1,253}|default)\s{1,16}login\s{1,16}\S{1,253}\s{1,16}"
            r"password\s{1,16}(?P<secret>\S{3,256})",
            FLAGS,
        ),
        _password_of,
    ),
    SecretForm(
        "password",
        ("curl",),
        Expression(
            r"curl(?=\s)(?:(?!curl)[^\n]){0,1000}?\s(?:-[a-zA-Z]{0,6}u|--user|--proxy-user)[ =]?[\"']?"
            r"[^\s:\"']{1,128}:(?P<secret>[^\s\"']{3,256})",
            FLAGS,
        ),
        _password_of,
    ),
)
