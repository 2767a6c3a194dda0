"""Writing datagrams as a pcap that any network tool opens."""

from __future__ import annotations

import ipaddress
import struct
from typing import TYPE_CHECKING

import numpy as np

from skypact.formats.pcap._packets import write_records
from skypact.tables import NO_TIME
from skypact.units import SECOND_NS

if TYPE_CHECKING:
    from skypact.formats.datagrams import Datagrams

MAX_PAYLOAD = 0xFFFF - 28
"""Longest UDP payload of an unfragmented IPv4 packet, bytes."""


def write_pcap(
    datagrams: Datagrams, *, source: str = "192.0.2.1", destination: str = "239.0.0.1", port: int = 8600
) -> bytes:
    """Return a pcap with one Ethernet/IPv4/UDP packet per datagram and nanosecond times.

    Parameters
    ----------
    datagrams : Datagrams
        Payloads of at most 65,507 bytes; an unknown arrival is written as 1970-01-01, a time from 2106 on wraps, as
        the format has 32 bits of seconds.
    source, destination : str
        IPv4 addresses; a multicast destination gets its Ethernet group address (RFC 1112).
    port : int
        Source and destination port.

    Raises
    ------
    ValueError
        A payload too long for one packet, or an address that is not IPv4.
    """
    if len(datagrams) and datagrams.length.max() > MAX_PAYLOAD:
        raise ValueError(f"a payload of {datagrams.length.max()} bytes does not fit one UDP packet ({MAX_PAYLOAD})")
    to = ipaddress.IPv4Address(destination)
    mac = bytes.fromhex("01005e") + to.packed[1:] if to.is_multicast else b"\x02\0" + to.packed
    if to.is_multicast:
        mac = mac[:3] + bytes([mac[3] & 0x7F]) + mac[4:]
    origin = ipaddress.IPv4Address(source).packed
    ethernet = mac + b"\x02\0" + origin + b"\x08\0"
    # Don't fragment, time to live 16, protocol UDP; lengths and the checksum are filled in by the kernel. A UDP
    # checksum of zero means none (RFC 768).
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 0, 0, 0x4000, 16, 17, 0) + origin + to.packed
    head = np.frombuffer(ethernet + ip + struct.pack(">HHHH", port, port, 0, 0), np.uint8)
    times = np.where(datagrams.received_ns == NO_TIME, 0, datagrams.received_ns)
    out = np.empty(int(datagrams.length.sum()) + 58 * len(datagrams), np.uint8)
    seconds, nanoseconds = np.divmod(times, SECOND_NS)
    write_records(datagrams.data, datagrams.start, datagrams.length, seconds, nanoseconds, head, out)
    return struct.pack(">IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262_144, 1) + out.tobytes()
