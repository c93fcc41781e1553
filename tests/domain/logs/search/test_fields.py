"""The fields of a search, and who else names them."""

import re
from pathlib import Path
from typing import get_args

import pytest

from broker.adapters.clickhouse.columns import COLUMNS
from broker.cli.logs import logs
from broker.domain.logs.search import language
from broker.domain.logs.search.fields import FIELDS
from broker.gateway.mcp import LogSearchText

_BROWSER = Path("web/src/pages/logs/model/conditions.ts").read_text()


def test_every_field_is_a_column_of_the_log_store() -> None:
    assert {field.column for field in FIELDS.values()} <= {column.name for column in COLUMNS}


def test_the_browser_knows_the_same_fields_and_lists() -> None:
    head = re.search(r"const HEAD = .*\(\?:\(([a-z|]+)\):", _BROWSER)
    lists = re.search(r"const LISTS = new Set\(\[(.*)\]\)", _BROWSER)
    assert head is not None
    assert lists is not None
    assert head[1].split("|") == list(FIELDS)
    assert re.findall(r'"(\w+)"', lists[1]) == [field.word for field in FIELDS.values() if field.is_list]


@pytest.mark.parametrize("word", FIELDS)
@pytest.mark.parametrize("told", [language.__doc__, logs.help], ids=["language", "shell"])
def test_every_field_is_explained(word: str, told: str) -> None:
    assert f"{word}:" in told


@pytest.mark.parametrize("word", [word for word in FIELDS if word not in {"session", "cli"}])
def test_agents_are_told_of_every_field_that_helps_them(word: str) -> None:
    assert f"{word}:" in get_args(LogSearchText)[1].description
