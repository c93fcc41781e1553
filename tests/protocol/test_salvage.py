import pytest

from broker.protocol.salvage import elements, last_members, plain_members, without_depths


@pytest.mark.parametrize(
    ("text", "members"),
    [
        (b'{"a":1,"b":"x","c":null,"d":true}', {"a": 1, "b": "x", "c": None, "d": True}),
        (b'{"a":{"id":5},"b":[{"id":6}],"id":7}', {"id": 7}),
        (b'{"id":7,"a":{"id":5', {"id": 7}),
        (b'{"id":7,"a":"cut off', {"id": 7}),
        (b'{"id":7', {}),
        (b'{"id":7,"a":NaN,"b":1}', {"id": 7}),
        (b'{"id":"\\ud83d","b":1}', {"b": 1}),
        (b'{"a":"}\\"{","id":7}', {"a": '}"{', "id": 7}),
        (b'{"id":7,"id":8}', {"id": 7}),
        (b"no object", {}),
        (b"", {}),
    ],
)
def test_the_plain_members_of_an_object_are_read_as_far_as_it_goes(text: bytes, members: dict[str, object]) -> None:
    assert plain_members(text) == members


def test_the_last_members_are_those_right_before_the_end() -> None:
    assert last_members(b'.."x":{"id":5}],"id":7,"type":"t"}') == {"id": 7, "type": "t"}
    assert last_members(b'.."x":{"id":5}}') == {}


def test_the_elements_of_a_list_are_told_apart_whatever_is_in_them() -> None:
    text = b'{"type":"reports","reports":[{"a":[1,"]"]}, [ ] ,{"b":{}}],"z":[]}'
    assert elements(text, member=b"reports") == [b'{"a":[1,"]"]}', b"[ ]", b'{"b":{}}']
    assert elements(b'{"reports":[{"a":1}', member=b"reports") is None
    assert elements(b'{"other":[]}', member=b"reports") is None


def test_depths_are_replaced_and_the_rest_is_left_as_it_is() -> None:
    text = b'{"a":[[1],[2,[3]]],"b":"[[["}'
    assert without_depths(text, levels=2, instead=b"0", at_most=100) == b'{"a":[0,0],"b":"[[["}'
    assert without_depths(text, levels=2, instead=b"0", at_most=3) is None
    assert without_depths(b"[[1]", levels=2, instead=b"0", at_most=100) is None
