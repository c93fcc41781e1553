"""`relay-connect notify` with a recorder in place of the desktop's program: the exact argv."""

import json
import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from connect.cli import main
from connect.notify_command import desktop_argv

EVENT = {
    "type": "on_approval_needed",
    "agent": {"name": "Worker"},
    "url": "http://relay.test/session/1",
    "data": {"tool": "shell", "command": "rm -rf '$(x)'\n--help", "text": "Remove", "files": []},
}


@pytest.fixture
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands on PATH as both desktops' programs, and keeps the arguments it is given."""
    kept = tmp_path / "argv.json"
    for name in ("notify-send", "osascript"):
        program = tmp_path / name
        program.write_text(
            f"#!{sys.executable}\nimport json, sys\nopen({str(kept)!r}, 'w').write(json.dumps(sys.argv[1:]))\n"
        )
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return kept


def test_what_an_agent_asks_is_shown_with_its_link_and_is_no_option_of_the_program(recorder: Path) -> None:
    done = CliRunner().invoke(main, ["notify", "--event"], input=json.dumps(EVENT) + "\n")
    assert done.exit_code == 0, done.output
    assert json.loads(recorder.read_text()) == [
        "--app-name=Relaycast",
        "--",
        "Worker needs your approval",
        "shell: rm -rf '$(x)'\n--help\nhttp://relay.test/session/1",
    ]


def test_on_apples_system_both_texts_are_arguments_of_the_script(recorder: Path) -> None:
    title, text = 'x" & do shell script "id', "-e"
    argv = desktop_argv(title, text, platform="darwin")
    assert argv[0] == str(recorder.parent / "osascript")
    assert argv[-2:] == [title, text]
    assert title not in argv[2]


def test_a_machine_without_a_desktop_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = CliRunner().invoke(main, ["notify", "hello"])
    assert done.exit_code != 0
    assert "is not on this machine" in done.output


@pytest.mark.parametrize("given", [["notify"], ["notify", "--event", "text"]])
def test_it_takes_a_text_or_an_event(given: list[str]) -> None:
    assert CliRunner().invoke(main, given).exit_code == 2


def test_what_is_no_event_is_refused() -> None:
    assert CliRunner().invoke(main, ["notify", "--event"], input="{}\n").exit_code == 2
