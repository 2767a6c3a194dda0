"""Records of one category in one batch, with columns read from them on demand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from skypact.earth.geoid import ellipsoid_to_msl
from skypact.formats.asterix import _kernels as kernels
from skypact.formats.asterix.columns import Reader, bitmap, strings
from skypact.formats.asterix.program import Program

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skypact.formats.asterix.spec import Element, Unit

MISSING = kernels.MISSING


class Room:
    """The tables one walk fills, kept from batch to batch; a new walk overwrites the last one's records."""

    def __init__(self) -> None:
        self._places = np.empty(0, np.int64)
        self._block = np.empty(0, np.int32)

    def take(self, slots: int, octets: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]:
        """Return offsets of shape (slots, n), begin and block of shape (n,) for the records in `octets` octets."""
        # No record is shorter than two octets: a field specification and one octet of content. Rows a power of two
        # apart would fall into the same lines of the processor's cache, so each is put a little further.
        row = (octets // 2 + 1 + 511) // 512 * 512 + 72
        if len(self._places) < (slots + 1) * row:
            self._places = np.empty((slots + 1) * row, np.int64)
        if len(self._block) < row:
            self._block = np.empty(row, np.int32)
        places = self._places[: (slots + 1) * row].reshape(slots + 1, row)
        return places[:slots], places[slots], self._block


@cache
def _readers(program: Program) -> dict[str, tuple[int, Reader]]:
    return {e.name: (u, Reader.of(program.edition.units[u], e)) for u, e in program.edition.elements()}


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """The records of one category in a batch of blocks.

    Attributes
    ----------
    program : Program
        The edition they were walked with.
    data : uint8 array
    slot : int32 array, shape (units,)
        Row of `offsets` for each unit, -1 for units that were not asked for.
    offsets : int64 array, shape (slots, n)
    begin : int64 array, shape (n,)
        Where each record starts.
    block : int32 array, shape (n,)
        Block of each record, counted in the batch.
    """

    program: Program
    data: NDArray[np.uint8]
    slot: NDArray[np.int32]
    offsets: NDArray[np.int64]
    begin: NDArray[np.int64]
    block: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.begin)

    def of_blocks(self, chosen: NDArray[np.int64]) -> Records:
        """Return the same records with their blocks renumbered: block i becomes ``chosen[i]``."""
        return replace(self, block=chosen[self.block].astype(np.int32))

    def where(self, keep: NDArray[np.bool_]) -> Records:
        """Return only some of the records."""
        return replace(self, offsets=self.offsets[:, keep], begin=self.begin[keep], block=self.block[keep])

    def _find(self, path: str) -> tuple[Reader, NDArray[np.int64]] | None:
        """Return an element's reader and the places of its unit; none if the edition lacks it or no record has it."""
        found = _readers(self.program).get(path)
        if found is None or self.slot[found[0]] < 0:
            return None
        offset = self.offsets[self.slot[found[0]]]
        return found[1], offset

    def knows(self, path: str) -> bool:
        """Whether the edition has the element `path`."""
        return path in _readers(self.program)

    def has(self, path: str) -> bool:
        """Whether some record has the unit of the element `path`."""
        found = self._find(path)
        return found is not None and bool((found[1] >= 0).any())

    def number(self, path: str) -> NDArray[np.int64]:
        """Return an element as a plain number, `MISSING` where absent."""
        found = self._find(path)
        return np.full(len(self), MISSING) if found is None else found[0].integers(self.data, found[1])

    def value(self, path: str, unit: float = 1.0) -> NDArray[np.float64]:
        """Return a quantity times `unit` (the specification's unit in ours), NaN where absent."""
        found = self._find(path)
        if found is None:
            return np.full(len(self), np.nan)
        return found[0].floats(self.data, found[1], found[0].element.content["lsb"] * unit)

    def bits(self, path: str, bits: int) -> NDArray[np.int64]:
        """Return the first `bits` bits of the unit of `path`, `MISSING` where absent: several flags in one reading."""
        found = self._find(path)
        out = np.full(len(self), MISSING)
        if found is not None:
            one = np.zeros(1, np.int32)
            kernels.integers(self.data, found[1], 0, 1, 8 - bits, (1 << bits) - 1, 0, 0, one, out)
        return out

    def text(self, path: str) -> pa.StringArray:
        """Return a string element without trailing spaces; null where absent or blank."""
        found = self._find(path)
        if found is None:
            return pa.nulls(len(self), pa.string())
        reader, offset = found
        element: Element = reader.element
        value = reader.integers(self.data, offset)
        return strings(value, element.bits, element.content["string"], blank=False)

    def identifiers(self) -> NDArray[np.int64]:
        """Return SAC * 256 + SIC; a record without takes those of the record before in its block, else -1."""
        found = self._find("010/SAC")
        out = np.full(len(self), -1)
        if found is not None:
            kernels.inherit(self.data, found[1], self.block, out)
        return out


def unsigned(value: NDArray[np.int64], kind: pa.DataType) -> pa.Array:
    """Return plain numbers as an Arrow column of an unsigned type, null where `MISSING`."""
    absent = value == MISSING
    buffers = [bitmap(~absent), pa.py_buffer(value.astype(kind.to_pandas_dtype()))]
    return pa.Array.from_buffers(kind, len(value), buffers)


def flags(value: NDArray[np.int64]) -> pa.Array:
    """Return ones and zeros as booleans, null where negative."""
    known = value >= 0
    packed = pa.py_buffer(np.packbits(value > 0, bitorder="little"))
    return pa.Array.from_buffers(pa.bool_(), len(value), [bitmap(known), packed])


def above_sea(
    latitude: NDArray[np.float64], longitude: NDArray[np.float64], height: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return heights above the ellipsoid, in metres, as heights above mean sea level; NaN without a position."""
    out = np.full(len(height), np.nan)
    known = ~(np.isnan(height) | np.isnan(latitude) | np.isnan(longitude))
    if known.any():
        out[known] = ellipsoid_to_msl(latitude[known], longitude[known], height[known])
    return out


def units_of(program: Program, items: tuple[str, ...]) -> tuple[int, ...]:
    """Return the numbers of the units of an edition whose item is one of `items`."""
    units: tuple[Unit, ...] = program.edition.units
    return tuple(i for i, unit in enumerate(units) if unit.name in items)


def walk(
    program: Program,
    units: tuple[int, ...] | None,
    room: Room,
    data: NDArray[np.uint8],
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    empty: NDArray[np.int64],
) -> tuple[Records, NDArray[np.uint8]]:
    """Find the records of blocks, given by their ranges in `data`.

    Parameters
    ----------
    program : Program
    units : tuple of int, or None
        The units whose places are wanted; all if none are named.
    room : Room
        What the records lie in until the next walk with the same room.
    data : uint8 array
    first, last : int64 arrays, shape (blocks,)
    empty : int64 array, shape (1,)
        Is increased by the records without a field.

    Returns
    -------
    Records, uint8 array
        The records, and for each block the index into `_kernels.REASONS` of why it was refused.
    """
    slot = program.slots(units)
    offsets, begin, block = room.take(int(slot.max()) + 1, int((last - first).sum()))
    reason = np.zeros(len(first), np.uint8)
    tables = program.uaps, program.units, program.rows, program.selector
    _, count = kernels.walk(data, first, last, 0, *tables, slot, offsets, begin, block, reason, empty)
    return Records(program, data, slot, offsets[:, :count], begin[:count], block[:count]), reason
