"""Tokens as text: looked at before they are used, and hidden wherever text is shown."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from pathlib import Path
from types import TracebackType

from typing_extensions import override

from broker.domain.errors import NotAuthenticated
from broker.domain.people.token_text import foreign_character, hide_tokens

_SURROUNDINGS = " \t\r\n"
"""What editors, shells and `echo` leave around a token; everything else in it is a mistake to be told of."""
_MAX_FILE_BYTES = 64 * 1024
"""Many times a token; a device or a pipe without an end is not read for ever."""


def check_token(text: str, *, source: str) -> str:
    """The token in `text`, which came from `source`.

    Raises `NotAuthenticated` when there is none, or one with a character that no token has. HTTP libraries refuse such
    a header late, and quote it whole.
    """
    token = text.strip(_SURROUNDINGS)
    if not token:
        raise NotAuthenticated(f"{source} is empty", code="TOKEN_MALFORMED")
    foreign = foreign_character(token)
    if foreign is not None:
        place, name = foreign
        before = text[: text.index(token) + place]
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        raise NotAuthenticated(
            f"{source} has a character that no token has: {name} in line {line}, column {column};"
            " copy the token anew, as plain text",
            code="TOKEN_MALFORMED",
        )
    return token


def read_token_file(path: Path) -> str:
    """The token in a file; `-` is standard input. Raises `NotAuthenticated` with what is wrong with it."""
    source = "standard input" if str(path) == "-" else f"the token file {path}"
    try:
        content = _read(path)
    except OSError as error:
        raise NotAuthenticated(f"{source} cannot be read: {error.strerror}") from None
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise NotAuthenticated(f"{source} is UTF-16; save it as UTF-8 without a byte order mark")
    try:
        return check_token(content.decode(), source=source)
    except UnicodeDecodeError as error:
        raise NotAuthenticated(
            f"{source} is no text: byte 0x{content[error.start]:02X} at place {error.start + 1}", code="TOKEN_MALFORMED"
        ) from None


class TokenFreeFormatter(logging.Formatter):
    """Formats log records, tracebacks included, without tokens."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        return hide_tokens(super().format(record))


def keep_tokens_out_of_output() -> None:
    """Hide tokens in what the interpreter prints by itself: log records, and what ends the program."""
    handler = logging.StreamHandler()
    handler.setFormatter(TokenFreeFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    sys.excepthook = _print_without_tokens


def _print_without_tokens(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    sys.stderr.write(hide_tokens("".join(traceback.format_exception(kind, error, trace))))


def _read(path: Path) -> bytes:
    if str(path) == "-":
        return sys.stdin.buffer.read(_MAX_FILE_BYTES)
    # A pipe, such as a shell's `<(…)`, gives what it has piece by piece.
    descriptor = os.open(path.expanduser(), os.O_RDONLY | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:  # noqa: PTH123 - it is open already
        return file.read(_MAX_FILE_BYTES)
