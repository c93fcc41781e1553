"""How a socket is closed when its peer may not go on."""

import pytest
from starlette.types import Message
from starlette.websockets import WebSocket

from broker.gateway.serving.websocket_protocol import EXTENSION
from broker.gateway.sockets.peers import close_when_lost
from broker.protocol import close_codes
from broker.services.people.open_connections import Loss
from tests.fixtures.samples import sample


class Outbox:
    """Of a peer that says nothing: what it was hung up on with."""

    def __init__(self) -> None:
        self.codes: list[int] = []

    def hang_up(self, code: int, _reason: str) -> None:
        self.codes.append(code)


def a_socket(outbox: Outbox) -> WebSocket:
    async def receive() -> Message:
        raise NotImplementedError

    async def send(message: Message) -> None:
        raise NotImplementedError

    return WebSocket({"type": "websocket", "extensions": {EXTENSION: outbox}}, receive, send)


@pytest.mark.parametrize(
    ("loss", "code", "returns"),
    [
        (Loss.ENDED, 4501, False),
        (Loss.EXPIRED, 4501, False),
        (Loss.NOT_RENEWED, 4415, True),
        (Loss.NOT_PERMITTED, 4503, False),
        (Loss.UNCHECKED, 4410, True),
        (Loss.DRAINING, 1012, True),
    ],
)
def test_a_peer_that_may_not_go_on_hears_whether_to_come_again(loss: Loss, code: int, returns: bool) -> None:
    outbox, before = Outbox(), sample("relaycast_closes_total", code=str(code))
    close_when_lost(a_socket(outbox))(loss, "why")
    assert outbox.codes == [code]
    assert sample("relaycast_closes_total", code=str(code)) == before + 1
    assert close_codes.may_return(code) is returns
