"""Tic-tac-toe for the demo agents: a position read from text, the best move, a position drawn as text. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

_LINES = ((0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6))
_PREFERENCE = (4, 0, 2, 6, 8, 1, 3, 5, 7)
"""Centre, corners, edges: the first of equally good moves is played, so every game is the same."""
_NAMES = ("top-left", "top", "top-right", "left", "center", "right", "bottom-left", "bottom", "bottom-right")
_ROW = re.compile(r"^\W*([XO1-9]) │ ([XO1-9]) │ ([XO1-9])\W*$", re.MULTILINE)
_FREE = " "


@dataclass(frozen=True, slots=True)
class Board:
    """Nine squares, each `X`, `O` or a space; X moves first."""

    squares: str = _FREE * 9

    @property
    def to_move(self) -> str:
        """Whose turn it is."""
        return "X" if self.squares.count("X") == self.squares.count("O") else "O"

    @property
    def winner(self) -> str | None:
        """Who has three in a row."""
        for a, b, c in _LINES:
            if self.squares[a] != _FREE and self.squares[a] == self.squares[b] == self.squares[c]:
                return self.squares[a]
        return None

    @property
    def is_over(self) -> bool:
        """Whether nobody can move any more."""
        return self.winner is not None or _FREE not in self.squares

    def play(self, square: int) -> Board:
        """The board after the next player has taken `square` (0 to 8)."""
        if self.is_over or self.squares[square] != _FREE:
            raise ValueError(f"square {square + 1} is taken or the game is over")
        return Board(self.squares[:square] + self.to_move + self.squares[square + 1 :])


def best_move(board: Board) -> int:
    """The move that wins soonest or loses last."""
    return max(_free(board), key=lambda square: (-_value(board.play(square)), -_PREFERENCE.index(square)))


def draw(board: Board) -> str:
    """The board as three rows; free squares show their number."""
    shown = [str(at + 1) if square == _FREE else square for at, square in enumerate(board.squares)]
    rows = [" " + " │ ".join(shown[start : start + 3]) for start in (0, 3, 6)]
    return "\n───┼───┼───\n".join(rows)


def read_board(text: str) -> Board | None:
    """The last board drawn in `text`, when it is one that can come up in a game."""
    rows = _ROW.findall(text)
    if len(rows) < 3:
        return None
    shown = "".join("".join(row) for row in rows[-3:])
    board = Board("".join(square if square in "XO" else _FREE for square in shown))
    return board if board.squares.count("X") - board.squares.count("O") in {0, 1} else None


def square_name(square: int) -> str:
    """`center (5)`."""
    return f"{_NAMES[square]} ({square + 1})"


def outcome(board: Board) -> str:
    """How a finished game ended."""
    return f"{board.winner} wins." if board.winner else "It's a draw."


def _free(board: Board) -> list[int]:
    return [square for square in _PREFERENCE if board.squares[square] == _FREE]


@cache
def _value(board: Board) -> int:
    """What the position is worth to the player who moves next; sooner ends count more."""
    left = board.squares.count(_FREE)
    if board.winner is not None:
        return -1 - left
    if left == 0:
        return 0
    return max(-_value(board.play(square)) for square in _free(board))
