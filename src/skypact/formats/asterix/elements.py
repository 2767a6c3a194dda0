"""Elements that are read while records are walked: where their bits lie, in tables for the kernel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from skypact.formats.asterix.columns import Reader

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skypact.formats.asterix.program import Program

LENGTHS = (1, 2, 3, 4, 6)
"""Octets that an element may lie in: the kernel of each length is compiled."""


@dataclass(frozen=True, slots=True, eq=False)
class Elements:
    """Elements of an edition.

    Attributes
    ----------
    whole, real : mapping of str to int
        The row of each plain number, and of each quantity.
    slot : int32 array, shape (units,)
        Slot of each unit whose places are noted, -1 for others.
    slots : int
    whole_table, real_table : int64 arrays, shape (elements, 8)
        Slot, octets, first octet, shift, mask, sign bit, part of an extended unit and place of its sizes in
        `Program.rows`.
    step : float64 array
        The step of each quantity in the unit of the specification.
    """

    whole: Mapping[str, int]
    real: Mapping[str, int]
    slot: NDArray[np.int32]
    slots: int
    whole_table: NDArray[np.int64]
    real_table: NDArray[np.int64]
    step: NDArray[np.float64]


@cache
def elements(tables: Program, whole: tuple[str, ...], real: tuple[str, ...], every_unit: bool = False) -> Elements:
    """Return some elements of an edition; those it does not have are left out.

    Parameters
    ----------
    tables : Program
    whole, real : tuple of str
        Paths of plain numbers and of quantities. Neighbours may be read as one number: ``"070/V+G"``.
    every_unit : bool
        Whether the places of all units are noted, in the order of the units.
    """
    edition = tables.edition
    known = {e.name: (u, e) for u, e in edition.elements()}
    slots = len(edition.units) if every_unit else 0
    slot = np.arange(slots, dtype=np.int32) if every_unit else np.full(len(edition.units), -1, np.int32)

    def table(paths: list[str]) -> NDArray[np.int64]:
        nonlocal slots
        out = np.zeros((len(paths), 8), np.int64)
        for row, path in enumerate(paths):
            name, *neighbours = path.split("+")
            unit, element = known[name]
            bits = [known[f"{name.rpartition('/')[0]}/{n}"][1].bits for n in neighbours]
            reader = Reader.of(edition.units[unit], replace(element, bits=element.bits + sum(bits)))
            if reader.octets not in LENGTHS:
                raise ValueError(f"{path} lies in {reader.octets} octets")
            if slot[unit] < 0:
                slot[unit] = slots
                slots += 1
            cut = reader.octets, reader.octet, reader.shift, reader.mask, reader.sign
            out[row] = slot[unit], *cut, element.part, tables.units[unit, 3]
        return out

    has_whole = [p for p in whole if p.partition("+")[0] in known]
    has_real = [p for p in real if p in known]
    whole_table, real_table = table(has_whole), table(has_real)
    step = np.array([known[p][1].content["lsb"] for p in has_real], np.float64)
    whole_rows, real_rows = ({path: row for row, path in enumerate(paths)} for paths in (has_whole, has_real))
    return Elements(whole_rows, real_rows, slot, slots, whole_table, real_table, step)
