"""Rotating radars: when the beam meets an object, what is measured of it, and what else is seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from skypact.earth import frames
from skypact.exercise import detection
from skypact.exercise.chance import stream
from skypact.exercise.sight import Sight, blind, sight
from skypact.sensors import ASSUMED
from skypact.tables import KINDS, PLOTS, SERVICES, build, times, words
from skypact.units import FOOT_M, SECOND_NS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skypact.earth.terrain import Terrain
    from skypact.exercise.instruments import SimulatedSensor
    from skypact.exercise.motion import State
    from skypact.exercise.movers import Mover

SECTORS = 32
"""Sectors of a turn, each announced by a sector message."""
NONE = -1
"""No address, no code."""
SEEN_PD = 0.1
"""Below it a primary radar cannot be said to see an object."""
PSR, SSR, PSR_SSR, MODE_S, PSR_MODE_S = (KINDS.index(k) for k in ("psr", "ssr", "psr_ssr", "mode_s", "psr_mode_s"))


@dataclass(slots=True, eq=False)
class Echoes:
    """What a radar detects, a row each, all arrays of shape (n,).

    Attributes
    ----------
    time_s : float array
        When, in seconds after the scenario's start.
    object : int array
        Index of the object, `NONE` for clutter.
    kind : int8 array
        Index into `tables.KINDS`.
    range_m, azimuth_deg : float arrays
        As measured.
    altitude_m : float array
        As the transponder says, NaN without.
    icao24, mode_3a : int arrays
        As the transponder says, `NONE` without.
    valid : bool array
        Whether the code was validated.
    """

    time_s: NDArray[np.float64]
    object: NDArray[np.int64]
    kind: NDArray[np.int8]
    range_m: NDArray[np.float64]
    azimuth_deg: NDArray[np.float64]
    altitude_m: NDArray[np.float64]
    icao24: NDArray[np.int64]
    mode_3a: NDArray[np.int64]
    valid: NDArray[np.bool_]

    def __getitem__(self, where: NDArray[np.bool_] | NDArray[np.int64]) -> Echoes:
        return Echoes(*(getattr(self, f.name)[where] for f in fields(Echoes)))

    @staticmethod
    def joined(parts: Sequence[Echoes]) -> Echoes:
        """Return several as one, in the order of time."""
        whole = Echoes(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Echoes)))
        return whole[np.lexsort((whole.range_m, whole.time_s))]


@dataclass(frozen=True, slots=True)
class Beam:
    """How an antenna turns: it points to its north at `phase_s` after the scenario's start, and every turn later."""

    turn_s: float
    phase_s: float
    north_deg: float

    @classmethod
    def of(cls, sensor: SimulatedSensor, seed: int) -> Beam:
        """Return a sensor's beam; the phase is left to chance."""
        turn = float(sensor.rotation_s or 1.0)
        return cls(turn, turn * float(stream(seed, "beam", sensor.id).random()), sensor.errors.azimuth_deg)

    def crossings(self, duration_s: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the sectors in the order the beam enters them, and when, from 0 to the first at or after an end."""
        step = self.turn_s / SECTORS
        first = int(np.ceil(-self.phase_s / step))
        number = np.arange(first, int(np.ceil((duration_s - self.phase_s) / step)) + 1, dtype=np.int64)
        return number % SECTORS, np.asarray(self.phase_s + number * step, np.float64)

    def ahead(self, time_s: NDArray[np.float64], azimuth_deg: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return by how many degrees in all its turns the beam is ahead of true azimuths."""
        return (time_s - self.phase_s) / self.turn_s * 360 - (azimuth_deg + self.north_deg)

    def meets(
        self, sensor: SimulatedSensor, mover: Mover, grid_s: NDArray[np.float64], grid: State
    ) -> NDArray[np.float64]:
        """Return when the beam passes an object, in seconds after the scenario's start.

        Parameters
        ----------
        sensor : SimulatedSensor
        mover : Mover
        grid_s, grid : float array, State
            Times and the object's states at them, close enough for its azimuth to be straight between.
        """
        known = grid.exists
        if known.sum() < 2:
            return np.empty(0)
        time = grid_s[known]
        azimuth = np.unwrap(_azimuth(sensor, grid[known]), period=360)
        lead = np.maximum.accumulate(self.ahead(time, azimuth))
        turns = np.arange(np.ceil(lead[0] / 360), np.floor(lead[-1] / 360) + 1) * 360
        met = np.interp(turns, lead, time)
        beside = (self.ahead(met, _azimuth(sensor, mover.motion.at(met))) + 180) % 360 - 180
        return met - np.nan_to_num(beside) / 360 * self.turn_s


def _azimuth(sensor: SimulatedSensor, state: State) -> NDArray[np.float64]:
    azimuth, _, _ = frames.geodetic2aer(
        state.latitude_deg, state.longitude_deg, state.altitude_m, *sensor.site_geodetic
    )
    return np.asarray(azimuth)


def look(
    sensor: SimulatedSensor, mover: Mover, index: int, met_s: NDArray[np.float64], seed: int, terrain: Terrain
) -> tuple[Sight, Echoes]:
    """Return a radar's sight of an object each time the beam meets it, and what it detects of it.

    The primary channel detects it as `detection.primary` says, the secondary one, if it has a transponder, with
    `pd_secondary`. A plot of both has the position of the secondary channel, the better one. Altitudes come in steps of
    100 ft in Mode C, of 25 ft from a transponder that is asked by its address.
    """
    state = mover.motion.at(met_s)
    seen = sight(sensor, state, met_s, terrain)
    chance = stream(seed, "radar", sensor.id, mover.id)
    luck = chance.random((3, len(met_s)))
    noise = chance.standard_normal((2, len(met_s)))
    likely = np.zeros(len(met_s))
    if sensor.has_primary:
        likely = detection.primary(
            seen.range_m,
            mover.rcs_m2,
            pd=sensor.pd_primary,
            reach_m=float(sensor.primary_range_m or sensor.range_m or 0.0),
            reference_rcs_m2=sensor.reference_rcs_m2,
            false_alarm=sensor.false_alarm,
        )
    answers = sensor.has_secondary and mover.answers
    asked = sensor.asks_addresses and mover.icao24 is not None
    primary = luck[0] < likely
    secondary = (luck[1] < sensor.pd_secondary) & answers
    both, alone = (PSR_MODE_S, MODE_S) if asked else (PSR_SSR, SSR)
    kind = np.where(secondary, np.where(primary, both, alone), PSR).astype(np.int8)
    sigma_range, sigma_azimuth = _sigmas(sensor)
    step = FOOT_M * (25 if asked else 100)
    code = np.full(len(met_s), NONE if mover.mode_3a is None else mover.mode_3a)
    wrong = secondary & (luck[2] < sensor.garbled) & (not asked)
    bit = np.where(wrong, np.minimum(luck[2] / (sensor.garbled or 1.0) * 12, 11).astype(np.int64), 0)
    echoes = Echoes(
        met_s,
        np.full(len(met_s), index),
        kind,
        np.maximum(seen.range_m + sigma_range[kind] * noise[0] + sensor.errors.range_m, 0.0),
        (seen.azimuth_deg + sigma_azimuth[kind] * noise[1] + sensor.errors.azimuth_deg) % 360,
        np.where(secondary, np.rint(state.altitude_m / step) * step, np.nan),
        np.where(secondary & asked, NONE if mover.icao24 is None else mover.icao24, NONE),
        np.where(secondary, np.where(wrong & (code >= 0), code ^ (1 << bit), code), NONE),
        ~wrong,
    )
    able = seen.visible & ((likely >= SEEN_PD) | answers)
    found = Sight(met_s, seen.azimuth_deg, seen.elevation_deg, seen.range_m, able)
    return found, echoes[seen.visible & (primary | secondary)]


def _sigmas(sensor: SimulatedSensor) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the standard deviations of range and azimuth by kind: the sensor's, else as assumed of the kind."""
    accuracy = [ASSUMED[kind] for kind in KINDS]
    distance = [a.range_m if sensor.sigma_range_m is None else sensor.sigma_range_m for a in accuracy]
    azimuth = [a.azimuth_deg if sensor.sigma_azimuth_deg is None else sensor.sigma_azimuth_deg for a in accuracy]
    return np.array(distance), np.array(azimuth)


def clutter(sensor: SimulatedSensor, beam: Beam, duration_s: float, seed: int) -> Echoes:
    """Return false plots: in each area a Poisson number a turn, uniform over it."""
    turns = (duration_s + beam.turn_s) / beam.turn_s  # the first may have begun before
    parts = []
    for i, area in enumerate(sensor.clutter):
        chance = stream(seed, "clutter", sensor.id, str(i))
        count = chance.poisson(area.per_turn * turns)
        turn, around, outwards = chance.random((3, count))
        near, far = area.range_m
        begin, end = area.azimuth_deg
        azimuth = begin + around * ((end - begin) % 360 or 360.0)
        time = beam.phase_s + (np.floor(turn * turns) - 1 + azimuth % 360 / 360) * beam.turn_s
        nothing = np.full(count, NONE)
        parts.append(
            Echoes(
                time,
                nothing,
                np.full(count, PSR, np.int8),
                np.sqrt(near**2 + outwards * (far**2 - near**2)),
                azimuth % 360,
                np.full(count, np.nan),
                nothing,
                nothing,
                np.ones(count, bool),
            )
        )
    if not parts:
        return Echoes(*(np.empty(0, t) for t in (float, int, np.int8, float, float, float, int, int, bool)))
    found = Echoes.joined(parts)
    inside = (found.time_s >= 0) & (found.time_s < duration_s)
    return found[inside & ~blind(sensor, found.time_s, found.azimuth_deg)]


def plots_table(sensor: SimulatedSensor, echoes: Echoes, callsigns: Sequence[str | None], start_ns: int) -> pa.Table:
    """Return what a radar detected as PLOTS, with the times its clock tells; nothing says what is clutter."""
    count = len(echoes.time_s)
    clock = round(sensor.errors.clock_s * SECOND_NS)
    time = start_ns + np.rint(echoes.time_s * SECOND_NS).astype(np.int64) + clock
    replied = echoes.kind != PSR
    named = np.array([*callsigns, None], object)[np.where(echoes.icao24 != NONE, echoes.object, -1)]
    columns = {
        "time": times(time),
        "received": times(time - clock),
        "time_source": words("time_source", np.zeros(count, np.int8)),
        "sensor": pa.array([sensor.label] * count, pa.string()).dictionary_encode(),
        "kind": words("kind", echoes.kind),
        "range_m": echoes.range_m,
        "azimuth_deg": echoes.azimuth_deg,
        "pressure_altitude_m": echoes.altitude_m,
        "icao24": pa.array(echoes.icao24.astype(np.uint32), mask=echoes.icao24 == NONE),
        "mode_3a": pa.array(echoes.mode_3a.astype(np.uint16), mask=echoes.mode_3a == NONE),
        "callsign": pa.array(named, pa.string()),
        "code_valid": pa.array(echoes.valid, mask=~replied),
        "simulated": pa.array(np.ones(count, bool)),
    }
    return build(PLOTS, count, columns)


def antenna(
    sensor: SimulatedSensor, sector: NDArray[np.int64], passed_s: NDArray[np.float64], start_ns: int
) -> pa.Table:
    """Return a radar's north and sector messages as SERVICES; north ones carry rotation and position.

    Parameters
    ----------
    sensor : SimulatedSensor
    sector, passed_s : int and float arrays
        Sectors and when the beam enters them, in seconds after the scenario's start.
    start_ns : int
    """
    count = len(passed_s)
    clock = round(sensor.errors.clock_s * SECOND_NS)
    time = start_ns + np.rint(passed_s * SECOND_NS).astype(np.int64) + clock
    north = sector == 0

    def at_north(value: float | None) -> NDArray[np.float64]:
        return np.where(north, np.nan if value is None else value, np.nan)

    columns = {
        "time": times(time),
        "received": times(time - clock),
        "sensor": pa.array([sensor.label] * count, pa.string()).dictionary_encode(),
        "message": words("message", np.where(north, 0, 1).astype(np.int8)),
        "azimuth_deg": sector * (360.0 / SECTORS),
        "rotation_s": at_north(sensor.rotation_s),
        "latitude_deg": at_north(sensor.latitude_deg),
        "longitude_deg": at_north(sensor.longitude_deg),
        "altitude_m": at_north(sensor.altitude_m),
        "simulated": pa.array(np.ones(count, bool)),
    }
    return build(SERVICES, count, columns)
