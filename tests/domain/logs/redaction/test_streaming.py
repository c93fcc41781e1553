"""A text in fragments: what is shown of it, put together, is the text masked as a whole; nothing is lost or doubled."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.adapters.trigger_search import automaton
from broker.domain.logs.redaction import Redactor
from broker.domain.logs.redaction.rules import secret_form
from broker.domain.logs.redaction.streaming import StreamMask
from tests.domain.logs.redaction.harmless_corpus import HARMLESS
from tests.domain.logs.redaction.secret_corpus import SECRETS, Sample
from tests.domain.logs.redaction.spellings import in_json, in_json_twice

REDACTOR = Redactor(search=automaton)
_LEFT = 8

TEXTS = st.lists(
    st.sampled_from([*(sample.line for sample in SECRETS), *HARMLESS, "so ", "\n", "日本語のテキスト", "word\n\n"]),
    max_size=4,
).map(" ".join)


def fragments(text: str, *, seed: int, longest: int = 7) -> list[str]:
    """A text as a model streams it: a few characters at a time."""
    dice, parts = random.Random(seed), []
    while text:
        length = dice.randint(1, longest)
        parts.append(text[:length])
        text = text[length:]
    return parts


def shown(parts: list[str]) -> str:
    mask = StreamMask(REDACTOR)
    return "".join([*map(mask.take, parts), mask.end()])


@given(TEXTS, st.integers(0, 2**32), st.integers(1, 40))
def test_fragments_put_together_are_the_text_masked_as_a_whole(text: str, seed: int, longest: int) -> None:
    assert shown(fragments(text, seed=seed, longest=longest)) == REDACTOR.text(text).text


@pytest.mark.parametrize("sample", SECRETS, ids=lambda sample: sample.name)
def test_no_part_of_a_secret_is_shown_however_it_is_split(sample: Sample) -> None:
    for text in (f"{sample.line}\nend", in_json(sample.line), in_json_twice(sample.line)):
        for seed in range(2):
            assert shown(fragments(text, seed=seed)) == REDACTOR.text(text).text


@pytest.mark.parametrize("sample", SECRETS, ids=lambda sample: sample.name)
def test_what_waits_too_long_is_let_go_and_still_no_secret_can_be_read(sample: Sample) -> None:
    mask, dice, parts = StreamMask(REDACTOR), random.Random(sample.name), []
    for fragment in fragments(f"{sample.line}\nend", seed=7, longest=30):
        parts.append(mask.take(fragment))
        if dice.random() < 0.5:
            parts.append(mask.release())
    text = "".join([*parts, mask.end()])
    assert "[redacted:" in text
    length = min(_LEFT, len(sample.secret))
    assert not any(sample.secret[at : at + length] in text for at in range(len(sample.secret) - length + 1))


def test_a_word_is_shown_with_the_next_blank_or_when_it_has_waited() -> None:
    mask = StreamMask(REDACTOR)
    assert (mask.take("Hello wor"), mask.holds) == ("Hello ", True)
    assert mask.take("ld, how") == "world, "
    assert (mask.release(), mask.holds) == ("how", False)
    assert mask.take(" are") == " "
    assert mask.end() == "are"


def test_what_is_known_to_begin_a_secret_does_not_leave_by_waiting() -> None:
    mask = StreamMask(REDACTOR)
    assert mask.take("export GITHUB_TOKEN=" + "gh" + "p_Ab3d") == "export "
    assert mask.release() == "GITHUB_TOKEN="
    assert mask.take("Ef6hIj9kLm2nOp5q") == ""
    assert mask.release() == ""
    assert mask.take(" && make") == "[redacted:github-token] && "


def test_a_beginning_that_was_let_go_costs_only_itself() -> None:
    mask = StreamMask(REDACTOR)
    assert mask.take("see g") + mask.release() == "see g"
    assert mask.take("hp_" + "aB3" * 12 + "\n") == "[redacted:github-token]\n"


def test_a_word_longer_than_any_is_not_held_for_ever() -> None:
    text = "data:image/png;base64," + "iVBORw0KGgo" * 500
    mask = StreamMask(REDACTOR)
    parts = [mask.take(part) for part in fragments(text, seed=1, longest=40)]
    assert len("".join(parts)) > len(text) - 600
    assert "".join([*parts, mask.end()]) == text


def test_a_private_key_without_end_is_masked_and_not_held_beyond_measure() -> None:
    mask = StreamMask(REDACTOR)
    line = "Mz4kQ9+vT7/bXcL2sHd0yWnE5gPfRj8uAo1iVq6tKhCmSwZxGyBNrYpUDeFlIaJO\n"
    text = "-----BEGIN RSA " + "PRIVATE KEY-----\n" + line * 100
    parts = [mask.take(part) for part in fragments(text, seed=1, longest=40)]
    assert "".join([*parts, mask.end()]) == "[redacted:private-key]\n"


def test_a_workspaces_own_rule_masks_a_word_that_comes_in_fragments() -> None:
    mask = StreamMask(Redactor([secret_form("ticket", r"ACME-\d{8}")], search=automaton))
    parts = [mask.take(part) for part in ("see AC", "ME-12", "34", "5678, then")]
    assert "".join([*parts, mask.end()]) == "see [redacted:ticket], then"
