"""A broker's data folder and the store that it uses belong together: both know the installation's id."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from broker.domain.errors import Conflict


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Made by the first `up` on a store."""

    id: str
    folder: str
    """The data folder of that `up`, and its machine: what people know it by."""
    host: str


class Belonging(StrEnum):
    """What a data folder is to a store."""

    ITS_OWN = "its_own"
    """The folder of this installation, or a store without any: the folder's key becomes the store's."""
    KNOWN = "known"
    """The folder's key is one of the store's already."""
    ANOTHER = "another"
    """The store has another folder's key."""


def belonging(*, key_is_known: bool, has_key: bool, folder_id: str | None, store: Installation | None) -> Belonging:
    """Whether a folder's key may take the place of the store's: only where nobody else's would end by it."""
    if key_is_known:
        return Belonging.KNOWN
    if store is not None and folder_id == store.id:
        return Belonging.ITS_OWN  # its owner has put a new key in the place of the old one
    return Belonging.ANOTHER if has_key or store is not None else Belonging.ITS_OWN


class AnothersStore(Conflict):
    """The store belongs to another data folder; nothing was changed."""

    code = "ANOTHERS_STORE"

    def __init__(self, folder: str, store: Installation | None) -> None:
        owner = f"{store.folder} on {store.host}" if store else "another data folder"
        super().__init__(
            f"this store belongs to the broker of {owner}, and {folder} has a key of its own: its start would end the"
            " other's. Give that --data-dir, or another database of the server; or --join to run this one too, with a"
            " key of its own beside the other's"
        )
