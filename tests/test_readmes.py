"""What README files and runbooks name exists: files, headings, make targets, commands and options, variables."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from broker.cli import main as relaycast
from connect.cli import main as relay_connect

_ROOT = Path(__file__).parents[1]
_LISTED = subprocess.run(["git", "ls-files", "*.md"], cwd=_ROOT, capture_output=True, text=True, check=False).stdout
_TEXTS = sorted({*map(_ROOT.joinpath, _LISTED.split()), *_ROOT.glob("*.md"), *_ROOT.glob("*/README.md")})
_READMES = [path for path in _TEXTS if path.name in {"README.md", "runbooks.md"}]
_LINK = re.compile(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"")
_CODE = re.compile(r"```\w*\n(.*?)```|`([^`\n]+)`", re.DOTALL)
_FOLDERS = ("broker/", "connect/", "deploy/", "graphql_api/", "tests/", "web/")
_PATH = re.compile(rf"(?:{'|'.join(_FOLDERS)})[\w./-]*")
_VARIABLE = re.compile(r"RELAYCAST_[A-Z_]+[A-Z]")

_NAMED_BY_PAGE = re.compile(r"""(?:: |“|text="|text=\{`| `)(relaycast|relay-connect)(| [^"`”\n]*)["`”]""")
"""To be copied, or behind a colon, a quotation mark or a backtick in a text, up to its end."""


@cache
def _sources() -> str:
    files = [file for folder in ("broker", "connect", "tests") for file in (_ROOT / folder).rglob("*.py")]
    return "\n".join(file.read_text() for file in [*files, *(_ROOT / "web").glob("*.py")])


def _shown(path: Path) -> str:
    return str(path.relative_to(_ROOT))


def _codes(path: Path) -> Iterator[str]:
    for block, inline in _CODE.findall(path.read_text()):
        yield from (line.partition(" #")[0].strip() for line in (block or inline).splitlines())


def _anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", _TEXTS, ids=_shown)
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    for found in _LINK.findall(path.read_text()):
        link = "".join(found)
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name) if name else path
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target), link


@pytest.mark.parametrize("path", _READMES, ids=_shown)
def test_every_file_it_names_exists(path: Path) -> None:
    named = {found.rstrip(".") for code in _codes(path) for found in _PATH.findall(code)}
    built = {"broker/dashboard", "deploy/compose/.env"}
    assert [each for each in sorted(named - built) if not (_ROOT / each).exists()] == []


@pytest.mark.parametrize("path", _READMES, ids=_shown)
def test_every_make_target_it_names_exists(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (_ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {found[1] for code in _codes(path) if (found := re.match(r"make ([a-z-]+)", code))}
    assert named <= targets


@pytest.mark.parametrize("path", _READMES, ids=_shown)
def test_every_command_it_names_exists_with_its_options(path: Path) -> None:
    for code in _codes(path):
        for typed in re.split(r" \| ", code):
            words = typed.removeprefix("sudo -H -u relaycast-agents ").split()
            command = {"relaycast": relaycast, "relay-connect": relay_connect}.get(words[0] if words else "")
            if command is not None:
                _check(command, words[1:], typed)


def test_every_command_that_the_dashboard_names_exists_with_its_options() -> None:
    named = dict.fromkeys(
        f"{program} {rest.strip()}"
        for path in sorted((_ROOT / "web/src").rglob("*.ts*"))
        if ".test." not in path.name
        for program, rest in _NAMED_BY_PAGE.findall(path.read_text())
    )
    assert {"relaycast sign-in", "relay-connect policy", "relay-connect hooks review"} <= named.keys()
    assert any(typed.startswith("relay-connect --headless --url") for typed in named)
    for typed in named:
        program, *words = typed.split()
        _check({"relaycast": relaycast, "relay-connect": relay_connect}[program], words, typed)


def _check(command: click.Command, words: list[str], typed: str) -> None:
    """Go down the groups, then look the options up."""
    while words and isinstance(command, click.Group) and re.fullmatch(r"[a-z][a-z-]*", words[0]):
        found = command.get_command(click.Context(command), words[0])
        assert found is not None, typed
        command, words = found, words[1:]
    options = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    given = {word.partition("=")[0] for word in words if re.fullmatch(r"--?[a-zA-Z][\w-]*(=.*)?", word)}
    assert given <= options | {"-h", "--help"}, typed


@pytest.mark.parametrize("path", _READMES, ids=_shown)
def test_every_environment_variable_it_names_is_read_somewhere(path: Path) -> None:
    sources = _sources()
    agents = {f"RELAYCAST_{word}_BIN" for word in ("CLAUDE", "CODEX", "GEMINI")}
    named = set(_VARIABLE.findall(path.read_text())) - agents
    assert [each for each in sorted(named) if each not in sources] == []


@pytest.mark.parametrize("name", ["up", "gateway", "worker"])
def test_help_names_the_environment_variable_of_each_option_of_a_process(name: str) -> None:
    command = relaycast.get_command(click.Context(relaycast), name)
    assert command is not None
    with click.Context(command, info_name=name, auto_envvar_prefix=f"RELAYCAST_{name.upper()}") as context:
        unnamed = [option.name for option in command.params if "RELAYCAST_" not in str(option.get_help_record(context))]
    assert unnamed == []
