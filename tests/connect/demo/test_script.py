import pytest

from connect.demo.game import Board, draw
from connect.demo.script import (
    OPPONENT_TASK,
    AskPermission,
    AskPermissions,
    AskQuestion,
    CallTool,
    GoDeaf,
    Incoming,
    Quit,
    ReportEdit,
    Say,
    Sleep,
    TellPlan,
    Think,
    read_prompt,
    steps_for,
)

_ID = "0b9a0000-0000-4000-8000-000000000001"


def _message(text: str, *, role: str = "human") -> Incoming:
    return Incoming(id=_ID, sender="Lead", role=role, text=text)


def test_the_envelope_is_read_and_the_instructions_example_is_not_taken_for_one() -> None:
    prompt = (
        "Messages reach you as <relay-message id=… from=… role=…>…</relay-message>.\n"
        f'<relay-message id="{_ID}" from="Lead" role="peer" to="Opponent" mode="wait">\nhello\nthere\n</relay-message>'
    )

    assert read_prompt(prompt) == [Incoming(id=_ID, sender="Lead", role="peer", text="hello\nthere")]


def test_a_bare_text_is_a_humans_message_without_an_id() -> None:
    assert read_prompt(" say hi ") == [Incoming(id=None, sender="", role="human", text="say hi")]


def test_the_lead_spawns_an_opponent_and_moves_first() -> None:
    said, spawn, move = steps_for(_message("Play tic-tac-toe with a demo agent"))

    assert said == Say(text="I'll spawn a Demo opponent and start the game.")
    assert isinstance(spawn, CallTool)
    assert spawn.arguments == {"name": "Opponent", "cli": "demo", "task": OPPONENT_TASK}
    assert isinstance(move, CallTool)
    assert "I play center (5)" in move.arguments["text"]


@pytest.mark.parametrize(
    ("asked", "cli"),
    [
        ("Play tic-tac-toe", "demo"),
        ("play tictactoe with a Codex agent", "codex"),
        ("Play tic-tac-toe with an opencode agent, please", "opencode"),
        ("Play tic-tac-toe with somebody", "demo"),
    ],
)
def test_the_opponent_is_of_the_kind_that_is_named(asked: str, cli: str) -> None:
    (spawn,) = [
        step for step in steps_for(_message(asked)) if isinstance(step, CallTool) and step.tool == "relay_spawn"
    ]
    assert spawn.arguments["cli"] == cli


def test_the_opponent_waits_for_the_first_move() -> None:
    assert steps_for(_message(OPPONENT_TASK, role="lead")) == [Say(text="Ready to play O.")]


def test_a_board_is_answered_with_a_move_to_its_sender() -> None:
    (move,) = steps_for(_message(f"Your move.\n\n{draw(Board('    X    '))}", role="peer"))

    assert isinstance(move, CallTool)
    assert move.arguments["to"] == "Lead"
    assert "I play top-left (1)" in move.arguments["text"]


def test_the_last_move_tells_the_result_and_a_finished_board_gets_no_answer() -> None:
    last, said = steps_for(_message(draw(Board("OOXXXOO X")), role="peer"))
    assert isinstance(last, CallTool)
    assert "It's a draw" in last.arguments["text"] or "wins" in last.arguments["text"]
    assert isinstance(said, Say)

    (closing,) = steps_for(_message(draw(Board("XXXOO    ")), role="peer"))
    assert closing == Say(text="Good game. X wins.")


def test_scripted_lines_do_what_they_say() -> None:
    assert steps_for(_message("say  hi ")) == [Say(text="hi")]
    assert steps_for(_message("ask permission: rm -rf build")) == [AskPermission(command="rm -rf build")]
    both = (AskPermission(command="make a"), AskPermission(command="make b"))
    assert steps_for(_message("ask permissions: make a | make b")) == [AskPermissions(asked=both)]
    assert steps_for(_message("sleep 0.5")) == [Sleep(seconds=0.5), Say(text="I slept 0.5 s.")]
    assert steps_for(_message("exit 3")) == [Quit(code=3)]
    assert steps_for(_message("ignore")) == [GoDeaf()]
    assert steps_for(_message("think hard\n\nplan: *look | -write | test\n\nsay done")) == [
        Think(text="hard"),
        TellPlan(steps=(("look", "completed"), ("write", "in_progress"), ("test", "pending"))),
        Say(text="done"),
    ]
    assert steps_for(_message('call relay_agents {"a": 1}')) == [
        CallTool(tool="relay_agents", arguments={"a": 1}, tell=True)
    ]


def test_an_edit_has_a_path_and_what_goes_and_comes_of_one_line_or_several() -> None:
    edit, said = steps_for(_message("edit src/app.py: x = 1 => x = 2"))
    assert edit == ReportEdit(path="src/app.py", old="x = 1\n", new="x = 2\n")
    assert said == Say(text="I told of editing src/app.py.")

    block, _ = steps_for(_message("edit a.py:\n    a\n    b\n=>\n    c"))
    assert block == ReportEdit(path="a.py", old="    a\n    b\n", new="    c\n")
    created, deleted, _ = steps_for(_message("edit a.py: => new\n\nedit b.py: old =>"))
    assert created == ReportEdit(path="a.py", old="", new="new\n")
    assert deleted == ReportEdit(path="b.py", old="old\n", new="")


@pytest.mark.parametrize(
    ("words", "question"),
    [
        ("Why?", AskQuestion(text="Why?")),
        ("Which? a | b c", AskQuestion(text="Which?", choices=("a", "b c"))),
        ("Which? a & b", AskQuestion(text="Which?", choices=("a", "b"), several=True)),
    ],
)
def test_a_question_is_asked_with_its_choices(words: str, question: AskQuestion) -> None:
    assert steps_for(_message(f"ask question: {words}")) == [question]


def test_permission_is_asked_for_edits_as_for_commands() -> None:
    (asked,) = steps_for(_message("ask permission: edit a.py: x => y"))
    assert asked == AskPermission(command="edit a.py: x => y", edits=(ReportEdit(path="a.py", old="x\n", new="y\n"),))


def test_an_unknown_line_is_answered_with_what_it_can_do() -> None:
    (said,) = steps_for(_message("what is the weather?"))

    assert isinstance(said, Say)
    assert "Play tic-tac-toe" in said.text
