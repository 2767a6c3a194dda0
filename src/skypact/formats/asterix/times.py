"""Dates for times of day: ASTERIX sends seconds since midnight, or since the last multiple of 512 s, and no date."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from skypact.errors import MisuseError
from skypact.tables import NO_TIME
from skypact.units import DAY_NS, to_ns

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEP_NS = 7_812_500
"""A time of day counts 1/128 s."""
TRUNCATED_NS = 512_000_000_000
"""Truncated times of day have 16 bits and start again after 512 s."""

FAR_NS = 1 << 62
"""An arrival this far from 1970, 146 years, is none: a capture may claim any, and sums of times must not overflow."""

MEASURED, TRUNCATED, ARRIVAL = range(3)
"""Indices into `tables.TIME_SOURCES`."""


@njit(cache=True, nogil=True)
def _nearest(v, whole, near):  # type: ignore[no-untyped-def]
    """Return the time nearest to `near` whose time of day is `v` nanoseconds, or `v` and some multiples of 512 s.

    A day is no multiple of 512 s: truncated times start again at midnight too.
    """
    best = NO_TIME
    today = near // DAY_NS * DAY_NS
    for day in (today - DAY_NS, today, today + DAY_NS):
        turns = 0
        if not whole:
            turns = (near - day - v + TRUNCATED_NS // 2) // TRUNCATED_NS
            turns = max(0, min(turns, (DAY_NS - 1 - v) // TRUNCATED_NS))
        candidate = day + v + turns * TRUNCATED_NS
        if best == NO_TIME or abs(candidate - near) < abs(best - near):
            best = candidate
    return best


@njit(cache=True, nogil=True)
def _resolve(value, whole, received, shift, state, base, time, source):  # type: ignore[no-untyped-def]
    """Turn times of day into times, in the order of the stream.

    `state` is [last whole time, its arrival, last time]; `base` the date for a stream without arrivals.
    """
    for i in range(len(value)):
        arrival = NO_TIME
        if -FAR_NS < received[i] < FAR_NS:
            arrival = received[i] + shift
        v = value[i]
        if v < 0:
            time[i] = arrival if arrival != NO_TIME else state[2]
            source[i] = ARRIVAL if time[i] != NO_TIME else -1
        else:
            v *= STEP_NS
            near = arrival
            # A radar's own last time of day is a better guide than a recorder whose clock may be minutes off; between
            # two such times the arrivals still tell how much time went by.
            if near == NO_TIME:
                near = state[2]
            elif not whole[i] and state[1] != NO_TIME:
                near = state[0] + arrival - state[1]
            if near == NO_TIME:
                time[i] = base + v
            else:
                time[i] = _nearest(v, whole[i], near)
            source[i] = MEASURED if whole[i] else TRUNCATED
            if whole[i]:
                state[0] = time[i]
                state[1] = arrival
        if time[i] != NO_TIME:
            state[2] = time[i]


@dataclass(slots=True)
class Clock:
    """Gives times of day their date, nearest to the arrival, in the order of one stream.

    Parameters
    ----------
    date : datetime.date, optional
        Date of the first arrival, or without arrivals of the first message. If not given the arrivals' own dates
        count, and without arrivals 1970-01-01.

    Attributes
    ----------
    undated : bool
        Whether the stream began with neither a date nor arrivals.

    Raises
    ------
    MisuseError
        A date that times in nanoseconds cannot reach.
    """

    date: dt.date | None = None
    undated: bool = False
    _shift: int | None = None
    _state: NDArray[np.int64] = field(default_factory=lambda: np.full(3, NO_TIME, np.int64))

    def __post_init__(self) -> None:
        if self.date is not None and abs(to_ns(self.date)) >= FAR_NS:
            raise MisuseError(f"the date {self.date} is too far away; times are counted from 1824 to 2116")

    def resolve(
        self, value: NDArray[np.int64], whole: NDArray[np.bool_], received: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
        """Return time in UTC nanoseconds (`NO_TIME` if there is none) and its source for each record.

        A record without a time of day has its arrival's, or without arrivals that of the record before.

        Parameters
        ----------
        value : int64 array, shape (n,)
            Time of day in 1/128 s, negative where the record has none.
        whole : bool array, shape (n,)
            False where the time of day is truncated to 16 bits.
        received : int64 array, shape (n,)
            Arrival, `NO_TIME` if not known.
        """
        base = 0 if self.date is None else to_ns(self.date)
        if self._shift is None and len(value):
            known = received[(received > -FAR_NS) & (received < FAR_NS)]
            # A date given by the user moves the arrivals by whole days, so that midnight stays where it is.
            moved = self.date is not None and len(known) > 0
            self._shift = base - int(known[0]) // DAY_NS * DAY_NS if moved else 0
            self.undated = self.date is None and len(known) == 0
        time = np.empty(len(value), np.int64)
        source = np.empty(len(value), np.int8)
        _resolve(value, whole, received, self._shift or 0, self._state, base, time, source)
        return time, source
