"""What follows an attempt to deliver."""

import pytest

from broker.domain.hooks.deliveries import WAITS_S, Outcome, Tried, judge

NOW_S = 1_800_000_000.0


def after(**tried: object) -> tuple[Outcome, float, str]:
    given = {"attempt": 1, **tried}
    verdict = judge(Tried(**given), run="run", now_s=NOW_S)  # type: ignore[arg-type]  # as the tests give them
    return verdict.outcome, verdict.wait_s, verdict.reason


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_every_2xx_is_a_success(status: int) -> None:
    assert after(status=status)[0] is Outcome.COMPLETED


@pytest.mark.parametrize("status", [100, 301, 307, 400, 404, 429, 500, 503])
def test_everything_else_is_tried_again_after_a_growing_wait(status: int) -> None:
    for attempt in range(1, len(WAITS_S)):
        outcome, wait_s, reason = after(attempt=attempt, status=status)
        assert outcome is Outcome.RETRIED
        assert WAITS_S[attempt] <= wait_s <= 1.1 * WAITS_S[attempt]
        assert reason.startswith(f"answered {status}")
    outcome, _, reason = after(attempt=len(WAITS_S), status=status)
    assert (outcome, "10 attempts in all" in reason) == (Outcome.FAILED, True)


def test_one_that_is_gone_stops_the_hook() -> None:
    verdict = judge(Tried(attempt=1, status=410), run="run", now_s=NOW_S)
    assert (verdict.outcome, verdict.stops) == (Outcome.FAILED, True)


def test_no_answer_is_tried_again_and_what_is_refused_here_is_not() -> None:
    assert after(reason="did not answer within 15 s")[0] is Outcome.RETRIED
    assert after(reason="not called from here", final=True) == (Outcome.FAILED, 0, "not called from here")


@pytest.mark.parametrize(
    ("asked", "wait_s"),
    [
        ("3600", 3600),
        ("Fri, 15 Jan 2027 09:00:00 GMT", 3600),
        ("999999999", 86400),
        ("9" * 400, 86400),
        ("0", 5),
        ("-5", 5),
        ("soon", 5),
        ("Fri, 15 Jan 2021 09:00:00 GMT", 5),
        ("²", 5),
    ],
)
def test_a_receiver_says_when_to_come_back_within_a_day(asked: str, wait_s: float) -> None:
    outcome, waited_s, _ = after(status=429, retry_after=asked)
    assert outcome is Outcome.RETRIED
    assert wait_s <= waited_s <= 1.1 * wait_s


def test_waits_of_several_runs_differ_and_of_one_run_do_not() -> None:
    waits = {judge(Tried(attempt=2, status=500), run=run, now_s=0).wait_s for run in ("a", "b", "c", "a")}
    assert len(waits) == 3
