"""Scenarios: what flies, what watches, for how long; a TOML file ``schema = "scenario/1"``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from importlib import resources
from os import PathLike
from pathlib import Path as FilePath
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from skypact import configfile
from skypact.configfile import FieldError
from skypact.earth.facilities import facility
from skypact.earth.places import airport
from skypact.errors import ConfigError, MisuseError
from skypact.exercise.aircraft import AircraftType
from skypact.exercise.instruments import SimulatedSensor
from skypact.exercise.motion import Path
from skypact.sensors import Catalogue

SCHEMA = "scenario/1"

_Latitude = Annotated[float, Meta(ge=-90, le=90)]
_Longitude = Annotated[float, Meta(ge=-180, le=180)]
_Altitude = Annotated[float, Meta(ge=-500, le=100_000)]
_Speed = Annotated[float, Meta(gt=0, le=2_000)]
_Seconds = Annotated[float, Meta(ge=-86_400, le=7 * 86_400)]
_Text = Annotated[str, Meta(max_length=2_000, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")]
_Id = Annotated[str, Meta(pattern=r"^\w[\w.-]{0,63}$")]
_Rcs = Annotated[float, Meta(gt=0, le=1e6)]
_Code = Annotated[str, Meta(pattern="^[0-7]{4}$")]

Identity = Literal["pending", "unknown", "assumed_friend", "friend", "neutral", "suspect", "hostile"]


class Waypoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A point of a route.

    Attributes
    ----------
    latitude_deg, longitude_deg : float or None
    airport : str or None
        Location indicator of ICAO in place of a position: the flight begins or ends there on the ground.
    name : str or None
        For people.
    altitude_m : float or None
        Height above mean sea level at the point; the flight's cruising one, as far as it can be reached, if not given.
    speed_m_s : float or None
        Ground speed at the point; the flight's cruising one, as far as it can be reached, if not given.
    orbits : int
        Full circles flown here, with one speed, before the flight goes on.
    """

    latitude_deg: _Latitude | None = None
    longitude_deg: _Longitude | None = None
    airport: str | None = None
    name: str | None = None
    altitude_m: _Altitude | None = None
    speed_m_s: _Speed | None = None
    orbits: Annotated[int, Meta(ge=0, le=1_000)] = 0

    def __post_init__(self) -> None:
        """Refuse what is no place."""
        if self.airport is None:
            if self.latitude_deg is None or self.longitude_deg is None:
                raise FieldError("a point needs latitude_deg and longitude_deg, or an airport")
            return
        for name in ("latitude_deg", "longitude_deg", "altitude_m", "speed_m_s"):
            if getattr(self, name) is not None:
                raise FieldError(f"an airport has a {name} of its own", name, hint="remove one of the two")
        try:
            found = airport(self.airport)
        except MisuseError as err:
            raise FieldError(str(err), "airport") from None
        if found.elevation_m is None:
            raise FieldError(f"the elevation of {self.airport} is not known", "airport", hint="choose another")

    @property
    def place(self) -> tuple[float, float]:
        """Latitude and longitude in degrees."""
        if self.airport is not None:
            found = airport(self.airport)
            return found.latitude_deg, found.longitude_deg
        return float(self.latitude_deg or 0), float(self.longitude_deg or 0)

    @property
    def height_m(self) -> float | None:
        """The altitude asked for, at an airport its elevation."""
        return airport(self.airport).elevation_m if self.airport is not None else self.altitude_m


