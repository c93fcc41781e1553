"""Gateways that are killed while many send, each until it is answered: every message is counted, and billed, once.

`python -m tests.e2e.metered` is the long form.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.metered import measure


@pytest.mark.timeout(330)
async def test_every_message_is_counted_once_though_gateways_are_killed(tmp_path: Path) -> None:
    found = await measure(tmp_path, messages=300, kills=3)
    assert found.is_exact, str(found)
    assert found.requests > 300
