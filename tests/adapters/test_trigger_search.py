from hypothesis import given
from hypothesis import strategies as st

from broker.adapters.trigger_search import automaton
from broker.domain.logs.redaction import Redactor
from broker.domain.logs.redaction.rules import secret_forms

RULES = secret_forms([("ticket", r"acme-\d{8}"), ("name", r"nightfall-[a-z]{4}")])
PLAIN, FAST = Redactor(RULES), Redactor(RULES, search=automaton)
PIECES = [
    "key",
    "KEY",
    "Pass",
    "AKIA",
    "ghp_",
    "eyJ",
    "\\u0041",
    "\\u00e9",
    "acme-",
    "night",
    "fall-",
    "é",
    "😀",
    '"',
    "\n",
    " ",
]


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8))).map("".join))
def test_it_suspects_the_very_texts_that_hold_a_trigger(text: str) -> None:
    assert FAST.suspects(text) is PLAIN.suspects(text)
    assert FAST.text(text) == PLAIN.text(text)


@given(st.sampled_from(["secret", "ghp_", "authorization", "\\u0070"]), st.text(), st.text())
def test_it_finds_a_trigger_wherever_it_stands(trigger: str, before: str, behind: str) -> None:
    assert FAST.suspects(before + trigger.upper() * (trigger[0] != "\\") + trigger + behind)