class Flight(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One object that moves along a route.

    Attributes
    ----------
    id : str
    type : str
        A key of `aircraft.AIRCRAFT`: how it flies and how large it looks.
    route : tuple of Waypoint
        At least two.
    start_s : float
        When it is at its first point, in seconds after the scenario's start; negative for one that is on its way.
    altitude_m, speed_m_s : float or None
        In cruise; the speed is that of the type if not given.
    icao24 : str or None
        Six hexadecimal digits; without it the object has no Mode S transponder.
    mode_3a : str or None
        Four octal digits; without them and `icao24` the object answers no secondary radar.
    callsign : str or None
    adsb : bool
        Whether it sends ADS-B (needs `icao24`).
    rcs_m2 : float or None
        Mean radar cross section; that of the type if not given.
    identity : str or None
        What it truly is, a word of `tables.IDENTITIES`.
    plan : str or None
        Its flight plan as text.
    """

    id: _Id
    type: AircraftType = "airliner"
    route: Annotated[tuple[Waypoint, ...], Meta(min_length=2, max_length=1_000)]
    start_s: _Seconds = 0.0
    altitude_m: _Altitude | None = None
    speed_m_s: _Speed | None = None
    icao24: Annotated[str, Meta(pattern="^[0-9a-fA-F]{6}$")] | None = None
    mode_3a: _Code | None = None
    callsign: Annotated[str, Meta(pattern="^[A-Z0-9 ]{1,8}$")] | None = None
    adsb: bool = False
    rcs_m2: _Rcs | None = None
    identity: Identity | None = None
    plan: _Text | None = None

    def __post_init__(self) -> None:
        """Refuse what contradicts itself or cannot be flown."""
        if self.adsb and self.icao24 is None:
            raise FieldError("ADS-B needs an address", "adsb", hint='add icao24 = "..."')
        for i, point in enumerate(self.route):
            inside = 0 < i < len(self.route) - 1
            if inside and point.airport is not None:
                raise FieldError("a route passes an airport only where it begins or ends", "route", i, "airport")
            if not inside and point.orbits:
                raise FieldError("orbits are flown between the first and the last point", "route", i, "orbits")
        if len(self.route) == 2 and all(point.airport for point in self.route):
            raise FieldError("a route between airports needs a point in the air", "route")
        Path(self)


class Place(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a recording is moved to: its first position comes to lie here, see `trajectories.moved`.

    Attributes
    ----------
    latitude_deg, longitude_deg : float
    turn_deg : float
        By how much it is turned to the right about that place.
    raise_m : float
        By how much it is lifted.
    """

    latitude_deg: _Latitude
    longitude_deg: _Longitude
    turn_deg: Annotated[float, Meta(ge=-360, le=360)] = 0.0
    raise_m: Annotated[float, Meta(ge=-10_000, le=10_000)] = 0.0


class Recorded(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Recorded flights, flown as they were.

    Attributes
    ----------
    id : str
        Its objects are called after it.
    file : str
        A table of trajectories, see `trajectories.read_trajectories`; relative to the scenario's file.
    member : str or None
        End of the name of a file inside a wheel or zip.
    start_s : float
        When its first position is flown, in seconds after the scenario's start.
    only : tuple of str
        Addresses or names of the flights to take; all if not given.
    altitude_unit : {"ft", "m"} or None
        Of the altitudes, if their column does not tell.
    move_to : Place or None
    type : str
        A key of `aircraft.AIRCRAFT`: how large they look.
    adsb : bool
        Whether those with an address send ADS-B.
    rcs_m2, identity
        As of a flight.
    """

    id: _Id
    file: Annotated[str, Meta(min_length=1)]
    member: str | None = None
    start_s: _Seconds = 0.0
    only: tuple[str, ...] = ()
    altitude_unit: Literal["ft", "m"] | None = None
    move_to: Place | None = None
    type: AircraftType = "airliner"
    adsb: bool = True
    rcs_m2: _Rcs | None = None
    identity: Identity | None = None


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
    facilities : tuple of str
        Protected places by their ids, see `earth.facilities`.
    sensors : tuple of SimulatedSensor
    flights : tuple of Flight
    recordings : tuple of Recorded
        At least one flight or recording.
    """

    id: _Id
    title: Annotated[str, Meta(min_length=1, max_length=200)]
    start: dt.datetime
    duration_s: Annotated[float, Meta(gt=0, le=7 * 86_400)]
    seed: Annotated[int, Meta(ge=0)] = 0
    facilities: tuple[str, ...] = ()
    sensors: Annotated[tuple[SimulatedSensor, ...], Meta(min_length=1)] = msgspec.field(name="sensor")
    flights: tuple[Flight, ...] = msgspec.field(name="flight", default=())
    recordings: tuple[Recorded, ...] = msgspec.field(name="recording", default=())

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        if self.start.tzinfo is None:
            raise FieldError("the start needs a time zone", "start", hint="end it in Z for UTC")
        if not self.flights and not self.recordings:
            raise FieldError("nothing flies", hint="add a [[flight]] or a [[recording]]")
        for i, name in enumerate(self.facilities):
            try:
                facility(name)
            except MisuseError as err:
                raise FieldError(str(err), "facilities", i) from None
        _unique("sensor", [s.id for s in self.sensors])
        _unique("sensor", [s.label for s in self.sensors])
        _unique("flight", [f.id for f in self.flights])
        _unique("recording", [r.id for r in self.recordings])

    @property
    def catalogue(self) -> Catalogue:
        """What trackers are told of the scenario's sensors."""
        return Catalogue(sensor.told for sensor in self.sensors)

    @property
    def parties(self) -> dict[str, tuple[SimulatedSensor, ...]]:
        """The sensors by the party whose they are, in the order of the parties; nobody's belong to ``""``."""
        owners = sorted({sensor.party or "" for sensor in self.sensors})
        return {one: tuple(s for s in self.sensors if (s.party or "") == one) for one in owners}


def _unique(name: str, ids: Sequence[str]) -> None:
    first: dict[str, int] = {}
    for i, one in enumerate(ids):
        if first.setdefault(one, i) != i:
            raise FieldError(f"a second {name} {one!r}", name, i, hint="rename one")


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
    if not FilePath(scenario).exists():
        hint = f"name a file, or one that is shipped: {', '.join(shipped())}"
        raise ConfigError("does not exist", path=scenario, hint=hint)
    found = configfile.read(scenario, Scenario, SCHEMA)
    folder = FilePath(scenario).parent
    beside = [msgspec.structs.replace(r, file=str(folder / r.file)) for r in found.recordings]
    return msgspec.structs.replace(found, recordings=tuple(beside))
