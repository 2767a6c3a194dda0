"""When the records of a batch were: their times of day, the order of the stream, and what the clock makes of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skypact.formats.asterix import _read_kernels as kernels
from skypact.formats.asterix._time_kernels import FAR_NS, MEASURED
from skypact.formats.asterix.records import ABSENT, Records
from skypact.formats.asterix.times import Clock

if TYPE_CHECKING:
    from numpy.typing import NDArray

TIME_OF_DAY: dict[int, tuple[str, ...]] = {
    1: ("141",),
    2: ("030",),
    10: ("140",),
    20: ("140",),
    21: ("071", "073", "030", "072", "075", "077"),
    34: ("030",),
    48: ("140",),
    62: ("070",),
    65: ("030",),
}
"""Items that hold the time of day, the best first."""

TRUNCATED = (1,)
"""Categories that send 16 bits of it."""

DAY_STEPS = 86_400 * 128
"""Steps of 1/128 s in a day."""


@dataclass(frozen=True, slots=True, eq=False)
class Timing:
    """Arrivals, times and time sources of the records of one category, each of shape (n,)."""

    received: NDArray[np.int64]
    time: NDArray[np.int64]
    source: NDArray[np.int8]

    def where(self, keep: NDArray[np.bool_]) -> Timing:
        """Return only some of the rows."""
        return Timing(self.received[keep], self.time[keep], self.source[keep])


def timings(
    clock: Clock, walked: Mapping[int, Records], received: NDArray[np.int64], counts: Counter[str]
) -> dict[int, Timing]:
    """Return when the records of a batch were, by category.

    Parameters
    ----------
    clock : Clock
    walked : mapping of int to Records
        By category; at least one record.
    received : int64 array, shape (blocks,)
    counts : Counter
        Counts times that no day has.
    """
    value = {c: _time_of_day(c, found, counts) for c, found in walked.items()}
    arrival = {c: received.take(found.block) for c, found in walked.items()}
    alone = not any(c in TRUNCATED for c in walked) and all((v >= 0).all() for v in value.values()) and _known(received)
    if alone:
        first = min(walked, key=lambda c: walked[c].block[0])
        clock.begin(value[first], arrival[first])
    if alone and not clock.replayed:
        # The usual case, in which nothing depends on the record before.
        time = {c: clock.resolve_each(value[c], arrival[c]) for c in walked}
        last = max(walked, key=lambda c: walked[c].block[-1])
        clock.remember(int(time[last][-1]), int(arrival[last][-1]))
        return {c: Timing(arrival[c], time[c], np.full(len(time[c]), MEASURED, np.int8)) for c in walked}
    place = places(walked, len(received))
    order = np.argsort(np.concatenate(list(place.values())))
    whole = np.concatenate([np.full(len(found), c not in TRUNCATED) for c, found in walked.items()])
    values, arrivals = (np.concatenate(list(columns.values()))[order] for columns in (value, arrival))
    resolved, source = clock.resolve(values, whole[order], arrivals)
    return {c: Timing(arrival[c], resolved[place[c]], source[place[c]]) for c in walked}


def places(walked: Mapping[int, Records], blocks: int) -> dict[int, NDArray[np.int64]]:
    """Return by category the place of each record among all records of the batch of so many blocks."""
    if len(walked) == 1:
        return {c: np.arange(len(found)) for c, found in walked.items()}
    per_block = np.zeros(blocks, np.int64)
    for found in walked.values():
        per_block += np.bincount(found.block, minlength=blocks)
    base = np.cumsum(per_block) - per_block
    place = {c: np.empty(len(found), np.int64) for c, found in walked.items()}
    for category, found in walked.items():
        kernels.ordinals(found.block, base, place[category])
    return place


def _known(received: NDArray[np.int64]) -> bool:
    return bool(((received > -FAR_NS) & (received < FAR_NS)).all())


def _time_of_day(category: int, found: Records, counts: Counter[str]) -> NDArray[np.int64]:
    """Return the time of day of each record in steps, `ABSENT` where it has none that a day has."""
    items = TIME_OF_DAY[category]
    value = found.number(items[0])
    for other in items[1:]:
        if (value < 0).any() and found.knows(other):
            value = np.where(value < 0, found.number(other), value)
    late = value > DAY_STEPS
    if late.any():
        counts[f"times of day beyond 24 h in category {category:03d}"] += int(late.sum())
        value = np.where(late, ABSENT, value)
    return value
