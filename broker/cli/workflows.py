"""`relaycast workflow`: look at workflow files. Needs no broker."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import orjson

from broker.protocol.relay_yaml.reader import Problem, Reading, read_workflow_file
from broker.protocol.relay_yaml.schema import COMMITTED
from connect.machine.known_agents import KNOWN_AGENTS

_EXIT_INVALID = 1
_FILE = click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True))


@click.group()
def workflow() -> None:
    """Check and plan workflow files (relay.yaml)."""


@workflow.command()
@_FILE
@click.option("--json", "json_", is_flag=True, help="One JSON document.")
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
def check(*, file: Path, json_: bool, strict: bool) -> None:
    """Say what is wrong with FILE, by line and column.

    Ends with 0 when it can be run, with 1 when not.
    """
    reading = read_file(file)
    if json_:
        click.echo(orjson.dumps({"file": str(file), "problems": [_as_json(each) for each in reading.problems]}))
    else:
        show_problems(file, reading)
        if not reading.problems:
            click.echo(f"✓ {file}: nothing to say against it")
    if reading.errors or (strict and reading.problems):
        raise click.exceptions.Exit(_EXIT_INVALID)


@workflow.command()
def schema() -> None:
    """Print the JSON Schema of workflow files, for editors."""
    click.echo(COMMITTED.read_text(encoding="utf-8"), nl=False)


def read_file(file: Path) -> Reading:
    """Read FILE; `-` is the standard input."""
    text = sys.stdin.read() if str(file) == "-" else _text_of(file)
    return read_workflow_file(text, known_clis=KNOWN_AGENTS)


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{file} is no text: byte {error.start} is not UTF-8") from None


def show_problems(file: Path, reading: Reading) -> None:
    """One line for each, as compilers write them, so that editors can go there."""
    for each in reading.problems:
        place = f"{file}:{each.position.line}:{each.position.column}"
        click.echo(f"{place}: {each.severity}: {each.message}")


def _as_json(problem: Problem) -> dict[str, object]:
    return {
        "severity": problem.severity.value,
        "message": problem.message,
        "line": problem.position.line,
        "column": problem.position.column,
    }
