"""What the link tells at a console."""

from __future__ import annotations

import pytest

from connect.notices import Connected, Disconnected
from connect.serving.foreground import Presentation, _printer

AWAY = Disconnected(reason="cannot reach relay.example", retry_in_s=1.0)


@pytest.mark.parametrize(("json_lines", "told"), [(False, 2), (True, 3)])
def test_a_broker_that_stays_away_is_told_of_once_to_people(
    capsys: pytest.CaptureFixture[str], json_lines: bool, told: int
) -> None:
    show = _printer(Presentation(json_lines=json_lines, headless=True))
    for notice in (AWAY, AWAY, Disconnected(reason="the connection was closed", retry_in_s=1.0)):
        show(notice)
    assert len(capsys.readouterr().out.splitlines()) == told


def test_it_is_told_of_again_when_it_was_there_meanwhile(capsys: pytest.CaptureFixture[str]) -> None:
    show = _printer(Presentation(headless=True))
    here = Connected(broker="relay.example", session_url="https://relay.example/session/1", session="1")
    for notice in (AWAY, here, AWAY):
        show(notice)
    assert capsys.readouterr().out.count("cannot reach relay.example") == 2


def test_what_a_pipe_is_to_read_is_not_mixed_with_what_the_link_tells(capsys: pytest.CaptureFixture[str]) -> None:
    show = _printer(Presentation(task="Build it"))
    show(AWAY)
    output, aside = capsys.readouterr()
    assert (output, "cannot reach relay.example" in aside) == ("", True)
