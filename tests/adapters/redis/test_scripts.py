"""What every Lua script must have: a true header, a caller, and keys of one slot only."""

import ast
import re
from pathlib import Path
from typing import get_args

import pytest

import broker
from broker.adapters.redis import keys
from broker.adapters.redis.scripts import arguments, source
from broker.domain.hooks.happenings import WAITED_FOR
from broker.domain.ids import WorkspaceId
from broker.protocol.proxy import Command, RunCommand, RunHook, StopCommand

ROOT = Path(broker.__file__).parent
LUA = ROOT / "adapters" / "redis" / "lua"
SCRIPTS = sorted((path for path in LUA.rglob("*.lua") if path.parent.name != "lib"), key=lambda path: path.name)
SCRIPT_NAMES = {path.stem for path in SCRIPTS}
LIBRARIES = sorted((LUA / "lib").glob("*.lua"))


def header(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if line.startswith("--"))


def body(text: str) -> str:
    return re.sub(r"--[^\n]*", "", text)


@pytest.mark.parametrize("path", [*SCRIPTS, *LIBRARIES], ids=lambda path: path.stem)
def test_no_script_counts_its_arguments(path: Path) -> None:
    assert "ARGV" not in body(path.read_text())


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_every_argument_is_used(path: Path) -> None:
    text = path.read_text()
    assert "KEYS[1] workspace root" in text
    names, rest = arguments(path.stem)
    used = "\n".join(line for line in body(source(path.stem)).splitlines() if "ARGV" not in line)
    for name in [*names, *([rest] if rest else [])]:
        assert re.search(rf"\b{name}\b", used), name


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_every_line_of_a_header_that_looks_like_an_argument_is_one(path: Path) -> None:
    """A name in the wrong column would be taken for the description of the one above it."""
    listed = re.search(r"^-- ARGV    (.*\n(?:--         .*\n)*)", path.read_text(), re.MULTILINE)
    names, rest = arguments(path.stem)
    for line in listed[1].splitlines() if listed else []:
        words = line.removeprefix("--         ")
        assert words.startswith("  ") or re.match(r"\w+", words)[0] in {*names, rest}  # type: ignore[index]


def test_a_script_is_given_exactly_the_names_in_its_header() -> None:
    assert arguments("report_turn") == (
        ("read_at", "link", "fence", "spool", "number", "agent", "generation", "phase", "turn", "data"),
        "messages",
    )


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_every_script_says_what_it_returns(path: Path) -> None:
    text = header(path.read_text())
    assert "-- Returns " in text


def test_every_script_compares_when_its_caller_was_read_but_those_that_must_run_anyway() -> None:
    """They begin with it, before anything is read or written."""
    unguarded = {path.stem for path in SCRIPTS if "read_at" not in arguments(path.stem)[0]}
    assert unguarded == {
        "check_standing",
        "detach_link",
        "end_family",
        "end_sign_in",
        "note_act",
        "read_privacy",
        "settle_request",
    }
    for name in SCRIPT_NAMES - unguarded:
        code = body(source(name))
        assert arguments(name)[0][0] == "read_at", name
        compared = code.index("read_at ~= (redis.call('HGET', K.workspace(), 'access')")
        assert "= redis.call(" not in code[code.index("unpack(ARGV") : compared], name


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_every_script_is_run_by_some_adapter(path: Path) -> None:
    python = "\n".join(file.read_text() for file in (ROOT / "adapters" / "redis").rglob("*.py"))
    assert f'"{path.stem}"' in python


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_scripts_touch_keys_of_their_own_workspace_only(path: Path) -> None:
    """Each key goes through the table, whose every entry begins with the workspace's hash tag."""
    text = source(path.stem)
    code = body(text)
    from_table = {name.strip() for names in re.findall(r"local ([\w, ]+) = K\.", code) for name in names.split(",")}
    for command, key in re.findall(r"redis\.call\('(\w+)', ([^,)]+)", code):
        if command in {"TIME", "PUBLISH"}:
            continue
        if command == "SCAN":
            assert re.findall(r"'MATCH', ([^)]+?), 'COUNT'", code) == ["ROOT .. ':*'"]
            continue
        assert key.startswith("K.") or key.strip() in from_table | {"key"}, f"{command} {key}"
    assert set(re.findall(r"KEYS\[(\d+)\]", code)) == {"1"}


