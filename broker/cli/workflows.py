"""`relaycast workflow`: look at workflow files. Needs no broker."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click
import orjson

from broker.cli.workflow_plans import shown_plan
from broker.domain.agents.vendors import VENDORS
from broker.domain.workflows.plan import plan_workflow
from broker.domain.workflows.values import missing_vars, parse_vars
from broker.protocol.relay_yaml.reader import Problem, Reading, read_workflow_file
from broker.protocol.relay_yaml.schema import COMMITTED

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
@_FILE
@click.option("--workflow", "-w", "name", metavar="NAME", help="Which workflow of the file.  [default: the first]")
@click.option("--var", "given", multiple=True, metavar="NAME=VALUE", help="Give a variable a value. Can be repeated.")
@click.option("--on", "machine", metavar="MACHINE", help="Where steps run that the file gives no machine.")
@click.option("--json", "json_", is_flag=True, help="One JSON document.")
def plan(*, file: Path, name: str | None, given: tuple[str, ...], machine: str | None, json_: bool) -> None:
    """Say what a run of FILE would do: order, agents, machines, and what needs consent.

    Ends with 1 when FILE has errors or a variable has no value.
    """
    reading = read_file(file)
    if reading.file is None or reading.errors:
        show_problems(file, reading)
        raise click.exceptions.Exit(_EXIT_INVALID)
    entry = reading.file.workflow(name)
    if entry is None:
        there = ", ".join(each.name for each in reading.file.workflows)
        raise click.UsageError(f"{file} has no workflow {name!r}; it has {there}")
    values = parse_vars(reading.file, dict(_pair(each) for each in given))
    missing = missing_vars(reading.file, entry, values)
    planned = plan_workflow(reading.file, name, machine=machine)
    if json_:
        click.echo(orjson.dumps({**asdict(planned), "missing_vars": missing}))
    else:
        click.echo("\n".join(shown_plan(planned, missing=missing)))
    if missing:
        raise click.exceptions.Exit(_EXIT_INVALID)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise click.UsageError(f"--var takes NAME=VALUE, not {text!r}")
    return name, value


@workflow.command()
def schema() -> None:
    """Print the JSON Schema of workflow files, for editors."""
    click.echo(COMMITTED.read_text(encoding="utf-8"), nl=False)


def read_file(file: Path) -> Reading:
    """Read FILE; `-` is the standard input."""
    text = sys.stdin.read() if str(file) == "-" else _text_of(file)
    return read_workflow_file(text, known_clis=VENDORS)


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
