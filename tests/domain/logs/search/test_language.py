"""The language of log searches."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from broker.domain.errors import BadRequest
from broker.domain.logs.rows import LineKind
from broker.domain.logs.search.fields import FIELDS, Match, SearchField
from broker.domain.logs.search.language import parse
from broker.domain.logs.search.lexer import InvalidQuery, write_quoted
from broker.domain.logs.search.query import LogQuery, Phrase, Substring, Term, Wanted, Word
from broker.domain.logs.search.words import is_unspaced
from tests.domain.logs.search.written_searches import having, to_text

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def read(text: str) -> LogQuery:
    return parse(text, now=NOW)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", LogQuery()),
        ("lint Lint lint", LogQuery(terms=(Word("lint"), Word("Lint")))),
        ('"exit 1" -lint', LogQuery(terms=(Phrase("exit 1"),), without=(Word("lint"),))),
        ("exit_code", LogQuery(terms=(Phrase("exit_code"),))),
        ("=> 12:30", LogQuery(terms=(Substring("=>"), Phrase("12:30")))),
        ("*conn* npm*", LogQuery(terms=(Substring("conn"), Substring("npm")))),
        (r'*"a \"b\" *c"*', LogQuery(terms=(Substring('a "b" *c'),))),
        (
            "agent:A,B -agent:C",
            LogQuery(
                fields=(
                    having("agent", "A", "B"),
                    having("-agent", "C"),
                )
            ),
        ),
        (
            "kind:Command,files -kind:text",
            LogQuery(
                fields=(
                    having("kind", LineKind.COMMAND, LineKind.FILES),
                    having("-kind", LineKind.TEXT),
                )
            ),
        ),
        (
            "session:main cli:codex tool:relay_*",
            LogQuery(
                fields=(
                    having("session", "main"),
                    having("cli", "codex"),
                    having("tool", "relay_*"),
                )
            ),
        ),
        (
            'command:"npm *" path:src/*.py',
            LogQuery(
                fields=(
                    having("command", "npm *"),
                    having("path", "src/*.py"),
                )
            ),
        ),
        ("exit:1,-9", LogQuery(fields=(having("exit", "1", "-9"),))),
        ("exit:!=0", LogQuery(fields=(having("failed", "true"),))),
        ("failed:false", LogQuery(fields=(having("failed", "false"),))),
        ("since:2h", LogQuery(since=NOW - timedelta(hours=2))),
        ("until:2026-11-22", LogQuery(until=datetime(2026, 11, 22, tzinfo=UTC))),
        ("since:2026-11-22T10:00+02:00", LogQuery(since=datetime(2026, 11, 22, 8, tzinfo=UTC))),
    ],
)
def test_a_search_is_read(text: str, query: LogQuery) -> None:
    assert read(text) == query


@pytest.mark.parametrize(
    ("pasted", "terms"),
    [
        (
            "TypeError: x is undefined",
            (Phrase("TypeError:"), Word("x"), Word("is"), Word("undefined")),
        ),
        ("localhost:8080", (Phrase("localhost:8080"),)),
        ("std::vector", (Phrase("std::vector"),)),
        ("https://h.example/a?b=c#d", (Phrase("https://h.example/a?b=c#d"),)),
        (r"C:\Users\ana", (Phrase(r"C:\Users\ana"),)),
        ('error:"no such file"', (Phrase('error:"no'), Word("such"), Phrase('file"'))),
        ('open("a.txt")', (Phrase('open("a.txt")'),)),
        ("agnt:Bob", (Phrase("agnt:Bob"),)),
        ("12:30:05 sessions:", (Phrase("12:30:05"), Phrase("sessions:"))),
    ],
)
def test_what_is_pasted_is_text(pasted: str, terms: tuple[Term, ...]) -> None:
    assert read(pasted) == LogQuery(terms=terms)
    assert read(write_quoted(pasted)) == LogQuery(terms=(Phrase(pasted),))


def test_what_is_pasted_can_be_excluded_and_stand_beside_fields() -> None:
    both = LogQuery(without=(Phrase("std::vector"),), fields=(having("agent", "Bob"),))
    assert read("-std::vector AGENT:Bob") == both


@pytest.mark.parametrize("text", ["日本語", "検索", "ログ", "검색", "ค้นหา", "npmを実行", "ｶﾅ", "日本語:検索", "𠮷"])
def test_a_term_of_a_script_without_spaces_is_looked_for_as_characters(text: str) -> None:
    assert read(text) == read(f'"{text}"') == LogQuery(terms=(Substring(text),))
    assert read(f"-{text}") == LogQuery(without=(Substring(text),))


@pytest.mark.parametrize("text", ["поиск", "café", "naïve", "ελληνικά", "שלום"])
def test_a_word_of_a_script_with_spaces_is_a_word(text: str) -> None:
    assert read(text) == LogQuery(terms=(Word(text),))


@pytest.mark.parametrize(
    ("text", "column", "says"),
    [
        ("x kind:comand", 8, "did you mean command?"),
        ("kind:text,comand", 11, "did you mean command?"),
        ("Exit: 1", 6, "put it in quotes"),
        ('foo "bar', 5, "never closed"),
        ('"a"b', 4, "space is missing"),
        ('agent:a"b', 8, "beginning of a value"),
        ('*"a"', 4, "* is missing"),
        ("a OR b", 3, "there is no OR"),
        ("x -session:main", 3, "cannot be excluded"),
        ("*a*b*", 3, "stands only before and after"),
        ("**", 1, "stands only before and after"),
        ("--force", 1, "one minus"),
        ("x -", 3, "value is missing"),
        ("agent:", 6, "value is missing"),
        ("agent:A,,B", 9, "beside this comma"),
        ("agent:A,", 8, "beside this comma"),
        ('""', 2, "nothing to search for"),
        ("exit:one", 6, "a number"),
        ("exit:99999999999", 6, "a number"),
        ("failed:maybe", 8, "true or false"),
        ("failed:true failed:false", 13, "contradicts"),
        ("since:yesterday", 7, "an age such as"),
        ("since:2026-13-01", 7, "an age such as"),
        ("since:999999999w", 7, "an age such as"),
        ("since:1h since:2h", 10, "given twice"),
        ("since:1h until:2h", 10, "nothing lies between"),
        ('agent:*"x"*', 7, "inside the quotes"),
        ("a " * 65, 129, "more than 64"),
        ("a" * 501, 1, "500 at most"),
    ],
)
def test_a_mistake_is_shown_where_it_stands(text: str, column: int, says: str) -> None:
    with pytest.raises(InvalidQuery) as refused:
        read(text)
    assert (refused.value.code, refused.value.column) == ("INVALID_QUERY", column)
    assert says in refused.value.message
    assert isinstance(refused.value, BadRequest)


def test_the_caret_stands_under_the_mistake() -> None:
    with pytest.raises(InvalidQuery) as refused:
        read("agent:Bob\tkind:comand")
    assert refused.value.pointer == "  agent:Bob kind:comand\n                 ^"


PIECES = st.sampled_from(
    [
        "agent:",
        "kind:",
        "exit:",
        "since:",
        "until:",
        "path:",
        "failed:",
        "-",
        '"',
        "*",
        ",",
        "\\",
        " ",
        "2h",
        "text",
        "1",
    ]
)
TEXTS = st.text(max_size=60) | st.lists(PIECES | st.text(max_size=3), max_size=14).map("".join)


@given(TEXTS)
@example('agent:a,"b",-c')
def test_any_text_is_a_search_or_a_mistake_at_a_place_in_it(text: str) -> None:
    try:
        query = read(text)
    except InvalidQuery as refused:
        assert 1 <= refused.column <= len(text)
        shown, caret = refused.pointer.split("\n")
        assert len(caret) <= len(shown)
    else:
        assert read(to_text(query)) == query


VALUE = st.text(min_size=1, max_size=8).filter(str.strip)
WORD = st.text("abcXYZ019é", min_size=1, max_size=6)
PHRASE = st.tuples(VALUE, WORD).map(" ".join).filter(lambda text: not is_unspaced(text))
TERM = st.builds(Word, WORD) | st.builds(Phrase, PHRASE) | st.builds(Substring, VALUE)
TIMES = st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


def several(values: st.SearchStrategy[object]) -> st.SearchStrategy[tuple[object, ...]]:
    return st.lists(values, max_size=4, unique=True).map(tuple)


def values_of(field: SearchField) -> st.SearchStrategy[tuple[str, ...]]:
    match field.match:
        case Match.KIND:
            value: st.SearchStrategy[str] = st.sampled_from(LineKind)
        case Match.STATUS:
            value = st.integers(-(2**31), 2**31 - 1).map(str)
        case Match.FAILURE:
            return st.sampled_from([("true",), ("false",)])
        case _:
            value = VALUE
    return st.lists(value, min_size=1, max_size=4, unique=True).map(tuple)


@st.composite
def field_values(draw: st.DrawFn) -> tuple[Wanted, ...]:
    plain = [field for field in FIELDS.values() if not field.is_time]
    named = [(field, excluded) for field in plain for excluded in {False, field.excludable}]
    chosen = draw(st.lists(st.sampled_from(named), unique=True))
    return tuple(Wanted(field, draw(values_of(field)), excluded=excluded) for field, excluded in chosen)


@given(st.builds(LogQuery, terms=several(TERM), without=several(TERM), fields=field_values(), since=st.none() | TIMES))
def test_a_search_written_out_is_the_same_search(query: LogQuery) -> None:
    assert read(to_text(query)) == query
