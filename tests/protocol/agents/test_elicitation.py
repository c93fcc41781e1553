"""Forms as prompts."""

from __future__ import annotations

from broker.domain.approvals.questions import Choice, QuestionPrompt
from broker.protocol.agents.elicitation import form_prompts

DATABASE = {
    "type": "string",
    "title": "DB",
    "oneOf": [{"const": "sqlite", "title": "SQLite", "description": "a file"}, {"const": "Postgres"}],
}
CHOICES = (Choice(label="SQLite", value="sqlite", description="a file"), Choice(label="Postgres"))


def test_the_message_of_a_form_is_the_question_where_its_only_member_says_nothing() -> None:
    schema = {"type": "object", "properties": {"q0": DATABASE}, "required": ["q0"]}
    assert form_prompts("Which database?", schema) == (
        QuestionPrompt(id="q0", header="DB", text="Which database?", choices=CHOICES, free_text=False),
    )


def test_what_a_form_is_for_is_not_lost() -> None:
    described = {**DATABASE, "description": "Choose one."}
    (one,) = form_prompts("The project needs a database.", {"properties": {"q0": described}}) or ()
    assert one.text == "The project needs a database.\nChoose one."
    first, second = form_prompts("Set it up.", {"properties": {"a": DATABASE, "b": {"type": "string"}}}) or ()
    assert (first.text, second.text) == ("Set it up.\nDB", "b")


def test_a_form_with_a_member_that_cannot_be_shown_is_none() -> None:
    assert form_prompts("Set it up.", {"properties": {"a": DATABASE, "b": {"type": "object"}}}) is None
