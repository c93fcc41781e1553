"""What a client sees of what goes wrong."""

import logging

import pytest
from graphql import GraphQLError

from broker.domain.errors import PlanLimitReached, RelayError, Unavailable
from graphql_api.errors import show
from graphql_api.refusals import TryLater, refusal


def test_an_unforeseen_error_is_masked_and_found_again_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        error = show(GraphQLError("secret words", original_error=ValueError("secret words")))
    assert error["extensions"]["code"] == "INTERNAL"
    assert error["extensions"]["incident"] in error["message"]
    assert "secret" not in error["message"]
    assert error["extensions"]["incident"] in caplog.text
    assert "secret words" in caplog.text


def test_a_refusal_shows_its_code_and_what_programs_want_to_know() -> None:
    cause = PlanLimitReached("all used", details={"limit": 100})
    error = show(GraphQLError("all used", path=["a"], original_error=cause))
    assert error["extensions"] == {"code": "PLAN_LIMIT", "retryable": False, "details": {"limit": 100}}


def test_what_can_be_tried_again_says_when() -> None:
    later = refusal(Unavailable("away", retry_after_s=3))
    assert isinstance(later, TryLater)
    assert (later.retryable, later.retry_after_seconds) == (True, 3)


def test_an_error_that_is_no_answer_to_a_mutation_stays_an_error() -> None:
    with pytest.raises(RelayError):
        refusal(RelayError("something broke"))
