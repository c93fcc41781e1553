"""The machine's `hooks.allow`."""

from __future__ import annotations

from connect.machine.hooks.consents import Consents
from connect.policy.allow_file import AllowFile, TakenList, list_text

_HEAD = (
    "# What hooks may run on this machine. Change it with `relay-connect hooks`: other changes have to be confirmed.\n"
)


class ConsentFile(AllowFile[Consents]):
    """One machine's list of hooks that may run."""

    _UNREADABLE = "HOOKS_UNREADABLE"
    _name = "hooks.allow"
    _model = Consents
    what = "what hooks may run on this machine"
    none = "no hook runs here"
    command = "relay-connect hooks"


TakenConsents = TakenList[Consents]


def to_toml(consents: Consents) -> bytes:
    """A list as TOML."""
    return list_text(_HEAD, consents.deny, consents.allow)
