"""What is a wall against an agent of the same user, and what only against one of a user of its own."""

from __future__ import annotations

import os

import pytest

from tests.hostile.__main__ import play_as
from tests.hostile.attempts import attempts
from tests.hostile.scene import NOBODY, Results

FENCES = {"workspace_key", "store"}
"""What the owner of the broker's data folder can read, its agents can."""


def got(results: Results) -> set[str]:
    assert set(results) == set(attempts())
    return {name for name, (was_got, _) in results.items() if was_got}


@pytest.mark.timeout(180)
@pytest.mark.parametrize("beside", [False, True], ids=["of this link", "of another link"])
async def test_an_agent_of_the_same_user_gets_what_lies_in_files_and_nothing_else(beside: bool) -> None:
    results = await play_as(None, beside=beside)
    assert results is not None
    assert got(results) == FENCES, results


@pytest.mark.timeout(180)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give agents a user of their own")
async def test_an_agent_of_a_user_of_its_own_gets_nothing() -> None:
    results = await play_as(NOBODY)
    if results is None:
        pytest.skip("there is no Python here that another user can start with these packages")
    assert got(results) == set(), results
