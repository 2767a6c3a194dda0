"""From a table of PLOTS to sorted records for the kernels; what cannot be used is counted and left out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skypact import tables
from skypact.compiled import kernel
from skypact.tracking._geometry import set_axes
from skypact.tracking._measurement import locate
from skypact.tracking._records import (
    DIRECT_KINDS,
    NO_POSITION,
    PLOT,
    POLAR,
    POSITION,
    SECOND_NS,
    Bytes,
    Floats,
    Longs,
    Record,
    Records,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skypact.tracking._registry import Registry
    from skypact.tracking.settings import TrackerSettings

LONGEST_RANGE_M = 3e6
LOWEST_M, HIGHEST_M = -1_000.0, 200_000.0
FASTEST_M_S = 3_000.0
FALSE_HEIGHT_DENSITY = 1.0 / 15_000.0
FALSE_ELEVATION_DENSITY = 2.0 / math.pi
DIRECT_CLUTTER_M = 400_000.0
"""One false self-reported position is expected within this radius at a time."""
LANDED_M = 300.0
"""Standard deviation of the height of what is on the ground, about the radar's."""
DEFAULT_ALTITUDE_M = 20.0
DEFAULT_VELOCITY_M_S = 5.0
"""Standard deviations of geometric altitude and of velocity, each axis, where the message has none: ADS-B of NACv 1."""
LEAST_SIGMA, LEAST_SIGMA_RAD = 0.5, 1e-5
MOST_SIGMA = 1e5
_KINDS = pa.array(tables.KINDS, pa.string())
LAST_NS = 2**62
"""The year 2116: later times are nobody's, and sums of earlier ones fit 64 bits."""
NO_CALLSIGN = np.frombuffer(b" " * 8, np.uint64)[0]

COLUMNS = (
    "range_m",
    "azimuth_deg",
    "elevation_deg",
    "latitude_deg",
    "longitude_deg",
    "altitude_m",
    "pressure_altitude_m",
    "velocity_east_m_s",
    "velocity_north_m_s",
    "velocity_up_m_s",
    "sensor_latitude_deg",
    "sensor_longitude_deg",
    "sensor_altitude_m",
    "sigma_range_m",
    "sigma_azimuth_deg",
    "sigma_elevation_deg",
    "sigma_position_m",
    "sigma_altitude_m",
    "sigma_velocity_m_s",
    "icao24",
    "mode_3a",
    "code_valid",
    "on_ground",
    "simulated",
)
"""Columns the kernels read, as numbers with NaN for null."""
PLACES = tuple(tables.PLOTS.get_field_index(name) for name in COLUMNS)
TIME, KIND, CALLSIGN = (tables.PLOTS.get_field_index(name) for name in ("time", "kind", "callsign"))
"""Where columns stand in a table of PLOTS: by number they are had for a tenth of what their names cost."""
(
    RANGE,
    AZIMUTH,
    ELEVATION,
    LATITUDE,
    LONGITUDE,
    ALTITUDE,
    PRESSURE,
    EAST,
    NORTH,
    UP,
    SITE_LATITUDE,
    SITE_LONGITUDE,
    SITE_ALTITUDE,
    SIGMA_RANGE,
    SIGMA_AZIMUTH,
    SIGMA_ELEVATION,
    SIGMA_POSITION,
    SIGMA_ALTITUDE,
    SIGMA_VELOCITY,
    ICAO24,
    MODE_3A,
    CODE_VALID,
    ON_GROUND,
    SIMULATED,
) = range(len(COLUMNS))


class Batch:
    """The usable rows of a table of PLOTS, in the order in which they are processed.

    Parameters
    ----------
    table : Table of `tables.PLOTS`
    now_ns : int
        The present.
    book : record of `BOOK`
        Its clock says what is late and moves on; rows left out are counted in it.
    registry : Registry
        Learns new sensors.
    settings : TrackerSettings
    """

    def __init__(
        self, table: pa.Table, now_ns: int, book: Record, registry: Registry, settings: TrackerSettings
    ) -> None:
        columns = table.columns
        self._time_ns: Longs = columns[TIME].to_numpy().view(np.int64)
        self._kind = _kinds(columns[KIND])
        self._sensor = registry.rows(table, self._kind)
        said = ((index, columns[place]) for index, place in enumerate(PLACES))
        self._columns = [(index, _numbers(column)) for index, column in said if column.null_count < len(column)]
        self._callsign = _packed(columns[CALLSIGN])
        self._sensors = registry.sensors

        book["n_plots"] += len(table)
        earliest = int(book["clock_ns"]) - int(settings.late_s * SECOND_NS)
        latest = min(now_ns + int(settings.future_s * SECOND_NS), LAST_NS)
        wrong = (self._time_ns < earliest) | (self._time_ns > latest) | (self._sensor < 0)
        if wrong.any():
            self._count_wrong(earliest, latest, book)
        rows = np.flatnonzero(~wrong)
        time_ns = self._time_ns[rows]
        slot = time_ns // int(settings.group_s * SECOND_NS)
        self.rows: Longs = rows[np.lexsort((time_ns, self._sensor[rows], slot))]
        if len(rows):
            # A clock that is ahead must not make everybody else late.
            book["clock_ns"] = max(int(book["clock_ns"]), min(int(time_ns.max()), now_ns))

    def _count_wrong(self, earliest: int, latest: int, book: Record) -> None:
        """Count what is left out, each row for one reason."""
        unsaid, early, late = self._time_ns == tables.NO_TIME, self._time_ns < earliest, self._time_ns > latest
        book["n_no_time"] += np.count_nonzero(unsaid)
        book["n_late"] += np.count_nonzero(early & ~unsaid)
        book["n_future"] += np.count_nonzero(late)
        book["n_too_many_sensors"] += np.count_nonzero((self._sensor < 0) & ~early & ~late)

    def plots(self, first: int, last: int, rules: Records, books: Records, rooms: Records) -> Records:
        """Return some of the rows as records, located; what repeats another or says nothing is counted and left out."""
        rows = self.rows[first:last]
        values = np.full((len(rows), len(COLUMNS)), np.nan)
        for index, column in self._columns:
            values[:, index] = column[rows]
        plots = np.zeros(len(rows), PLOT)
        plots["time_ns"] = self._time_ns[rows]
        plots["sensor"] = self._sensor[rows]
        plots["callsign"] = self._callsign[rows]
        count = prepare(values, self._kind[rows], self._sensors, rules, books, rooms, plots)
        return plots[:count]


