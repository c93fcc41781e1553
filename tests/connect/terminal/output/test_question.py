"""An agent's question at the terminal: what is shown, and what a typed answer means."""

from __future__ import annotations

import pytest

from broker.domain.approvals.answers import Verdict
from broker.domain.errors import BadRequest, NotFound
from connect.sdk.types import AnswerOption, Approval, Choice, Question, QuestionPrompt
from connect.terminal.input.commands import Answer, AnswerQuestion, Command
from connect.terminal.input.grammar import Known, read_command
from connect.terminal.output.question import describe_answer, question_box, read_answers
from connect.terminal.session.asked import Asked, approval_box, describe_request, option_id
from connect.terminal.text.layout import Line

DATABASE = QuestionPrompt(
    id="db",
    header="Database",
    text="Which one?",
    choices=(Choice(label="SQLite", description="one file"), Choice(label="Postgres")),
)
PARTS = QuestionPrompt(
    id="parts",
    text="Which parts?",
    choices=(Choice(label="API"), Choice(label="UI")),
    multi_select=True,
    free_text=False,
)
FREE = QuestionPrompt(id="free", text="Why?", secret=True)


def asked(*prompts: QuestionPrompt, key: str = "0000abcd") -> Question:
    return Question.model_validate({"id": key, "agent": "Lead", "tool": "AskUserQuestion", "prompts": prompts})


def shown(lines: list[Line]) -> str:
    return "\n".join("".join(text for _, text in line) for line in lines)


def test_a_question_shows_its_choices_and_how_to_answer() -> None:
    box = shown(question_box(asked(DATABASE), asker="Lead (Claude)", short_id="abcd", width=80))
    for words in (
        "Lead (Claude) has a question",
        "Database: Which one?",
        "1) SQLite: one file",
        "2) Postgres",
        "in your own words",
        "answer abcd <number>",
    ):
        assert words in box


def test_what_is_special_about_an_answer_is_said() -> None:
    box = shown(question_box(asked(PARTS, FREE), asker="Lead", short_id="abcd", width=80))
    assert "several may be chosen" in box
    assert "not kept" in box


@pytest.mark.parametrize(
    ("prompts", "typed", "answers"),
    [
        ((DATABASE,), "2", {"db": ["Postgres"]}),
        ((DATABASE,), "sqlite", {"db": ["SQLite"]}),
        ((DATABASE,), "MySQL, but only for tests", {"db": ["MySQL, but only for tests"]}),
        ((DATABASE,), "3", {"db": ["3"]}),
        ((PARTS,), "1, 2", {"parts": ["API", "UI"]}),
        ((PARTS,), "ui", {"parts": ["UI"]}),
        ((PARTS,), "1,7", {"parts": ["1", "7"]}),
        ((FREE,), "because; of that", {"free": ["because; of that"]}),
        ((DATABASE, PARTS), "1; 2", {"db": ["SQLite"], "parts": ["UI"]}),
        ((DATABASE, FREE), "1;", {"db": ["SQLite"]}),
    ],
)
def test_a_typed_answer_means_a_choice_or_itself(
    prompts: tuple[QuestionPrompt, ...], typed: str, answers: dict[str, list[str]]
) -> None:
    assert read_answers(prompts, typed) == answers


def test_as_many_answers_as_prompts_are_wanted() -> None:
    with pytest.raises(BadRequest):
        read_answers((DATABASE, PARTS), "1")


def test_a_line_says_what_was_answered_without_the_secrets() -> None:
    assert describe_answer(asked(DATABASE, FREE), {"db": ("SQLite",)}) == "SQLite; …"


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("answer 2", AnswerQuestion(text="2")),
        ("answer abcd 1,2", AnswerQuestion(text="abcd 1,2")),
        ("deny because of that", Answer(verdict=Verdict.DENY, note="because of that")),
        ("approve abcd --option 2", Answer(verdict=Verdict.ALLOW, short_id="abcd", option="2")),
        ("approve --option no", Answer(verdict=Verdict.ALLOW, option="no")),
        ("deny abcd --option no", Answer(verdict=Verdict.DENY, short_id="abcd", option="no")),
    ],
)
def test_an_answer_is_a_command(line: str, command: Command) -> None:
    assert read_command(line, Known(waiting=["abcd"])) == command


@pytest.fixture
def waiting() -> Asked:
    waiting = Asked()
    waiting.add(asked(DATABASE, key="0000abcd"))
    return waiting


def test_a_question_is_found_by_its_id_or_because_it_is_the_only_one(waiting: Asked) -> None:
    assert waiting.find_question("abcd 2") == (waiting.pending()[0], "2")
    assert waiting.find_question("my own words") == (waiting.pending()[0], "my own words")
    waiting.add(asked(PARTS, key="1111ffff"))
    assert waiting.find_question("ffff 1")[0].id == "1111ffff"
    with pytest.raises(BadRequest):
        waiting.find_question("2")


def test_a_permission_request_is_not_answered_in_words() -> None:
    waiting = Asked()
    waiting.add(Approval.model_validate({"id": "2222eeee", "agent": "Lead", "tool": "Bash"}))
    with pytest.raises(NotFound):
        waiting.find_question("2")


@pytest.mark.parametrize(
    ("tool", "words"),
    [
        ("commandExecution", "to run a command"),
        ("execute", "to run a command"),
        ("Bash", "to run a command"),
        ("fileChange", "to change files"),
        ("other", "for permission"),
        ("mcp__github__create_issue", "to use create_issue of github"),
        ("Task", "to use Task"),
    ],
)
def test_a_box_says_in_plain_words_what_is_asked_for(tool: str, words: str) -> None:
    assert describe_request(tool) == words


def approval(**members: object) -> Approval:
    return Approval.model_validate({"id": "2222eeee", "agent": "Lead", "tool": "execute", "title": "Bash", **members})


def test_a_command_that_is_not_told_is_not_shown_as_one() -> None:
    box = shown(approval_box(approval(detail="touch /p/x"), asker="Ki", short_id="eeee", width=80))
    assert "$" not in box
    assert "does not say which command" in box
    assert "touch /p/x" in box


def test_a_tools_input_is_shown_member_by_member() -> None:
    given = {"to": "Bob", "text": "hi\nthere", "n": 1}
    box = shown(approval_box(approval(tool="other", title="send", input=given), asker="Q", short_id="eeee", width=80))
    for words in ("to: Bob", "text: hi", "there", "n: 1"):
        assert words in box


def test_the_answers_that_a_program_offers_are_listed_where_there_are_more_than_two() -> None:
    offered = [
        AnswerOption(id="a", name="Yes", kind="allow_once"),
        AnswerOption(id="b", name="Yes, always", kind="allow_always"),
        AnswerOption(id="c", name="No", kind="reject_once"),
    ]
    many = approval(options=offered)
    box = shown(approval_box(many, asker="Q", short_id="eeee", width=80))
    assert "2) Yes, always (lasts: rules are not asked again)" in box
    assert "approve eeee --option <number>" in box
    assert option_id(many, "2") == "b"
    assert option_id(many, "c") == "c"
    assert option_id(many, None) is None
    with pytest.raises(BadRequest):
        option_id(many, "4")
    few = shown(approval_box(approval(options=offered[1:]), asker="Q", short_id="eeee", width=80))
    assert "--option" not in few
