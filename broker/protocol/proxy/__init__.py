"""The link between `relay-connect` and the broker: JSON objects in WebSocket text messages, version 1.

Downwards (broker → proxy) *commands*, upwards *reports*; both directions are numbered without holes from 1,
acknowledged cumulatively, and sent again from the last acknowledgement after every reconnect. So both sides see
each at least once and, by its number, act on it once.

    proxy  → hello
    broker → welcome            (or a close code from `close_codes`)
    broker → command*           proxy → ack {seq}
    proxy  → reports            broker → ack {seq}
    proxy  → load               how busy its machine is, from time to time; not answered
    proxy  → auth.refresh       a refresh token, while the short-lived access token is still good
    broker → auth               a fresh access token and the next refresh token

Command numbers belong to the mailbox `epoch` told in `welcome`; another epoch means that the broker lost its store and
numbers start again. Report numbers belong to the proxy's `spool_id`.

The sides may be of different versions, so neither refuses what it does not know: unknown members are left out, messages
of an unknown type are passed over, a command of an unknown kind is acknowledged and told to people, and in place of a
report that cannot be read stands one that says so, under the same number.
"""

from __future__ import annotations

from broker.protocol.message_sizes import MAX_LINK_MESSAGE_BYTES
from broker.protocol.proxy.commands import (
    COMMAND,
    AgentCommand,
    Answer,
    AskedBy,
    Command,
    Deliver,
    Guards,
    Interrupt,
    NumberedCommand,
    Probe,
    RunCommand,
    RunHook,
    Spawn,
    Stop,
    StopCommand,
    UnreadableCommand,
)
from broker.protocol.proxy.messages import (
    PROTOCOL_VERSION,
    SUBPROTOCOL,
    Ack,
    Auth,
    AuthRefresh,
    FromBroker,
    FromProxy,
    Hello,
    LiveAgent,
    Load,
    UnknownMessage,
    Welcome,
)
from broker.protocol.proxy.reading import (
    BROKEN_REPORT,
    in_place_of,
    placeholder,
    read_from_broker,
    read_from_proxy,
    readable,
    readable_frame,
    write,
    write_frame,
    write_frame_report,
    write_reports,
)
from broker.protocol.proxy.reports import (
    CommandOutput,
    CommandRan,
    Exited,
    Expired,
    FrameRecorded,
    Handed,
    HookRan,
    MachineReport,
    NumberedReport,
    Report,
    Reports,
    ReportsLost,
    SpoolOverflowed,
    Started,
    StateChanged,
)

__all__ = [
    "BROKEN_REPORT",
    "COMMAND",
    "MAX_LINK_MESSAGE_BYTES",
    "PROTOCOL_VERSION",
    "SUBPROTOCOL",
    "Ack",
    "AgentCommand",
    "Answer",
    "AskedBy",
    "Auth",
    "AuthRefresh",
    "Command",
    "CommandOutput",
    "CommandRan",
    "Deliver",
    "Exited",
    "Expired",
    "FrameRecorded",
    "FromBroker",
    "FromProxy",
    "Guards",
    "Handed",
    "Hello",
    "HookRan",
    "Interrupt",
    "LiveAgent",
    "Load",
    "MachineReport",
    "NumberedCommand",
    "NumberedReport",
    "Probe",
    "Report",
    "Reports",
    "ReportsLost",
    "RunCommand",
    "RunHook",
    "Spawn",
    "SpoolOverflowed",
    "Started",
    "StateChanged",
    "Stop",
    "StopCommand",
    "UnknownMessage",
    "UnreadableCommand",
    "Welcome",
    "in_place_of",
    "placeholder",
    "read_from_broker",
    "read_from_proxy",
    "readable",
    "readable_frame",
    "write",
    "write_frame",
    "write_frame_report",
    "write_reports",
]
