"""Close codes: who may come back is told by the number alone."""

from broker.protocol import close_codes
from broker.protocol.close_codes import may_return


def test_a_peer_knows_from_the_number_what_the_table_says() -> None:
    for each in close_codes.ALL:
        assert may_return(each.code) == (each.retry_after_s is not None), each
    assert len({each.code for each in close_codes.ALL}) == len(close_codes.ALL)


def test_a_slow_reader_may_come_back_as_clients_of_graphql_transport_ws_do() -> None:
    assert close_codes.SLOW_CONSUMER.code == 4508
    assert may_return(4508)
    assert not may_return(4509)


def test_reasons_fit_a_close_frame() -> None:
    assert all(len(each.reason.encode()) <= 123 for each in close_codes.ALL)
