"""Units for systemd and launchd: read by the programs that they are for."""

import plistlib
import re
import sys
from pathlib import Path

import click
import pytest

from broker.cli.main import main
from broker.runtime.watchdog import EXIT_STANDSTILL
from connect.service import LABEL
from tests.deploy.programs import DEPLOY, run

UNITS = sorted((DEPLOY / "systemd").iterdir())
_OWN = Path(sys.executable).parent


def here(unit: Path, folder: Path) -> Path:
    """The same with the programs and a user of this machine, which is what systemd looks up beside the syntax."""
    text = unit.read_text().replace("/opt/relaycast/bin", str(_OWN))
    text = re.sub(r"^(User|Group)=relaycast$", r"\1=root", text, flags=re.MULTILINE)
    made = folder / unit.name
    made.write_text(text)
    return made


@pytest.mark.parametrize("unit", UNITS, ids=lambda each: each.name)
def test_systemd_finds_nothing_wrong(unit: Path, tmp_path: Path) -> None:
    # Of other units of this machine it says what it likes.
    status, said = run("systemd-analyze", "verify", here(unit, tmp_path))
    assert [line for line in said.splitlines() if unit.name.partition("@")[0] in line] == []
    assert status == 0, said


def test_the_brokers_unit_exposes_little(tmp_path: Path) -> None:
    unit = here(DEPLOY / "systemd" / "relaycast.service", tmp_path)
    text = unit.read_text()
    unit.write_text(text.replace("User=root", "User=daemon"))
    status, said = run("systemd-analyze", "security", "--offline=yes", "--threshold=25", unit)
    assert status == 0, said[-300:]


def test_the_broker_is_started_again_when_its_loop_stood_still() -> None:
    unit = (DEPLOY / "systemd" / "relaycast.service").read_text()
    assert "Restart=on-failure" in unit
    assert EXIT_STANDSTILL != 0
    assert "RestartPreventExitStatus" not in unit


def test_launchd_starts_a_command_that_exists() -> None:
    (file,) = (DEPLOY / "launchd").iterdir()
    unit = plistlib.loads(file.read_bytes())
    assert file.name == f"{unit['Label']}.plist"
    assert unit["Label"].rpartition(".")[0] == LABEL.rpartition(".")[0]
    program, command = unit["ProgramArguments"]
    assert program.endswith("/relaycast")
    assert command in main.list_commands(click.Context(main))
    assert unit["KeepAlive"] == {"SuccessfulExit": False}
