"""A workspace's own redaction rules: what they mask, and which are refused."""

import re
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.errors import BadRequest
from broker.domain.logs.redaction import Redacted, Redactor
from broker.domain.logs.redaction.rules import WINDOW, secret_form, secret_forms


def test_a_rule_masks_under_its_own_name() -> None:
    redactor = Redactor(secret_forms([("acme-id", r"(?i)acme-[a-z0-9]{6,12}\b"), ("badge", r"^B\d{5}$")]))
    assert redactor.text("see ACME-12ab34\nB12345\nB123456") == Redacted(
        "see [redacted:acme-id]\n[redacted:badge]\nB123456", 2
    )
    assert redactor.json_text('{"x":"acme-123456"}').text == '{"x":"[redacted:acme-id]"}'


def test_a_rule_that_covers_a_mark_takes_it_in() -> None:
    redactor = Redactor([secret_form("line", r"customer: .*")])
    masked = redactor.text("customer: Ann sk-ant-api03-Ab3Ab3Ab3Ab3 x")
    assert masked.text == "[redacted:line]"
    assert redactor.text(masked.text).hits == 0


@pytest.mark.parametrize("place", [0, WINDOW - 300, WINDOW - 20, WINDOW - 5, 2 * WINDOW])
def test_a_secret_is_found_anywhere_in_a_long_line(place: int) -> None:
    redactor = Redactor([secret_form("acme", r"acme-\d{6,40}")])
    text = "." * place + "acme-" + "7" * 30 + "." * WINDOW
    assert redactor.text(text) == Redacted("." * place + "[redacted:acme]" + "." * WINDOW, 1)


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        (r"(a+)+bcde", "several ways"),
        (r"(?:a|b)*cdef", "several ways"),
        (r"(?:ab?){5}cdef", "several ways"),
        (r"(?:(?:a|ab)){9}cdef", "several ways"),
        (r"(?:)*abcd", "match nothing"),
        (r"\b*abcd", "match nothing"),
        (r".*.*abcd", "too long"),
        (r"\w+-\w+-abcd", "too long"),
        (r"(\w{1,500}){1,2}x", "several ways"),
        (r"a{1,2000}bcd", "up to 1024"),
        (r"a{9,3}bcd", "up to 1024"),
        (r"\w{0,9}", "fewer than 4"),
        (r"abcd|x", "fewer than 4"),
        (r"(?=abcd)abcd", "not allowed"),
        (r"(?<!a)bcde", "not allowed"),
        (r"(?P<n>abcd)", "not allowed"),
        (r"(abcd)\1", "not allowed"),
        (r"abcd[", "not allowed"),
        (r"[]abcd]xyz", "not allowed"),
        (r"abcd{", "not allowed"),
        (r"(abcd", "not closed"),
        (r"abcd)", "never opened"),
        (r"abcd++", "match nothing, or in several ways"),
        (r"abcd{2}?ef", "multiple repeat"),
        (r"[z-a]bcde", "bad character range"),
        ("a" * 201, "200 at most"),
    ],
)
def test_an_expression_that_could_do_harm_is_refused(pattern: str, says: str) -> None:
    with pytest.raises(BadRequest) as refused:
        secret_form("mine", pattern)
    assert refused.value.code == "INVALID_RULE"
    assert says in refused.value.message


@pytest.mark.parametrize("name", ["", "Mine", "jwt", "field", "a]b", "x" * 33])
def test_a_name_must_be_new_and_plain(name: str) -> None:
    with pytest.raises(BadRequest):
        secret_form(name, "abcd")


def test_names_are_given_once_and_rules_are_few() -> None:
    with pytest.raises(BadRequest, match="same name"):
        secret_forms([("a", "abcd"), ("a", "efgh")])
    with pytest.raises(BadRequest, match="20 at most"):
        secret_forms((f"r{number}", "abcd") for number in range(21))


def test_a_rule_that_finds_something_new_beside_each_of_its_marks_masks_the_whole_text() -> None:
    redactor = Redactor([secret_form("greedy", r"\b[a-z]{4}")])
    masked = redactor.text("abcd" * 40)
    assert masked.text == "[redacted:greedy]"


PIECES = st.sampled_from(
    [
        "a",
        "bcde",
        r"\w",
        r"\d",
        ".",
        "[a-c]",
        "[^x]",
        "(",
        "(?:",
        ")",
        "|",
        "*",
        "+",
        "?",
        "{2}",
        "{2,}",
        "{1,9}",
        "^",
        "$",
        r"\b",
    ]
)


@given(st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=20), st.text("abcde x\n", max_size=200))
def test_any_expression_is_refused_or_runs_and_means_what_it_says(pattern: str, text: str) -> None:
    try:
        form = secret_form("mine", pattern)
    except BadRequest:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plain = re.compile(pattern, re.ASCII | re.MULTILINE)
    if len(text) < 200:
        assert [m.span() for m in form.pattern.finditer(text)] == [m.span() for m in plain.finditer(text)]
    Redactor([form]).text(text)
