"""What a mere yes or no stands for among the answers that an agent's program offers."""

from __future__ import annotations

import pytest

from broker.domain.approvals.answers import AnswerOption, Verdict, plain_option


def options(*offered: tuple[str, str]) -> list[AnswerOption]:
    return [AnswerOption(id=f"{place}", name=name, kind=kind) for place, (name, kind) in enumerate(offered)]


QWEN = options(
    ("Always Allow in this project", "allow_always"),
    ("Allow", "allow_once"),
    ("Switch to Default Mode and allow once (recommended)", "allow_once"),
    ("Reject", "reject_once"),
)


@pytest.mark.parametrize(
    ("offered", "verdict", "chosen"),
    [
        (QWEN, Verdict.ALLOW, "1"),
        (QWEN, Verdict.DENY, "3"),
        (options(("Alpha", "allow_once"), ("Bravo", "allow_once")), Verdict.ALLOW, None),
        (options(("Allow", "allow_once"), ("allow once", "allow_once")), Verdict.ALLOW, None),
        (options(("Allow", "allow_always"), ("Alpha", "allow_once")), Verdict.ALLOW, "1"),
        (options(("Always", "allow_always")), Verdict.ALLOW, "0"),
        (options(("Always", "allow_always")), Verdict.DENY, None),
        (options(("Allow", "invented")), Verdict.ALLOW, None),
    ],
)
def test_a_mere_yes_or_no_is_never_a_guess(offered: list[AnswerOption], verdict: Verdict, chosen: str | None) -> None:
    found = plain_option(offered, verdict)
    assert (found and found.id) == chosen
