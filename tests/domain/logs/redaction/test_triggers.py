"""What is found of the words that secrets begin with."""

from hypothesis import example, given
from hypothesis import strategies as st

from broker.domain.logs.redaction.triggers import one_by_one

TRIGGERS = st.lists(st.text("abk_-. ", min_size=1, max_size=4), unique=True, max_size=8)


@given(TRIGGERS, st.text("abk_-. \n", max_size=30))
@example(["key", "key-", "ghp_"], "a key")
@example(["b_a", "a"], "_b_a")
@example([], "key")
def test_every_trigger_is_found_wherever_it_stands(triggers: list[str], text: str) -> None:
    standing = [
        (number, at, at + len(trigger))
        for number, trigger in enumerate(triggers)
        for at in range(len(text))
        if text.startswith(trigger, at)
    ]
    assert one_by_one(triggers)(text) == sorted(standing, key=lambda hit: (hit[2], hit[1]))
