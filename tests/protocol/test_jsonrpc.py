import orjson
import pytest

from broker.protocol.jsonrpc import (
    Call,
    Connection,
    Failure,
    Notification,
    PeerRequest,
    Result,
    Unmatched,
)


@pytest.fixture
def connection() -> Connection[str]:
    return Connection(versioned=False)


def test_a_result_comes_back_with_what_it_was_about(connection: Connection[str]) -> None:
    assert orjson.loads(connection.request("turn/start", {"x": 1}, subject="m1")) == {
        "id": 1,
        "method": "turn/start",
        "params": {"x": 1},
    }
    assert connection.read({"id": 1, "result": {"ok": True}}) == Result(
        call=Call("turn/start", "m1"), value={"ok": True}
    )


def test_an_error_closes_the_request(connection: Connection[str]) -> None:
    connection.request("thread/start", {})
    refusal = connection.read({"id": 1, "error": {"code": -32001, "message": "Server overloaded"}})
    assert refusal == Failure(call=Call("thread/start"), code=-32001, message="Server overloaded")
    assert connection.read({"id": 1, "result": {}}) == Unmatched(what="response")


def test_the_peers_request_ids_are_a_space_of_their_own(connection: Connection[str]) -> None:
    connection.request("initialize", {})
    assert connection.read({"id": 1, "method": "ask", "params": {}}) == PeerRequest(id=1, method="ask", params={})
    assert isinstance(connection.read({"id": 1, "result": {}}), Result)


def test_a_message_without_id_is_a_notification(connection: Connection[str]) -> None:
    assert connection.read({"method": "turn/started"}) == Notification(method="turn/started", params={})


@pytest.mark.parametrize("version", [True, False])
def test_the_version_member_is_written_only_where_the_peer_wants_it(version: bool) -> None:
    connection: Connection[None] = Connection(versioned=version)
    for raw in (
        connection.request("a", {}),
        connection.notify("b"),
        connection.respond(0, {}),
        connection.refuse(0, "no"),
    ):
        assert ("jsonrpc" in orjson.loads(raw)) is version


@pytest.mark.parametrize(
    "message",
    [{}, {"id": 7}, {"id": True, "result": {}}, {"id": None, "result": {}}, {"id": [1], "method": "x"}, {"method": 3}],
)
def test_what_is_no_message_is_told_apart(connection: Connection[str], message: dict[str, object]) -> None:
    connection.request("initialize", {})
    assert isinstance(connection.read(message), Unmatched)
