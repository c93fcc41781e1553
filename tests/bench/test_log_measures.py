"""The log measures on a small scale, so that they keep running."""

from pathlib import Path

import pytest

from broker.domain.logs.search.query import LogQuery, Phrase, Substring, Word
from tests.bench.log_rows import BIG, COMMON, PART, PHRASE, RARE
from tests.bench.log_search import QUESTIONS, fill, measure_search, measure_size, measure_stall
from tests.bench.log_stage import log_stage
from tests.bench.logs_shipping import measure_lag, measure_shipping

ROWS = 20_000


@pytest.mark.timeout(300)
async def test_every_question_is_asked_of_generated_lines_and_has_hits(tmp_path: Path) -> None:
    async with log_stage(tmp_path) as stage:
        await fill(stage, ROWS)
        for term in (Word(RARE), Word(COMMON), Phrase(PHRASE), Substring(PART)):
            assert (await stage.store.search(BIG, LogQuery(terms=(term,)), limit=1)).rows, term
        searches = await measure_search(stage, rows=ROWS, runs=1)
        assert [row[0] for row in searches.rows] == list(QUESTIONS)
        assert [row[0] for row in (await measure_stall(stage, rounds=1)).rows] == ["idle", "searching"]
        assert (await measure_size(stage, rows=ROWS)).rows[0][0] == f"{ROWS:,}"
        await fill(stage, ROWS)
        with pytest.raises(SystemExit, match="20,000 lines"):
            await fill(stage, 1)


@pytest.mark.timeout(300)
async def test_what_is_appended_is_shipped_and_found(tmp_path: Path) -> None:
    async with log_stage(tmp_path) as stage:
        shipped = await measure_shipping(stage, count=300)
        assert len(shipped.rows) == 3
        [(_, events, *_lags)] = (await measure_lag(stage, seconds=1)).rows
        assert events == 500
