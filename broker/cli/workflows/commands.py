"""`relaycast workflow`: look at workflow files, which needs no broker, and run them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
import orjson

from broker.cli.workflows.files import (
    EXIT_INVALID,
    file_argument,
    parse_assignments,
    read_file,
    require_good,
    show_problems,
)
from broker.cli.workflows.plans import show_plan
from broker.cli.workflows.runs import COMMANDS
from broker.domain.workflows.planning.plan import plan_workflow
from broker.domain.workflows.planning.values import missing_vars
from broker.protocol.relay_yaml.reader import Problem
from broker.protocol.relay_yaml.schema import COMMITTED


@click.group()
def workflow() -> None:
    """Check, plan and run workflow files (relay.yaml).

    `check`, `plan` and `schema` need no broker. The others speak to the one on this machine, or to RELAYCAST_URL.
    """


for _each in COMMANDS:
    workflow.add_command(_each)


@workflow.command()
@file_argument
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
        raise click.exceptions.Exit(EXIT_INVALID)


@workflow.command()
@file_argument
@click.option("--workflow", "-w", "name", metavar="NAME", help="Which workflow of the file.  [default: the first]")
@click.option("--var", "given", multiple=True, metavar="NAME=VALUE", help="Give a variable a value. Can be repeated.")
@click.option("--on", "machine", metavar="MACHINE", help="Where steps run that the file gives no machine.")
@click.option("--json", "json_", is_flag=True, help="One JSON document.")
def plan(*, file: Path, name: str | None, given: tuple[str, ...], machine: str | None, json_: bool) -> None:
    """Say what a run of FILE would do: order, agents, machines, and what needs consent.

    Ends with 1 when FILE has errors or a variable has no value.
    """
    reading = read_file(file)
    require_good(file, reading)
    assert reading.file is not None
    entry = reading.file.workflow(name)
    if entry is None:
        there = ", ".join(each.name for each in reading.file.workflows)
        raise click.UsageError(f"{file} has no workflow {name!r}; it has {there}")
    values = parse_assignments(reading.file, given)
    missing = missing_vars(reading.file, entry, values)
    planned = plan_workflow(reading.file, name, machine=machine)
    if json_:
        click.echo(orjson.dumps({**asdict(planned), "missing_vars": missing}))
    else:
        click.echo("\n".join(show_plan(planned, missing=missing)))
    if missing:
        raise click.exceptions.Exit(EXIT_INVALID)


@workflow.command()
def schema() -> None:
    """Print the JSON Schema of workflow files, for editors."""
    click.echo(COMMITTED.read_text(encoding="utf-8"), nl=False)


def _as_json(problem: Problem) -> dict[str, object]:
    return {
        "severity": problem.severity.value,
        "message": problem.message,
        "line": problem.position.line,
        "column": problem.position.column,
    }
