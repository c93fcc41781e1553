from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest

from connect.system.orphans import reap_orphans

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="process 1 of a container, which is Linux")

_SCRIPT = """
import asyncio, os, signal, subprocess, sys
from connect.system import child_watching
from connect.system.orphans import _find_ended_children, reap_orphans

async def main():
    assert os.getpid() == 1
    reaping = asyncio.ensure_future(reap_orphans(every_s=0.05))
    # The one in between leaves; the orphan ends by itself afterwards and is given to process 1.
    between = await asyncio.create_subprocess_exec(
        "sh", "-c", "(sleep 0.1; exit 0) & echo $!", stdout=asyncio.subprocess.PIPE
    )
    orphan, _ = await between.communicate()
    async with asyncio.timeout(20):
        while os.path.exists(f"/proc/{int(orphan)}"):
            await asyncio.sleep(0.02)
    ours = await asyncio.create_subprocess_exec("sh", "-c", "exit 7")
    status = await ours.wait()
    print("left", len(_find_ended_children()), "status", status)
    reaping.cancel()

with child_watching.children_without_threads():
    asyncio.run(main())
"""


def test_process_1_of_a_container_leaves_no_zombies_and_keeps_the_status_of_its_own_children() -> None:
    alone = ["unshare", "--map-root-user", "--user", "--pid", "--fork", "--mount-proc"]
    if os.geteuid() == 0:
        alone = ["unshare", "--pid", "--fork", "--mount-proc"]
    done = subprocess.run([*alone, sys.executable, "-c", _SCRIPT], capture_output=True, timeout=60, check=False)
    assert done.stdout == b"left 0 status 7\n", done.stderr.decode()


async def test_any_other_process_is_given_no_orphans_and_does_not_look_for_them() -> None:
    async with asyncio.timeout(5):
        await reap_orphans()
