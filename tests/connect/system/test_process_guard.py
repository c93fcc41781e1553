"""What a process keeps from the other programs of its user."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what is kept from others is read in /proc here")

_GUARDED = """
import os, resource, sys
from connect.system.process_guard import guard_process, wipe_arguments, wipe_environment
guard_process()
wipe_environment(["RELAYCAST_TOKEN", "RELAYCAST_ABSENT"])
wipe_arguments(sys.argv[1])
wipe_arguments("")
assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0
print(os.environ.get("RELAYCAST_TOKEN"), os.environ["KEPT"], flush=True)
sys.stdin.read()
"""


def test_neither_environment_nor_arguments_show_what_was_wiped() -> None:
    environment = {"PATH": os.environ["PATH"], "RELAYCAST_TOKEN": "rk_live_secret", "KEPT": "kept"}
    command = [sys.executable, "-c", _GUARDED, "rk_live_argument"]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "None kept\n"
        shown = Path(f"/proc/{process.pid}/environ").read_bytes() + Path(f"/proc/{process.pid}/cmdline").read_bytes()
        process.communicate("")
    assert b"KEPT=kept" in shown
    assert b"rk_live" not in shown


_AS_A_USER = """
import ctypes
# Root reads everything by its capabilities: without them it is a user like any other.
header = (ctypes.c_uint32 * 2)(0x20080522, 0)
assert ctypes.CDLL(None, use_errno=True).capset(header, (ctypes.c_uint32 * 6)()) == 0
"""
_READING = f"""{_AS_A_USER}
import sys
for name in ("environ", "mem", "maps", "fd/0"):
    try:
        open(f"/proc/{{sys.argv[1]}}/{{name}}", "rb").close()
        print("opened", name)
    except OSError:
        pass
"""


@pytest.mark.parametrize(
    ("guard", "opened"), [("guard_process()", ""), ("", "opened environ\nopened mem\nopened maps\nopened fd/0\n")]
)
def test_another_program_of_the_same_user_can_read_a_process_only_while_it_is_not_guarded(
    guard: str, opened: str
) -> None:
    program = (
        f"{_AS_A_USER}\nfrom connect.system.process_guard import guard_process\n{guard}\nprint(flush=True)\ninput()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        reading = [sys.executable, "-c", _READING, str(process.pid)]
        read = subprocess.run(reading, capture_output=True, text=True, timeout=30, check=False)
        process.communicate("\n")
    assert (read.stdout, read.returncode) == (opened, 0), read.stderr
