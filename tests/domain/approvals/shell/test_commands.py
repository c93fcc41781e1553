"""What a command line says: simple commands, wherever they stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.approvals.patterns import UNKNOWN
from broker.domain.approvals.shell.commands import MAX_CHARACTERS, shell_text


def words(command: str) -> list[list[str]]:
    return [[word.value for word in each.words] for each in shell_text(command).commands if each.words]


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("a b", [["a", "b"]]),
        ("a;b|c&d", [["a"], ["b"], ["c"], ["d"]]),
        ("a 'b c' \"d e\" f\\ g", [["a", "b c", "d e", "f g"]]),
        ("a ''", [["a", ""]]),
        ("$'a\\x62' $'\\u00e9' $'it\\'s'", [["ab", "\u00e9", "it's"]]),
        ("a{b,c}d {e,f{g,h}}", [["abd", "acd", "e", "fg", "fh"]]),
        ("{} {a} {a,", [["{}", "{a}", "{a,"]]),
        ("a {1..3}", [["a", UNKNOWN]]),
        ("a$IFS-b ${IFS}c", [["a", "-b", "c"]]),
        ("a $b*c ~/d e~", [["a", f"{UNKNOWN}{UNKNOWN}c", f"{UNKNOWN}/d", "e~"]]),
        ("a x[bc]d [ [e", [["a", f"x{UNKNOWN}d", "[", "[e"]]),
        ("A=1 B='c d' e f=g", [["e", "f=g"]]),
        ("'A=1' e", [["A=1", "e"]]),
        ("if a; then b; elif c; then d; else e; fi", [["a"], ["b"], ["c"], ["d"], ["e"]]),
        ("while ! a; do b; done", [["a"], ["b"]]),
        ("for x in 1 2; do a; done", [["a"]]),
        ("for x do a; done", [["a"]]),
        ("case x in a|b) c;; (d) e; esac; f", [["b"], ["c"], ["d"], ["e"], ["f"]]),
        ("f() { a; }; function g { b; }", [["f"], ["a"], ["b"]]),
        ("[[ a && b < c ]] && d", [["[[", "a", "b", "c", "]]"], ["d"]]),
        ("a # b\nc", [["a"], ["c"]]),
        ("a b#c", [["a", "b#c"]]),
        ("a\\\nb c \\\n d", [["ab", "c", "d"]]),
        ("a $(b $(c)) `d`", [["c"], ["b", UNKNOWN], ["d"], ["a", UNKNOWN, UNKNOWN]]),
        ('a "x $(b "y" z)"', [["b", "y", "z"], ["a", f"x {UNKNOWN}"]]),
        ("a ${b:-$(c)}", [["c"], ["a", UNKNOWN]]),
        ("a <(b) >(c)", [["b"], ["c"], ["a", UNKNOWN, UNKNOWN]]),
        ("a <<E\n$(b)\nE\nc", [["a"], ["b"], ["c"]]),
        ("a <<'E'\n$(b)\nE\nc", [["a"], ["c"]]),
        ("echo $(case x in a) b;; esac) c", [["b"], ["echo", UNKNOWN, "c"]]),
        ("time -p a; coproc b", [["a"], ["b"]]),
        ("x=(a b)", [["a", "b"]]),
    ],
)
def test_a_line_is_taken_apart_as_a_shell_does(command: str, found: list[list[str]]) -> None:
    assert [each for each in words(command) if each != ["x"]] == found


def test_redirections_and_documents_belong_to_their_command() -> None:
    (found,) = shell_text(">a b 2>>c <d &>e 2>&1 3<&- <<<'f g' {x}>h").commands
    assert [word.value for word in found.words] == ["b"]
    assert [word.value for word in found.writes] == ["a", "c", "e", "h"]
    assert [word.value for word in found.reads] == ["d"]
    assert [word.value for word in found.documents] == ["f g"]


def test_a_document_is_what_the_shell_gives_to_the_command() -> None:
    (first, second) = shell_text("a <<-E; b <<'F'\n\tx $y\n\tE\n\tz\nF").commands
    assert [word.value for word in first.documents] == [f"x {UNKNOWN}"]
    assert [word.value for word in second.documents] == ["\tz"]


@pytest.mark.parametrize("command", ["a", "a 'b; c'", "/x/a -b --c=d", "a *.py", "a 2>&1"])
def test_one_command_and_nothing_else_is_plain(command: str) -> None:
    assert shell_text(command).plain


@pytest.mark.parametrize(
    "command",
    ["", "a; b", "a;", "a &", "a\nb", "(a)", "! a", "time a", "A=1 a", "a $(b)", "a `b`", "a <(b)", "a # b", "a $b"],
)
def test_anything_more_is_not_plain(command: str) -> None:
    assert not shell_text(command).plain


@pytest.mark.parametrize(
    "command",
    ["a 'b", 'a "b', "a $(b", "a `b", "a ${b", "a )", "(a", "a <", "a @(b)", "a\0b", "a " * MAX_CHARACTERS, "[[ a"],
)
def test_what_cannot_be_read_says_so(command: str) -> None:
    assert not shell_text(command).readable


def test_what_is_written_is_kept_for_people() -> None:
    (found,) = shell_text('cat "$HOME"/x *.py ~/y [ab]c').commands
    assert [word.written for word in found.words] == ["cat", "$HOME/x", "*.py", "~/y", "[ab]c"]


def test_a_command_knows_what_it_reads_from() -> None:
    found = shell_text("a | b && c; d |& e").commands
    assert [each.piped for each in found] == [False, True, False, False, True]


_PIECES = ["a", " ", "'", '"', "\\", "$(", ")", "`", "${", "}", "{", ",", "\n", ";", "|", "[[", "case x in ", "("]


@given(st.lists(st.sampled_from([*_PIECES, "<<E\n"]), max_size=40).map("".join))
def test_any_text_is_read(command: str) -> None:
    found = shell_text(command)
    assert all(each.words or not each.is_empty for each in found.commands)


@given(st.lists(st.sampled_from(_PIECES), max_size=20).map("".join))
def test_a_command_behind_any_readable_text_is_found(before: str) -> None:
    found = shell_text(f"{before}\n\nrm x")
    if found.readable:
        assert "rm" in [word.value for each in found.commands for word in (*each.words, *each.assignments)]
