"""Which workflows were refused on this machine lately: what `relay-connect workflow` offers to allow."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from broker.domain.workflows.runs.commands import digest_of
from connect.machine.commands import refusals
from connect.machine.workflows.consents import Consent, Consents, Standing

NAME = "workflows.refused"
_LONGEST = 64 * 1024
"""Of one that is kept to be shown; of a longer one the file itself has to be named."""


class Refusal(BaseModel):
    """A file of which something was not run here."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    templates: tuple[str, ...]
    """All that it has run in this folder."""
    folder: str
    """Where it would have run."""
    root: str
    """The folder of this machine's policy that this is in."""
    standing: Standing
    why: str
    at: float = Field(default=0.0)
    """Unix time, to be shown."""

    @property
    def consent(self) -> Consent:
        """What would let it run: in the folder it was to run in, and below."""
        return Consent(
            name=self.name, digest=digest_of(self.templates), templates=self.templates, root=Path(self.folder)
        )


class Refusals(refusals.Refusals[Refusal]):
    """The link's side."""

    def __init__(self, state: Path) -> None:
        super().__init__(
            state / NAME,
            Refusal,
            same=lambda each: (each.name, each.folder, digest_of(each.templates)),
            longest=_LONGEST,
        )


def read_refusals(state: Path) -> list[Refusal]:
    """What was refused, the oldest first; nothing where that cannot be read. Whoever shows it makes it harmless."""
    return refusals.read_refusals(state / NAME, Refusal)


def list_unsettled(refused: list[Refusal], consents: Consents) -> list[Refusal]:
    """Those that a person has not settled since."""
    return [each for each in refused if each.name not in consents.deny and not _is_allowed(each, consents)]


def _is_allowed(refusal: Refusal, consents: Consents) -> bool:
    digest, folder = digest_of(refusal.templates), Path(refusal.folder)
    return any(each.digest == digest and folder.is_relative_to(each.root) for each in consents.of(refusal.name))
