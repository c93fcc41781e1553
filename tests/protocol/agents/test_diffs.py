import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.domain.approvals.changes import is_cut
from broker.protocol.agents import diffs
from broker.protocol.agents.diffs import render_diff

_CUT_ALL = (
    r"\\ cut: 1 hunk is not shown whole, in which {removed} lines are removed and {added} added, "
    r"{size} characters in all"
)


def numbered(lines: int) -> str:
    return "".join(f"line {n}\n" for n in range(lines))


def applied(folder: Path, *, old: str, diff: str) -> str:
    """What `patch` makes of the old text."""
    (folder / "a").write_text(old, newline="")
    if diff:
        subprocess.run(
            ["patch", "--silent", "--no-backup-if-mismatch", "a"], cwd=folder, input=diff.encode(), check=True
        )
    return (folder / "a").read_bytes().decode()


def test_a_missing_line_end_is_shown_as_diff_tools_do() -> None:
    assert render_diff("a", old="one", new="two\n") == (
        "--- a\n+++ a\n@@ -1 +1 @@\n-one\n\\ No newline at end of file\n+two\n"
    )


def test_a_large_file_with_few_changes_shows_them_with_what_is_around_them() -> None:
    old = numbered(50_000)
    shown = render_diff("a", old=old, new=old.replace("line 17\n", "rm -rf /\n").replace("line 40000\n", ""))
    assert shown == (
        "--- a\n+++ a\n@@ -15,7 +15,7 @@\n line 14\n line 15\n line 16\n"
        "-line 17\n+rm -rf /\n line 18\n line 19\n line 20\n"
        "@@ -39998,7 +39998,6 @@\n line 39997\n line 39998\n line 39999\n"
        "-line 40000\n line 40001\n line 40002\n line 40003\n"
    )
    assert not is_cut(shown)


def test_a_diff_of_ten_thousand_lines_is_whole() -> None:
    old = numbered(12_000)
    shown = render_diff("a", old=old, new=re.sub(r"(?m)^line (\d*[05])$", r"row \1", old))
    assert (shown.count("\n-"), shown.count("\n+")) == (2_400, 2_400 + 1)
    assert len(re.findall(r"(?m)^@@ -", shown)) == 12
    assert not is_cut(shown)
    assert render_diff("a", old="", new="a line of usual length, or a bit longer\n" * 10_000).count("\n+a") == 10_000


def test_a_diff_that_is_too_large_ends_behind_a_whole_hunk_and_says_what_is_left() -> None:
    old = numbered(80_000)
    shown = render_diff("a", old=old, new=re.sub(r"(?m)^(line \d*0)$", rf"\1 {'x' * 100}", old))
    assert len(shown) < 600_000
    assert is_cut(shown)
    *hunks, last = re.split(r"(?m)^(?=@@ )", shown)[1:]
    assert all(hunk.startswith("@@ -") and hunk.count("\n-") == 1 for hunk in hunks)
    told = re.search(r"\n\\ cut: (\d,\d{3}) hunks are not shown whole, in which (\S+) lines are removed", last)
    assert told is not None
    assert int(told[1].replace(",", "")) + len(hunks) + 1 == 8_000


def test_of_a_hunk_that_is_too_large_the_head_is_shown_with_its_size() -> None:
    shown = render_diff("a", old="x\n" * 90_000, new="y\n" * 90_000)
    lines = shown.splitlines()
    assert lines[2] == "@@ -1,90000 +1,90000 @@"
    assert len(lines) == 3 + 200 + 200 + 1
    assert re.fullmatch(_CUT_ALL.format(removed="90,000", added="90,000", size="360,000"), lines[-1])
    assert is_cut(shown)


def test_one_line_of_any_length_is_cut_too() -> None:
    shown = render_diff("a", old="", new="x" * 600_000)
    assert re.fullmatch(_CUT_ALL.format(removed="0", added="1", size="600,000"), shown.splitlines()[-1])
    assert len(shown) < 20_000


def test_large_texts_that_are_the_same_have_no_diff() -> None:
    assert render_diff("a", old="x\n" * 3_000, new="x\n" * 3_000) == ""


@settings(max_examples=150, deadline=None)
@given(
    old=st.lists(st.sampled_from([f"{n}\n" for n in range(30)]), max_size=60),
    new=st.lists(st.sampled_from([f"{n}\n" for n in range(30)]), max_size=60),
    ended=st.booleans(),
)
def test_a_large_diff_makes_the_new_text_of_the_old_one(
    tmp_path_factory: pytest.TempPathFactory, old: list[str], new: list[str], ended: bool
) -> None:
    # As large ones are made, with sizes that are quick to apply.
    before, after = "".join(old), "".join(new) if ended else "".join(new).removesuffix("\n")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(diffs, "_MAX_LINES", 3)
        patched.setattr(diffs, "_MAX_COMPARED", 4)
        patched.setattr(diffs, "_HUNK_LINES", 3)
        shown = render_diff("a", old=before, new=after)
    assert applied(tmp_path_factory.mktemp("patch"), old=before, diff=shown) == after
