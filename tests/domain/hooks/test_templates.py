"""Command lines with variables: what is saved, what is refused, and the words that come out."""

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.hooks.templates import (
    MAX_FILES,
    MAX_VALUE_BYTES,
    BadTemplate,
    fill_command,
    fill_text,
    parse_command,
    parse_text,
    parse_words,
)


def calls(line: str, files: tuple[str, ...] = (), **values: str) -> tuple[tuple[str, ...], ...] | str:
    return fill_command(parse_command(line), values, files=files)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("afplay /System/Library/Sounds/Glass.aiff", ("afplay", "/System/Library/Sounds/Glass.aiff")),
        ("/usr/bin/say 'Codex needs input'", ("/usr/bin/say", "Codex needs input")),
        ("npm run typecheck", ("npm", "run", "typecheck")),
        ('echo "a  b" c\\ d', ("echo", "a  b", "c d")),
        ("echo ''", ("echo", "")),
        ("echo a~b", ("echo", "a~b")),
        ('echo "it\'s $5"', ("echo", "it's $5")),
        ("echo '${agent}' \"\\${agent}\" \\${agent} $${agent}", ("echo", *["${agent}"] * 4)),
    ],
)
def test_a_command_is_split_as_posix_shells_split_it(line: str, words: tuple[str, ...]) -> None:
    assert calls(line) == (words,)


@given(st.lists(st.text(st.characters(exclude_characters="$\0\r\n"), min_size=1), min_size=1))
def test_whatever_is_quoted_comes_out_as_it_was(words: list[str]) -> None:
    printable = [word for word in words if word.isprintable() and "=" not in word]
    if printable:
        assert calls(shlex.join(printable)) == (tuple(printable),)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("npm test | tee log", "pipeline"),
        ("npm test && say done", "two hooks"),
        ("a; b", "two hooks"),
        ("cat < in", "standard input"),
        ("make > log", "output is kept"),
        ("echo $(whoami)", "script"),
        ("echo `whoami`", "script"),
        ('echo "$(whoami)"', "script"),
        ("ls *.ts", "when: {glob"),
        ("~/bin/lint", "whole path"),
        ("CI=1 npm test", "`env`"),
        ("echo $HOME", "${name}"),
        ("echo ${fil}", "did you mean ${file}?"),
        ("echo ${file", "no end"),
        ("echo 'open", "no end"),
        ('echo "open', "no end"),
        ("echo \\", "backslash"),
        ("a\nb", "two hooks"),
        ("   ", "empty"),
    ],
)
def test_what_only_a_shell_would_understand_is_refused_with_what_to_write_instead(line: str, says: str) -> None:
    with pytest.raises(BadTemplate) as refused:
        parse_command(line)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    "path",
    ["a b.ts", 'a"b.ts', "a'b.ts", "$(touch x).ts", "`id`.ts", "a;b.ts", "a|b.ts", "*.ts", "a\tb.ts", "${agent}.ts"],
)
def test_a_file_is_one_word_whatever_its_name(path: str) -> None:
    assert calls("npm run lint -- ${file}", (path,), agent="X") == (("npm", "run", "lint", "--", path),)


def test_a_file_that_looks_like_an_option_is_none() -> None:
    assert calls("lint ${file}", ("-rf", "--fix")) == (("lint", "./-rf", "./--fix"),)


def test_all_files_of_an_event_are_words_of_one_call_and_inside_a_word_each_has_its_own() -> None:
    assert calls("lint ${files}", ("a.ts", "b.ts")) == (("lint", "a.ts", "b.ts"),)
    assert calls("lint --only=${file}", ("a.ts", "b.ts")) == (("lint", "--only=a.ts"), ("lint", "--only=b.ts"))


def test_many_files_are_several_calls() -> None:
    made = calls("lint ${file}", tuple(f"f{n}" for n in range(2 * MAX_FILES + 1)))
    assert [len(call) - 1 for call in made] == [MAX_FILES, MAX_FILES, 1]
    long = calls("lint ${file}", ("x" * 60_000, "y" * 60_000))
    assert [len(call) for call in long] == [2, 2]


def test_without_a_value_nothing_is_called_and_the_reason_is_said() -> None:
    assert calls("say ${last_message}") == "${last_message} is empty"
    assert calls("lint ${file}") == "there is no file to name"


def test_values_lose_control_characters_and_all_beyond_their_bound() -> None:
    assert calls("say ${last_message}", last_message="a\x1b[2Jb\0\n\tc") == (("say", "a[2Jb\n\tc"),)
    long = calls("say ${last_message}", last_message="ä" * MAX_VALUE_BYTES)
    assert len(long[0][1].encode()) == MAX_VALUE_BYTES


def test_words_that_are_given_one_by_one_are_not_split_or_refused() -> None:
    words = parse_words(["/usr/local/bin/guard", "a | b", "${agent}"])
    assert fill_command(words, {"agent": "W"}, files=()) == (("/usr/local/bin/guard", "a | b", "W"),)


def test_a_text_shows_what_it_knows() -> None:
    template = parse_text("${agent} failed: ${command} (exit ${exit_code}) $${x}")
    assert fill_text(template, {"agent": "W", "command": "make"}) == "W failed: make (exit ) ${x}"
