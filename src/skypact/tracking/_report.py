"""From the tracker's memory to a table of TRACKS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from skypact import tables
from skypact.tracking._association import noise_of
from skypact.tracking._compiled import kernel
from skypact.tracking._filter import move, predict_covariance, travel
from skypact.tracking._lifecycle import STALE_LOOKS
from skypact.tracking._records import (
    HEIGHT_GEOMETRIC,
    HEIGHT_LEVELLED,
    HEIGHT_PRESSURE,
    HEIGHT_UNKNOWN,
    SECOND_S,
    Longs,
    Records,
)
from skypact.tracking.settings import TrackerSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray

VERTICAL = np.array([i in {2, 5} or j in {2, 5} for i in range(6) for j in range(i, 6)])
"""Which of the 21 numbers of a covariance concern height or vertical speed."""
_UNKNOWN = tables.CLASSES.index("unknown")
_PENDING = tables.IDENTITIES.index("pending")
_DICTIONARIES = {name: pa.array(tables.VOCABULARY[name], pa.string()) for name in ("status", "class", "identity")}
_NOBODY = np.iinfo(np.int32).max


@kernel
def project(tracks: Records, time_ns: Longs, all_rules: Records) -> None:
    """Advance tracks to times not before their own, in place."""
    rules = all_rules[0]
    for row in range(len(tracks)):
        track = tracks[row]
        dt = (time_ns[row] - track.time_ns) * SECOND_S
        if dt > 0.0:
            predict_covariance(track.covariance, dt, noise_of(track, rules), rules.climb_noise, track.height_source)
            east, north, up = travel(track.velocity, track.frame, dt, track.height_source)
            move(track.position, track.frame, track.velocity, track.covariance, east, north, up)


def report(tracks: Records, time_ns: Longs, names: pa.Array, rules: Records, settings: TrackerSettings) -> pa.Table:
    """Return the rows of some tracks.

    Parameters
    ----------
    tracks : array of `TRACK`, shape (m,)
        Copies: they are advanced to `time_ns`.
    time_ns : int64 array, shape (m,)
        When; not before each track's own time.
    names : Arrow array of string
        Of the sensors; null for none.
    rules : array of `RULES`, shape (1,)
    settings : TrackerSettings

    Returns
    -------
    Table of `tables.TRACKS`, m rows
        Where `altitude_m` is null so are the entries of the covariance that concern height or vertical speed: what is
        left is horizontal, and carries what the unknown height does to the position.
    """
    project(tracks, time_ns, rules)
    rows = len(tracks)
    source, frame, velocity, offset = (tracks[name] for name in ("height_source", "frame", "velocity", "offset"))
    follows_pressure = (source == HEIGHT_PRESSURE) | (source == HEIGHT_LEVELLED)
    geometric = (source == HEIGHT_GEOMETRIC) | (source == HEIGHT_LEVELLED)
    if settings.qnh_hpa is not None:
        geometric |= source == HEIGHT_PRESSURE
    covariance = tracks["covariance"]
    covariance[:, 11] += np.where(follows_pressure, tracks["offset_var"], 0.0)
    without = ~geometric[:, None] & VERTICAL
    icao24, mode_3a = tracks["icao24"], tracks["mode_3a"]
    one = pa.array(np.zeros(rows, np.int32))
    return tables.build(
        tables.TRACKS,
        rows,
        {
            "time": pa.array(time_ns).view(tables.TIME),
            "node": pa.DictionaryArray.from_arrays(one, pa.array([settings.node])),
            "party": pa.DictionaryArray.from_arrays(one, pa.array([settings.party])),
            "track": tracks["number"],
            "status": _words("status", tracks["status"]),
            "latitude_deg": np.degrees(np.arctan2(frame[:, 0], frame[:, 1])),
            "longitude_deg": np.degrees(np.arctan2(frame[:, 2], frame[:, 3])),
            "altitude_m": np.where(geometric, frame[:, 4], np.nan),
            "pressure_altitude_m": np.where(follows_pressure, frame[:, 4] - offset, np.nan),
            "velocity_east_m_s": velocity[:, 0],
            "velocity_north_m_s": velocity[:, 1],
            "velocity_up_m_s": np.where(source == HEIGHT_UNKNOWN, np.nan, velocity[:, 2]),
            "covariance": pa.FixedSizeListArray.from_arrays(
                pa.array(covariance.astype(np.float32).ravel(), mask=without.ravel()), tables.COVARIANCE_SIZE
            ),
            "existence": tracks["existence"].astype(np.float32),
            "class": _words("class", np.full(rows, _UNKNOWN, np.int8)),
            "identity": _words("identity", np.full(rows, _PENDING, np.int8)),
            "icao24": pa.array(icao24.astype(np.uint32), mask=icao24 < 0),
            "mode_3a": pa.array(mode_3a.astype(np.uint16), mask=mode_3a < 0),
            "callsign": _callsigns(tracks["callsign"]),
            "sensors": _sensors(tracks, names),
            "last_plot": pa.array(tracks["plot_ns"]).view(tables.TIME),
            "simulated": tracks["simulated"],
        },
    )


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


def _sensors(tracks: Records, names: pa.Array) -> pa.Array:
    """Return the list of each track's sensors that still see it, in the order in which the tracker met them."""
    slots = tracks["slot_sensor"]
    named = np.append(names.is_valid().to_numpy(zero_copy_only=False), False)  # the last is where -1 points
    shown = np.where((tracks["slot_missed"] < STALE_LOOKS) & named[slots], slots, _NOBODY)
    shown.sort(axis=1)
    seen = shown != _NOBODY
    offsets = np.zeros(len(tracks) + 1, np.int32)
    np.cumsum(seen.sum(axis=1), out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets), names.take(pa.array(shown[seen])))
