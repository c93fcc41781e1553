"""Secrets behind a name: in settings, in quotes, in code, behind a flag, as a member of an object."""

from __future__ import annotations

import re
from enum import Enum, auto
from functools import lru_cache
from string import ascii_letters, digits

from broker.domain.logs.redaction.form import ANY_CASE, BLANK, FLAGS, QUOTE, Expression, SecretForm, Span, cases
from broker.domain.logs.redaction.placed import holds_credentials, holds_session
from broker.domain.logs.redaction.values import SHORTEST, is_secret

MAX_VALUE = 512
"""Characters of a value in quotes."""

_NAMES = {
    "pass": r"pass(?:word|wd|phrase|code)?",
    "pwd": "pwd",
    "secret": r"secret(?:[_-]?(?:access[_-]?)?key(?:[_-]?base)?|[_-]?(?:id|value|token))?",
    "token": "token",
    "credential": "credentials?",
    "key": "key",
}
_TAIL = r"(?:[_-]?(?:base64|b64|prod(?:uction)?|staging|dev|live|new|old|v?\d{1,2}))?"
_KEEPER = re.compile(
    r"(?:api|app|access|private|secret|account|auth|client|signing|encryption|encrypt|master|service|webhook|shared"
    r"|deploy|storage|subscription|license|hmac|session|admin|root|bot|integration|write|admin|server)[_-]?$",
    ANY_CASE,
)
"""What makes a `key` one that opens something."""
_MODEST = re.compile(
    r"(?:page|paging|pagination|continuation|cursor|next|prev(?:ious)?|sync|design|max|min|num|total|count|input|output"
    r"|completion|prompt|cached?|reasoning|progress|lexer|special|pad|eos|bos|unk|mask|stop|sep|cls|public|syntax|peek)"
    r"[_-]?(?:page[_-]?)?$",
    ANY_CASE,
)
"""What makes a `token` a place in a list, a word of a language, a setting."""

_NAME_SIGNS = ascii_letters + digits + "_-"
_BEFORE_SETTING = frozenset(" \t\n\r;&|?\"'`>")
_LINE_HEAD = re.compile(r"[ \t#;+-]{0,16}(?:[^\s=]{0,100}[./:])?", FLAGS)
_LISTED = re.compile(r"[;&?][\w .%-]{0,40}$")
"""In a connection string or a query."""
_PHRASE_END = re.compile(r"[;&,](?=[\w.%\[\] -]{1,40}[=:]|\s|$)|&&|\|\|")
_SIGN = re.compile(r"[;&,|(){}\[\]]")


_BARE = rf"[^\s\"'`<>\\=]{{0,{MAX_VALUE}}}"


def _assignment(word: str, name: str) -> SecretForm:
    closed = "|".join(
        rf"{quote}(?P<{group}>[^{quote}\n]{{1,{MAX_VALUE}}})(?P<end_{group}>{quote})?"
        for quote, group in (('"', "double"), ("'", "single"), ("`", "back"))
    )
    pattern = (
        rf"(?P<name>{_NAMES[word]}){_TAIL}{QUOTE}(?:"
        rf"(?P<is>{BLANK}{{0,48}}(?:=>|:=|==?|:))(?:{BLANK}{{0,48}}(?:\n[ \t+]{{0,48}}){{0,2}}(?:{closed})"
        rf"|(?P<gap>{BLANK}{{0,48}})(?P<bare>{_BARE}(?:=(?![\w-]{{0,40}}=){_BARE}){{0,8}}))"
        rf"|[ ]{{1,4}}(?P<flagged>[^\s\"'`<>\\]{{{SHORTEST},{MAX_VALUE}}}))"
    )
    return SecretForm(name, cases(word), Expression(pattern, ANY_CASE), _find_assigned, nests=True, opens=_value)


def _find_assigned(match: re.Match[str]) -> Span | None:
    prefix = _name_before(match)
    kind = _kind(prefix[-16:], match["name"])
    if kind is None:
        return None
    if match["flagged"] is not None:
        return _find_flagged(match, password=kind is Kind.PASSWORD) if prefix.startswith("-") else None
    if match["bare"] is not None:
        return _bare(match, prefix, password=kind is Kind.PASSWORD)
    return _find_quoted(match, password=kind is Kind.PASSWORD)


def _value(match: re.Match[str]) -> int | None:
    """Where a value begins, when its name is a secret's."""
    if _kind(_name_before(match)[-16:], match["name"]) is None:
        return None
    return max(match.start(group) for group in ("double", "single", "back", "bare", "flagged"))


def _find_quoted(match: re.Match[str], *, password: bool) -> Span | None:
    """A value in quotes: all of it, whatever signs and blanks it has; of one that is not closed, the first word."""
    group = next(group for group in ("double", "single", "back") if match[group] is not None)
    start, end = match.span(group)
    value = match[group]
    if match[f"end_{group}"] is None and (blank := re.search(r"\s", value)):
        end = start + blank.start()
    value = match.string[start:end]
    if not is_secret(value, password=password, data=True):
        return None
    return start, start + len(value.rstrip())


