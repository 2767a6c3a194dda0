"""What simulated sensors see: rotating radars and ADS-B receivers with line of sight over the terrain.

The geometry is that of the trackers, exact on the ellipsoid; altitudes stand above mean sea level for both ends, whose
difference from the ellipsoid cancels to a few metres over a radar's range. The atmosphere is the standard one, so that
pressure altitude equals altitude.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from skypact.earth import frames
from skypact.exercise.motion import Path, State
from skypact.formats.modes import Frames, encode_adsb, encode_identifications
from skypact.sensors import ASSUMED, Sensor
from skypact.tables import KINDS, PLOTS, SERVICES, build, times, words
from skypact.units import FOOT_M, SECOND_NS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skypact.earth.terrain import Terrain
    from skypact.exercise.scenario import Flight

SECTORS = 32
"""Sectors of a turn, each announced by a sector message and sent as one batch."""
SQUITTER_S = 0.5
"""Period of position and velocity squitters, RTCA DO-260B: twice a second each."""
IDENTIFICATION_S = 5.0
"""Period of identification squitters in the air."""


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One sensor's sight of one flight: where it is at each time, seen from the sensor; arrays of one shape."""

    time_s: NDArray[np.float64]
    state: State
    azimuth_deg: NDArray[np.float64]
    elevation_deg: NDArray[np.float64]
    range_m: NDArray[np.float64]
    visible: NDArray[np.bool_]


def look(sensor: Sensor, path: Path, time_s: NDArray[np.float64], terrain: Terrain) -> Look:
    """Return how a sensor sees a flight at times in seconds after the scenario's start."""
    state = path.at(time_s)
    place = state.latitude_deg, state.longitude_deg, state.altitude_m
    azimuth, elevation, slant = frames.geodetic2aer(*place, *_site(sensor))
    visible = ~np.isnan(slant) & (slant <= float(sensor.range_m or 0))
    if visible.any():
        latitude, longitude, altitude = (p[visible] for p in place)
        visible[visible] = terrain.line_of_sight(*_site(sensor), latitude, longitude, altitude).visible
    return Look(time_s, state, np.asarray(azimuth), np.asarray(elevation), np.asarray(slant), visible)


def radar_plots(
    sensor: Sensor, flights: list[tuple[Flight, Path]], start_ns: int, duration_s: float, seed: int, terrain: Terrain
) -> pa.Table:
    """Return a rotating radar's plots of all flights, in the order of time.

    The beam starts at north; a flight is looked at when the beam passes its azimuth. Primary radars see everything in
    sight, secondary ones what has a transponder, combined ones both.
    """
    rows: list[dict[str, Any]] = []
    for number, (flight, path) in enumerate(flights):
        kind = _detection(sensor, flight)
        if kind is None:
            continue
        time = meetings(sensor, path, duration_s)
        seen = look(sensor, path, time, terrain)
        generator = np.random.default_rng([seed, 1, _hash(sensor.id), number])
        pd = sensor.pd if sensor.pd is not None else ASSUMED[kind].pd
        caught = seen.visible & (generator.random(len(time)) < pd) & (time < duration_s)
        noise = generator.standard_normal((2, len(time)))
        rows.append(_radar_rows(sensor, flight, kind, seen, noise, caught, start_ns, number))
    return _joined(sensor, rows)


def meetings(sensor: Sensor, path: Path, duration_s: float) -> NDArray[np.float64]:
    """Return when a radar's beam, which starts at north, passes a flight, in seconds after the scenario's start."""
    rotation = sensor.rotation_s or 1.0
    time = np.arange(0.0, min(duration_s, path.end_s) + rotation, rotation / 8)
    azimuth = _azimuth(sensor, path, time)
    known = ~np.isnan(azimuth)
    if not known.any():
        return np.empty(0)
    time = time[known]
    # Ahead of the flight by whole turns is when they meet; unwrapped, the lead grows with time throughout.
    lead = time / rotation * 360 - np.unwrap(azimuth[known], period=360)
    turns = np.arange(np.ceil(lead[0] / 360), np.floor(lead[-1] / 360) + 1) * 360
    met = np.interp(turns, lead, time)
    beside = met / rotation * 360 - _azimuth(sensor, path, met)
    return met - np.nan_to_num((beside + 180) % 360 - 180) / 360 * rotation


