import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect.demo.game import Board, best_move, draw, outcome, read_board, square_name


def test_two_perfect_players_draw() -> None:
    board = Board()
    while not board.is_over:
        board = board.play(best_move(board))

    assert outcome(board) == "It's a draw."


def test_a_game_opens_as_in_the_description() -> None:
    first = best_move(Board())

    assert square_name(first) == "center (5)"
    assert square_name(best_move(Board().play(first))) == "top-left (1)"


def test_a_win_in_one_move_is_taken_before_a_longer_one() -> None:
    assert best_move(Board("XX OO    ")) == 2


def test_a_threat_is_blocked() -> None:
    assert best_move(Board("OX  X    ")) == 7


@given(st.lists(st.integers(0, 8), max_size=9))
def test_a_drawn_board_reads_back_as_itself(moves: list[int]) -> None:
    board = Board()
    for move in moves:
        if not board.is_over and board.squares[move] == " ":
            board = board.play(move)

    assert read_board(f"I play something. Your turn.\n\n{draw(board)}\n") == board


def test_text_without_a_board_or_with_an_impossible_one_is_no_board() -> None:
    assert read_board("Play tic-tac-toe") is None
    assert read_board(draw(Board("OOO      "))) is None


def test_a_taken_square_cannot_be_played() -> None:
    with pytest.raises(ValueError, match="taken"):
        Board("X        ").play(0)
