"""What a reader under hostile bytes has to offer, and what is asked of every table it makes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from skypact.formats.datagrams import Datagrams
from skypact.formats.decoded import Decoded
from soaking.accounts import BrokenPromiseError

Read = tuple[int, int]
"""Of one batch: what was read and what was refused, in the unit of the format."""


class Soaked(ABC):
    """A reader, or a chain of them, that lives through the whole run.

    Attributes
    ----------
    wire : str or None
        Its name among the formats of `intake`, through which single messages go.
    unit : str
        What its counters count.
    """

    wire: str | None = None
    unit = "lines"
    make: Callable[[Path | None], Any]

    def __init__(self, shared: Path | None, generator: np.random.Generator) -> None:
        self.generator = generator
        self.seeds: list[bytes] = type(self).make(shared)

    @abstractmethod
    def take(self, messages: Datagrams) -> Read:
        """Read a batch; raise if the account does not balance."""

    def chunks(self, stream: bytes, mean: int = 50_000) -> list[bytes]:
        """Return a stream in pieces of all sizes."""
        cuts = np.sort(self.generator.integers(0, len(stream) + 1, 1 + len(stream) // mean)).tolist()
        return [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]


def every(messages: Datagrams) -> list[bytes]:
    """Return the messages of a batch."""
    octets = messages.data.tobytes()
    return [octets[a : a + n] for a, n in zip(messages.start.tolist(), messages.length.tolist(), strict=True)]


def sound(tables: Decoded) -> Decoded:
    """Return tables that hold nothing impossible."""
    for table in (tables.plots, tables.tracks, tables.services):
        if not len(table):
            continue
        table.validate()
        for name, bound in (("latitude_deg", 90.0), ("longitude_deg", 180.0)):
            if name in table.column_names and (np.abs(table[name].to_numpy()) > bound).any():
                raise BrokenPromiseError(f"{name} beyond {bound}")
    return tables
