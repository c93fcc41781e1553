"""Installing the service. The managers themselves do not run here: their commands are stand-ins that keep what they
were asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker.domain.errors import Unavailable
from connect.installing import Installed
from connect.service import LABEL, Manager
from tests.fixtures.service_manager import Asked, stand_in


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    made = stand_in(tmp_path / "bin", "systemctl", "launchctl")
    monkeypatch.setenv("PATH", str(made.folder))
    return made


def here(manager: Manager, home: Path) -> Installed:
    return Installed.here(manager, {"HOME": str(home)})


def test_systemd_is_given_the_file_and_starts_it_anew(tmp_path: Path, asked: Asked) -> None:
    installed = here(Manager.SYSTEMD, tmp_path)
    installed.install("[Unit]")
    installed.install("[Service]")
    assert installed.path == tmp_path / ".config/systemd/user/relay-connect.service"
    assert (installed.path.read_text(), installed.path.stat().st_mode & 0o777) == ("[Service]", 0o600)
    assert [line.split()[2] for line in asked.lines] == ["daemon-reload", "enable", "restart"] * 2


def test_launchd_is_given_the_list_and_forgets_the_one_before(tmp_path: Path, asked: Asked) -> None:
    installed = here(Manager.LAUNCHD, tmp_path)
    installed.install("<plist/>")
    assert installed.path == tmp_path / f"Library/LaunchAgents/{LABEL}.plist"
    assert [line.split()[1] for line in asked.lines] == ["bootout", "bootstrap"]


@pytest.mark.parametrize("manager", list(Manager))
def test_what_is_uninstalled_is_stopped_and_gone(manager: Manager, tmp_path: Path, asked: Asked) -> None:
    installed = here(manager, tmp_path)
    assert not installed.uninstall()
    assert installed.state() == "not installed"
    installed.install("x")
    asked.forget()
    assert installed.uninstall()
    assert not installed.path.exists()
    assert asked.lines[0].split()[1:3] in [["--user", "disable"], ["bootout", asked.lines[0].split()[-1]]]


def test_the_state_is_in_the_managers_own_word(tmp_path: Path, asked: Asked) -> None:
    installed = here(Manager.SYSTEMD, tmp_path)
    installed.install("x")
    asked.answer("failed", status=3)
    assert installed.state() == "failed"


def test_a_manager_that_refuses_is_quoted(tmp_path: Path, asked: Asked) -> None:
    asked.answer("Failed to connect to bus", status=1)
    with pytest.raises(Unavailable, match=r"systemctl --user daemon-reload`: Failed to connect to bus"):
        here(Manager.SYSTEMD, tmp_path).install("x")


def test_without_a_manager_it_says_what_to_do_instead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="there is no systemctl here: `relay-connect service` prints"):
        here(Manager.SYSTEMD, tmp_path).install("x")
