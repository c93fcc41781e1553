"""What a running link goes by, and what it does not take."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker.domain.machines.policy import UNSET_POLICY
from connect.policy.policy import Policy
from connect.policy.policy_file import PolicyFile
from connect.policy.taken import PolicyNotConfirmed, TakenPolicy


class Machine:
    """The files of one machine, and links that begin on it."""

    def __init__(self, folder: Path) -> None:
        self.file = PolicyFile(folder / "config", state=folder / "state")
        self.warnings: list[str] = []

    def begin(self, *, fresh: bool = False) -> TakenPolicy:
        return TakenPolicy(self.file, fresh=fresh, warn=self.warnings.append)

    def edit(self, text: str) -> None:
        """As an agent does it."""
        self.file.path.parent.mkdir(exist_ok=True)
        self.file.path.write_text(text)
        self.file.path.chmod(0o600)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def refused(taken: TakenPolicy) -> str:
    with pytest.raises(PolicyNotConfirmed) as refusal:
        taken.current()
    return str(refusal.value)


def test_a_file_that_is_changed_under_a_running_link_is_not_taken_and_that_is_said_once(machine: Machine) -> None:
    machine.file.write(Policy(strict=True))
    taken = machine.begin()
    machine.edit("strict = false")
    assert "run `relay-connect policy confirm` in a terminal" in refused(taken)
    refused(taken)
    assert taken.policy.strict
    assert len(machine.warnings) == 1


def test_a_file_that_is_put_back_is_good_again(machine: Machine) -> None:
    machine.file.write(Policy(strict=True))
    before = machine.file.path.read_bytes()
    taken = machine.begin()
    machine.edit("strict = false")
    refused(taken)
    machine.file.path.write_bytes(before)
    assert taken.current().strict


def test_a_change_that_a_person_has_confirmed_is_taken(machine: Machine) -> None:
    taken = machine.begin()
    changes: list[None] = []
    taken.on_taken = lambda: changes.append(None)
    machine.edit("strict = true")
    refused(taken)
    machine.file.confirm(machine.file.content().hash)  # which anybody can write
    refused(taken)
    taken.expect(machine.file.content().hash)
    assert taken.current().strict
    assert taken.problem == ""
    assert len(changes) == 2
    assert len(machine.warnings) == 2


@pytest.mark.parametrize("act", ["edit", "remove", "link", "write_for_all", "remember"])
def test_every_way_to_change_it_stops_new_agents(machine: Machine, act: str, tmp_path: Path) -> None:
    machine.file.write(Policy(strict=True))
    taken = machine.begin()
    match act:
        case "edit":
            machine.edit("not even TOML")
        case "remove":
            machine.file.path.unlink()
        case "remember":
            (tmp_path / "state" / "policy.folders").write_text("folders = ['/']")
        case "link":
            (tmp_path / "copy").write_bytes(machine.file.path.read_bytes())
            machine.file.path.unlink()
            machine.file.path.symlink_to(tmp_path / "copy")
        case _:
            machine.file.path.chmod(0o666)
    assert "no agent starts here" in refused(taken)
    assert taken.policy.strict


def test_a_file_that_appears_where_there_was_none_is_not_taken_even_by_the_next_link(machine: Machine) -> None:
    machine.begin(fresh=True)
    machine.edit("folders = ['/']")
    assert "was changed while relay-connect did not run" in refused_at_start(machine)


def test_a_file_that_is_changed_between_two_links_is_not_taken(machine: Machine) -> None:
    machine.file.write(Policy(strict=True))
    machine.begin()
    machine.edit("strict = false")
    assert "was changed while relay-connect did not run" in refused_at_start(machine)


def refused_at_start(machine: Machine) -> str:
    taken = machine.begin()
    assert not taken.policy.strict
    assert taken.problem
    return taken.problem


def test_a_new_machine_takes_what_was_laid_there_for_it(machine: Machine) -> None:
    machine.edit("strict = true")
    assert machine.begin(fresh=True).current().strict


def test_a_machine_that_was_linked_before_takes_no_file_that_nobody_has_confirmed(machine: Machine) -> None:
    machine.edit("strict = true")
    refused(machine.begin())


def test_a_folder_that_the_person_at_the_terminal_allows_stays_allowed(machine: Machine) -> None:
    taken = machine.begin()
    taken.allow_folder(Path("/a"))
    assert taken.current().remembered == (Path("/a"),)
    assert machine.begin().current().remembered == (Path("/a"),)


def test_a_policy_is_known_by_its_hash_and_when_it_was_confirmed(machine: Machine) -> None:
    written = machine.file.write(Policy(strict=True))
    taken = machine.begin()
    first = taken.since_ms
    assert (taken.hash, first is None) == (written.hash, False)
    machine.edit("strict = false")
    refused(taken)
    assert (taken.hash, taken.since_ms) == (written.hash, first)


def test_a_policy_that_was_never_set_says_so(machine: Machine) -> None:
    assert machine.begin(fresh=True).hash == UNSET_POLICY
