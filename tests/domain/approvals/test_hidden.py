"""Characters that are not drawn as what they are."""

from __future__ import annotations

import pytest

from broker.domain.approvals.effects import Effect
from broker.domain.approvals.hidden import hidden_characters, name_characters
from broker.domain.approvals.risk.assessment import assess_request
from broker.domain.approvals.risk.findings import Risk
from broker.domain.approvals.rules import Rule, rule_on
from broker.domain.approvals.suggested_rules import rules_for
from broker.domain.approvals.tool_use import tool_use

TRICKS = {
    "override": "rm -rf /tmp/\u202egnp.tnemucod\u202c # harmless",
    "isolate": "echo \u2066// check\u2069",
    "zero width": "ls\u200b -la",
    "line separator": "ls -la /etc\u2028rm -rf /home",
    "escape": "echo \x1b[2K",
    "carriage return": "rm -rf / #\recho harmless",
    "filler": "ls\u3164",
    "tag": "ls \U000e0041",
    "style": "ls a\ufe0f",
    "joiner": "ls a\u200db",
}


@pytest.mark.parametrize("command", TRICKS.values(), ids=TRICKS)
def test_a_command_with_a_hidden_character_is_of_high_risk_and_nothing_allows_it_for_good(command: str) -> None:
    found = assess_request(tool="Bash", command=command, cwd="/p")
    assert found.risk is Risk.HIGH
    assert found.reasons[0].startswith("it contains characters that change how it is read: U+")
    use = tool_use(tool="Bash", command=command, paths=(), given=None, folder="/p")
    assert rules_for(use, found.risk) == ()
    assert rule_on([Rule(effect=Effect.ALLOW, tool="Bash", command="*")], use) is None
    assert rule_on([Rule(effect=Effect.DENY, tool="Bash", command="*")], use) is not None


@pytest.mark.parametrize(
    "text",
    [
        "ls -la",
        "a\tb\nc",
        "naïve été",
        "日本語",
        "עברית",
        "👩\u200d💻 ok",
        "✔\ufe0f",
        "1\n2",
        "1\ufe0f\u20e3",
        "\u0645\u06cc\u200c\u062e\u0648\u0645",
        "क्\u200dष",
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    ],
)
def test_texts_as_people_write_them_hide_nothing(text: str) -> None:
    assert hidden_characters(text) == ()


def test_what_a_change_writes_counts_and_what_was_there_before_does_not() -> None:
    def risk(diff: str) -> Risk:
        changes = ({"path": "a.py", "change": "update", "diff": diff},)
        return assess_request(tool="Edit", cwd="/p", changes=changes).risk

    assert risk("--- a.py\n+++ a.py\n@@ -1 +1 @@\n-a\n+if user != \u202e:\n") is Risk.HIGH
    assert risk("--- a.py\n+++ a.py\n@@ -1 +1 @@\n-if user != \u202e:\n+a\r\n") is Risk.LOW


def test_the_rest_of_a_request_counts_too() -> None:
    given = {"questions": [{"text": "run ls\u202e"}]}
    assert assess_request(tool="mcp__a__b", given=given).risk is Risk.HIGH
    assert assess_request(tool="mcp__a\u200b__b").risk is Risk.HIGH


def test_each_is_named_once_and_not_too_many() -> None:
    assert name_characters(hidden_characters("a\u202eb\u202ec\u200b")) == "U+202E, U+200B"
    assert name_characters(hidden_characters("".join(map(chr, range(0x200B, 0x2010))) + "\u2066\u2067")).endswith(", …")
