"""Which edition a stream of blocks was written in: the newest that refuses fewest blocks and reads fewest oddities."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from skypact.formats.asterix import spec
from skypact.formats.asterix.columns import MISSING, Reader
from skypact.formats.asterix.elements import elements
from skypact.formats.asterix.program import Program, program
from skypact.formats.asterix.records import Room, walk

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLE, SAMPLE_OCTETS = 256, 1 << 14
"""Blocks, or octets of blocks, looked at before an edition is settled."""


class Guess:
    """The edition of one category in one stream.

    The guess is made anew whenever twice as many blocks were seen, and settled after `SAMPLE` or `SAMPLE_OCTETS`.

    Parameters
    ----------
    category : int
    edition : str, optional
        The edition the user named; then nothing is guessed.
    """

    def __init__(self, category: int, edition: str | None = None) -> None:
        self.category = category
        self.edition = edition
        self._settled = edition is not None
        self._judged = 0
        self._blocks: list[bytes] = []

    def learn(
        self,
        data: NDArray[np.uint8],
        first: NDArray[np.int64],
        last: NDArray[np.int64],
    ) -> None:
        """Look at more blocks, given by the ranges of their records in `data`."""
        if self._settled:
            return
        octets = sum(map(len, self._blocks))
        for a, b in zip(first[:SAMPLE], last[:SAMPLE], strict=True):
            self._blocks.append(data[a:b].tobytes())
            octets += b - a
            self._settled = len(self._blocks) == SAMPLE or octets >= SAMPLE_OCTETS
            if self._settled:
                break
        if not self._settled and len(self._blocks) < 2 * self._judged:
            return
        self._judged = len(self._blocks)
        joined = np.frombuffer(b"".join(self._blocks), np.uint8)
        length = np.array([len(b) for b in self._blocks], np.int64)
        ends = np.cumsum(length)
        best = None
        for edition in reversed(spec.editions(self.category)):
            found = score(program(self.category, edition), joined, ends - length, ends)
            if best is None or found < best:
                best, self.edition = found, edition
            if best == (0, 0):
                break
        if self._settled:
            self._blocks.clear()


def score(
    tables: Program, data: NDArray[np.uint8], first: NDArray[np.int64], last: NDArray[np.int64]
) -> tuple[int, int]:
    """Return how many blocks an edition refuses and how many odd elements it reads in the others."""
    odd, refused = oddities(tables, data, first, last)
    return refused, int(odd.sum())


def oddities(
    tables: Program, data: NDArray[np.uint8], first: NDArray[np.int64], last: NDArray[np.int64]
) -> tuple[NDArray[np.int64], int]:
    """Count in each block what a right reading seldom shows; return how many blocks are refused, too.

    That is spare bits that are set, values beyond those a table defines, angles and times of day out of range.
    """
    everything = elements(tables, (), (), every_unit=True)
    records, reason, _ = walk(tables, everything, Room(), data, first, last, np.arange(len(first)), kept=True)
    odd = np.zeros(len(first), np.int64)
    for unit, reader, low, high in _checks(tables):
        if (records.offsets[unit] >= 0).any():
            value = reader.integers(data, records.offsets[unit])
            wrong = (value != MISSING) & ((value < low) | (value > high))
            odd += np.bincount(records.block[wrong], minlength=len(first))
    return odd, int((reason > 0).sum())


@cache
def _checks(tables: Program) -> tuple[tuple[int, Reader, int, int], ...]:
    """Return the elements of an edition whose values can be wrong, with the range they may have."""
    checks = []
    for number, unit in enumerate(tables.edition.units):
        if unit.kind in (spec.REPETITIVE, spec.CHAINED, spec.COMPOUND, spec.EXPLICIT):
            continue
        checks += [(number, Reader.of(unit, e), 0, 0) for e in unit.spares if e.bits <= 62]
        for element in unit.elements:
            limits = _range(element)
            if limits is not None:
                checks.append((number, Reader.of(unit, element), *limits))
    return tuple(checks)


def _range(element: spec.Element) -> tuple[int, int] | None:
    content = element.content
    if "table" in content:
        known = [int(k) for k in content["table"]]
        return (min(known), max(known)) if max(known) + 1 < 1 << element.bits else None
    if content.get("unit") == "s" and content.get("lsb") == 1 / 128 and element.bits == 24:
        return 0, 86_400 * 128
    if content.get("unit") == "°" and element.name.endswith(("LAT", "LON")):
        bound = round((90 if element.name.endswith("LAT") else 180) / content["lsb"])
        return -bound, bound
    return None
