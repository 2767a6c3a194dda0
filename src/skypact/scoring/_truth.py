"""Truth: where each object is at any time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from skypact import tables
from skypact.errors import MisuseError
from skypact.scoring._columns import group, numbers, times_ns
from skypact.scoring._kernels import bracket
from skypact.scoring._surface import EARTH_RADIUS_M, States, between, places
from skypact.sensors import Catalogue
from skypact.units import SECOND_NS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skypact.scoring.settings import ScoringSettings

TURNING = frozenset({"psr", "ssr", "psr_ssr", "mode_s", "psr_mode_s"})
"""Kinds of sensors above which is a cone of silence."""


class Truth:
    """Rows of truth, by object and time.

    Parameters
    ----------
    table : Table of `tables.TRUTH`
    settings : ScoringSettings
    sensors : Catalogue
        Say what is trackable where the rows do not.

    Attributes
    ----------
    objects : list of str
    first_ns, last_ns : int
        Times of the first and the last row.

    Raises
    ------
    MisuseError
        A table of another schema, or without a row that has time, object and position.
    """

    def __init__(self, table: pa.Table, settings: ScoringSettings, sensors: Catalogue) -> None:
        if not table.schema.equals(tables.TRUTH):
            raise MisuseError("a table that is not of the schema truth/1 was given as truth")
        time_ns = times_ns(table["time"])
        names = table["object"].unify_dictionaries().combine_chunks()
        who = names.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        lat, lon = numbers(table["latitude_deg"]), numbers(table["longitude_deg"])
        good = (time_ns != tables.NO_TIME) & (who >= 0) & (np.abs(lat) <= 90.0) & np.isfinite(lon)
        if not good.any():
            raise MisuseError("truth has no row with time, object and position: there is nothing to score against")
        self._rows, used, self._start = group(who, time_ns, np.flatnonzero(good))
        self._time = time_ns[self._rows]
        self.objects: list[str] = names.dictionary.take(pa.array(used)).to_pylist()
        self.first_ns, self.last_ns = int(self._time.min()), int(self._time.max())
        self._columns = (
            lat,
            lon,
            numbers(table["altitude_m"]),
            numbers(table["velocity_east_m_s"]),
            numbers(table["velocity_north_m_s"]),
            numbers(table["velocity_up_m_s"]),
        )
        self._said = numbers(table["trackable"])
        self._gap_ns = int(settings.gap_s * SECOND_NS)
        self._stations = _stations(sensors, settings)

    def at(
        self, who: NDArray[np.int64], when: NDArray[np.int64]
    ) -> tuple[NDArray[np.bool_], States, NDArray[np.bool_]]:
        """Return which objects exist at a time, and of those the state and whether a sensor could see them.

        Parameters
        ----------
        who, when : int64 arrays, shape (n,)
            Indices into `objects`, and UTC nanoseconds.

        Returns
        -------
        exists : bool array, shape (n,)
        states : States of the objects that exist
        trackable : bool array, as many
        """
        before, after = bracket(self._start, self._time, who, when)
        step_ns = self._time[after] - self._time[before]
        exists = (before >= 0) & (after >= 0) & (step_ns <= self._gap_ns)
        before, after, step_ns = before[exists], after[exists], step_ns[exists]
        share = (when[exists] - self._time[before]) / np.maximum(step_ns, 1)
        states = between(self._states(before), self._states(after), step_ns / SECOND_NS, share)
        return exists, states, self._trackable(before)

    def alive(self, when_ns: int) -> NDArray[np.bool_]:
        """Return which objects exist at a time."""
        who = np.arange(len(self.objects))
        before, after = bracket(self._start, self._time, who, np.full(len(who), when_ns))
        return (before >= 0) & (after >= 0) & (self._time[after] - self._time[before] <= self._gap_ns)

    def first_trackable_ns(self) -> NDArray[np.int64]:
        """Return for each object the time of its first trackable row, `tables.NO_TIME` for none."""
        found = np.full(len(self.objects), tables.NO_TIME)
        for k, (first, last) in enumerate(zip(self._start[:-1], self._start[1:], strict=True)):
            rows = np.arange(first, last)
            reached = np.flatnonzero(self._trackable(rows))
            if len(reached):
                found[k] = self._time[rows[reached[0]]]
        return found

    def _states(self, rows: NDArray[np.int64]) -> States:
        return States.of(*(column[self._rows[rows]] for column in self._columns))

    def _trackable(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return whether a sensor could see the object of a row: as it says, else by range."""
        said = self._said[self._rows[rows]]
        unsaid = np.flatnonzero(np.isnan(said))
        if not len(unsaid):
            return said > 0.0
        lat, lon = (column[self._rows[rows[unsaid]]] for column in self._columns[:2])
        reached = np.full(len(unsaid), not self._stations)
        for station in self._stations:
            distance = station.distance_m(lat, lon)
            reached |= (distance < station.farthest_m) & (distance > station.nearest_m)
        said[unsaid] = reached
        return said > 0.0


@dataclass(frozen=True, slots=True)
class Station:
    """Where a sensor stands, and the least and greatest distance at which it surely sees."""

    place: NDArray[np.float64]
    nearest_m: float
    farthest_m: float

    def distance_m(self, lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the distance over ground of positions in degrees."""
        chord = np.linalg.norm(places(lat, lon) - self.place, axis=1)
        return 2.0 * EARTH_RADIUS_M * np.arcsin(np.minimum(1.0, chord / (2.0 * EARTH_RADIUS_M)))


def _stations(sensors: Catalogue, settings: ScoringSettings) -> list[Station]:
    """Return the sensors whose position and range are known."""
    stations = []
    for sensor in sensors:
        if sensor.latitude_deg is not None and sensor.longitude_deg is not None and sensor.range_m is not None:
            place = places(np.array([sensor.latitude_deg]), np.array([sensor.longitude_deg]))[0]
            nearest = settings.cone_m if sensor.kind in TURNING else -1.0
            stations.append(Station(place, nearest, sensor.range_m - settings.edge_m))
    return stations
