"""The values that a command of a workflow is given: through its environment and files, never as a part of its text."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path

from broker.domain.workflows.files.command_text import LONGEST_IN_ENVIRONMENT, BoundCommand
from broker.domain.workflows.files.placeholders import Placeholder
from connect.system.state_folder import private_folder, write_private

_MOST_BYTES = 1024 * 1024
"""Of all values of a command: Linux takes 2 MiB of arguments and environment at most."""


class ValueRefused(ValueError):
    """A value cannot be given; the message says what to do about it."""


@contextlib.contextmanager
def read_given_values(bound: BoundCommand, values: Mapping[str, str], *, private: Path) -> Iterator[dict[str, str]]:
    """The variables of a command's environment, and the files that hold long values while it lasts.

    Raises `ValueRefused`, and `OSError` for a file that cannot be written.
    """
    files: list[Path] = []
    found: dict[str, str] = {}
    try:
        for name, placeholder in bound.values.items():
            value = _value(placeholder, values)
            if placeholder.as_file:
                files.append(private_folder(private, parents=True) / f"{secrets.token_hex(8)}.txt")
                write_private(files[-1], value.encode())
                value = str(files[-1])
            found[name] = _fitting(placeholder, value)
        if sum(len(value.encode()) for value in found.values()) > _MOST_BYTES:
            raise ValueRefused("its values are too long together: write {{steps.STEP.file}} for the longest")
        yield found
    finally:
        for file in files:
            file.unlink(missing_ok=True)


def _value(placeholder: Placeholder, values: Mapping[str, str]) -> str:
    name = f"steps.{placeholder.step}.output" if placeholder.as_file else placeholder.name
    if name not in values:
        raise ValueRefused(f"there is no value for {{{{{placeholder.name}}}}}")
    # No environment holds a NUL, and what is no text in UTF-8 nobody has meant.
    value = values[name].replace("\0", "").encode("utf-8", "replace").decode()
    return placeholder.filtered(value)


def _fitting(placeholder: Placeholder, value: str) -> str:
    if len(value.encode()) <= LONGEST_IN_ENVIRONMENT:
        return value
    advice = f"write {{{{steps.{placeholder.step}.file}}}}" if placeholder.step else "give it in a file"
    raise ValueRefused(f"the value of {{{{{placeholder.name}}}}} is too long for a command's environment: {advice}")
