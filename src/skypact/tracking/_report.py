"""From the tracker's memory to a table of TRACKS."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skypact import tables
from skypact.compiled import kernel
from skypact.tracking._association import noise_of
from skypact.tracking._filter import move, predict_covariance, travel
from skypact.tracking._lifecycle import STALE_LOOKS
from skypact.tracking._records import (
    HEIGHT_GEOMETRIC,
    HEIGHT_LEVELLED,
    HEIGHT_PRESSURE,
    HEIGHT_UNKNOWN,
    SECOND_S,
    SLOTS,
    Flags,
    Floats,
    Ints,
    Longs,
    Record,
    Records,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skypact.tracking._registry import Registry
    from skypact.tracking.settings import TrackerSettings

_UNKNOWN = tables.CLASSES.index("unknown")
_PENDING = tables.IDENTITIES.index("pending")
_DICTIONARIES = {name: pa.array(tables.VOCABULARY[name], pa.string()) for name in ("status", "class", "identity")}

NUMBERS = (
    "latitude_deg",
    "longitude_deg",
    "altitude_m",
    "pressure_altitude_m",
    "velocity_east_m_s",
    "velocity_north_m_s",
    "velocity_up_m_s",
)
"""Columns that `fill` writes, in this order."""
VERTICAL = np.array([i in {2, 5} or j in {2, 5} for i in range(6) for j in range(i, 6)])
"""Which of the 21 numbers of a covariance concern height or vertical speed."""


@kernel
def project(track: Record, time_ns: int, rules: Record) -> None:
    """Advance a track to a time not before its own."""
    dt = (time_ns - track.time_ns) * SECOND_S
    if dt > 0.0:
        predict_covariance(track.covariance, dt, noise_of(track, rules), rules.climb_noise, track.height_source)
        east, north, up = travel(track.velocity, track.frame, dt, track.height_source)
        move(track.position, track.frame, track.velocity, track.covariance, east, north, up)


@kernel
def fill(
    tracks: Records,
    time_ns: Longs,
    all_rules: Records,
    qnh_known: bool,
    named: Flags,
    numbers: Floats,
    covariance: NDArray[np.float32],
    hidden: Flags,
    offsets: Ints,
    sensors: Ints,
) -> int:
    """Advance tracks to times not before their own and write what rows say of them; return how many sensors.

    Parameters
    ----------
    tracks : array of `TRACK`, shape (m,)
        Changed.
    time_ns : int64 array, shape (m,)
    qnh_known : bool
        Whether a pressure altitude gives an altitude.
    named : bool array
        Whether a sensor has a name.
    numbers : float64 array, shape (len(NUMBERS), m)
        Filled, NaN where unknown.
    covariance, hidden : float32, bool arrays, shape (m, 21)
        Filled; `hidden` where the altitude is unknown.
    offsets, sensors : int32 arrays, shape (m + 1,), (m * SLOTS,)
        Filled: where the list of each track's sensors begins, and the lists: those that still see it, in the order in
        which the tracker met them.
    """  # fmt: skip
    count = 0
    for row in range(len(tracks)):
        track = tracks[row]
        project(track, time_ns[row], all_rules[0])
        frame, source = track.frame, track.height_source
        follows_pressure = source in (HEIGHT_PRESSURE, HEIGHT_LEVELLED)
        geometric = source in (HEIGHT_GEOMETRIC, HEIGHT_LEVELLED) or (follows_pressure and qnh_known)
        numbers[0, row] = math.degrees(math.atan2(frame[0], frame[1]))
        numbers[1, row] = math.degrees(math.atan2(frame[2], frame[3]))
        numbers[2, row] = frame[4] if geometric else math.nan
        numbers[3, row] = frame[4] - track.offset if follows_pressure else math.nan
        numbers[4, row] = track.velocity[0]
        numbers[5, row] = track.velocity[1]
        numbers[6, row] = track.velocity[2] if source != HEIGHT_UNKNOWN else math.nan
        if follows_pressure:
            track.covariance[11] += track.offset_var
        for entry in range(21):
            covariance[row, entry] = track.covariance[entry]
            hidden[row, entry] = VERTICAL[entry] and not geometric
        first = count
        for slot in range(SLOTS):
            sensor = track.slot_sensor[slot]
            if sensor >= 0 and named[sensor] and track.slot_missed[slot] < STALE_LOOKS:
                at = count
                while at > first and sensors[at - 1] > sensor:
                    sensors[at] = sensors[at - 1]
                    at -= 1
                sensors[at] = sensor
                count += 1
        offsets[row + 1] = count
    return count


class Reporter:
    """Writes rows of TRACKS; holds what is the same in all of them.

    Parameters
    ----------
    settings : TrackerSettings
    rules : array of `RULES`, shape (1,)
    """

    def __init__(self, settings: TrackerSettings, rules: Records) -> None:
        self._rules = rules
        self._node, self._party = settings.node, settings.party
        self._fixed = _fixed(self._node, self._party, FIXED)
        self._qnh_known = settings.qnh_hpa is not None

    def report(self, tracks: Records, time_ns: Longs, registry: Registry) -> pa.Table:
        """Return the rows of some tracks.

        Parameters
        ----------
        tracks : array of `TRACK`, shape (m,)
            Copies: they are advanced to `time_ns`.
        time_ns : int64 array, shape (m,)
            When; not before each track's own time.
        registry : Registry
            Of the sensors.

        Returns
        -------
        Table of `tables.TRACKS`, m rows
            Where `altitude_m` is null so are the entries of the covariance that concern height or vertical speed: what
            is left is horizontal, and carries what the unknown height does to the position.
        """
        rows = len(tracks)
        numbers = np.empty((len(NUMBERS), rows))
        covariance, hidden = np.empty((rows, 21), np.float32), np.empty((rows, 21), np.bool_)
        offsets, sensors = np.zeros(rows + 1, np.int32), np.empty(rows * SLOTS, np.int32)
        count = fill(
            tracks, time_ns, self._rules, self._qnh_known, registry.named, numbers, covariance, hidden, offsets, sensors
        )
        validity = pa.py_buffer(np.packbits(~hidden.ravel(), bitorder="little"))
        entries = pa.Array.from_buffers(pa.float32(), covariance.size, [validity, pa.py_buffer(covariance)])
        fixed = self._fixed if rows <= FIXED else _fixed(self._node, self._party, rows)
        return tables.build(
            tables.TRACKS,
            rows,
            {
                "time": _times(time_ns),
                **{name: column.slice(0, rows) for name, column in fixed.items()},
                "track": tracks["number"],
                "status": _words("status", tracks["status"]),
                **dict(zip(NUMBERS, numbers, strict=True)),
                "covariance": pa.FixedSizeListArray.from_arrays(entries, tables.COVARIANCE_SIZE),
                "existence": tracks["existence"].astype(np.float32),
                "icao24": _known(tracks["icao24"], np.uint32),
                "mode_3a": _known(tracks["mode_3a"], np.uint16),
                "callsign": _callsigns(tracks["callsign"]),
                "sensors": pa.ListArray.from_arrays(pa.array(offsets), _named(registry.names, sensors[:count])),
                "last_plot": _times(tracks["plot_ns"].copy()),
                "simulated": tracks["simulated"],
            },
        )


FIXED = 4_096
"""Rows of the columns that are the same in all tables, made once."""
MANY = 512
"""Names from which on Arrow looks them up sooner than Python."""


def _fixed(node: str, party: str, rows: int) -> dict[str, pa.Array]:
    """Return the columns that say the same of every track."""
    first = pa.array(np.zeros(rows, np.int32))
    return {
        "node": pa.DictionaryArray.from_arrays(first, pa.array([node])),
        "party": pa.DictionaryArray.from_arrays(first, pa.array([party])),
        "class": _words("class", np.full(rows, _UNKNOWN, np.int8)),
        "identity": _words("identity", np.full(rows, _PENDING, np.int8)),
    }


def _times(time_ns: Longs) -> pa.Array:
    """Return times that are all known as a column."""
    return pa.Array.from_buffers(tables.TIME, len(time_ns), [None, pa.py_buffer(time_ns)], 0)


def _named(names: pa.Array, rows: Ints) -> pa.Array:
    """Return the names at some places; few are looked up sooner without Arrow's help."""
    if len(rows) > MANY:
        return names.take(pa.array(rows))
    known = names.to_pylist()
    return pa.array([known[row] for row in rows.tolist()], pa.string())


def _known(values: NDArray[np.int64], kind: type[np.unsignedinteger]) -> pa.Array:
    """Return numbers as a column of an unsigned type, null where negative."""
    missing = values < 0
    return pa.array(values.astype(kind), mask=missing if missing.any() else None)


def _words(name: str, codes: NDArray[np.int8]) -> pa.Array:
    """Return a column of words none of which is null."""
    return pa.DictionaryArray.from_arrays(pa.array(codes), _DICTIONARIES[name])


def _callsigns(packed: NDArray[np.uint64]) -> pa.Array:
    """Return the text of packed callsigns, null for none."""
    if not packed.any():
        return pa.nulls(len(packed), pa.string())
    eight = pa.Array.from_buffers(pa.binary(8), len(packed), [None, pa.py_buffer(np.ascontiguousarray(packed))])
    text = pc.utf8_trim_whitespace(eight.cast(pa.binary()).cast(pa.string()))
    return pc.if_else(pa.array(packed != 0), text, None)