def _azimuth(sensor: Sensor, path: Path, time_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the azimuth of a flight from a sensor, degrees; NaN while it does not exist."""
    state = path.at(time_s)
    azimuth, _, _ = frames.geodetic2aer(state.latitude_deg, state.longitude_deg, state.altitude_m, *_site(sensor))
    return np.asarray(azimuth)


def antenna(sensor: Sensor, start_ns: int, duration_s: float) -> pa.Table:
    """Return a radar's north and sector messages in the order of time; north ones carry rotation and position."""
    rotation = sensor.rotation_s or 1.0
    count = int(duration_s / rotation * SECTORS)
    sector = np.arange(count) % SECTORS
    time = start_ns + (np.arange(count) * rotation / SECTORS * SECOND_NS).astype(np.int64)
    north = sector == 0
    message = np.where(north, 0, 1).astype(np.int8)

    def at_north(value: float | None) -> NDArray[np.float64]:
        return np.where(north, np.nan if value is None else value, np.nan)

    columns = {
        "time": times(time),
        "sensor": pa.array([sensor.label] * count).dictionary_encode(),
        "message": words("message", message),
        "azimuth_deg": sector * (360.0 / SECTORS),
        "rotation_s": at_north(rotation),
        "latitude_deg": at_north(sensor.latitude_deg),
        "longitude_deg": at_north(sensor.longitude_deg),
        "altitude_m": at_north(sensor.altitude_m),
        "simulated": pa.array(np.ones(count, bool)),
    }
    return build(SERVICES, count, columns)


def squitters(
    sensor: Sensor, flights: list[tuple[Flight, Path]], start_ns: int, duration_s: float, seed: int, terrain: Terrain
) -> tuple[Frames, NDArray[np.int64]]:
    """Return the ADS-B frames a receiver hears and their times of arrival in nanoseconds, in the order of time."""
    data: list[NDArray[np.uint8]] = []
    heard: list[NDArray[np.int64]] = []
    for number, (flight, path) in enumerate(flights):
        if not flight.adsb or flight.icao24 is None:
            continue
        generator = np.random.default_rng([seed, 2, _hash(sensor.id), number])
        pd = sensor.pd if sensor.pd is not None else ASSUMED["adsb"].pd
        phase = generator.random() * SQUITTER_S
        time = np.arange(phase, duration_s, SQUITTER_S)
        seen = look(sensor, path, time, terrain)
        caught = seen.visible & (generator.random(len(time)) < pd)
        odd = np.arange(len(time)) % 2 == 1
        frames_of, times_of = _positions(flight, seen, caught, odd, start_ns)
        data.append(frames_of)
        heard.append(times_of)
        if flight.callsign:
            told = caught & (np.arange(len(time)) % round(IDENTIFICATION_S / SQUITTER_S) == 0)
            icao24 = np.full(int(told.sum()), int(flight.icao24, 16), np.uint32)
            data.append(encode_identifications(icao24, [flight.callsign] * len(icao24)))
            heard.append(_ns(start_ns, seen.time_s[told]))
    if not data:
        return Frames.of(np.empty((0, 14), np.uint8)), np.empty(0, np.int64)
    time_ns = np.concatenate(heard)
    order = np.argsort(time_ns, kind="stable")
    return Frames.of(np.concatenate(data)[order], time_ns[order]), time_ns[order]


def _positions(
    flight: Flight, seen: Look, caught: NDArray[np.bool_], odd: NDArray[np.bool_], start_ns: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    s = seen.state
    time_ns = _ns(start_ns, seen.time_s[caught])
    icao24 = np.full(len(time_ns), int(flight.icao24 or "0", 16), np.uint32)
    ground = np.zeros(len(time_ns), bool)
    sent = encode_adsb(
        time_ns,
        icao24,
        s.latitude_deg[caught],
        s.longitude_deg[caught],
        s.altitude_m[caught],
        s.east_m_s[caught],
        s.north_m_s[caught],
        s.up_m_s[caught],
        ground,
        odd[caught],
    )
    return sent.data, np.repeat(time_ns, 2)


def _site(sensor: Sensor) -> tuple[float, float, float]:
    return float(sensor.latitude_deg or 0), float(sensor.longitude_deg or 0), float(sensor.altitude_m or 0)


def _detection(sensor: Sensor, flight: Flight) -> str | None:
    """Return the kind of plot a radar makes of a flight, none if it cannot see it."""
    answers = flight.mode_3a is not None or flight.icao24 is not None
    kind = sensor.kind
    if kind.startswith("psr_"):
        return kind if answers else "psr"
    if kind == "psr" or answers:
        return kind
    return None


def _ns(start_ns: int, time_s: NDArray[np.float64]) -> NDArray[np.int64]:
    return start_ns + np.rint(time_s * SECOND_NS).astype(np.int64)


def _hash(text: str) -> int:
    """Return a number that is the same in every process, unlike `hash`."""
    return int.from_bytes(text.encode(), "big") % (1 << 61)


def _radar_rows(
    sensor: Sensor,
    flight: Flight,
    kind: str,
    seen: Look,
    noise: NDArray[np.float64],
    caught: NDArray[np.bool_],
    start_ns: int,
    number: int,
) -> dict[str, Any]:
    count = int(caught.sum())
    accuracy = ASSUMED[kind]
    sigma_range = sensor.sigma_range_m if sensor.sigma_range_m is not None else accuracy.range_m
    sigma_azimuth = sensor.sigma_azimuth_deg if sensor.sigma_azimuth_deg is not None else accuracy.azimuth_deg
    cooperative = kind != "psr"
    mode_s = kind in {"mode_s", "psr_mode_s"} and flight.icao24 is not None
    feet = np.rint(seen.state.altitude_m[caught] / FOOT_M / 25) * 25
    return {
        "time": _ns(start_ns, seen.time_s[caught]),
        "kind": np.full(count, KINDS.index(kind), np.int8),
        "range_m": np.maximum(seen.range_m + sigma_range * noise[0], 0.0)[caught],
        "azimuth_deg": ((seen.azimuth_deg + sigma_azimuth * noise[1]) % 360)[caught],
        "pressure_altitude_m": feet * FOOT_M if cooperative else np.full(count, np.nan),
        "sensor_track": np.full(count, number + 1, np.uint32),
        "icao24": [int(flight.icao24 or "0", 16) if mode_s else None] * count,
        "mode_3a": [int(flight.mode_3a, 8) if cooperative and flight.mode_3a else None] * count,
        "callsign": [flight.callsign if mode_s else None] * count,
    }


def _joined(sensor: Sensor, rows: list[dict[str, Any]]) -> pa.Table:
    """Return the plots of all flights as one table in the order of time."""
    if not rows:
        return build(PLOTS, 0, {})
    time = np.concatenate([r["time"] for r in rows])
    columns: dict[str, Any] = {"time": times(time), "received": times(time)}
    columns["kind"] = words("kind", np.concatenate([r["kind"] for r in rows]))
    for name in ("range_m", "azimuth_deg", "pressure_altitude_m", "sensor_track"):
        columns[name] = np.concatenate([r[name] for r in rows])
    for name in ("icao24", "mode_3a", "callsign"):
        columns[name] = pa.array([v for r in rows for v in r[name]], PLOTS.field(name).type)
    columns["sensor"] = pa.array([sensor.label] * len(time)).dictionary_encode()
    columns["time_source"] = words("time_source", np.zeros(len(time), np.int8))
    columns["simulated"] = pa.array(np.ones(len(time), bool))
    return build(PLOTS, len(time), columns).take(np.argsort(time, kind="stable"))
