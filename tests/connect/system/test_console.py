from __future__ import annotations

import os
import subprocess
import sys

import pytest

_SAYS = "import click; main.add_command(click.Command('say', callback=lambda: click.echo('\u2713'))); main(['say'])"


@pytest.mark.parametrize("program", ["connect.cli", "broker.cli"])
def test_both_commands_print_a_question_mark_where_the_console_lacks_a_character(program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"from {program} import main; {_SAYS}"],
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, b"?\n"), done.stderr.decode()


@pytest.mark.parametrize("arguments", [["--help"], ["doctor", "--help"], ["--no-such-optiön"]])
@pytest.mark.parametrize("program", ["broker.cli", "connect.cli"])
def test_help_and_mistakes_are_said_on_every_console(program: str, arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", program, *arguments],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert b"Traceback" not in done.stderr
    assert done.returncode in {0, 2}
