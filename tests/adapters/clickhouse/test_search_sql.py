"""What people type reaches the engine as parameters alone."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.adapters.clickhouse.schema import WordIndex
from broker.adapters.clickhouse.search_sql import like, of_query, tokens
from broker.domain.ids import WorkspaceId
from broker.domain.logs.search.fields import FIELDS, Match
from broker.domain.logs.search.query import LogQuery, Phrase, Substring, Wanted, Word

_TYPED = {Match.WORD, Match.NAME, Match.KIND, Match.PATTERN, Match.PATH}
HOSTILE = "' OR 1=1 -- zebra } {p0:String} \\"


@pytest.mark.parametrize("index", list(WordIndex))
def test_nothing_that_was_typed_is_in_the_statement(index: WordIndex) -> None:
    query = LogQuery(
        terms=(Word(HOSTILE), Phrase(HOSTILE), Substring(HOSTILE)),
        without=(Word("zebra"),),
        fields=tuple(Wanted(field, (HOSTILE,)) for field in FIELDS.values() if field.match in _TYPED)
        + tuple(Wanted(field, (HOSTILE,), excluded=True) for field in FIELDS.values() if field.excludable),
    )
    condition = of_query(WorkspaceId(HOSTILE), query, index=index)
    assert "zebra" not in condition.sql
    assert "1=1" not in condition.sql
    assert set(re.findall(r"\{(\w+):", condition.sql)) == set(condition.parameters)


@given(st.text())
def test_tokens_are_what_lies_between_ascii_separators(text: str) -> None:
    found = tokens(text)
    assert all(found)
    assert "".join(found) == "".join(c for c in text if not c.isascii() or c.isalnum())


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("a*b?", "a%b_"), ("100%", "100\\%"), ("a_b", "a\\_b"), ("c:\\d", "c:\\\\d"), ("[ab]", "[ab]")],
)
def test_a_shell_pattern_becomes_one_for_like(pattern: str, expected: str) -> None:
    assert like(pattern) == expected
