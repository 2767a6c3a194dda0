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
        Kind, size, count size, first and number of rows in `rows`.
    rows : int32 array
        Part sizes of extended units (negative for a last part without FX), children of compound ones.
    selector : int32 array, shape (4,)
        Unit, octet, shift and mask of the element that chooses the profile; unit -1 if there is one profile.
    """

    edition: spec.Edition
    uaps: NDArray[np.int32]
    units: NDArray[np.int32]
    rows: NDArray[np.int32]
    selector: NDArray[np.int32]

    def slots(self, units: tuple[int, ...] | None = None) -> NDArray[np.int32]:
        """Return the slot of each unit in the walker's offset table: all units, or only those asked for."""
        count = len(self.edition.units)
        slot = np.full(count, -1, np.int32)
        wanted = np.arange(count) if units is None else np.array(units, np.int64)
        slot[wanted] = np.arange(len(wanted), dtype=np.int32)
        return slot


@cache
def program(category: int, edition: str | None = None) -> Program:
    """Return the tables of an edition, the newest when none is named."""
    found = spec.edition(category, edition)
    rows: list[int] = []
    units = np.zeros((len(found.units), 5), np.int32)
    for i, unit in enumerate(found.units):
        first = len(rows)
        if unit.kind == spec.EXTENDED:
            rows += unit.parts[:-1]
            rows.append(unit.parts[-1] if unit.closed else -unit.parts[-1])
        elif unit.kind == spec.COMPOUND:
            rows += unit.children
        units[i] = unit.kind, unit.size, unit.count_size, first, len(rows) - first
    uaps = np.full((len(found.uaps), max(map(len, found.uaps))), spec.SPARE, np.int32)
    for i, frns in enumerate(found.uaps):
        uaps[i, : len(frns)] = frns
    selector = np.full(4, -1, np.int32)
    if found.selector is not None:
        element = found.selector
        octet, first_bit = divmod(element.bit, 8)
        selector[:] = found.selector_unit, octet, 8 - first_bit - element.bits, (1 << element.bits) - 1
    return Program(found, uaps, units, np.array(rows or [0], np.int32), selector)
