"""How much a peer has taken of what it was sent: whether it reads at all."""

from __future__ import annotations

import asyncio
import socket
import struct

LEAST_TAKEN_BYTES = 32 * 1024
"""In `unread_s`. The system of a peer that reads nothing still finds room for a little, now and then."""
_TCP_INFO = struct.Struct("=120xQ")
"""Linux' `struct tcp_info` up to `tcpi_bytes_acked`."""


def count_taken(transport: asyncio.Transport) -> int:
    """How much the peer has taken, as a number that grows while it does.

    The system holds megabytes for a peer and says so only when a third of them is gone, which takes a slow one
    longer than we wait; so we ask it what was acknowledged, where it tells.
    """
    connected: socket.socket = transport.get_extra_info("socket")
    try:
        told = connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
        return int(_TCP_INFO.unpack(told)[0])
    except (AttributeError, OSError, struct.error):
        return -transport.get_write_buffer_size()
