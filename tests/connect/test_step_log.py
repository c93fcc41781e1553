"""Lines for each step of each message at a machine."""

from collections.abc import Iterator

import pytest

from connect.step_log import log_steps, tell_step


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    log_steps(wanted=False)


def test_nothing_is_said_unless_it_is_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    log_steps(wanted=False)
    tell_step("turn is over", message="m1")
    log_steps(wanted=True)
    tell_step("turn is over", message="m2", agent=None, seq=3)
    assert caplog.messages == ["turn is over message=m2 seq=3"]


@pytest.mark.parametrize(
    "turn", ["t1\nINFO relay-connect.steps: turn is over message=m9", "t1 message=m9", "x" * 10_000]
)
def test_an_id_that_an_agent_made_up_is_one_word_of_one_line(caplog: pytest.LogCaptureFixture, turn: str) -> None:
    log_steps(wanted=True)
    tell_step("turn is over", turn=turn)
    [line] = caplog.messages
    assert line.startswith("turn is over turn='")
    assert "\n" not in line
    assert len(line) < 300
