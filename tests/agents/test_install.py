"""The agents are installed once, whole or not at all; a stand-in for npm shows it without the network."""

import json
import sys
from pathlib import Path

import pytest

import tests.agents.install as installing
from tests.agents.install import PACKAGES, AgentPackage, InstallError, cache_folder, executable, install, is_installed

_NPM = """\
import pathlib, sys
log, status, command = {log!r}, {status}, {command!r}
with open(log, "a") as file:
    print(*sys.argv[1:], *sorted(path.name for path in pathlib.Path().iterdir()), file=file)
binaries = pathlib.Path("node_modules/.bin")
binaries.mkdir(parents=True)
(binaries / command).touch()
sys.exit(status)
"""


@pytest.fixture
def package(tmp_path: Path) -> AgentPackage:
    folder = tmp_path / "locks" / "claude"
    folder.mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps({"dependencies": {"@vendor/claude": "1.2.3"}}))
    (folder / "package-lock.json").write_text("{}")
    return AgentPackage(name="claude", command="claude", locks=tmp_path / "locks")


def _replace_npm(monkeypatch: pytest.MonkeyPatch, folder: Path, *, status: int = 0, command: str = "claude") -> Path:
    """Python in Node's place, with a program of ours in npm's."""
    npm, log = folder / "npm.py", folder / "npm.log"
    npm.write_text(_NPM.format(log=str(log), command=command, status=status))
    (folder / "node").symlink_to(sys.executable)
    monkeypatch.setattr(installing, "NODE_FOLDER", folder)
    monkeypatch.setattr(installing, "_NPM", npm)
    return log


def test_a_program_is_installed_once_under_its_version(
    monkeypatch: pytest.MonkeyPatch, package: AgentPackage, tmp_path: Path
) -> None:
    log = _replace_npm(monkeypatch, tmp_path)
    cache = tmp_path / "cache"

    paths = [install(package, cache), install(package, cache)]

    assert paths == [cache / "claude-1.2.3/node_modules/.bin/claude"] * 2
    assert paths[0].exists()
    assert len(log.read_text().splitlines()) == 1
    assert "install" in log.read_text()
    assert "package-lock.json package.json" in log.read_text()


def test_a_broken_leftover_is_replaced(monkeypatch: pytest.MonkeyPatch, package: AgentPackage, tmp_path: Path) -> None:
    _replace_npm(monkeypatch, tmp_path)
    leftover = executable(package, tmp_path)
    leftover.parent.mkdir(parents=True)
    leftover.with_name("half").touch()

    install(package, tmp_path)

    assert is_installed(package, tmp_path)
    assert not leftover.with_name("half").exists()


def test_a_failed_install_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, package: AgentPackage, tmp_path: Path
) -> None:
    _replace_npm(monkeypatch, tmp_path, status=1)
    cache = tmp_path / "cache"

    with pytest.raises(InstallError, match="npm could not install @vendor/claude"):
        install(package, cache)

    assert list(cache.iterdir()) == []


def test_a_package_without_its_command_is_refused(
    monkeypatch: pytest.MonkeyPatch, package: AgentPackage, tmp_path: Path
) -> None:
    _replace_npm(monkeypatch, tmp_path, command="something-else")

    with pytest.raises(InstallError, match="brought no command"):
        install(package, tmp_path / "cache")


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_a_lock_names_exact_versions_with_hashes_and_no_registry(package: AgentPackage) -> None:
    _, path = package.lock_files
    locked = json.loads(path.read_bytes())["packages"]
    assert locked[f"node_modules/{package.package}"]["version"] == package.version
    assert all("resolved" not in each for each in locked.values())
    assert all(each.get("integrity") for name, each in locked.items() if name)


def test_the_cache_folder_can_be_moved(tmp_path: Path) -> None:
    assert cache_folder({"RELAYCAST_AGENT_CACHE": str(tmp_path)}) == tmp_path
    assert cache_folder({}).parts[-2:] == ("relaycast", "agents")
