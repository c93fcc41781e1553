from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.protocol.errors import ProtocolViolation
from broker.protocol.ndjson import Document, LineReader, Noise, dumps


def read_all(chunks: list[bytes], *, max_bytes: int = 64) -> tuple[list[Document | Noise], int | None]:
    """Every line, and the offset of the violation that ended the stream, if one did."""
    reader = LineReader(max_bytes=max_bytes)
    lines: list[Document | Noise] = []
    try:
        for chunk in [*chunks, b""]:
            lines += reader.feed(chunk)
    except ProtocolViolation as violation:
        return lines, violation.offset
    return lines, None


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def test_documents_come_out_with_their_bytes_and_offsets() -> None:
    lines, _ = read_all([b'{"a":1}\n\n  {"b": 2}\r\n'])
    assert lines == [
        Document(value={"a": 1}, raw=b'{"a":1}', offset=0),
        Document(value={"b": 2}, raw=b'{"b": 2}', offset=9),
    ]


def test_half_a_line_waits_for_its_end() -> None:
    reader = LineReader()
    assert reader.feed(b'{"a"') == []
    assert reader.feed(b":1}") == []
    assert reader.feed(b"\n") == [Document(value={"a": 1}, raw=b'{"a":1}', offset=0)]


def test_half_a_surrogate_pair_does_not_lose_the_frame() -> None:
    (line,), _ = read_all([b'{"text":"cut \\ud83d"}\n'])
    assert isinstance(line, Document)
    assert line.value == {"text": "cut ?"}
    assert orjson.loads(line.raw) == line.value


def test_bytes_that_are_not_utf8_do_not_lose_the_frame() -> None:
    (line,), _ = read_all([b'{"text":"\xff"}\n'])
    assert isinstance(line, Document)
    assert orjson.loads(line.raw) == line.value == {"text": "\ufffd"}


@pytest.mark.parametrize("line", [b"(node:7) Warning: old", b"{ name: 'a logged object' }", b"17", b"[1]", b'"x"'])
def test_a_log_line_is_noise_and_the_stream_goes_on(line: bytes) -> None:
    lines, violated = read_all([line + b'\n{"a":1}\n'])
    assert [type(each) for each in lines] == [Noise, Document]
    assert violated is None


@pytest.mark.parametrize("line", [b'{"type":"resu', b'{"n":NaN}', b'{"a":' + b"[" * 40 + b"]"])
def test_a_broken_frame_is_a_violation_with_its_offset(line: bytes) -> None:
    assert read_all([b'{"a":1}\n' + line + b"\n"])[1] == 8


def test_what_came_before_a_violation_is_returned_first() -> None:
    reader = LineReader()
    assert len(reader.feed(b'{"a":1}\n{"b":\n')) == 1
    with pytest.raises(ProtocolViolation):
        reader.feed(b"")


def test_a_line_over_the_cap_is_a_violation_before_its_end_is_seen() -> None:
    reader = LineReader(max_bytes=8)
    reader.feed(b'{"a":"')
    with pytest.raises(ProtocolViolation, match="longer than 8 bytes"):
        reader.feed(b"xxxx")


def test_a_growing_line_is_not_scanned_again_for_every_chunk() -> None:
    reader = LineReader()
    chunk = b"x" * 16
    reader.feed(b'{"a":"')
    for _ in range(200_000):  # 3 MB; scanning the buffer each time would be 3e11 bytes
        reader.feed(chunk)
    (line,) = reader.feed(b'"}\n')
    assert isinstance(line, Document)
    assert len(line.raw) == 16 * 200_000 + 8


@given(st.lists(st.sampled_from([b'{"a":1}', b"\n", b"\r\n", b"noise", b'{"', b"\xff", b" ", b"[]", b"x" * 30])))
def test_any_bytes_give_lines_or_a_violation(parts: list[bytes]) -> None:
    read_all(parts)


@given(
    st.lists(st.sampled_from([b'{"a":1}\n', b"\n", b"\r\n", b"noise", b'{"', b"\xff", b" ", b"x" * 30])).map(b"".join),
    st.lists(st.integers(min_value=0), max_size=6),
)
def test_any_split_gives_the_same_lines(data: bytes, places: list[int]) -> None:
    assert read_all(cut(data, places)) == read_all([data])


@given(st.recursive(st.none() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_whatever_is_written_is_one_line_of_strict_json(value: object) -> None:
    raw = dumps(value)
    assert b"\n" not in raw
    orjson.loads(raw)


def test_a_lone_surrogate_can_be_written() -> None:
    assert orjson.loads(dumps({"text": "\ud83d"})) == {"text": "?"}
