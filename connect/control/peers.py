"""Who is at the other end of the control socket: the kernel says it, not the peer.

The user's own processes reach the socket, and agents are among them: this link's, and those of any other link of the
user. What an agent started is known by its ancestry: a link takes in what is orphaned below it
(`PR_SET_CHILD_SUBREAPER`), so no descendant leaves its tree by itself.
It is a fence and no wall: an agent that gets another program of the user to act for it is not seen, nor on macOS one of
another link.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from dataclasses import dataclass

from connect.system import process_tree

_CREDENTIALS = struct.Struct("3i")
"""Linux' `struct ucred`: pid, uid, gid."""
_SOL_LOCAL, _LOCAL_PEERCRED, _LOCAL_PEERPID = 0, 0x001, 0x002
"""macOS, <sys/un.h>."""
_XUCRED = struct.Struct("2I")
"""The beginning of `struct xucred`: version, uid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A process, as it was when it connected."""

    pid: int
    uid: int


def peer_of(connection: socket.socket) -> Peer:
    """The peer of a connected unix socket."""
    if sys.platform != "linux":
        return _peer_elsewhere(connection)
    pid, uid, _ = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return Peer(pid=pid, uid=uid)


def _peer_elsewhere(connection: socket.socket) -> Peer:
    """As macOS tells it."""
    _, uid = _XUCRED.unpack_from(connection.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, 76))
    return Peer(pid=connection.getsockopt(_SOL_LOCAL, _LOCAL_PEERPID), uid=uid)


def is_own_user(peer: Peer) -> bool:
    """Whether the peer runs as the user of this process."""
    return peer.uid == os.geteuid()


def is_agents(pid: int, *, link: int) -> bool:
    """Whether a process descends from the link, or from another one, or is gone, which nobody who waits is."""
    line = process_tree.ancestors(pid)
    return not line or link in line[1:] or process_tree.is_of_an_agent(pid)