def _kinds(column: pa.ChunkedArray) -> NDArray[np.int8]:
    """Return `tables.codes`, without its cost where the column is as a decoder makes it."""
    if column.num_chunks == 1 and column.null_count == 0 and column.chunk(0).dictionary.equals(_KINDS):
        return column.chunk(0).indices.to_numpy()
    return tables.codes(column, "kind")


def _numbers(column: pa.ChunkedArray) -> NDArray[Any]:
    """Return a column as numbers, NaN for null where there are nulls."""
    if column.null_count and pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    return column.to_numpy()


def _packed(column: pa.ChunkedArray) -> NDArray[np.uint64]:
    """Return callsigns as their eight bytes, 0 for none and for what cannot be one."""
    if column.null_count == len(column):
        return np.zeros(len(column), np.uint64)
    text = pc.fill_null(column, "").combine_chunks()
    good = pc.and_(pc.string_is_ascii(text), pc.less_equal(pc.binary_length(text), 8))
    padded = pc.ascii_rpad(pc.if_else(good, text, ""), 8, " ")
    data = np.frombuffer(padded.buffers()[2], np.uint64, len(padded), 8 * padded.offset)
    return np.where(data == NO_CALLSIGN, np.uint64(0), data)


@kernel
def prepare(
    values: Floats, kind: Bytes, sensors: Records, all_rules: Records, books: Records, rooms: Records, plots: Records
) -> int:
    """Fill records with rows of numbers; return how many are left of them.

    Parameters
    ----------
    values : float64 array, shape (n, len(COLUMNS))
    kind : int8 array, shape (n,)
        Index into `tables.KINDS`, -1 for unknown.
    plots : array of `PLOT`, shape (n,)
        With time, sensor and callsign; changed in place, those left come first and in the same order.
    """
    rules, room, book = all_rules[0], rooms[0], books[0]
    size = 16
    while size < 2 * len(plots):
        size *= 2
    table = np.full(size, -1, np.int64)
    count = 0
    for k in range(len(plots)):
        if count < k:
            plots[count] = plots[k]
        plot = plots[count]
        read_measurement(values[k], kind[k], sensors[plot.sensor], plot)
        read_identity(values[k], plot)
        if plot.form == NO_POSITION and plot.icao24 < 0:
            book.n_no_position += 1
        elif is_repeated(plots, count, table):
            book.n_repeated += 1
        else:
            if plot.form != NO_POSITION:
                locate(plot, rules, room.frame)
                plot.log_clutter = log_clutter(plot, sensors[plot.sensor].range_m, rules)
            count += 1
    book.n_used += count
    return count


@kernel
def within(value: float, low: float, high: float) -> float:
    """Return a value within bounds, else NaN."""
    return value if low <= value <= high else math.nan


@kernel
def variance(said: float, default: float, least: float) -> float:
    """Return the square of a standard deviation, of the default where none was said."""
    sigma = said if said > 0.0 and math.isfinite(said) else default
    return min(MOST_SIGMA, max(least, sigma)) ** 2


