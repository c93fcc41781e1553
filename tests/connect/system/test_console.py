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


_GOES_ON = """
import logging
from connect.system.console import flush_output, leave_output
try:
    print("to nobody", flush=True)
except BrokenPipeError:
    leave_output()
logging.warning("to nobody either")
flush_output()
"""
_WARNS = """
import logging
from connect.system.console import flush_output
logging.warning("to nobody")
print("read")
flush_output()
"""


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(("program", "printed"), [(_GOES_ON, b""), (_WARNS, b"read\n")])
def test_a_program_goes_on_without_readers_and_ends_with_its_own_status(
    program: str, printed: bytes, unbuffered: str
) -> None:
    nobody, output = os.pipe()
    os.close(nobody)
    try:
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            stdout=subprocess.PIPE if printed else output,
            stderr=output,
            timeout=60,
            check=False,
        )
    finally:
        os.close(output)
    assert (done.returncode, done.stdout or b"") == (0, printed)
