"""An audit trail that is gone through for `relaycast audit verify`: of a broker, or in an archive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

from broker.cli.archiving.files import archive_at
from broker.domain.audit.chain import Checkpoint, Entry, Head, Verification
from broker.domain.errors import BadRequest
from broker.domain.ids import WorkspaceId

_AT_ONCE = 1000


class CheckedTrail:
    """Feed it all entries in order, then `finish`. Checkpoints of other workspaces are of no concern."""

    def __init__(
        self, workspace: WorkspaceId, head: Head, checkpoints: Sequence[Checkpoint], keys: Sequence[str]
    ) -> None:
        """`keys`: the public keys that a checkpoint must be signed with; none where the broker signs none."""
        mine = [each for each in checkpoints if each.workspace == workspace]
        self.workspace = workspace
        self.keys = tuple(keys)
        self._head = head
        self._forged = _forged(mine, keys)
        self._verification = Verification(workspace, head, mine)

    def feed(self, entries: Iterable[Entry]) -> None:
        """The next entries."""
        self._verification.feed(entries)

    def finish(self) -> list[str]:
        """All that is wrong; nothing when the trail is whole."""
        return [*self._forged, *self._verification.finish()]

    @property
    def compared(self) -> int:
        """Checkpoints that speak of a record that is kept."""
        return self._verification.compared

    @property
    def in_words(self) -> str:
        """What a whole one consists of."""
        head, last = self._head, self._verification.last
        if last < head.first:
            return "nothing was recorded yet"
        unsealed = max(0, head.number - head.sealed)
        return (
            f"records {head.first} to {last} are whole"
            + (f"; the last {unsealed} are not sealed yet" if unsealed else "")
            + (f"; older ones than {head.first} are not kept any more" if head.first > 1 else "")
            + _agreeing(self.compared)
        )


def check_archive(path: Path, checkpoints: Sequence[Checkpoint], keys: Sequence[str]) -> CheckedTrail:
    """The trail in an archive, against the checkpoint in it and others. Raises `BadRequest` where there is none."""
    archive = archive_at(path)
    said = archive.contents().get("trail")
    if said is None:
        raise BadRequest("the archive has no audit trail: it is of one session, or of a plan or a version without")
    known = [*checkpoints, Checkpoint(**said["checkpoint"])]
    checked = CheckedTrail(WorkspaceId(said["workspace"]), Head(**said["head"]), known, keys or said["keys"])
    records = archive.trail()
    while entries := [Entry(**each) for each in islice(records, _AT_ONCE)]:
        checked.feed(entries)
    return checked


def _forged(checkpoints: Sequence[Checkpoint], keys: Sequence[str]) -> list[str]:
    """Where there is a key, every checkpoint must be signed with one."""
    from broker.adapters.signing import is_signed_by  # noqa: PLC0415 - --help must not load the server

    return [
        f"the checkpoint of record {each.number} at {each.at_ms} ms is not signed by this broker"
        for each in checkpoints
        if keys and not is_signed_by(each, keys)
    ]


def _agreeing(checkpoints: int) -> str:
    if checkpoints == 0:
        return ""
    return "; 1 checkpoint agrees" if checkpoints == 1 else f"; {checkpoints} checkpoints agree"
