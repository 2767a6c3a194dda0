"""UTC for receiver stamps that count from midnight or from the receiver's start."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import numpy as np

from skypact.formats.dates import sent_before
from skypact.formats.modes.beast import COUNTER_TICKS, TICKS, TICKS_NS
from skypact.tables import NO_TIME, TIME_SOURCES
from skypact.units import DAY_NS, to_ns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skypact.formats.modes.frames import Frames

MEASURED, TRUNCATED, ARRIVAL = (TIME_SOURCES.index(s) for s in ("measured", "truncated", "arrival"))
COUNTER_NS = COUNTER_TICKS * TICKS // TICKS_NS
"""The 12 MHz counter of 48 bits starts again after 271 days."""


class ReceiverClock:
    """Dates the stamps of one stream of frames, batch after batch.

    A UTC stamp is the time. A time of day gets the day nearest to the arrival, which a `date` moves by whole days. A
    free counter tells nothing of UTC: the arrival is the time. Without arrivals, and where a `date` is given and the
    first time of day is hours away from its arrival, as in a replay, times of day and counters run on from `date`,
    across midnights and wraps, the counter from its first value.

    Parameters
    ----------
    date : datetime.date, optional
        Date of the first frame; without it the arrivals' own dates count, and without arrivals 1970-01-01.

    Attributes
    ----------
    counted : bool
        Whether times count from the first frame.
    """

    def __init__(self, date: dt.date | None = None) -> None:
        self._date = date
        self._last_ns = NO_TIME
        self._run_on_ns = 0
        self._shift = 0
        self._settled = self._replayed = self._from_1970 = self._timed = self._untimed = False
        self.counted = False

    @property
    def undated(self) -> bool:
        """Whether 1970-01-01 had to be used, or no frame has had a stamp or an arrival."""
        return self._from_1970 or (self._untimed and not self._timed)

    def resolve(self, frames: Frames) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
        """Return the time of each frame in UTC nanoseconds, `NO_TIME` where there is none, and its source.

        The source indexes `tables.TIME_SOURCES`; -1 where there is no time.
        """
        arrived = frames.received_ns != NO_TIME
        time = frames.received_ns.copy()
        source = np.where(arrived, ARRIVAL, -1).astype(np.int8)
        stamped = frames.clock_ns != NO_TIME
        if frames.clock == "utc":
            time[stamped] = frames.clock_ns[stamped]
            source[stamped] = MEASURED
        elif frames.clock == "day":
            near = stamped & arrived
            self._settle(frames.clock_ns[near], time[near])
            if self._replayed:
                near = np.zeros(len(near), bool)
            behind = time[near] + self._shift - frames.clock_ns[near]
            time[near] = frames.clock_ns[near] + (behind + DAY_NS // 2) // DAY_NS * DAY_NS
            alone = stamped & ~near
            time[alone] = self._run_on(frames.clock_ns[alone], DAY_NS)
            source[stamped] = MEASURED
        elif frames.clock == "counter":
            alone = stamped & ~arrived
            time[alone] = self._run_on(frames.clock_ns[alone], COUNTER_NS)
            source[alone] = TRUNCATED
            self.counted = self.counted or bool(alone.any())
        known = time != NO_TIME
        self._timed = self._timed or bool(known.any())
        self._untimed = self._untimed or not known.all()
        return time, source

    def _settle(self, stamps: NDArray[np.int64], arrivals: NDArray[np.int64]) -> None:
        """Settle on the date at the beginning of the stream."""
        if not self._settled and len(stamps):
            self._settled = True
            if self._date is not None:
                self._shift = to_ns(self._date) - int(arrivals[0]) // DAY_NS * DAY_NS
                self._replayed = sent_before(int(arrivals[0]), int(stamps[0]))

    def _run_on(self, stamps: NDArray[np.int64], period_ns: int) -> NDArray[np.int64]:
        """Return times that follow the steps between stamps, the shorter way round the period."""
        if not len(stamps):
            return stamps
        if self._last_ns == NO_TIME:
            self._from_1970 = self._date is None
            self._run_on_ns = 0 if self._date is None else to_ns(dt.date(*self._date.timetuple()[:3]))
            if period_ns == DAY_NS:
                self._run_on_ns += int(stamps[0])
            self._last_ns = int(stamps[0])
        steps = np.diff(stamps, prepend=self._last_ns)
        steps -= (steps + period_ns // 2) // period_ns * period_ns
        times = self._run_on_ns + np.cumsum(steps)
        self._last_ns = int(stamps[-1])
        self._run_on_ns = int(times[-1])
        return times
