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
