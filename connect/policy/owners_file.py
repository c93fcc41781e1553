"""What the files have in common by which a machine's owner says what may be done on it.

They are TOML, read only where nobody but the user can have written them, and believed only as a person has confirmed
them: the hash of what was confirmed lies in the state folder of the link that it is for.
"""

from __future__ import annotations

import contextlib
import json
from enum import Enum
from pathlib import Path
from typing import ClassVar, TypeVar

from pydantic import BaseModel, ValidationError

from broker.domain.errors import BadRequest
from broker.domain.machines.policy import UNSET_POLICY
from connect.system.own_file import NotOwn, read_own
from connect.system.state_folder import write_private

NO_FILE = UNSET_POLICY
"""The hash where nothing was ever set."""

_M = TypeVar("_M", bound=BaseModel)


class OwnersFile:
    """One such file, and what a person has confirmed of it."""

    _UNREADABLE: ClassVar[str]
    """The code of refusals to read it."""
    _MAX_BYTES: ClassVar[int]

    def __init__(self, path: Path, *, record: Path) -> None:
        self.path = path
        self._record = record

    def read_confirmed(self) -> str | None:
        """The hash that a person has confirmed; None when nobody ever has."""
        with contextlib.suppress(OSError):
            return self._record.read_text(encoding="ascii", errors="replace").strip() or None
        return None

    def confirmed_ms(self) -> int | None:
        """When that was (Unix time of this machine's clock); None when nobody ever has."""
        with contextlib.suppress(OSError):
            return int(self._record.stat().st_mtime * 1000)
        return None

    def confirm(self, known: str) -> None:
        """Remember that a person has seen what has this hash. Raises `OSError`."""
        self._record.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(self._record, known.encode(), durable=True)

    def _read(self, path: Path) -> bytes | None:
        """What is on disk; None for nothing. Raises `BadRequest` for what others may have put there."""
        try:
            return read_own(path, max_bytes=self._MAX_BYTES)
        except NotOwn as why:
            raise self._unreadable(str(why), path) from None

    def _place(self, path: Path, content: bytes) -> None:
        """Write one whole. Raises `OSError`."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(path, content, durable=True)

    def _parse(self, model: type[_M], content: bytes) -> _M:
        """What it says; raises `BadRequest`."""
        import tomllib  # noqa: PLC0415 - most machines have none of these files

        try:
            return model.model_validate(tomllib.loads(content.decode("utf-8-sig")))
        except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
            raise self._unreadable(str(error)) from None
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise self._unreadable(f"{where}: {first['msg']}") from None

    def _unreadable(self, why: str, path: Path | None = None) -> BadRequest:
        return BadRequest(f"{path or self.path}: {why}", code=self._UNREADABLE)


def toml_text(value: object) -> str:
    """A value as TOML has it, on one line."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case tuple():
            return f"[{', '.join(map(toml_text, value))}]"
        case frozenset():
            return f"[{', '.join(sorted(map(toml_text, value)))}]"
        case dict():
            return "{" + ", ".join(f"{toml_text(name)} = {toml_text(each)}" for name, each in value.items()) + "}"
        case Enum():
            return toml_text(value.value)
        case _:
            # TOML's basic strings are JSON's, but for DEL.
            return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007F")
