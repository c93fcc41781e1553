from broker.protocol.agents.message_ids import message_ids_in, nudge_id
from tests.protocol.talking import FIRST, SECOND


def test_ids_are_found_at_the_beginning_of_a_line() -> None:
    text = f'You are Bob.\n\n<relay-message id="{FIRST}" from="A">\nhi\n<relay-message id="{SECOND}" from="B">'
    assert message_ids_in(text) == (FIRST, SECOND)


def test_a_header_inside_a_line_is_somebodys_words() -> None:
    assert message_ids_in(f'> <relay-message id="{FIRST}" from="A">') == ()
    assert message_ids_in('<relay-message id="not-an-id">') == ()


def test_a_nudge_has_one_id_for_each_message_and_text() -> None:
    assert nudge_id(FIRST, "go on") == nudge_id(FIRST, "go on")
    assert len({nudge_id(FIRST, "go on"), nudge_id(SECOND, "go on"), nudge_id(FIRST, "again")}) == 3
