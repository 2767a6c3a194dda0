"""A batch of byte strings with their arrival times, held as columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skypact.tables import NO_TIME

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Datagrams:
    """Messages lying in one buffer.

    Attributes
    ----------
    data : uint8 array
        The buffer; may hold other bytes between the messages.
    start, length : int64 arrays, shape (n,)
        Where each message lies.
    received_ns : int64 array, shape (n,)
        Arrival in UTC nanoseconds, `tables.NO_TIME` where unknown.
    """

    data: NDArray[np.uint8]
    start: NDArray[np.int64]
    length: NDArray[np.int64]
    received_ns: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.start)

    def __getitem__(self, index: int) -> bytes:
        """Return one message as bytes."""
        start = self.start[index]
        return self.data[start : start + self.length[index]].tobytes()

    @classmethod
    def of(cls, messages: Sequence[bytes], received_ns: Sequence[int] | int = NO_TIME) -> Datagrams:
        """Return a batch made of separate byte strings, with one arrival time for all or one each."""
        length = np.array([len(m) for m in messages], np.int64)
        times = np.broadcast_to(np.asarray(received_ns, np.int64), length.shape).copy()
        data = np.frombuffer(b"".join(messages), np.uint8)
        return cls(data, np.cumsum(length) - length, length, times)
