"""Refusals that come over the wire, as the domain's errors."""

from __future__ import annotations

import pytest

from broker.domain.errors import RelayError, SpawnFailed
from connect.sdk.api_client import relay_error


@pytest.mark.parametrize("code", ["exited", "CWD_MISSING", "MODEL_REFUSED", "LOGGED_OUT", "FOLDER_NOT_ALLOWED"])
def test_whatever_kept_an_agent_from_starting_is_a_failed_spawn(code: str) -> None:
    error = relay_error(502, code=code, message="W did not start: it has its reasons")
    assert (type(error), error.code) == (SpawnFailed, code)


def test_a_gateway_of_somebody_elses_that_finds_no_broker_is_none() -> None:
    assert (
        type(relay_error(502, code="NOT_A_BROKER", message="answered 502 without the broker's envelope")) is RelayError
    )
