"""A chain of hashes over a workspace's audit records, and what shows when somebody has touched them.

Each record's seal is SHA-256 over the seal before it, a line feed, and the record's text. A checkpoint is a seal that
was written down elsewhere: whoever can rewrite the store, seals included, cannot make it agree with that.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from broker.domain.ids import WorkspaceId


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One record as it is kept."""

    number: int
    record: str
    """JSON. The seal is over exactly this text."""
    seal: str | None
    """None while it is not sealed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a workspace's store says of its trail."""

    number: int
    """Of the last record; 0: there is none."""
    sealed: int
    """Up to which record the chain goes."""
    seal: str
    """Of that one."""
    first: int
    """The oldest record that is kept."""
    base: str
    """The seal of the record before that one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What was written down, away from the store."""

    workspace: WorkspaceId
    number: int
    seal: str
    at_ms: int
    key: str | None = None
    """The public key of what signed it, base64; None where nothing did."""
    signature: str | None = None
    """Base64."""

    @property
    def signed_text(self) -> bytes:
        """What the signature is over."""
        said = f"relaycast audit checkpoint\n{self.workspace}\n{self.number}\n{self.seal}\n{self.at_ms}"
        return said.encode()

    @property
    def line(self) -> str:
        """One line of a file of checkpoints."""
        said: dict[str, object] = {
            "workspace": self.workspace,
            "number": self.number,
            "seal": self.seal,
            "at_ms": self.at_ms,
        }
        if self.signature is not None:
            said |= {"key": self.key, "signature": self.signature}
        return json.dumps(said, separators=(",", ":")) + "\n"


def read_checkpoint(line: str) -> Checkpoint | None:
    """A line of such a file; None for what is none, as the last line of a process that was killed."""
    try:
        said = json.loads(line)
        return Checkpoint(
            workspace=WorkspaceId(str(said["workspace"])),
            number=int(said["number"]),
            seal=str(said["seal"]),
            at_ms=int(said["at_ms"]),
            key=_text(said.get("key")),
            signature=_text(said.get("signature")),
        )
    except (ValueError, KeyError, TypeError):
        return None


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def first_seal(workspace: WorkspaceId) -> str:
    """Where a workspace's chain begins."""
    return hashlib.sha256(f"relaycast audit {workspace}".encode()).hexdigest()


def next_seal(before: str, record: str) -> str:
    """The seal of a record behind the one that has the seal `before`."""
    return hashlib.sha256(f"{before}\n{record}".encode()).hexdigest()


def seals_of(before: str, records: Iterable[str]) -> list[str]:
    """The seals of records that follow each other."""
    found = []
    for record in records:
        before = next_seal(before, record)
        found.append(before)
    return found


class Verification:
    """Goes through a trail in order, and finds where it is not what was written. Feed it all entries, then `finish`."""

    def __init__(self, workspace: WorkspaceId, head: Head, checkpoints: Sequence[Checkpoint] = ()) -> None:
        self._head = head
        self._mine = [each for each in checkpoints if each.workspace == workspace]
        self._by_number: dict[int, list[Checkpoint]] = {}
        for each in self._mine:
            self._by_number.setdefault(each.number, []).append(each)
        self._seal = head.base
        self._next = head.first
        self.compared = 0
        """Checkpoints that speak of a record that is kept."""
        self.problems: list[str] = []
        if head.first == 1 and head.base != first_seal(workspace):
            self.problems.append("the chain does not begin where this workspace's chain begins")
        self._compare(head.first - 1)

    @property
    def last(self) -> int:
        """The last record that was seen, or the one before the first."""
        return self._next - 1

    def feed(self, entries: Iterable[Entry]) -> None:
        """The next entries."""
        for entry in entries:
            self._take(entry)

    def _take(self, entry: Entry) -> None:
        if entry.number > self._next:
            self.problems.append(f"{_records(self._next, entry.number - 1)} missing")
        elif entry.number < self._next:
            self.problems.append(f"record {entry.number} stands behind record {self._next - 1}")
        if _number_in(entry.record) != entry.number:
            self.problems.append(f"record {entry.number} does not say that it is number {entry.number}")
        self._seal = self._check_seal(entry)
        self._next = max(self._next, entry.number + 1)
        self._compare(entry.number)

    def _check_seal(self, entry: Entry) -> str:
        """The seal to go on from: the one that is kept, so that one fault is told once."""
        right = next_seal(self._seal, entry.record)
        if entry.seal is None:
            if entry.number <= self._head.sealed:
                self.problems.append(f"record {entry.number} has lost its seal")
            return right
        if entry.seal != right:
            self.problems.append(f"record {entry.number} or its seal was changed, or what stands before it")
        return entry.seal

    def _compare(self, number: int) -> None:
        for checkpoint in self._by_number.pop(number, ()):
            self.compared += 1
            if checkpoint.seal != self._seal:
                self.problems.append(f"record {number} is not what the checkpoint of {checkpoint.at_ms} ms says")

    def finish(self) -> list[str]:
        """All that is wrong; nothing when the trail is whole."""
        said = max([self._head.number, *self._by_number])
        if self.last < said:
            self.problems.append(f"the end was cut: {_records(self._next, said)} missing")
        if self.last == self._head.sealed and self._seal != self._head.seal:
            self.problems.append(f"record {self.last} is not what the store says it sealed last")
        return self.problems


def _records(first: int, last: int) -> str:
    return f"record {first} is" if first == last else f"records {first} to {last} are"


def _number_in(record: str) -> object:
    try:
        said = json.loads(record)
    except ValueError:
        return None
    return said.get("number") if isinstance(said, dict) else None
