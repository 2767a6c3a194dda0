"""Scenarios: what flies, what watches, for how long; a TOML file ``schema = "scenario/1"``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from importlib import resources
from os import PathLike
from typing import Annotated

import msgspec
from msgspec import Meta

from skypact import configfile
from skypact.configfile import FieldError
from skypact.sensors import Catalogue, Sensor

SCHEMA = "scenario/1"

_Latitude = Annotated[float, Meta(ge=-90, le=90)]
_Longitude = Annotated[float, Meta(ge=-180, le=180)]


class Waypoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place on the way of a flight.

    Attributes
    ----------
    latitude_deg, longitude_deg : float
    altitude_m : float
        Above mean sea level.
    speed_m_s : float
        Ground speed from here to the next waypoint.
    """

    latitude_deg: _Latitude
    longitude_deg: _Longitude
    altitude_m: Annotated[float, Meta(ge=-500, le=100_000)]
    speed_m_s: Annotated[float, Meta(gt=0, le=2_000)]


class Flight(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One moving object.

    Attributes
    ----------
    id : str
    route : tuple of Waypoint
        At least two.
    start_s : float
        When it is at its first waypoint, in seconds after the scenario's start.
    icao24 : str or None
        Six hexadecimal digits; without it the object has no Mode S transponder.
    mode_3a : str or None
        Four octal digits; without it the object answers no secondary radar.
    callsign : str or None
    adsb : bool
        Whether it sends ADS-B (needs `icao24`).
    """

    id: str
    route: tuple[Waypoint, ...]
    start_s: float = 0.0
    icao24: Annotated[str, Meta(pattern="^[0-9a-fA-F]{6}$")] | None = None
    mode_3a: Annotated[str, Meta(pattern="^[0-7]{4}$")] | None = None
    callsign: Annotated[str, Meta(pattern="^[A-Z0-9 ]{1,8}$")] | None = None
    adsb: bool = False

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if len(self.route) < 2:
            raise FieldError("a route needs two waypoints", "route")
        if self.adsb and self.icao24 is None:
            raise FieldError("ADS-B needs an address", "adsb", hint='add icao24 = "..."')


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A scenario.

    Attributes
    ----------
    id, title : str
    start : datetime
        With a time zone.
    duration_s : float
    seed : int
        Of everything that is left to chance.
    sensors : tuple of Sensor
        As in a sensors file; each has a position, a range, and a rotation if it is a radar.
    flights : tuple of Flight
    """

    id: str
    title: str
    start: dt.datetime
    duration_s: Annotated[float, Meta(gt=0, le=7 * 86_400)]
    seed: int = 0
    sensors: Annotated[tuple[Sensor, ...], Meta(min_length=1)] = msgspec.field(name="sensor")
    flights: Annotated[tuple[Flight, ...], Meta(min_length=1)] = msgspec.field(name="flight")

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        if self.start.tzinfo is None:
            raise FieldError("the start needs a time zone", "start", hint="end it in Z for UTC")
        for i, sensor in enumerate(self.sensors):
            if not sensor.has_position or sensor.range_m is None:
                raise FieldError("a sensor of a scenario needs a position and range_m", "sensor", i)
            if sensor.kind != "adsb" and (sensor.rotation_s is None or sensor.sac is None):
                raise FieldError("a radar of a scenario needs rotation_s, sac and sic", "sensor", i)
        for name, ids in (("sensor", [s.id for s in self.sensors]), ("flight", [f.id for f in self.flights])):
            _unique(name, ids)

    @property
    def catalogue(self) -> Catalogue:
        """The scenario's sensors as a catalogue."""
        return Catalogue(self.sensors)


def _unique(name: str, ids: Sequence[str]) -> None:
    for i, one in enumerate(ids):
        if one in ids[:i]:
            raise FieldError(f"a second {name} {one!r}", name, i)


def shipped() -> tuple[str, ...]:
    """Return the ids of the scenarios that come with the package."""
    folder = resources.files(__package__) / "scenarios"
    return tuple(sorted(p.name.removesuffix(".toml") for p in folder.iterdir() if p.name.endswith(".toml")))


def read(scenario: str | PathLike[str]) -> Scenario:
    """Return a scenario: one of `shipped`, or a file.

    Raises
    ------
    ConfigError
        A file that cannot be read or does not follow the schema, with its line.
    """
    if scenario in shipped():
        text = (resources.files(__package__) / "scenarios" / f"{scenario}.toml").read_text("utf-8")
        return configfile.parse(text, f"{scenario}.toml", Scenario, SCHEMA)
    return configfile.read(scenario, Scenario, SCHEMA)
