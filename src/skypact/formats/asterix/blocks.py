"""Data blocks: finding them in datagrams, and cutting a bare stream of blocks into whole ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skypact.formats.asterix import _kernels as kernels
from skypact.formats.asterix.spec import CATEGORIES
from skypact.formats.datagrams import Datagrams
from skypact.tables import NO_TIME

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """Data blocks in a buffer.

    Attributes
    ----------
    data : uint8 array
    category : uint8 array, shape (n,)
    first, last : int64 arrays, shape (n,)
        Range of each block's records.
    received : int64 array, shape (n,)
        Arrival in UTC nanoseconds, `tables.NO_TIME` if not known.
    """

    data: NDArray[np.uint8]
    category: NDArray[np.uint8]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    received: NDArray[np.int64]


def find(datagrams: Datagrams, counts: Counter[str], octets: int) -> Iterator[Blocks]:
    """Yield the blocks of a batch of datagrams, about `octets` of them at a time; what is no block is counted."""
    room = len(datagrams) + int(datagrams.length.sum()) // 16 + 16
    tally = np.zeros(5, np.int64)
    while True:
        category = np.empty(room, np.uint8)
        first, last = np.empty(room, np.int64), np.empty(room, np.int64)
        message = np.empty(room, np.int32)
        found = kernels.frame(datagrams.data, datagrams.start, datagrams.length, category, first, last, message, tally)
        if found >= 0:
            break
        room *= 6
        tally[:] = 0
    for name, count in zip(("messages cut in a header", "blocks cut or of impossible length"), tally, strict=False):
        if count:
            counts[name] += int(count)
    if tally[2]:
        counts["trailers behind blocks"] += int(tally[2])
        counts["octets in trailers"] += int(tally[3])
    if tally[4]:
        counts["blocks in recorder headers"] += int(tally[4])
    size = np.cumsum(last[:found] - first[:found])
    at = 0
    while at < found:
        begun = size[at - 1] if at else 0
        end = max(int(np.searchsorted(size, begun + octets)), at) + 1
        part = slice(at, min(end, found))
        received = datagrams.received_ns[message[part]]
        yield Blocks(datagrams.data, category[part], first[part], last[part], received)
        at = part.stop


class BlockStream:
    """Cuts a bare stream of data blocks, as in a raw recording or over TCP, into datagrams of whole blocks.

    Where no block can begin, octets are skipped and counted until a block of a decoded category is followed by two
    more, or by one at the end of the stream; it takes some such until each is believed for its own header. The headers
    and trailers of three recorders' formats, ORADIS and FINAL without and with a sequence number, are taken off. What
    comes out does not depend on how the stream was chunked.

    Attributes
    ----------
    counts : Counter
    """

    def __init__(self) -> None:
        self._rest = b""
        self._state = np.zeros(kernels.STATE, np.int64)
        self._known = np.isin(np.arange(256), CATEGORIES)
        self.counts: Counter[str] = Counter()

    def feed(self, chunk: bytes, received_ns: int = NO_TIME) -> Datagrams:
        """Return the whole blocks so far as one datagram a run; what is not whole yet waits for the next call."""
        return self._cut(self._rest + chunk, received_ns, final=False)

    def finish(self, received_ns: int = NO_TIME) -> Datagrams:
        """Return what can still be read after the last octet; an incomplete block is counted."""
        return self._cut(self._rest, received_ns, final=True)

    def _cut(self, octets: bytes, received_ns: int, final: bool) -> Datagrams:
        data = np.frombuffer(octets, np.uint8)
        room = len(data) // 3 + 1
        start, length = np.empty(room, np.int64), np.empty(room, np.int64)
        runs, used, skipped = kernels.cut(data, self._known, self._state, final, start, length)
        if skipped:
            self.counts["octets skipped between blocks"] += int(skipped)
        if final and used < len(octets):
            self.counts["blocks cut or of impossible length"] += 1
        if self._state[kernels.COUNT]:
            self.counts["blocks in recorder headers"] += int(self._state[kernels.COUNT])
            self._state[kernels.COUNT] = 0
        self._rest = b"" if final else octets[used:]
        if final:
            self._state[:] = 0
        times = np.full(runs, received_ns, np.int64)
        return Datagrams(data, start[:runs].copy(), length[:runs].copy(), times)
