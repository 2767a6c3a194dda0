"""Flights and sensors that several tests use."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skypact.exercise import Flight, Mover, Scenario, SimulatedSensor, State, Waypoint
from skypact.exercise.movers import movers

START = "2026-06-01T02:00:00Z"


def point(latitude: float, longitude: float, **more: Any) -> Waypoint:
    return Waypoint(latitude_deg=latitude, longitude_deg=longitude, **more)


def flight(*route: Waypoint, **more: Any) -> Flight:
    return Flight(**{"id": "f", "route": route, "altitude_m": 9_000.0} | more)


def level(**more: Any) -> Flight:
    """Return a flight eastwards that passes north of the radar, level at 9,000 m and 220 m/s."""
    return flight(point(43.5, 74.0), point(43.5, 77.0), **{"speed_m_s": 220.0} | more)


def radar(**more: Any) -> SimulatedSensor:
    known: dict[str, Any] = {
        "id": "radar",
        "kind": "psr_mode_s",
        "sac": 1,
        "sic": 2,
        "latitude_deg": 43.0,
        "longitude_deg": 75.0,
        "altitude_m": 800.0,
        "range_m": 200_000.0,
        "rotation_s": 5.0,
        "pd": 1.0,
    }
    return SimulatedSensor(**known | more)


def receiver(**more: Any) -> SimulatedSensor:
    known: dict[str, Any] = {
        "id": "receiver",
        "kind": "adsb",
        "latitude_deg": 43.0,
        "longitude_deg": 75.0,
        "altitude_m": 800.0,
        "range_m": 300_000.0,
    }
    return SimulatedSensor(**known | more)


def scenario(sensors: list[SimulatedSensor], flights: list[Flight], **more: Any) -> Scenario:
    import datetime as dt

    known: dict[str, Any] = {
        "id": "s",
        "title": "t",
        "start": dt.datetime.fromisoformat(START),
        "duration_s": 600.0,
        "seed": 1,
        "sensors": tuple(sensors),
        "flights": tuple(flights),
    }
    return Scenario(**known | more)


def mover(one: Flight) -> Mover:
    return movers(scenario([radar()], [one]))[0]


def ecef(state: State) -> NDArray[np.float64]:
    from skypact.earth import frames

    return np.array(frames.geodetic2ecef(state.latitude_deg, state.longitude_deg, state.altitude_m))
