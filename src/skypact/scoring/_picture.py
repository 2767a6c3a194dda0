"""The picture: which tracks there are at a time, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from skypact import tables
from skypact.errors import MisuseError
from skypact.scoring._columns import numbers, times_ns
from skypact.scoring._surface import States
from skypact.units import SECOND_NS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skypact.scoring.settings import ScoringSettings

SHOWN = np.isin(np.arange(-1, len(tables.STATUSES)), [tables.STATUSES.index(s) for s in ("confirmed", "coasting")])
"""Whether a track of a status is in the picture, by its code plus one."""


class Picture:
    """Rows of tracks in the order in which they became known.

    Parameters
    ----------
    table : Table of `tables.TRACKS`
    settings : ScoringSettings
    reported_ns : int64 array, shape (rows,), optional
        When each row was given out; without it, the time of its state.

    Attributes
    ----------
    numbers : int
        How many tracks were ever shown.

    Raises
    ------
    MisuseError
        A table of another schema, or report times of another length.
    """

    def __init__(
        self, table: pa.Table, settings: ScoringSettings, reported_ns: NDArray[np.int64] | None = None
    ) -> None:
        if not table.schema.equals(tables.TRACKS):
            raise MisuseError("a table that is not of the schema tracks/1 was given as tracks")
        if reported_ns is not None and len(reported_ns) != len(table):
            raise MisuseError(f"{len(table)} rows of tracks have {len(reported_ns)} times of report")
        self.time_ns = times_ns(table["time"])
        self.last_plot_ns = times_ns(table["last_plot"])
        self.known_ns = self.time_ns if reported_ns is None else np.asarray(reported_ns, np.int64)
        self.shown = SHOWN[tables.codes(table["status"], "status").astype(np.int64) + 1]
        lat, lon = numbers(table["latitude_deg"]), numbers(table["longitude_deg"])
        altitude, pressure = numbers(table["altitude_m"]), numbers(table["pressure_altitude_m"])
        self.has_altitude = np.isfinite(altitude)
        self.shown &= (np.abs(lat) <= 90.0) & np.isfinite(lon)
        self.track = _dense(table)
        self.numbers = len(np.unique(self.track[self.shown]))
        self._columns = (
            lat,
            lon,
            np.where(self.has_altitude, altitude, pressure),
            numbers(table["velocity_east_m_s"]),
            numbers(table["velocity_north_m_s"]),
            numbers(table["velocity_up_m_s"]),
        )
        self._stale_ns = int(settings.stale_s * SECOND_NS)
        known = np.flatnonzero((self.time_ns != tables.NO_TIME) & (self.track >= 0))
        self._order = known[np.argsort(self.known_ns[known], kind="stable")]
        self._known = self.known_ns[self._order]
        self._next = 0
        self._last = np.full(self.track.max(initial=-1) + 1, -1)

    def at(self, when_ns: int) -> NDArray[np.int64]:
        """Return the row of each track shown at a time; times must rise from call to call."""
        stop = int(np.searchsorted(self._known, when_ns, side="right"))
        new = self._order[self._next : stop]
        self._last[self.track[new]] = new  # the last of several stays
        self._next = stop
        rows = self._last[self._last >= 0]
        return rows[self.shown[rows] & (when_ns - self.known_ns[rows] <= self._stale_ns)]

    def states(self, rows: NDArray[np.int64]) -> States:
        """Return the states of rows, each at its own time."""
        return States.of(*(column[rows] for column in self._columns))

    def degrees(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return latitude and longitude of rows."""
        return self._columns[0][rows], self._columns[1][rows]

    def first_shown_ns(self) -> NDArray[np.int64]:
        """Return when each track was shown first, `tables.NO_TIME` for never."""
        first = np.full(len(self._last), tables.NO_TIME)
        shown = self._order[self.shown[self._order]][::-1]
        first[self.track[shown]] = self.known_ns[shown]
        return first


def _dense(table: pa.Table) -> NDArray[np.int64]:
    """Return a small number for each (party, node, track), -1 where there is no track number."""
    track = table["track"].cast(pa.int64()).fill_null(-1).to_numpy()
    dense = track
    for name in ("party", "node"):
        column = table[name].unify_dictionaries().combine_chunks()
        code = column.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64) + 1
        _, dense = np.unique(dense * (code.max(initial=0) + 1) + code, return_inverse=True)
    return np.where(track < 0, -1, dense)
