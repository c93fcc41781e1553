"""What the SDK says of what the broker says."""

import pytest

from broker.domain.messages.messages import Role
from connect.sdk.types import Sender


@pytest.mark.parametrize(
    ("sender", "shown"),
    [
        (Sender(name="operator", role=Role.EXTERNAL), "operator (program)"),
        (Sender(name="Ada", role=Role.HUMAN), "Ada"),
        (Sender(name="Worker", role=Role.PEER, agent="a"), "Worker"),
    ],
)
def test_a_program_that_is_called_like_a_person_is_shown_as_a_program(sender: Sender, shown: str) -> None:
    assert sender.shown == shown
