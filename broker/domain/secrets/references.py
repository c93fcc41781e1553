"""Names of secrets, and the texts that refer to them: `secret:CI_WEBHOOK`."""

from __future__ import annotations

import re

from broker.domain.errors import BadRequest

PREFIX = "secret:"
MAX_SECRETS = 200
"""In one workspace."""
MAX_VALUE_BYTES = 16 * 1024
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")


def require_name(text: str) -> str:
    """A secret's name. Raises `BadRequest` (INVALID_NAME)."""
    if not _NAME.fullmatch(text):
        raise BadRequest(
            "a secret's name begins with a letter and has letters, digits, `_`, `.` and `-`, 64 at most",
            code="INVALID_NAME",
        )
    return text


def find_reference(text: str) -> str | None:
    """The name that a text refers to; None for a text that is no reference, also where only the form is wrong."""
    name = text.removeprefix(PREFIX)
    return name if text.startswith(PREFIX) and _NAME.fullmatch(name) else None


def require_value(value: str) -> str:
    """What can be kept. Raises `BadRequest`."""
    if not value:
        raise BadRequest("a secret has at least one character")
    if len(value.encode()) > MAX_VALUE_BYTES:
        raise BadRequest(f"a secret has at most {MAX_VALUE_BYTES // 1024} KiB", code="TOO_LARGE")
    return value
