from broker.protocol.diffs import unified


def test_a_missing_line_end_is_shown_as_diff_tools_do() -> None:
    assert unified("a", old="one", new="two\n") == (
        "--- a\n+++ a\n@@ -1 +1 @@\n-one\n\\ No newline at end of file\n+two\n"
    )


def test_texts_too_large_to_compare_give_no_diff() -> None:
    assert unified("a", old="", new="x\n" * 3_000) is None
    assert unified("a", old="", new="x" * 300_000) is None
