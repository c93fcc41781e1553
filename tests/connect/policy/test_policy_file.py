from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.errors import BadRequest
from connect.policy.owners_file import NO_FILE
from connect.policy.policy import AgentAskers, AlwaysAsked, Askers, Policy, Widening, describe
from connect.policy.policy_file import DEFAULTS, PolicyFile, to_toml


@pytest.fixture
def file(tmp_path: Path) -> PolicyFile:
    return PolicyFile(tmp_path / "config", state=tmp_path / "state")


def put(file: PolicyFile, text: str) -> None:
    file.path.parent.mkdir(exist_ok=True)
    file.path.write_text(text)
    file.path.chmod(0o600)


def test_without_a_file_the_defaults_hold(file: PolicyFile) -> None:
    found = file.read()
    assert (found.policy, found.hash) == (Policy(), NO_FILE)


def test_what_is_written_is_read_back_and_is_the_users_alone(file: PolicyFile) -> None:
    policy = Policy(folders=(Path("/a b"), Path('/q"uote\\')), strict=True, programs=("codex",), most_agents=3)
    file.write(policy)
    assert file.read().policy == policy
    assert file.path.stat().st_mode & 0o777 == 0o600
    assert file.read_confirmed() == file.content().hash


_words = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(
    folders=st.lists(_words.map(lambda word: Path("/x" + word.replace("/", "").replace("\0", "")))),
    programs=st.none() | st.lists(_words).map(tuple),
    who=st.sampled_from(Askers),
    agents=st.sampled_from(AgentAskers),
    ask=st.frozensets(st.sampled_from(AlwaysAsked)),
    widening=st.sampled_from(Widening),
    strict=st.booleans(),
    most=st.integers(0, 1000),
)
def test_any_policy_survives_its_file(
    tmp_path_factory: pytest.TempPathFactory,
    folders: list[Path],
    programs: tuple[str, ...] | None,
    who: Askers,
    agents: AgentAskers,
    ask: frozenset[AlwaysAsked],
    widening: Widening,
    strict: bool,
    most: int,
) -> None:
    policy = Policy(
        folders=tuple(folder for folder in folders if ".." not in folder.parts),
        programs=programs,
        who_may_spawn=who,
        agents_may_spawn=agents,
        ask=ask,
        widening=widening,
        strict=strict,
        most_agents=most,
    )
    assert PolicyFile(Path("/"), state=Path("/")).parse(to_toml(policy)) == policy


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("folders = 3", "folders"),
        ("folders = ['relative']", "has to be written from /"),
        ("folders = ['/a/../b']", "without .."),
        ("who_may_spawn = 'everybody'", "who_may_spawn"),
        ("most_agents = -1", "most_agents"),
        ("stricct = true", "stricct"),
        ("remembered = ['/']", "folders are allowed with `folders`"),
        ("strict = ", "Invalid value"),
        ("x = " + "[" * 5000, "policy.toml"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_where(file: PolicyFile, text: str, says: str) -> None:
    put(file, text)
    with pytest.raises(BadRequest, match=says) as refusal:
        file.read()
    assert refusal.value.code == "POLICY_UNREADABLE"


def test_a_file_that_others_can_write_is_refused(file: PolicyFile) -> None:
    put(file, "strict = true")
    file.path.chmod(0o620)
    with pytest.raises(BadRequest, match="chmod go-w"):
        file.read()


def test_a_link_in_place_of_the_file_is_refused(file: PolicyFile, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("strict = false")
    file.path.parent.mkdir()
    file.path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadRequest, match="symbolic link"):
        file.read()


def test_a_pipe_in_place_of_the_file_holds_nobody_up(file: PolicyFile) -> None:
    file.path.parent.mkdir()
    os.mkfifo(file.path, 0o600)
    with pytest.raises(BadRequest, match="no regular file"):
        file.read()


def test_folders_that_are_allowed_at_one_links_terminals_are_its_own(file: PolicyFile, tmp_path: Path) -> None:
    file.write(Policy(strict=True))
    beside = PolicyFile(file.path.parent, state=tmp_path / "another")
    beside.confirm(beside.content().hash)
    found = file.remember(file.read().policy, Path("/srv/a"))
    assert file.read() == found
    assert file.read_confirmed() == file.content().hash == found.hash
    assert found.policy.folders_from(Path("/here")) == (Path("/srv/a"), Path("/here"))
    assert beside.read().policy == Policy(strict=True)
    assert beside.read_confirmed() == beside.content().hash


def test_going_back_to_the_defaults_is_confirmed_too(file: PolicyFile) -> None:
    file.write(Policy(strict=True))
    file.put(DEFAULTS)
    assert not file.path.exists()
    assert file.read_confirmed() == file.content().hash == NO_FILE


def test_every_value_is_described_with_its_source(file: PolicyFile) -> None:
    policy = Policy(folders=(Path("/a"),), remembered=(Path("/b"),), strict=True)
    told = {each.name: each for each in describe(policy, started_in=Path("/here"), file=Path("/policy.toml"))}
    assert set(told) == set(Policy.model_fields) - {"remembered"}
    assert told["folders"].value == "/a, /b (allowed at a terminal), /here (where relay-connect was started)"
    assert (told["strict"].value, told["strict"].source) == ("yes", "/policy.toml")
    assert (told["ask"].value, told["ask"].source) == ("folder, shell, spawn", "strict")
    assert (told["most_agents"].value, told["most_agents"].source) == ("50", "default")


@pytest.mark.parametrize(
    ("policy", "started_in", "folders"),
    [
        (Policy(), "/here", ["/here"]),
        (Policy(), "/", []),
        (Policy(), None, []),
        (Policy(start_folder=False), "/here", []),
        (Policy(folders=(Path("/here"),)), "/here", ["/here"]),
        (Policy(folders=(Path("/a"),)), "/here", ["/a", "/here"]),
    ],
)
def test_where_it_was_started_is_allowed_unless_that_is_the_whole_machine(
    policy: Policy, started_in: str | None, folders: list[str]
) -> None:
    assert [*map(str, policy.folders_from(Path(started_in) if started_in else None))] == folders
