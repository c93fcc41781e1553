"""What `relaycast` has for commands, and that each costs what it needs itself."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from broker.cli import main as relaycast
from connect.cli import main as relay_connect

SERVER = ("starlette", "uvicorn", "redis", "strawberry", "chdb", "httpx", "pydantic")


@pytest.mark.parametrize("program", [relaycast, relay_connect], ids=["relaycast", "relay-connect"])
def test_every_command_is_where_the_program_says_and_has_the_name_it_is_called_by(program: click.Group) -> None:
    context = click.Context(program)
    names = program.list_commands(context)
    assert len(names) == len(set(names)) >= 8
    for name in names:
        command = program.get_command(context, name)
        assert command is not None
        assert command.name == name


def test_the_program_itself_loads_nothing_of_the_server() -> None:
    script = f"import sys, broker.cli.main\nprint([name for name in {SERVER!r} if name in sys.modules])\n"
    done = subprocess.run([sys.executable, "-c", script], check=True, timeout=30, capture_output=True, text=True)
    assert done.stdout == "[]\n"
