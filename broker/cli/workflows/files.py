"""Workflow files that are given to a command: reading them, and saying what is wrong in them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from broker.domain.agents.vendors import VENDORS
from broker.domain.workflows.files.definition import VarValue, WorkflowFile
from broker.domain.workflows.planning.values import parse_vars
from broker.protocol.relay_yaml.reader import Reading, read_workflow_file

EXIT_INVALID = 1
file_argument = click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True))


def read_file(file: Path, text: str | None = None) -> Reading:
    """Read FILE; `-` is the standard input. `text`: what is in it, where that was read already."""
    return read_workflow_file(text_of(file) if text is None else text, known_clis=VENDORS)


def text_of(file: Path) -> str:
    """What FILE has. Raises `ClickException` for what is no text."""
    if str(file) == "-":
        return sys.stdin.read()
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{file} is no text: byte {error.start} is not UTF-8") from None


def require_good(file: Path, reading: Reading) -> None:
    """Show what is wrong with FILE, and end with 1, unless it can be run."""
    if reading.file is None or reading.errors:
        show_problems(file, reading)
        raise click.exceptions.Exit(EXIT_INVALID)


def show_problems(file: Path, reading: Reading) -> None:
    """One line for each, as compilers write them, so that editors can go there."""
    for each in reading.problems:
        place = f"{file}:{each.position.line}:{each.position.column}"
        click.echo(f"{place}: {each.severity}: {each.message}")


def parse_assignments(file: WorkflowFile, given: Sequence[str]) -> dict[str, VarValue]:
    """The values of `--var NAME=VALUE`, with the types that the file declares. Raises `UsageError`, `BadRequest`."""
    return parse_vars(file, dict(var_pair(each) for each in given))


def var_pair(text: str) -> tuple[str, str]:
    """NAME=VALUE, apart. Raises `UsageError`."""
    name, equals, value = text.partition("=")
    if not equals:
        raise click.UsageError(f"--var takes NAME=VALUE, not {text!r}")
    return name, value
