"""Small worlds for the tests: flights over the ellipsoid seen by rotating radars, by exact geometry of PyPROJ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyproj import Geod, Transformer

from skypact import tables
from skypact.sensors import Catalogue, Sensor
from skypact.tracking import Tracker, TrackerSettings

T0 = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
GEOD = Geod(ellps="WGS84")
TO_ECEF = Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)

Floats = NDArray[np.float64]
Flight = Callable[[Floats], tuple[Floats, Floats, Floats]]
"""Latitude, longitude and height at times in seconds after `T0`."""


def straight(lat: float, lon: float, h: float, course: float, speed: float, climb: float = 0.0) -> Flight:
    """Return a flight along a geodesic."""

    def at(t: Floats) -> tuple[Floats, Floats, Floats]:
        one = np.ones_like(t)
        east, north, _ = GEOD.fwd(lon * one, lat * one, course * one, speed * t)
        return np.asarray(north), np.asarray(east), h + climb * t

    return at


def radar(name: str = "R", lat: float = 43.0, lon: float = 74.5, **more: Any) -> Sensor:
    """Return a radar for a catalogue."""
    said: dict[str, Any] = {
        "kind": "ssr",
        "altitude_m": 600.0,
        "rotation_s": 4.0,
        "range_m": 300e3,
        "sigma_range_m": 50.0,
        "sigma_azimuth_deg": 0.08,
    }
    return Sensor(id=name, latitude_deg=lat, longitude_deg=lon, **{**said, **more})


def ecef(lat: Floats, lon: Floats, h: Floats) -> Floats:
    """Return earth-centred positions, shape (n, 3), by PROJ."""
    return np.stack(TO_ECEF.transform(lon, lat, h), axis=1)


def axes(lat: float, lon: float) -> Floats:
    """Return east, north, up as the rows of a matrix."""
    sl, cl, so, co = np.sin(np.radians(lat)), np.cos(np.radians(lat)), np.sin(np.radians(lon)), np.cos(np.radians(lon))
    return np.array([[-so, co, 0.0], [-sl * co, -sl * so, cl], [cl * co, cl * so, sl]])


def polar(sensor: Sensor, lat: Floats, lon: Floats, h: Floats) -> tuple[Floats, Floats, Floats]:
    """Return slant range, azimuth and elevation (degrees) of points, by plain vector algebra."""
    site = ecef(*(np.array([getattr(sensor, n)]) for n in ("latitude_deg", "longitude_deg", "altitude_m")))
    assert sensor.latitude_deg is not None
    assert sensor.longitude_deg is not None
    enu = (ecef(lat, lon, h) - site) @ axes(sensor.latitude_deg, sensor.longitude_deg).T
    slant = np.linalg.norm(enu, axis=1)
    return slant, np.degrees(np.arctan2(enu[:, 0], enu[:, 1])) % 360, np.degrees(np.arcsin(enu[:, 2] / slant))


def plots(sensor: str, kind: str, seconds: Floats, **columns: Any) -> pa.Table:
    """Return a table of PLOTS of one sensor."""
    rows = len(seconds)
    time = tables.times(T0 + np.round(np.asarray(seconds) * SECOND).astype(np.int64))
    code = np.full(rows, tables.KINDS.index(kind), np.int8)
    return tables.build(
        tables.PLOTS,
        rows,
        {
            "time": time,
            "received": time,
            "sensor": pa.DictionaryArray.from_arrays(np.zeros(rows, np.int32), pa.array([sensor])),
            "kind": tables.words("kind", code),
            **columns,
        },
    )


def scan(
    sensor: Sensor,
    flights: Sequence[Flight],
    seconds: float,
    rng: np.random.Generator,
    *,
    pd: float = 1.0,
    false: float = 0.0,
    height: bool = True,
    start: float = 0.0,
    elevation: bool = False,
    **identity: Sequence[int],
) -> pa.Table:
    """Return what a rotating radar sees of flights: each when the beam crosses it, with noise, misses, false plots.

    Parameters
    ----------
    identity
        Columns such as ``icao24`` or ``mode_3a``, one value a flight; a false plot has none.
    """  # fmt: skip
    assert sensor.rotation_s is not None
    assert sensor.range_m is not None
    turns = start + np.arange(int(np.ceil((seconds - start) / sensor.rotation_s))) * sensor.rotation_s
    parts = []
    for index, flight in enumerate(flights):
        t = turns + 0.5 * sensor.rotation_s
        for _ in range(3):
            _, azimuth, _ = polar(sensor, *flight(t))
            t = turns + azimuth / 360 * sensor.rotation_s
        t = t[(t < seconds) & (rng.random(len(t)) < pd)]
        lat, lon, h = flight(t)
        slant, azimuth, up = polar(sensor, lat, lon, h)
        parts.append((t, slant, azimuth, up, h, np.full(len(t), index)))
    count = rng.poisson(false, len(turns)).sum() if false else 0
    t = np.sort(rng.uniform(start, seconds, count))
    slant = rng.uniform(5e3, sensor.range_m, count)
    azimuth = ((t - start) / sensor.rotation_s % 1) * 360
    parts.append((t, slant, azimuth, np.zeros(count), rng.uniform(500, 12500, count), np.full(count, -1)))
    t, slant, azimuth, up, h, who = (np.concatenate(column) for column in zip(*parts, strict=True))
    assert sensor.sigma_range_m is not None
    assert sensor.sigma_azimuth_deg is not None
    slant = slant + rng.normal(0, sensor.sigma_range_m, len(t))
    azimuth = (azimuth + rng.normal(0, sensor.sigma_azimuth_deg, len(t))) % 360
    columns: dict[str, Any] = {"range_m": slant, "azimuth_deg": azimuth}
    if elevation:
        assert sensor.sigma_elevation_deg is not None
        ground = slant * np.cos(np.radians(up))
        bent = np.degrees(ground * 0.25 / (2 * 6_371_000.0))
        columns["elevation_deg"] = up + bent + rng.normal(0, sensor.sigma_elevation_deg, len(t))
    if height:
        columns["pressure_altitude_m"] = np.round(h / 7.62) * 7.62
    for name, values in identity.items():
        column = np.append(np.asarray(values, np.int64), 0)[who]
        columns[name] = pa.array(column, mask=who < 0).cast(tables.PLOTS.field(name).type)
    order = np.argsort(t, kind="stable")
    table = plots(sensor.id, sensor.kind, t, **columns)
    return table.take(pa.array(order))


def merge(*parts: pa.Table) -> pa.Table:
    """Return tables of several sensors as one, in the order of time."""
    table = pa.concat_tables(parts).unify_dictionaries().combine_chunks()
    return table.take(pa.array(np.argsort(table["time"].to_numpy(), kind="stable"))).combine_chunks()


def follow(
    table: pa.Table, sensors: Sequence[Sensor] = (), step_s: float = 1.0, until_s: float | None = None, **settings: Any
) -> tuple[pa.Table, Tracker]:
    """Return all tracks of a tracker fed step by step, and the tracker."""
    tracker = Tracker(TrackerSettings(**settings), Catalogue(sensors))
    seconds = (table["time"].to_numpy().view(np.int64) - T0) / SECOND
    end = until_s if until_s is not None else (seconds.max() if len(seconds) else 0.0) + step_s
    edges = np.arange(step_s, end + step_s, step_s)
    cuts = [0, *np.searchsorted(seconds, edges)]
    out = [
        tracker.step(T0 + int(edge * SECOND), table.slice(first, last - first))
        for edge, first, last in zip(edges, cuts[:-1], cuts[1:], strict=True)
    ]
    return pa.concat_tables(out), tracker


def status(tracks: pa.Table) -> list[str]:
    """Return the column of status."""
    return tracks["status"].to_pylist()


def confirmed(tracks: pa.Table) -> pa.Table:
    """Return the rows of tracks that are confirmed or coast."""
    return tracks.filter(pa.array([s in {"confirmed", "coasting"} for s in status(tracks)], pa.bool_()))


def seconds_of(tracks: pa.Table) -> Floats:
    """Return the time of rows in seconds after `T0`."""
    return (tracks["time"].to_numpy().view(np.int64) - T0) / SECOND


def errors(tracks: pa.Table, flight: Flight) -> Floats:
    """Return the horizontal distance of rows from a flight."""
    lat, lon, _ = flight(seconds_of(tracks))
    return np.asarray(GEOD.inv(tracks["longitude_deg"].to_numpy(), tracks["latitude_deg"].to_numpy(), lon, lat)[2])


def numbers(tracks: pa.Table) -> list[int]:
    """Return the distinct track numbers."""
    return sorted(set(tracks["track"].to_pylist()))


def rms_at(tracks: pa.Table, flight: Flight, seconds: Floats) -> float:
    """Return the root mean square distance of the last row before each time, carried on, from a flight."""
    last = np.searchsorted(seconds_of(tracks), seconds + 1e-9, side="right") - 1
    rows = {
        name: tracks[name].to_numpy()[last]
        for name in ("latitude_deg", "longitude_deg", "velocity_east_m_s", "velocity_north_m_s")
    }
    lat, lon, east, north = rows.values()
    gone = np.hypot(east, north) * (seconds - seconds_of(tracks)[last])
    lon, lat, _ = GEOD.fwd(lon, lat, np.degrees(np.arctan2(east, north)), gone)
    true_lat, true_lon, _ = flight(seconds)
    return float(np.sqrt(np.mean(np.square(GEOD.inv(lon, lat, true_lon, true_lat)[2]))))
