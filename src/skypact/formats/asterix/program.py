"""An edition turned into the integer tables that the kernels walk."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from skypact.formats.asterix import spec

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """What the walker needs to know of an edition.

    Attributes
    ----------
    edition : spec.Edition
    uaps : int32 array, shape (profiles, longest profile)
        Unit of each field reference number, `spec.SPARE` beyond the profile.
    units : int32 array, shape (units, 5)
        Kind, size (of a compound unit its row of `totals`), count size, first and number of rows in `rows`.
    rows : int32 array
        Part sizes of extended units (negative for a last part without FX), children of compound ones.
    totals : int16 array, shape (compound units, 256)
        Octets of a compound unit by its first octet, 0 where that does not tell.
    selector : int32 array, shape (4,)
        Unit, octet, shift and mask of the element that chooses the profile; unit -1 if there is one profile.
    """

    edition: spec.Edition
    uaps: NDArray[np.int32]
    units: NDArray[np.int32]
    rows: NDArray[np.int32]
    totals: NDArray[np.int16]
    selector: NDArray[np.int32]


@cache
def program(category: int, edition: str | None = None) -> Program:
    """Return the tables of an edition, the newest when none is named."""
    found = spec.edition(category, edition)
    rows: list[int] = []
    totals: list[NDArray[np.int16]] = []
    units = np.zeros((len(found.units), 5), np.int32)
    for i, unit in enumerate(found.units):
        first, size = len(rows), unit.size
        if unit.kind == spec.EXTENDED:
            rows += unit.parts[:-1]
            rows.append(unit.parts[-1] if unit.closed else -unit.parts[-1])
        elif unit.kind == spec.COMPOUND:
            rows += unit.children
            size = len(totals)
            totals.append(_totals([found.units[c] if c >= 0 else None for c in unit.children[:7]]))
        units[i] = unit.kind, size, unit.count_size, first, len(rows) - first
    uaps = np.full((len(found.uaps), max(map(len, found.uaps))), spec.SPARE, np.int32)
    for i, frns in enumerate(found.uaps):
        uaps[i, : len(frns)] = frns
    selector = np.full(4, -1, np.int32)
    if found.selector is not None:
        element = found.selector
        octet, first_bit = divmod(element.bit, 8)
        selector[:] = found.selector_unit, octet, 8 - first_bit - element.bits, (1 << element.bits) - 1
    return Program(found, uaps, units, np.array(rows, np.int32), np.array(totals, np.int16).reshape(-1, 256), selector)


def _totals(children: list[spec.Unit | None]) -> NDArray[np.int16]:
    """Return the octets of a compound unit by its first octet, where this announces only units of fixed size."""
    octet = np.arange(256)
    total, plain = np.ones(256, np.int16), octet & 1 == 0
    for bit in range(7):
        announced = octet & (0x80 >> bit) != 0
        child = children[bit] if bit < len(children) else None
        if child is None or child.kind != spec.FIXED:
            plain &= ~announced
        else:
            total[announced] += child.size
    return np.where(plain, total, 0).astype(np.int16)
