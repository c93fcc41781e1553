"""YAML with positions, and what is refused before it costs anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.protocol.yaml_document import Position, YamlProblem, read_document


def test_every_key_and_value_has_its_line_and_column() -> None:
    document = read_document("a:\n  b:\n    - x\n    - {c: 1}\n")
    assert document.value == {"a": {"b": ["x", {"c": 1}]}}
    assert document.key_position(("a", "b")) == Position(2, 3)
    assert document.position(("a", "b", 1, "c")) == Position(4, 11)
    assert document.position(("a", "b", 7)) == Position(3, 5)  # what is not there: where it would be


def test_words_are_those_of_yaml_1_2() -> None:
    text = "[yes, on, 12:30, 0o17, 0x1f, 1_000, 1e3, ~, 'true', !!str 5, null, True, 017]"
    assert read_document(text).value == [
        "yes",
        "on",
        "12:30",
        15,
        31,
        "1_000",
        1000.0,
        None,
        "true",
        "5",
        None,
        True,
        17,
    ]


def test_a_number_that_json_does_not_have_is_a_word() -> None:
    assert read_document(f"[1e400, -1e400, .inf, .nan, 1e300, {'9' * 400}]").value == [
        *("1e400", "-1e400", ".inf", ".nan", 1e300, "9" * 400),
    ]


def test_anchors_stand_for_what_they_name_and_merge_keys_are_keys() -> None:
    value = read_document("a: &x {k: 1}\nb: *x\nc: {<<: *x}\n").value
    assert value == {"a": {"k": 1}, "b": {"k": 1}, "c": {"<<": {"k": 1}}}


@pytest.mark.parametrize(
    ("text", "says", "line"),
    [
        ("a: 1\nb: 2\na: 3\n", "'a' stands here twice", 3),
        ("a: [1, 2\n", "flow sequence", 2),
        ("a: 1\n---\nb: 2\n", "a second document", 2),
        ("a: *x\n", "no anchor", 1),
        ("a: &x [*x]\n", "stands within what it means", 1),
        ("? [1]\n: 2\n", "a key has to be a word", 1),
        ("a: !!python/object:os.system x\n", "is not known here", 1),
        ("a: b\n\tc: d\n", "tab|token|scan", 2),
        ("a: \x00\n", "not allowed", 1),
        ("[" * 100, "nested deeper", 1),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line(text: str, says: str, line: int) -> None:
    with pytest.raises(YamlProblem, match=says) as caught:
        read_document(text)
    assert caught.value.position.line == line


def test_aliases_that_mean_a_billion_values_are_refused_before_they_are_made() -> None:
    lines = ["l0: &l0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(YamlProblem, match="more than"):
        read_document("\n".join(lines))


@given(st.text(alphabet="abc:-[]{}&*!|>'\"#?,% \n\t01~<.", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        document = read_document(text)
    except YamlProblem as problem:
        assert problem.position >= Position(1, 1)
    else:
        assert () in document.values
