"""How a connection is hung up on when its peer may not go on."""

import pytest

from broker.services.people.open_connections import Loss
from graphql_api.serving.connection import close_code


@pytest.mark.parametrize(
    ("loss", "code"),
    [
        (Loss.ENDED, 4401),
        (Loss.EXPIRED, 4403),
        (Loss.NOT_RENEWED, 4403),
        (Loss.NOT_PERMITTED, 4403),
        (Loss.UNCHECKED, 1012),
        (Loss.DRAINING, 1012),
    ],
)
def test_a_peer_that_may_not_go_on_hears_whether_a_fresh_token_or_another_gateway_helps(loss: Loss, code: int) -> None:
    assert close_code(loss).code == code
