"""Runs a command on a terminal of its own, as a person has it. As a program it is an agent that would pass for one."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

RELAY_CONNECT = (sys.executable, "-c", "from connect.cli import main; main()")
_ROOT = Path(__file__).parents[2]
_TYPE = "import json, sys; from tests.connect import at_terminal as t; t.show(json.loads(sys.argv[1]))"


def at_terminal(
    argv: Sequence[str], *, environment: Mapping[str, str], cwd: Path | None = None, types: str = ""
) -> tuple[int, str]:
    """The exit status, and all that was to be seen. What is typed lies there before the command asks for it."""
    ours, theirs = pty.openpty()
    os.write(ours, types.encode())
    process = subprocess.Popen(
        argv, stdin=theirs, stdout=theirs, stderr=theirs, env=dict(environment), cwd=cwd, start_new_session=True
    )
    os.close(theirs)
    seen = bytearray()
    try:
        while chunk := os.read(ours, 65536):
            seen += chunk
    except OSError:  # what a terminal says when nobody is left on it
        pass
    os.close(ours)
    return process.wait(), seen.decode(errors="replace").replace("\r\n", "\n")


def run_by_script(argv: Sequence[str], *, environment: Mapping[str, str]) -> tuple[int, str]:
    """The exit status and all output of a command that a script runs."""
    done = subprocess.run(argv, env=dict(environment), capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


def posing(argv: Sequence[str], *, environment: Mapping[str, str]) -> list[str]:
    """The command by which an agent runs `argv` at a terminal, without a trace of itself; it prints what was seen."""
    wanted = json.dumps({"argv": list(argv), "environment": dict(environment)})
    return ["env", f"PYTHONPATH={_ROOT}", sys.executable, "-m", "tests.connect.at_terminal", wanted]


def show(wanted: Mapping[str, object]) -> None:
    """Run it and print what was to be seen."""
    argv, environment = wanted["argv"], wanted["environment"]
    assert isinstance(argv, list)
    assert isinstance(environment, dict)
    print(*at_terminal(argv, environment=environment), flush=True)


def _pose(wanted: str) -> None:
    """No parent, no session and no environment are left that an agent has had."""
    alone, between = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.close(between)
            os.read(alone, 1)  # until the one in between is gone
            clean = {"PATH": os.environ["PATH"], "PYTHONPATH": str(_ROOT)}
            os.execve(sys.executable, [sys.executable, "-c", _TYPE, wanted], clean)
        os._exit(0)
    os.close(between)
    os.wait()


if __name__ == "__main__":
    _pose(sys.argv[1])
