from broker.protocol.agents.diffs import unified


def test_a_missing_line_end_is_shown_as_diff_tools_do() -> None:
    assert unified("a", old="one", new="two\n") == (
        "--- a\n+++ a\n@@ -1 +1 @@\n-one\n\\ No newline at end of file\n+two\n"
    )


def test_of_a_change_too_large_to_compare_the_head_is_shown_with_its_size() -> None:
    old = "".join(f"line {n}\n" for n in range(5_000))
    shown = unified("a", old=old, new=old.replace("line 17\n", "rm -rf /\n").replace("line 4000\n", ""))
    lines = shown.splitlines()
    assert lines[:4] == ["--- a", "+++ a", "@@ -18,3984 +18,3983 @@", "-line 17"]
    assert "+rm -rf /" in lines
    assert lines[-1] == "\\ cut: 3,984 lines are removed and 3,983 added, 77,539 characters in all"
    assert len(lines) == 4 + 200 + 200


def test_a_large_new_file_shows_its_beginning() -> None:
    lines = unified("a", old="", new="x\n" * 3_000).splitlines()
    assert lines[2:4] == ["@@ -0,0 +1,3000 @@", "+x"]
    assert lines[-1] == "\\ cut: 0 lines are removed and 3,000 added, 6,000 characters in all"


def test_one_line_of_any_length_is_cut_too() -> None:
    shown = unified("a", old="", new="x" * 300_000)
    assert shown.endswith("x…\n\\ cut: 0 lines are removed and 1 added, 300,000 characters in all\n")
    assert len(shown) < 20_000


def test_large_texts_that_are_the_same_have_no_diff() -> None:
    assert unified("a", old="x\n" * 3_000, new="x\n" * 3_000) == ""
