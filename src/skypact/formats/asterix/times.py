"""Dates for times of day: ASTERIX sends seconds since midnight, or since the last multiple of 512 s, and no date."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from skypact.errors import MisuseError
from skypact.formats.asterix import _time_kernels as kernels
from skypact.formats.asterix._time_kernels import FAR_NS
from skypact.formats.dates import sent_before
from skypact.tables import NO_TIME
from skypact.units import DAY_NS, to_ns

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(slots=True)
class Clock:
    """Gives times of day their date, nearest to the arrival, in the order of one stream.

    Parameters
    ----------
    date : datetime.date, optional
        Date of the first arrival, or without arrivals of the first message. If not given the arrivals' own dates
        count, and without arrivals 1970-01-01. Where the first time of day is hours away from its arrival's, what is
        received was sent before, as in a replay: then it is the date of the first message, and arrivals say nothing.

    Attributes
    ----------
    undated : bool
        Whether the stream began with neither a date nor arrivals.
    replayed : bool
        Whether the stream was sent before.

    Raises
    ------
    MisuseError
        A date that times in nanoseconds cannot reach.
    """

    date: dt.date | None = None
    undated: bool = False
    replayed: bool = False
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
        if len(value):
            self.begin(np.where(whole, value, -1), received)
        if self.replayed:
            received = np.full(len(value), NO_TIME)
        time = np.empty(len(value), np.int64)
        source = np.empty(len(value), np.int8)
        base = 0 if self.date is None else to_ns(self.date)
        kernels.resolve(value, whole, received, self._shift or 0, self._state, base, time, source)
        return time, source

    def resolve_each(self, value: NDArray[np.int64], received: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the times of records that all have a whole time of day and an arrival.

        Such records say their time each for itself, in whatever order, unless they are `replayed`: `remember` the last
        one of the stream when all are resolved.
        """
        self.begin(value, received)
        time = np.empty(len(value), np.int64)
        kernels.resolve_each(value, received, self._shift or 0, time)
        return time

    def remember(self, time: int, received: int) -> None:
        """Go on from a record that was resolved by itself."""
        self._state[:] = time, received + (self._shift or 0), time

    def begin(self, value: NDArray[np.int64], received: NDArray[np.int64]) -> None:
        """Settle on the date at the beginning of the stream; later calls change nothing.

        Parameters
        ----------
        value : int64 array, shape (n,)
            Whole times of day in 1/128 s, negative where there is none.
        received : int64 array, shape (n,)
        """
        if self._shift is not None:
            return
        known = (received > -FAR_NS) & (received < FAR_NS)
        self.undated = self.date is None and not known.any()
        self._shift = 0
        if self.date is not None and known.any():
            first = int(np.argmax(known))
            arrival = int(received[first])
            # A date given by the user moves the arrivals by whole days, so that midnight stays where it is.
            self._shift = to_ns(self.date) - arrival // DAY_NS * DAY_NS
            self.replayed = value[first] >= 0 and sent_before(arrival, int(value[first]) * kernels.STEP_NS)
