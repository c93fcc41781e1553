"""What a code is in words, in the terminal and on the dashboard."""

from __future__ import annotations

import re
from pathlib import Path

from broker.domain.agents.reasons import REASONS

LUA = Path(__file__).parents[3] / "broker" / "adapters" / "redis" / "lua"
TEXTS = (Path(__file__).parents[3] / "web" / "src" / "texts.ts").read_text()


def test_the_dashboard_says_the_same_of_each_code() -> None:
    found = re.search(r"^  reasons: \{\n(.*?)^  \},", TEXTS, re.MULTILINE | re.DOTALL)
    assert found
    assert dict(re.findall(r'^    (\w+): "([^"]*)",$', found[1], re.MULTILINE)) == REASONS


def test_each_code_that_the_store_gives_has_words() -> None:
    written = "\n".join(each.read_text() for each in LUA.rglob("*.lua"))
    given = set(re.findall(r"(?:restart|undeliverable|drop_inflight)\([^\n]*?, '(\w+)'", written))
    assert {"relay_connect_restarted", "inbox_full", "expired"} <= given
    assert given - REASONS.keys() == set()
