"""Records of one category in one batch, with the elements that tables are made of."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from skypact.earth.geoid import ellipsoid_to_msl
from skypact.formats.asterix import _read_kernels, _walk_kernels
from skypact.formats.asterix.columns import bitmap, floats, strings
from skypact.formats.asterix.elements import Elements
from skypact.formats.asterix.program import Program

if TYPE_CHECKING:
    from numpy.typing import NDArray

TILE = 256
"""Records walked before their elements are read: few enough for the processor's nearest cache to hold them."""

USUAL = 16
"""Octets a record usually takes at least. There is room for that many at first, so that memory stays in proportion to
the records there are and not to the two octets that the shortest could take."""

ABSENT = -1
"""What stands for a plain number that a record does not have."""


class Room:
    """The tables one walk fills, kept from batch to batch; a new walk overwrites the last one's records."""

    def __init__(self) -> None:
        self._size = 0
        self._rows = (0, 0, 0)
        self.tile = self.offsets = self.whole = np.empty((0, 0), np.int64)
        self.real = np.empty((0, 0), np.float64)
        self.block = np.empty(0, np.int32)

    def take(self, elements: Elements, size: int, kept: bool) -> None:
        """Make room for `size` records."""
        rows = elements.slots, len(elements.whole), len(elements.real)
        if size > self._size or any(a > b for a, b in zip(rows, self._rows, strict=True)):
            self._rows = rows
            # Rows a power of two apart would fall into the same lines of the processor's cache.
            self._size = (max(size, self._size) + 511) // 512 * 512 + 72
            self.tile = np.empty((TILE, elements.slots), np.int64)
            self.offsets = np.empty((elements.slots, self._size) if kept else (0, 0), np.int64)
            self.whole = np.empty((len(elements.whole), self._size), np.int64)
            self.real = np.empty((len(elements.real), self._size), np.float64)
            self.block = np.empty(self._size, np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """The records of one category in a batch of blocks.

    Attributes
    ----------
    program : Program
        The edition they were walked with.
    data : uint8 array
    elements : Elements
        What was read of them.
    offsets : int64 array, shape (units, n)
        Where each unit of each record starts, -1 where absent, if that was kept.
    whole : int64 array, shape (elements, n)
    real : float64 array, shape (elements, n)
    block : int32 array, shape (n,)
        Block of each record, counted in the batch.
    """

    program: Program
    data: NDArray[np.uint8]
    elements: Elements
    offsets: NDArray[np.int64]
    whole: NDArray[np.int64]
    real: NDArray[np.float64]
    block: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.block)

    def where(self, keep: NDArray[np.bool_]) -> Records:
        """Return only some of the records."""
        tables = {name: getattr(self, name) for name in ("offsets", "whole", "real")}
        # Offsets of records walked tile by tile are not kept, so that there may be no columns to choose from.
        kept = {name: table[:, keep] if table.shape[1] else table for name, table in tables.items()}
        return replace(self, **kept, block=self.block[keep])

    def knows(self, path: str) -> bool:
        """Whether the edition has the element `path`."""
        return path in self.elements.whole or path in self.elements.real

    def number(self, path: str) -> NDArray[np.int64]:
        """Return an element as a plain number, `ABSENT` where absent; the next walk overwrites it."""
        row = self.elements.whole.get(path)
        return np.full(len(self), ABSENT) if row is None else self.whole[row]

    def value(self, path: str, unit: float = 1.0) -> NDArray[np.float64]:
        """Return a quantity times `unit` (the specification's unit in ours), NaN where absent."""
        row = self.elements.real.get(path)
        return np.full(len(self), np.nan) if row is None else self.real[row] * unit

    def has(self, path: str) -> bool:
        """Whether some record has the quantity `path`."""
        row = self.elements.real.get(path)
        return row is not None and not bool(np.isnan(self.real[row]).all())

    def look_up(self, path: str, table: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return what a table says of a plain number; its last entry is for an absent one."""
        return table.take(self.number(path))

    def quantity(self, path: str, unit: float = 1.0) -> pa.Array | None:
        """Return a quantity times `unit` as an Arrow column; none if no record has it."""
        return floats(self.value(path, unit)) if self.has(path) else None

    def integer(self, path: str, kind: pa.DataType) -> pa.Array | None:
        """Return a plain number as an Arrow column of an unsigned type; none if no record has it."""
        value = self.number(path)
        valid = value != ABSENT
        if not valid.any():
            return None
        buffers = [bitmap(valid), pa.py_buffer(value.astype(kind.to_pandas_dtype()))]
        return pa.Array.from_buffers(kind, len(value), buffers)

    def text(self, path: str, kind: str = "icao", bits: int = 48) -> pa.StringArray:
        """Return a string without trailing spaces, null where absent or blank."""
        return strings(self.number(path), bits, kind, blank=False)

    def identifiers(self) -> NDArray[np.int64]:
        """Return SAC * 256 + SIC; a record without takes those of the record before in its block, else `ABSENT`."""
        out = np.empty(len(self), np.int64)
        _read_kernels.inherit(self.number("010/SAC+SIC"), self.block, out)
        return out


def flags(value: NDArray[np.int8]) -> pa.Array:
    """Return ones and zeros as booleans, null where negative."""
    packed = pa.py_buffer(np.packbits(value > 0, bitorder="little"))
    return pa.Array.from_buffers(pa.bool_(), len(value), [bitmap(value >= 0), packed])


def above_sea(
    latitude: NDArray[np.float64], longitude: NDArray[np.float64], height: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return heights above the ellipsoid, in metres, as heights above mean sea level; NaN without a position."""
    out = np.full(len(height), np.nan)
    known = ~(np.isnan(height) | np.isnan(latitude) | np.isnan(longitude))
    if known.any():
        out[known] = ellipsoid_to_msl(latitude[known], longitude[known], height[known])
    return out


def walk(
    program: Program,
    elements: Elements,
    room: Room,
    data: NDArray[np.uint8],
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    number: NDArray[np.int64],
    kept: bool,
) -> tuple[Records, NDArray[np.uint8], int]:
    """Find the records of blocks, given by their ranges in `data`.

    Parameters
    ----------
    program : Program
    elements : Elements
        What to read of them.
    room : Room
        What the records lie in until the next walk with the same room.
    data : uint8 array
    first, last : int64 arrays, shape (blocks,)
    number : int64 array, shape (blocks,)
        What the records' `block` says of each block.
    kept : bool
        Whether the places of units are kept, for raw tables.

    Returns
    -------
    Records, uint8 array, int
        The records, for each block the index into `_record_kernels.REASONS` of why it was refused, and the number of
        records without a field.
    """
    unscaled = np.ones(len(elements.whole), np.int64)
    n, size = -1, int((last - first).sum()) // USUAL + 1
    while n < 0:
        room.take(elements, size, kept)
        reason, empty = np.zeros(len(first), np.uint8), np.zeros(1, np.int64)
        n = _walk_kernels.walk(
            *(data, first, last, number),
            *(program.uaps, program.units, program.rows, program.totals, program.selector),
            *(elements.slot, room.tile, room.offsets, elements.whole_table, unscaled, room.whole),
            *(elements.real_table, elements.step, room.real, room.block, reason, empty),
        )
        size = 4 * len(room.block)
    found = Records(program, data, elements, room.offsets[:, :n], room.whole[:, :n], room.real[:, :n], room.block[:n])
    return found, reason, int(empty[0])
