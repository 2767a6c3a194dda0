"""Incremental reading of pcap and pcapng captures into columns of UDP payloads."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skypact.formats.datagrams import Datagrams
from skypact.formats.pcap import _kernels as k
from skypact.formats.pcap._packets import BLOCK, MAGIC, REASONS, RECORD_LENGTH, TRUNCATED

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALLEST_RECORD = 44
"""Bytes of the smallest record that yields a row: a 16-byte head, an IPv4 and a UDP header."""

MAGICS = tuple(
    bytes.fromhex(m) for m in ("d4c3b2a1", "a1b2c3d4", "4d3cb2a1", "a1b23c4d", "34cdb2a1", "a1b2cd34", "0a0d0d0a")
)

ENDINGS = {
    MAGIC: "not a pcap or pcapng capture: its first four bytes are of neither",
    RECORD_LENGTH: f"a packet record claims more than {k.MAX_RECORD} bytes",
    BLOCK: "a pcapng block contradicts itself in length or byte order",
}


@dataclass(frozen=True, slots=True)
class Packets:
    """UDP datagrams of a capture, in file order.

    Attributes
    ----------
    payload : Datagrams
        What the datagrams carry, with the capture times; the buffer is the fed chunk, not a copy of each payload.
    source, destination : uint64 arrays, shape (n, 2)
        IP addresses as high and low 64 bits; IPv4 in its IPv6-mapped form, ``::ffff:a.b.c.d``.
    source_port, destination_port : uint16 arrays, shape (n,)
    """

    payload: Datagrams
    source: NDArray[np.uint64]
    destination: NDArray[np.uint64]
    source_port: NDArray[np.uint16]
    destination_port: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.source_port)


def address_text(address: NDArray[np.uint64]) -> str:
    """Return an address of `Packets`, its high and low half, as text (``239.0.0.1``, ``ff15::42``)."""
    ip = ipaddress.IPv6Address(int(address[0]) << 64 | int(address[1]))
    return str(ip.ipv4_mapped or ip)


def is_pcap(head: bytes) -> bool:
    """Return whether the first four bytes of a file are those of a pcap or pcapng capture."""
    return head[:4] in MAGICS


class PcapReader:
    """Read a capture fed in chunks of any size.

    Ethernet (with 802.1Q, 802.1ad and older stacked tags), Linux cooked v1 and v2, loopback and raw IP are understood;
    IPv4 with options and IPv6 with extension headers. Packets that are no whole UDP datagram are counted in `rejects`:
    fragments are not put together, TCP is not followed, checksums are not verified (offload leaves them wrong in good
    captures). Memory stays flat: at most one record, `_kernels.MAX_RECORD` bytes, is carried to the next chunk.

    Attributes
    ----------
    ended : str or None
        Why reading stopped before the end of the data; all that follows is ignored.

    Notes
    -----
    Both byte orders, micro- and nanoseconds and Kuznetzov's variant of pcap; pcapng with several sections and
    interfaces, each with its own time unit and offset. A simple packet block has no time: `tables.NO_TIME`.
    """

    def __init__(self) -> None:
        self._carry = b""
        self._state = np.zeros(k.STATE_SIZE, np.int64)
        self._state[k.ENDED] = -1
        self._interfaces = np.zeros((k.MAX_INTERFACES, k.IF_SIZE), np.int64)
        self._rejects = np.zeros(len(REASONS), np.int64)

    @property
    def rejects(self) -> dict[str, int]:
        """Packets left out so far, by reason, and the reason reading ended early, if it did."""
        return {reason: int(n) for reason, n in zip(REASONS, self._rejects, strict=True) if n}

    @property
    def ended(self) -> str | None:
        """Why reading stopped before the end of the data, if it did."""
        return ENDINGS.get(int(self._state[k.ENDED]))

    def feed(self, chunk: bytes) -> Packets:
        """Return the datagrams of the packets that this chunk completes."""
        buffer = self._carry + chunk if self._carry else chunk
        data = np.frombuffer(buffer, np.uint8)
        rows = len(data) // SMALLEST_RECORD + 1
        place = np.empty((rows, 2), np.int64)
        received = np.empty(rows, np.int64)
        address = np.empty((rows, 4), np.uint64)
        port = np.empty((rows, 2), np.uint16)
        n = 0
        if self.ended is None:
            at, n = k.walk(data, self._state, self._interfaces, place, received, address, port, self._rejects)
            self._carry = buffer[at:] if self.ended is None else b""
        return Packets(
            Datagrams(data, place[:n, 0], place[:n, 1], received[:n]),
            address[:n, :2],
            address[:n, 2:],
            port[:n, 0],
            port[:n, 1],
        )

    def finish(self) -> None:
        """Say that no more bytes come: a record cut by the end of the file is counted as ``truncated``."""
        if self._carry or self._state[k.SKIP]:
            self._rejects[TRUNCATED] += 1
        self._carry = b""
        self._state[k.SKIP] = 0