def test_all_keys_of_a_workspace_share_its_hash_tag() -> None:
    workspace = WorkspaceId("w1")
    for name, template in keys._TEMPLATES.items():
        made = keys.key(workspace, name, *["id"] * template.count("%s"))
        assert made.startswith("rc:{w1}")


def calls() -> list[tuple[str, set[str], bool]]:
    """Where adapters run scripts: the script, the names that are given, and whether some come from a dict."""
    found = []
    for file in (ROOT / "adapters" / "redis").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Call(args=[ast.Constant(value=str(name)), *_], keywords=given) if name in SCRIPT_NAMES:
                    names = {keyword.arg for keyword in given if keyword.arg}
                    found.append((name, names, any(keyword.arg is None for keyword in given)))
    return found


@pytest.mark.parametrize(
    ("name", "given", "is_open"), calls(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_adapters_give_a_script_what_it_takes(name: str, given: set[str], is_open: bool) -> None:
    names, rest = arguments(name)
    taken = {*names, *([rest] if rest else [])} - {"caller", "read_at"}  # given by `Scripts` itself
    assert given <= taken if is_open else given == taken


@pytest.mark.parametrize("path", [*SCRIPTS, *LIBRARIES], ids=lambda path: path.stem)
def test_json_is_put_together_in_one_place(path: Path) -> None:
    """By `object`, which escapes what it is given; a pattern that begins with ^ reads."""
    written = [
        text for text in re.findall(r"'((?:[^'\\\n]|\\.)*)'", body(path.read_text())) if not text.startswith("^")
    ]
    spelled = [text for text in written if re.search(r'[{,]"\w+":', text)]
    assert spelled == [] or path.stem == "log", spelled


def commands() -> list[tuple[str, str, set[str]]]:
    """Where scripts order something of a machine: the script, the command's kind, and the names of its members."""
    found = []
    for path in [*SCRIPTS, *LIBRARIES]:
        for kind, rest in re.findall(
            r"\bcommand(?:_text)?\((?:[\w.]+, )?'(\w+)',((?:[^\n]|\n    )*)", path.read_text()
        ):
            found.append((path.stem, kind, set(re.findall(r"'(\w+)', (?=[^,])", rest))))
    return found


@pytest.mark.parametrize(
    ("script", "kind", "names"), commands(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_commands_have_the_members_that_the_protocol_gives_them(script: str, kind: str, names: set[str]) -> None:
    models = {model.model_fields["type"].default: model for model in get_args(Command)}
    fields = models[kind].model_fields
    required = {name for name, field in fields.items() if field.is_required()}
    # The broker notes down for itself which approval an answer is of.
    assert required <= names <= {*fields, *(("approval",) if kind == "answer" else ())}, script


def test_every_command_of_the_protocol_is_given_by_some_script() -> None:
    written = {RunHook, RunCommand, StopCommand}  # whole, by its model: the scripts pass it on as it is
    assert {kind for _, kind, _ in commands()} == {
        model.model_fields["type"].default for model in get_args(Command) if model not in written
    }


@pytest.mark.parametrize("path", [*SCRIPTS, *LIBRARIES], ids=lambda path: path.stem)
def test_numbers_of_policy_come_from_one_table(path: Path) -> None:
    """Durations and bounds in bytes are fields of `T`; a day is a unit."""
    assert re.findall(r"^ *local (?!DAY_)([A-Z_]*(?:_MS|_S|BYTES)) = \d+", path.read_text(), re.MULTILINE) == []


def test_the_log_tells_hooks_of_exactly_what_they_wait_for() -> None:
    listed = re.search(r"^local HOOKED = \{(.*?)\}$", (LUA / "lib" / "log.lua").read_text(), re.MULTILINE | re.DOTALL)
    assert listed
    assert set(re.findall(r"\['([\w.]+)'\]", listed[1])) == WAITED_FOR
