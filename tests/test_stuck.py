"""The report of a test that hung."""

import subprocess
import sys
from pathlib import Path

_HUNG = """
import asyncio, pytest

async def waits_for_ever():
    await asyncio.Event().wait()

@pytest.mark.timeout(1)
async def test_hangs():
    await waits_for_ever()
"""


def test_a_test_that_hangs_says_what_it_waited_for(tmp_path: Path) -> None:
    (tmp_path / "test_hung.py").write_text(_HUNG)
    options = ["-c", "/dev/null", "-o", "asyncio_mode=auto", "-p", "tests.stuck", "-p", "no:cacheprovider"]
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", *options, tmp_path / "test_hung.py"],
        capture_output=True,
        check=False,
        text=True,
        cwd=Path(__file__).parents[1],
        timeout=60,
    )
    assert "waits_for_ever: await asyncio.Event().wait()" in ran.stdout, ran.stdout
