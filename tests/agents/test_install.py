"""The agents are installed once, whole or not at all; a stand-in for npm shows it without the network."""

from pathlib import Path

import pytest

from tests.agents.install import AgentPackage, InstallError, cache_folder, executable, install, is_installed

_PACKAGE = AgentPackage(name="claude", package="@vendor/claude", version="1.2.3", command="claude")
_NPM = """\
#!/bin/sh
echo "$@" >> "{log}"
mkdir -p node_modules/.bin && touch node_modules/.bin/{command}
exit {status}
"""


def _put_npm_on_path(
    monkeypatch: pytest.MonkeyPatch, folder: Path, *, status: int = 0, command: str = "claude"
) -> Path:
    npm, log = folder / "npm", folder / "npm.log"
    npm.write_text(_NPM.format(log=log, command=command, status=status))
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return log


def test_a_program_is_installed_once_under_its_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    log = _put_npm_on_path(monkeypatch, tmp_path)
    cache = tmp_path / "cache"

    paths = [install(_PACKAGE, cache), install(_PACKAGE, cache)]

    assert paths == [cache / "claude-1.2.3/node_modules/.bin/claude"] * 2
    assert paths[0].exists()
    assert len(log.read_text().splitlines()) == 1
    assert "@vendor/claude@1.2.3" in log.read_text()


def test_a_broken_leftover_is_replaced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _put_npm_on_path(monkeypatch, tmp_path)
    leftover = executable(_PACKAGE, tmp_path)
    leftover.parent.mkdir(parents=True)
    leftover.with_name("half").touch()

    install(_PACKAGE, tmp_path)

    assert is_installed(_PACKAGE, tmp_path)
    assert not leftover.with_name("half").exists()


def test_a_failed_install_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _put_npm_on_path(monkeypatch, tmp_path, status=1)
    cache = tmp_path / "cache"

    with pytest.raises(InstallError, match="npm could not install @vendor/claude"):
        install(_PACKAGE, cache)

    assert list(cache.iterdir()) == []


def test_a_package_without_its_command_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _put_npm_on_path(monkeypatch, tmp_path, command="something-else")

    with pytest.raises(InstallError, match="brought no command"):
        install(_PACKAGE, tmp_path / "cache")


def test_without_npm_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(InstallError, match=r"install Node\.js"):
        install(_PACKAGE, tmp_path)


def test_the_cache_folder_can_be_moved(tmp_path: Path) -> None:
    assert cache_folder({"RELAYCAST_AGENT_CACHE": str(tmp_path)}) == tmp_path
    assert cache_folder({}).parts[-2:] == ("relaycast", "agents")
