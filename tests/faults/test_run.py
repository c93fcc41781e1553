"""The whole apparatus on a calm stage: traffic flows, the books close, and nothing is wrong."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults import report
from tests.faults.faults import FAULTS
from tests.faults.run import Passed, Run


@pytest.mark.timeout(300)
async def test_a_calm_stage_is_clean_and_its_account_is_told(tmp_path: Path) -> None:
    told: list[Passed] = []
    run = Run(faults=[replace(FAULTS[0], short_s=2)], folder=tmp_path, tell=told.append)
    (found,) = [each async for each in run.stages()]
    assert found.verdict.problems == ()
    assert found.verdict.phases["none"].accepted > 0
    assert found.events > found.verdict.total.accepted
    assert [each.phase for each in told] == ["none"]
    assert "no problems" in report.conclusion([found])
    assert (tmp_path / "stage-1" / "history.json").exists()


def test_every_fault_has_a_name_of_its_own_and_lasts_no_less_where_there_is_time() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert [fault.name for fault in FAULTS if fault.long_s < fault.short_s] == []