def _find_flagged(match: re.Match[str], *, password: bool) -> Span | None:
    start, end = match.span("flagged")
    return (start, end) if is_secret(match["flagged"], password=password, data=True) else None


def _bare(match: re.Match[str], prefix: str, *, password: bool) -> Span | None:
    """A value without quotes: of a setting all to the blank, of code up to the next sign, and no call or name."""
    start, stop = match.span("bare")
    text, value = match.string, match["bare"]
    begin = match.start() - len(prefix)
    is_setting = match["is"] + match["gap"] in {"=", ":"} and _is_setting(text, begin, prefix + match["name"])
    is_line = text[stop : stop + 1] in {"", "\n", "\r"} and _begins_line(text, begin)
    if cut := _PHRASE_END.search(value):
        value = value[: cut.start()]
    is_listed = cut is not None and _LISTED.search(text[max(0, begin - 44) : begin]) is not None
    if is_setting or is_line or is_listed:
        return _accept(start, value, password=password, data=is_setting or is_listed)
    if sign := _SIGN.search(value):
        if sign[0] in "([{":
            return None
        value = value[: sign.start()]
    return _accept(start, value, password=password, data=False)


def _is_setting(text: str, begin: int, name: str) -> bool:
    """`DB_PASSWORD=`: a variable of the environment."""
    return name.isupper() and "-" not in name and (begin == 0 or text[begin - 1] in _BEFORE_SETTING)


def _begins_line(text: str, begin: int) -> bool:
    least = max(0, begin - 160)
    return _LINE_HEAD.fullmatch(text, max(least, text.rfind("\n", least, begin) + 1), begin) is not None


def _accept(start: int, value: str, *, password: bool, data: bool) -> Span | None:
    """Signs that end a phrase around a value are not of it."""
    value = value.rstrip(".,;:?)]}" if "(" not in value else ".,;:?")
    if not is_secret(value, password=password, data=data):
        return None
    return start, start + len(value)


def _name_before(match: re.Match[str]) -> str:
    """What stands directly before a trigger, of the same name."""
    before = match.string[max(0, match.start() - 64) : match.start()]
    return before[len(before.rstrip(_NAME_SIGNS)) :]


class Kind(Enum):
    """What a name says of the value under it."""

    PASSWORD = auto()
    NAMED = auto()
    AUTHORIZATION = auto()
    COOKIE = auto()


@lru_cache(maxsize=4096)
def _kind(prefix: str, name: str) -> Kind | None:
    match name.lower():
        case "pass" | "pwd":  # not in `bypass`, but in `dbPass`
            is_joined = prefix[-1:].isalpha() and prefix[-1:].islower() is name[0].islower()
            return None if is_joined else Kind.PASSWORD
        case "key":
            return Kind.NAMED if _KEEPER.search(prefix) else None
        case "token":
            return None if _MODEST.search(prefix) else Kind.NAMED
        case word:
            return Kind.PASSWORD if word.startswith("pass") else Kind.NAMED


_MEMBER = re.compile(rf"(?P<prefix>[\w.-]{{0,64}}?)(?P<name>{'|'.join(_NAMES.values())}){_TAIL}", ANY_CASE)
_HEADERS = {
    "authorization": Kind.AUTHORIZATION,
    "proxy-authorization": Kind.AUTHORIZATION,
    "cookie": Kind.COOKIE,
    "set-cookie": Kind.COOKIE,
}


@lru_cache(maxsize=4096)
def member_kind(name: str) -> Kind | None:
    """What a member's name in an object, or a header's in a list, says of its value; None: nothing."""
    if len(name) > 128:
        return None
    if header := _HEADERS.get(name.lower().replace("_", "-")):
        return header
    match = _MEMBER.fullmatch(name)
    return _kind(match["prefix"][-16:], match["name"]) if match else None


def is_member_secret(kind: Kind, value: str) -> bool:
    """Whether the value under a name of that kind is a secret."""
    match kind:
        case Kind.AUTHORIZATION:
            return holds_credentials(value)
        case Kind.COOKIE:
            return holds_session(value)
        case Kind.PASSWORD | Kind.NAMED:
            return is_secret(value, password=kind is Kind.PASSWORD, data=True)


MEMBER_TRIGGERS = cases("authorization", "cookie", *_NAMES)
"""One of these stands in each name that `member_kind` knows."""


def is_secret_flag(argument: str) -> bool:
    """Whether an argument of a command says that the next one is a secret: `--password`, `--api-key`."""
    return argument.startswith("-") and member_kind(argument.lstrip("-")) in {Kind.PASSWORD, Kind.NAMED}


NAMED: tuple[SecretForm, ...] = (
    _assignment("pass", "password"),
    _assignment("pwd", "password"),
    _assignment("secret", "assignment"),
    _assignment("token", "assignment"),
    _assignment("credential", "assignment"),
    _assignment("key", "assignment"),
)
