from itertools import pairwise

import orjson
import pydantic_core
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.protocol.json_text import MAX_DEPTH
from broker.protocol.ndjson import MAX_TEXT_BYTES, Broken, Document, Line, LineReader, Noise
from tests.fuzz.harness import memory_bound, watchdog


def read_all(chunks: list[bytes], *, max_bytes: int = 64) -> list[Line]:
    reader = LineReader(max_bytes=max_bytes)
    return [line for chunk in chunks for line in reader.feed(chunk)]


def read_one(line: bytes, *, max_bytes: int = 1 << 20) -> Line:
    (found,) = LineReader(max_bytes=max_bytes).feed(line + b"\n")
    return found


def document(line: bytes, *, max_bytes: int = 1 << 20) -> Document:
    found = read_one(line, max_bytes=max_bytes)
    assert isinstance(found, Document)
    assert orjson.loads(found.raw) == found.value
    return found


def broken(line: bytes, *, max_bytes: int = 1 << 20) -> Broken:
    found = read_one(line, max_bytes=max_bytes)
    assert isinstance(found, Broken)
    return found


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(edges)]


def test_documents_come_out_with_their_bytes_and_offsets() -> None:
    lines = read_all([b'{"a":1}\n\n  {"b": 2}\r\n'])
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
    assert document(b'{"text":"cut \\ud83d"}').value == {"text": "cut \ufffd"}


def test_bytes_that_are_not_utf8_do_not_lose_the_frame() -> None:
    assert document(b'{"text":"\xff"}').value == {"text": "\ufffd"}


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e400", b"9" * 400, b"-" + b"9" * 50_000])
def test_a_number_that_is_not_finite_becomes_null(number: bytes) -> None:
    found = document(b'{"n":[' + number + b'],"m":1}')
    assert found.value == {"n": [None], "m": 1}
    assert found.mended
    assert not found.cut


def test_an_integer_of_more_than_64_bits_becomes_the_nearest_number() -> None:
    assert document(b'{"n":18446744073709551616,"m":18446744073709551615}').value == {
        "n": 18446744073709551616.0,
        "m": 18446744073709551615,
    }


def test_control_characters_within_a_text_do_not_lose_the_frame() -> None:
    assert document(b'{"text":"a\x00b\x1b[1m\tc"}').value == {"text": "a\x00b\x1b[1m\tc"}


def test_of_a_key_that_is_there_twice_every_reader_takes_the_last() -> None:
    assert document(b'{"a":1,"a":2}').value == {"a": 2}


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 195, 250, 1000, 5000])
def test_what_is_nested_too_deeply_is_left_out_and_the_rest_is_read(depth: int) -> None:
    found = document(b'{"method":"m","params":' + nested(depth) + b',"id":7}')
    assert (found.value["method"], found.value["id"]) == ("m", 7)
    assert found.cut
    inner, levels = found.value["params"], 1
    while isinstance(inner, dict):
        inner, levels = inner["a"], levels + 1
    assert (inner, levels) == (f"[deeper than {MAX_DEPTH} levels]", MAX_DEPTH)


def test_a_frame_as_deep_as_is_allowed_is_left_as_it_is() -> None:
    line = nested(MAX_DEPTH)
    assert document(line).raw == line


@pytest.mark.parametrize("levels", [1, 48, 97, 250, 5000])
def test_what_a_second_member_of_the_name_hides_is_no_deeper_than_every_reader_takes(levels: int) -> None:
    found = document(b'{"method":"m","id":' + nested(levels) + b',"params":' + nested(48) + b',"id":7}')
    assert (found.value["method"], found.value["id"]) == ("m", 7)
    pydantic_core.from_json(b'{"reports":[{"report":{"raw":' + found.raw + b"}}]}")


def test_many_brackets_within_texts_and_without_are_no_depth() -> None:
    line = b'{"text":"' + b"[{" * 200 + b'","rows":[' + b",".join([b'{"a":[]}'] * 500) + b"]}"
    assert document(line).raw == line


def test_brackets_within_texts_are_no_depth() -> None:
    line = b'{"text":"' + b"[{" * 200 + b'"}'
    assert document(line).raw == line


@pytest.mark.parametrize(
    "before",
    [
        b"\xef\xbb\xbf",
        b"\x1b]0;agent: ready\x07",
        b"\x1b]8;;http://x\x1b\\",
        b"\x1b[2K\x1b[1;31m",
        b"\r10%\r20%",
        b"\x00\x07\x08",
        b"loading the model ... ",
        b"\xe2\xa0\x8b Thinking\xe2\x80\xa6\r",
    ],
)
def test_a_frame_behind_what_terminals_are_sent_is_taken(before: bytes) -> None:
    frame = b'{"jsonrpc":"2.0","id":3,"result":{}}'
    found = document(before + frame)
    assert (found.raw, found.mended) == (frame, ())
    assert document(before + frame + b"\x1b[0m\x1b[K").raw == frame


def test_two_frames_on_one_line_are_both_taken() -> None:
    first, second = read_all([b'{"id":1,"result":{}}{"type":"x"}\n'])
    assert isinstance(first, Document)
    assert isinstance(second, Document)
    assert [first.value["id"], second.value["type"]] == [1, "x"]


