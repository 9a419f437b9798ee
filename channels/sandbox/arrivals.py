"""When a request really arrived: the kernel knows it, also when our own process had no processor to read it with."""

from __future__ import annotations

import asyncio
import socket
import struct

_LAST_DATA_RECV = 52
"""Where `tcpi_last_data_recv` stands in Linux's struct tcp_info: after 8 single bytes and 11 words (linux/tcp.h)."""


def waited(transport: asyncio.BaseTransport | None) -> float:
    """Seconds since the connection's last bytes arrived, to the millisecond; 0 where the system cannot say."""
    connection = transport.get_extra_info("socket") if transport is not None else None
    if connection is None or not hasattr(socket, "TCP_INFO"):
        return 0.0
    try:
        information = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAST_DATA_RECV + 4)
    except OSError:
        return 0.0
    (milliseconds,) = struct.unpack_from("=I", information, _LAST_DATA_RECV)
    return float(milliseconds) / 1000
