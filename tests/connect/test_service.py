"""What is printed for service managers, read as they read it."""

from __future__ import annotations

import configparser
import plistlib
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from broker.domain.errors import BadRequest
from connect.service import LABEL, Manager, Service, describe, service
from connect.settings import Options, resolve_settings
from tests.connect.at_terminal import RELAY_CONNECT

TOKEN = "rk_live_" + "s" * 40


def a_service(folder: Path, *, token: bool = True, linked: bool = False, **options: object) -> Service:
    file = folder / "my token"
    file.write_text(TOKEN)
    chosen = replace(Options(url="https://relay.example", name="my box"), **options)  # type: ignore[arg-type]  # any option
    if token:
        chosen = replace(chosen, token_file=file)
    env = {"PATH": "/opt/my tools/100%:/bin", "RELAYCAST_CONFIG_DIR": str(folder), "SECRET": "hidden"}
    settings = resolve_settings(
        chosen, environment={**env, "RELAYCAST_DATA_DIR": str(folder), "RELAYCAST_STATE_DIR": str(folder / "state")}
    )
    return service(replace(settings, cwd=folder), chosen, environment=env, linked=linked)


def unquoted(text: str) -> list[str]:
    """Words of a systemd unit: quotes, escapes and specifiers taken away."""
    return [re.sub(r"\\(.)", r"\1", word).replace("%%", "%") for word in re.findall(r'"((?:[^"\\]|\\.)*)"', text)]


def read_unit(text: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's names have capitals
    parser.read_string(text)
    return parser


def test_a_unit_starts_the_link_alone_with_what_was_given(tmp_path: Path) -> None:
    found = a_service(tmp_path, labels=("gpu",), agents=('mine=my-agent --say "5 $ for 100%"',))
    unit = read_unit(describe(found, Manager.SYSTEMD))
    words = [word.replace("$$", "$") for word in unquoted(unit["Service"]["ExecStart"])]
    assert words == list(found.command)
    at = words.index("--headless")
    assert Path(words[0]).is_absolute()
    assert words[at + 1 :] == [
        "--url=https://relay.example",
        f"--token-file={tmp_path / 'my token'}",
        "--name=my box",
        f"--state-dir={tmp_path / 'state'}",
        "--label=gpu",
        '--agent=mine=my-agent --say "5 $ for 100%"',
    ]
    assert unit["Service"]["WorkingDirectory"] == str(tmp_path)
    assert unit["Install"]["WantedBy"] == "default.target"
    text = describe(found, Manager.SYSTEMD)
    assert 'Environment="PATH=/opt/my tools/100%%:/bin"' in text
    assert "SECRET" not in text
    assert TOKEN not in text


def test_a_service_logs_steps_where_it_was_installed_so(tmp_path: Path) -> None:
    assert "--log-steps" in a_service(tmp_path, log_steps=True).command
    assert "--log-steps" not in a_service(tmp_path).command


def test_a_property_list_says_the_same(tmp_path: Path) -> None:
    found = a_service(tmp_path)
    read = plistlib.loads(describe(found, Manager.LAUNCHD).encode())
    assert read["Label"] == LABEL
    assert read["ProgramArguments"] == list(found.command)
    assert read["WorkingDirectory"] == str(tmp_path)
    assert read["EnvironmentVariables"] == dict(found.environment)
    assert read["KeepAlive"] == {"SuccessfulExit": False}
    assert set(found.environment) == {"PATH", "RELAYCAST_CONFIG_DIR"}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd's own reader is not on this machine")
def test_systemd_itself_takes_the_unit(tmp_path: Path) -> None:
    folder = tmp_path / "a 100% folder"
    folder.mkdir()
    file = tmp_path / "relay-connect.service"
    file.write_text(describe(a_service(folder, agents=("mine=x 'y z' $HOME",)), Manager.SYSTEMD))
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", "--man=no", str(file)],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "relay-connect.service" in line]
    assert (ours, done.returncode) == ([], 0)


def test_no_token_is_ever_written_down(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="link this machine once") as refused:
        a_service(tmp_path, token=False)
    assert refused.value.code == "NOT_LINKED"
    linked = a_service(tmp_path, token=False, linked=True)
    assert not any(word.startswith("--token") for word in linked.command)
    with pytest.raises(BadRequest, match=r"rk_live_\[hidden\].*a token would lie in the service's file"):
        describe(a_service(tmp_path, agents=(f"mine=agent --key {TOKEN}",)), Manager.SYSTEMD)


@pytest.mark.parametrize("manager", list(Manager))
def test_what_no_file_can_hold_is_refused(tmp_path: Path, manager: Manager) -> None:
    with pytest.raises(BadRequest, match="a character that a service's file cannot hold"):
        describe(replace(a_service(tmp_path), folder=Path("/a\nExecStart=/bin/sh")), manager)


@pytest.mark.parametrize("manager", ["--systemd", "--launchd"])
def test_the_command_prints_it(tmp_path: Path, manager: str) -> None:
    (tmp_path / "token").write_text(TOKEN)
    told = ["--url", "https://relay.example", "--token-file", "token"]
    done = subprocess.run(
        [*RELAY_CONNECT, "service", manager, *told],
        cwd=tmp_path,
        env={"PATH": "/bin", "HOME": str(tmp_path), "RELAYCAST_STATE_DIR": str(tmp_path / "state")},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert f"--token-file={tmp_path / 'token'}" in done.stdout
    assert "--headless" in done.stdout
    assert str(Path(sys.executable).parent) in done.stdout
    assert TOKEN not in done.stdout + done.stderr
