from __future__ import annotations

import pytest

from broker.domain.errors import BadRequest, NotFound
from connect.policy.consent import ConsentDesk, Question
from connect.terminal.consents import Consents
from connect.terminal.text.layout import plain

W, X = Question(title="Ada wants W", yes="starts it"), Question(title="Bob wants X")


@pytest.fixture
def answers() -> list[tuple[int, bool]]:
    return []


@pytest.fixture
def consents(answers: list[tuple[int, bool]]) -> Consents:
    """With two questions."""
    consents = Consents(lambda number, yes: answers.append((number, yes)))
    consents.take({1: W, 2: X})
    return consents


def test_each_question_is_shown_once_and_one_that_is_taken_back_is_said_to_be(consents: Consents) -> None:
    shown = plain(consents.changes(width=60))
    assert "approve m1 (starts it)" in shown
    assert "Bob wants X" in shown
    assert consents.changes(width=60) == []
    consents.take({})
    assert plain(consents.changes(width=60)) == "· m1 is no longer asked\n· m2 is no longer asked"


def test_what_was_answered_here_is_not_said_to_be_over(consents: Consents, answers: list[tuple[int, bool]]) -> None:
    consents.changes(width=60)
    assert consents.answer("m2", yes=True, others=True) is X
    consents.take({1: W})
    assert consents.changes(width=60) == []
    assert answers == [(2, True)]


def test_which_one_is_meant_has_to_be_clear(consents: Consents, answers: list[tuple[int, bool]]) -> None:
    with pytest.raises(BadRequest, match=r"which one\? open: m1, m2"):
        consents.answer(None, yes=True, others=False)
    with pytest.raises(NotFound, match="open: m1, m2"):
        consents.answer("m3", yes=True, others=False)
    assert answers == []


def test_the_name_of_an_approval_is_for_the_approvals(consents: Consents, answers: list[tuple[int, bool]]) -> None:
    assert consents.answer("f3a2", yes=True, others=True) is None
    assert consents.answer(None, yes=True, others=True) is None
    assert answers == []


def test_the_only_question_needs_no_name(consents: Consents, answers: list[tuple[int, bool]]) -> None:
    consents.take({2: X})
    assert consents.answer(None, yes=False, others=False) is X
    assert answers == [(2, False)]


def test_of_a_text_that_is_too_long_the_rest_is_said_to_be_missing() -> None:
    consents = Consents()
    consents.take({1: Question(title="Ada wants W", details=("\n".join(map(str, range(1000))),))})
    assert "800 more lines are not shown" in plain(consents.changes(width=60))


async def test_a_desk_that_no_terminal_shows_says_no() -> None:
    assert not await ConsentDesk().ask(W)
