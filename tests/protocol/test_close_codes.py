"""Close codes: who may come back is told by the number alone, and one number means one thing."""

import re
from collections import defaultdict
from pathlib import Path

from broker.protocol import close_codes
from broker.protocol.close_codes import CloseCode, may_return

DASHBOARD = Path(__file__).parents[2] / "web" / "src" / "live" / "wire" / "closeCodes.ts"
EVERY = [*close_codes.ALL, *close_codes.GRAPHQL.values(), *close_codes.DIRECT]


def test_a_peer_knows_from_the_number_what_the_table_says() -> None:
    for each in close_codes.ALL:
        assert may_return(each.code) == each.comes_back, each
    assert len({each.code for each in close_codes.ALL}) == len(close_codes.ALL)


def test_a_number_means_the_same_on_every_socket() -> None:
    by_number: dict[int, set[CloseCode]] = defaultdict(set)
    for each in EVERY:
        by_number[each.code].add(each)
    assert [codes for codes in by_number.values() if len(codes) > 1] == []


def test_every_code_is_in_the_table() -> None:
    named = {value for value in vars(close_codes).values() if isinstance(value, CloseCode)}
    assert named == set(EVERY)


def test_the_dashboard_has_the_same_table() -> None:
    rows = re.findall(r"(\w+): \{ code: (\d+), comesBack: (true|false) \}", DASHBOARD.read_text())
    there = {name: (int(code), comes_back == "true") for name, code, comes_back in rows}
    assert there == {name: (each.code, each.comes_back) for name, each in close_codes.GRAPHQL.items()}


def test_the_dashboard_has_the_same_band() -> None:
    first, last = (
        int(re.findall(rf"{name} = (\d+);", DASHBOARD.read_text())[0]) for name in ("FIRST_FINAL", "LAST_FINAL")
    )
    final = [code for code in range(4000, 5000) if not may_return(code)]
    assert (int(first), int(last)) == (min(final), max(final))


def test_a_slow_reader_may_come_back_as_clients_of_graphql_transport_ws_do() -> None:
    assert close_codes.SLOW_CONSUMER.code == 4508
    assert may_return(4508)
    assert not may_return(4509)


def test_a_gateway_of_an_earlier_version_that_shuts_down_is_come_back_to() -> None:
    assert may_return(4400)


def test_reasons_fit_a_close_frame() -> None:
    assert all(len(each.reason.encode()) <= 123 for each in EVERY)
