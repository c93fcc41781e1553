"""What every Lua script must have: a true header, a caller, and keys of one slot only."""

import re
from pathlib import Path

import pytest

import broker
from broker.adapters.redis import keys
from broker.adapters.redis.scripts import source
from broker.domain.ids import WorkspaceId

ROOT = Path(broker.__file__).parent
LUA = ROOT / "adapters" / "redis" / "lua"
SCRIPTS = sorted((path for path in LUA.rglob("*.lua") if path.parent.name != "lib"), key=lambda path: path.name)
_SHARED = "ARGV    1-6 see report"


def header(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if line.startswith("--"))


def documented(text: str) -> set[int]:
    """The ARGV numbers that a header names: `1 link`, `11, 12 wire text`, `1-6 see report`."""
    listed = header(text).partition("ARGV")[2].partition("Returns")[0]
    numbers = {int(found) for found in re.findall(r"(?<![\w-])(\d+)(?=[ ,])", listed)}
    for first, last in re.findall(r"(\d+)-(\d+) ", listed):
        numbers |= set(range(int(first), int(last) + 1))
    return numbers


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_every_argument_a_script_uses_is_in_its_header(path: Path) -> None:
    text = path.read_text()
    used = {int(number) for number in re.findall(r"ARGV\[(\d+)\]", text)}
    assert used <= documented(text)
    assert "KEYS[1] workspace root" in text


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_every_script_says_what_it_returns(path: Path) -> None:
    text = header(path.read_text())
    assert "-- Returns " in text or _SHARED in text or "1 link  2 fence  3 spool  4 number" in text


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_every_script_is_run_by_some_adapter(path: Path) -> None:
    python = "\n".join(file.read_text() for file in (ROOT / "adapters" / "redis").rglob("*.py"))
    assert f'"{path.stem}"' in python


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_scripts_touch_keys_of_their_own_workspace_only(path: Path) -> None:
    """Each key goes through the table, whose every entry begins with the workspace's hash tag."""
    text = source(path.stem)
    body = re.sub(r"--[^\n]*", "", text)
    from_table = {name.strip() for names in re.findall(r"local ([\w, ]+) = K\.", body) for name in names.split(",")}
    for command, key in re.findall(r"redis\.call\('(\w+)', ([^,)]+)", body):
        if command in {"TIME", "PUBLISH"}:
            continue
        assert key.startswith("K.") or key.strip() in from_table | {"key"}, f"{command} {key}"
    assert set(re.findall(r"KEYS\[(\d+)\]", body)) == {"1"}


def test_all_keys_of_a_workspace_share_its_hash_tag() -> None:
    workspace = WorkspaceId("w1")
    for name, template in keys._TEMPLATES.items():
        made = keys.key(workspace, name, *["id"] * template.count("%s"))
        assert made.startswith("rc:{w1}")
