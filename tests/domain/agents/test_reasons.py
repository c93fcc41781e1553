"""What a code is in words, in the terminal and on the dashboard."""

from __future__ import annotations

import re
from pathlib import Path

from broker.domain.agents.reasons import REASONS

TEXTS = (Path(__file__).parents[3] / "web" / "src" / "texts.ts").read_text()


def test_the_dashboard_says_the_same_of_each_code() -> None:
    found = re.search(r"^  reasons: \{\n(.*?)^  \},", TEXTS, re.MULTILINE | re.DOTALL)
    assert found
    assert dict(re.findall(r'^    (\w+): "([^"]*)",$', found[1], re.MULTILINE)) == REASONS
