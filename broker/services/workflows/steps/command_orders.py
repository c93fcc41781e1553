"""What a machine is ordered to do for a run, as a record of the store. Without I/O.

The contract between the engine and machines: `RunCommand` says what is done, `CommandRecords` orders it once and knows
how far it came, `domain.workflows.runs.commands` names the ids, the states and the texts that a
machine's owner consents to.
"""

from __future__ import annotations

from broker.domain.ids import LinkId
from broker.domain.machines.placement import Proxy
from broker.domain.timings import TIMINGS
from broker.domain.workflows.runs.commands import CommandId, CommandKind
from broker.protocol.proxy import RunCommand, write
from broker.services.ports import CommandOrder

_TOO_OLD = "relay-connect on {} is too old to run the commands of workflows: update it there"
_FORGOTTEN = "its machine is not known any more"


def _knows(proxy: Proxy, kind: CommandKind) -> bool:
    match kind:
        case CommandKind.FILE_AWAITED:
            return proxy.runs_commands and proxy.awaits_files
        case CommandKind.PATHS_HASHED:
            return proxy.runs_commands and proxy.hashes_paths
        case _:
            return proxy.runs_commands


def order_command(
    command: RunCommand, proxy: Proxy | None, *, link: LinkId, patience_s: float = TIMINGS.command_offline_s
) -> CommandOrder:
    """The order of one command. `proxy`: its machine, None once it was forgotten; `link`: that machine's id."""
    refused = ""
    if proxy is None:
        refused = _FORGOTTEN
    elif not _knows(proxy, command.kind):
        refused = _TOO_OLD.format(proxy.name)
    return CommandOrder(
        command=CommandId(command.command),
        run=command.run,
        step=command.step,
        attempt=command.attempt,
        kind=command.kind,
        session=command.session,
        link=link,
        order=write(command),
        patience_s=patience_s,
        lasts_ms=command.timeout_ms,
        refused=refused,
    )
