"""The machine's `workflows.allow`."""

from __future__ import annotations

from connect.machine.workflows.consents import Consents
from connect.policy.allow_file import AllowFile, TakenList, list_text

_HEAD = (
    "# What workflows may run on this machine. Change it with `relay-connect workflow`: other changes have to be"
    " confirmed.\n"
)


class ConsentFile(AllowFile[Consents]):
    """One machine's list of workflows that may run."""

    _UNREADABLE = "WORKFLOWS_UNREADABLE"
    _name = "workflows.allow"
    _model = Consents
    what = "what workflows may run on this machine"
    none = "no workflow runs anything here"
    command = "relay-connect workflow"


TakenConsents = TakenList[Consents]


def to_toml(consents: Consents) -> bytes:
    """A list as TOML."""
    return list_text(_HEAD, consents.deny, consents.allow)