@kernel
def read_measurement(row: Floats, kind: int, sensor: Record, plot: Record) -> None:
    """Write what a plot measures and how well: form, range and angles, position, altitudes, velocity."""
    plot.slant = within(row[RANGE], 1.0, LONGEST_RANGE_M)
    plot.azimuth = math.radians(within(row[AZIMUTH], -360.0, 720.0))
    plot.elevation = math.radians(within(row[ELEVATION], -10.0, 90.0))
    plot.latitude = math.radians(within(row[LATITUDE], -90.0, 90.0))
    plot.longitude = math.radians(within(row[LONGITUDE], -360.0, 360.0))
    plot.site[:] = sensor.site
    plot.site_frame[:] = sensor.site_frame
    lat, lon = within(row[SITE_LATITUDE], -90.0, 90.0), within(row[SITE_LONGITUDE], -360.0, 360.0)
    height = within(row[SITE_ALTITUDE], LOWEST_M, 50e6)
    if not math.isnan(lat + lon + height):
        set_axes(math.radians(lat), math.radians(lon), height, plot.site_frame, plot.site)
    plot.direct = False
    if not math.isnan(plot.slant + plot.azimuth + plot.site[0]):
        plot.form = POLAR
    elif not math.isnan(plot.latitude + plot.longitude):
        plot.form = POSITION
        plot.direct = kind < 0
        for one in DIRECT_KINDS:
            plot.direct |= kind == one
    else:
        plot.form = NO_POSITION
    for axis in range(3):
        plot.velocity[axis] = within(row[EAST + axis], -FASTEST_M_S, FASTEST_M_S)
    if math.isnan(plot.velocity[0] + plot.velocity[1]):
        plot.velocity[0] = plot.velocity[1] = math.nan
    plot.altitude = within(row[ALTITUDE], LOWEST_M, HIGHEST_M)
    plot.pressure = within(row[PRESSURE], LOWEST_M, HIGHEST_M)
    plot.var_altitude = variance(row[SIGMA_ALTITUDE], DEFAULT_ALTITUDE_M, LEAST_SIGMA)
    if row[ON_GROUND] == 1.0 and plot.form == POLAR and math.isnan(plot.altitude) and math.isnan(plot.pressure):
        # What a radar sees on the ground is near its own height: that is all its range needs.
        plot.altitude = plot.site_frame[4]
        plot.var_altitude = LANDED_M**2
    accuracy = sensor.accuracy[kind]
    radian = math.pi / 180.0
    plot.var_polar[0] = variance(row[SIGMA_RANGE], accuracy[0], LEAST_SIGMA)
    plot.var_polar[1] = variance(row[SIGMA_AZIMUTH] * radian, accuracy[1], LEAST_SIGMA_RAD)
    plot.var_polar[2] = variance(row[SIGMA_ELEVATION] * radian, accuracy[2], LEAST_SIGMA_RAD)
    plot.var_position = variance(row[SIGMA_POSITION], accuracy[3], LEAST_SIGMA)
    plot.var_velocity = variance(row[SIGMA_VELOCITY], DEFAULT_VELOCITY_M_S, LEAST_SIGMA)


@kernel
def read_identity(row: Floats, plot: Record) -> None:
    """Write who a plot says it is."""
    plot.icao24 = -1 if math.isnan(row[ICAO24]) else int(row[ICAO24])
    plot.mode_3a = -1 if math.isnan(row[MODE_3A]) or row[CODE_VALID] == 0.0 else int(row[MODE_3A])
    plot.on_ground = -1 if math.isnan(row[ON_GROUND]) else int(row[ON_GROUND])
    plot.simulated = row[SIMULATED] == 1.0


@kernel
def log_clutter(plot: Record, range_m: float, rules: Record) -> float:
    """Return the logarithm of the density of false plots in the space of a plot's measurement."""
    if plot.form == POLAR:
        density = rules.false_plots / (2.0 * math.pi * range_m)
    elif plot.direct:
        density = 1.0 / (math.pi * DIRECT_CLUTTER_M**2)
    else:
        density = rules.false_plots / (math.pi * range_m * range_m)
    if not (math.isnan(plot.altitude) and math.isnan(plot.pressure)):
        density *= FALSE_HEIGHT_DENSITY
    if plot.form == POLAR and not math.isnan(plot.elevation):
        density *= FALSE_ELEVATION_DENSITY
    return math.log(density)


@kernel
def is_repeated(plots: Records, index: int, table: Longs) -> bool:
    """Whether a plot says what an earlier one of the table said; a new one is put into the table.

    Parameters
    ----------
    plots : array of `PLOT`
    index : int
    table : int64 array, a power of two long
        Open addressing; -1 where empty.
    """
    plot = plots[index]
    mask = len(table) - 1
    first = plot.slant if plot.form == POLAR else plot.latitude
    mixed = (plot.time_ns ^ (plot.icao24 << 20)) + (0 if math.isnan(first) else int(first * 1e6)) * 31
    spot = (mixed ^ (mixed >> 17)) & mask
    while table[spot] >= 0:
        other = plots[table[spot]]
        if (
            other.time_ns == plot.time_ns
            and other.sensor == plot.sensor
            and other.icao24 == plot.icao24
            and other.mode_3a == plot.mode_3a
            and other.callsign == plot.callsign
            and same(other.slant, plot.slant)
            and same(other.azimuth, plot.azimuth)
            and same(other.latitude, plot.latitude)
            and same(other.longitude, plot.longitude)
            and same(other.pressure, plot.pressure)
            and same(other.altitude, plot.altitude)
            and same(other.velocity[0], plot.velocity[0])
        ):
            return True
        spot = (spot + 1) & mask
    table[spot] = index
    return False


@kernel
def same(a: float, b: float) -> bool:
    """Whether two numbers are equal or both unknown."""
    return a == b or (math.isnan(a) and math.isnan(b))