@pytest.mark.parametrize(
    "line",
    [b"(node:7) Warning: old", b"{ name: 'a logged object' }", b"17", b"[1]", b'"x"', b'[info] got {"level":"warn"}'],
)
def test_a_log_line_is_noise_and_the_stream_goes_on(line: bytes) -> None:
    assert [type(each) for each in read_all([line + b'\n{"a":1}\n'])] == [Noise, Document]


def test_a_log_line_with_a_frame_cut_off_in_it_is_told_as_one() -> None:
    assert broken(b'[debug] {"jsonrpc":"2.0","id":3,"resu').head == {"jsonrpc": "2.0", "id": 3}


@pytest.mark.parametrize("line", [b'{"type":"resu', b"{\"msg\": 'quoted'}", b'{"a":' + b"[" * 40 + b"]"])
def test_a_broken_frame_costs_its_line_alone(line: bytes) -> None:
    first, lost, last = read_all([b'{"a":1}\n' + line + b'\n{"b":2}\n'])
    assert isinstance(first, Document)
    assert isinstance(lost, Broken)
    assert lost.offset == 8
    assert isinstance(last, Document)


def test_a_part_of_a_broken_frame_is_not_taken_for_a_frame() -> None:
    found = broken(b'{"jsonrpc":"2.0","id":3,"params":{"type":"result","id":4,"result":{}}')
    assert found.head == {"jsonrpc": "2.0", "id": 3}


def test_the_excerpt_of_a_broken_frame_is_short_and_printable() -> None:
    found = broken(b'{"type":"\x1b[31m\x07\xe2\x80\xae' + b"x" * 5000)
    assert len(found.excerpt) < 200
    assert found.excerpt.isprintable()


def test_of_a_line_over_the_cap_the_long_texts_are_cut_and_the_rest_is_kept() -> None:
    found = document(b'{"id":7,"text":"' + b"ab\\n" * 1000 + b'","kept":"short","n":[1,2]}', max_bytes=512)
    assert {key: found.value[key] for key in ("id", "kept", "n")} == {"id": 7, "kept": "short", "n": [1, 2]}
    assert found.value["text"].startswith("ab\nab\n")
    assert found.value["text"].endswith("bytes left out]")
    assert found.cut
    assert len(found.raw) < 512


def test_a_text_is_not_cut_within_a_character() -> None:
    for size in range(60, 80):
        line = b'{"text":"' + b"x" * size + "\\ud83d\\ude00äöü\\n".encode() * 50 + b'"}'
        assert document(line, max_bytes=400).mended == (f"texts longer than {MAX_TEXT_BYTES} bytes were cut",)


def test_a_line_that_stays_over_the_cap_tells_what_it_began_and_ended_with() -> None:
    found = broken(b'{"jsonrpc":"2.0","method":"m","params":[' + b"1," * 1000 + b'1],"id":7}', max_bytes=512)
    assert found.head == {"jsonrpc": "2.0", "method": "m", "id": 7}
    assert found.size == 2050


def test_a_log_line_over_the_cap_is_short_noise() -> None:
    found = read_one(b"x" * 5000, max_bytes=512)
    assert isinstance(found, Noise)
    assert len(found.text) < 200


def test_lines_over_the_cap_hold_no_more_than_the_cap() -> None:
    reader = LineReader(max_bytes=100_000)
    with memory_bound(500_000):
        for _ in range(3):
            reader.feed(b'{"a":"')
            for _ in range(200):
                reader.feed(b"x" * 9000)
            assert len(reader.feed(b'"}\n')) == 1
            reader.feed(b'{"a":[')
            for _ in range(200):
                reader.feed(b"1," * 4500)
            assert len(reader.feed(b"1]}\n")) == 1


@pytest.mark.parametrize(
    "line",
    [
        b'{"' * 4_000_000,
        b'{"a":' + b"[" * 8_000_000,
        b'{"a":' * 1_600_000,
        b"x {" * 3_000_000,
        b'x {"id":1 ' * 1_000_000,
        b"\x1b]" * 4_000_000,
        b"\x1b[" * 4_000_000 + b"{",
        b'{"a":"' + b"\\" * 8_000_001,
        b'{"a":"' + b'\\"' * 12_000_000,
        b'{"a":[' + b'"",' * 6_000_000,
    ],
    ids=lambda line: repr(line[:8]),
)
def test_no_line_takes_more_time_than_its_length_allows(line: bytes) -> None:
    with watchdog():  # anything quadratic would take days
        LineReader().feed(line + b"\n")


def test_a_growing_line_is_not_scanned_again_for_every_chunk() -> None:
    reader = LineReader()
    chunk = b"x" * 16
    reader.feed(b'{"a":"')
    for _ in range(200_000):  # 3 MB; scanning the buffer each time would be 3e11 bytes
        reader.feed(chunk)
    (line,) = reader.feed(b'"}\n')
    assert isinstance(line, Document)
    assert len(line.raw) == 16 * 200_000 + 8


PARTS = [
    b'{"a":1}\n',
    b"\n",
    b"\r\n",
    b"noise",
    b'{"',
    b"\xff",
    b" ",
    b"x" * 30,
    b'"',
    b"\\",
    b"\x1b[1m",
    b"NaN}",
    b"[[[",
]


@given(st.lists(st.sampled_from(PARTS)).map(b"".join), st.lists(st.integers(min_value=0), max_size=6))
def test_any_split_gives_the_same_lines(data: bytes, places: list[int]) -> None:
    assert read_all(cut(data, places)) == read_all([data])
