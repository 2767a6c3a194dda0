"""Sensors as a scenario knows them: the catalogue's entry, and what the catalogue does not tell a tracker."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from skypact.configfile import FieldError
from skypact.sensors import ASSUMED, Sensor

RADARS = ("psr", "ssr", "psr_ssr", "mode_s", "psr_mode_s")
"""Kinds of rotating radars that can be simulated."""

_Azimuth = Annotated[float, Meta(ge=0, le=360)]
_Share = Annotated[float, Meta(ge=0, le=1)]
_Seconds = Annotated[float, Meta(ge=0, le=7 * 86_400)]


class Errors(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a sensor does wrong throughout, and its messages do not tell.

    Attributes
    ----------
    range_m : float
        Added to every range.
    azimuth_deg : float
        Added to every azimuth, as by a north mark out of place.
    clock_s : float
        How far its clock is ahead of UTC.
    """

    range_m: Annotated[float, Meta(ge=-5_000, le=5_000)] = 0.0
    azimuth_deg: Annotated[float, Meta(ge=-10, le=10)] = 0.0
    clock_s: Annotated[float, Meta(ge=-3_600, le=3_600)] = 0.0


class Outage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When, and where, a sensor is blind.

    Attributes
    ----------
    from_s, to_s : float
        Seconds after the scenario's start.
    azimuth_deg : (float, float) or None
        From one azimuth clockwise to another; all around if not given.
    """

    from_s: _Seconds = 0.0
    to_s: _Seconds = 7 * 86_400.0
    azimuth_deg: tuple[_Azimuth, _Azimuth] | None = None

    def __post_init__(self) -> None:
        """Refuse one that ends before it begins."""
        if self.to_s <= self.from_s:
            raise FieldError("an outage ends after it begins", "to_s")


class Clutter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a primary radar sees what is no aircraft: false plots, uniform over an area.

    Several of them make a map.

    Attributes
    ----------
    per_turn : float
        Mean number in the area in one turn of the antenna.
    range_m : (float, float)
        Between which slant ranges.
    azimuth_deg : (float, float)
        From one azimuth clockwise to another.
    """

    per_turn: Annotated[float, Meta(gt=0, le=10_000)]
    range_m: tuple[Annotated[float, Meta(ge=0, le=1e6)], Annotated[float, Meta(gt=0, le=1e6)]]
    azimuth_deg: tuple[_Azimuth, _Azimuth] = (0.0, 360.0)

    def __post_init__(self) -> None:
        """Refuse an area that is none."""
        if self.range_m[1] <= self.range_m[0]:
            raise FieldError("the second range is the greater", "range_m")


class SimulatedSensor(Sensor, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A sensor of a scenario: an entry of the catalogue, with position and range, and what follows.

    A radar needs `rotation_s`, `sac` and `sic`. What `pd` means: with `reference_rcs_m2`, the probability that the
    primary channel detects that cross section at the edge of its reach, see `detection.primary`; without, that of
    everything in reach. A receiver decodes `pd` of the messages that are strong, see `detection.reception`.

    Attributes
    ----------
    primary_range_m : float or None
        Reach of the primary channel of a combined radar; `range_m` if not given.
    secondary_pd : float or None
        Probability that a transponder in reach is heard; `pd` if there is no `reference_rcs_m2`, else assumed.
    false_alarm : float
        Probability of false alarm that goes with `pd`, a cell.
    elevation_max_deg : float
        The beam's upper edge: above it is the cone of silence.
    resolution_range_m, resolution_azimuth_deg : float
        Echoes, or replies, closer than both are one.
    garbled : float
        Share of the replies to Mode A and C that are received with an error, marked as not validated.
    errors : Errors
    outages : tuple of Outage
    clutter : tuple of Clutter
        Of primary radars.
    """

    primary_range_m: Annotated[float, Meta(gt=0, le=1e6)] | None = None
    secondary_pd: Annotated[float, Meta(gt=0, le=1)] | None = None
    false_alarm: Annotated[float, Meta(ge=1e-12, le=1e-2)] = 1e-6
    elevation_max_deg: Annotated[float, Meta(gt=0, le=90)] = 45.0
    resolution_range_m: Annotated[float, Meta(ge=0, le=10_000)] = 230.0
    resolution_azimuth_deg: Annotated[float, Meta(ge=0, le=20)] = 1.5
    garbled: _Share = 0.0
    errors: Errors = Errors()
    outages: tuple[Outage, ...] = ()
    clutter: tuple[Clutter, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated."""
        super().__post_init__()
        if self.kind != "adsb" and self.kind not in RADARS:
            raise FieldError(f"sensors of kind {self.kind} are not simulated", "kind", hint=f"one of {RADARS} or adsb")
        if not self.has_position or self.range_m is None:
            raise FieldError(f"{self.id}: a sensor of a scenario needs a position and range_m", "id")
        if self.is_radar and (self.rotation_s is None or self.sac is None):
            raise FieldError(f"{self.id}: a radar of a scenario needs rotation_s, sac and sic", "id")
        if self.clutter and not self.has_primary:
            raise FieldError(f"{self.id}: clutter without a primary channel", "clutter")

    @property
    def is_radar(self) -> bool:
        """Whether it turns; the others are receivers of ADS-B."""
        return self.kind in RADARS

    @property
    def has_primary(self) -> bool:
        """Whether it sees what says nothing."""
        return self.kind.startswith("psr")

    @property
    def has_secondary(self) -> bool:
        """Whether it asks transponders."""
        return self.is_radar and self.kind != "psr"

    @property
    def asks_addresses(self) -> bool:
        """Whether it asks transponders one by one, by their addresses."""
        return self.kind.endswith("mode_s")

    @property
    def site_geodetic(self) -> tuple[float, float, float]:
        """Latitude and longitude in degrees, altitude in metres."""
        return float(self.latitude_deg or 0), float(self.longitude_deg or 0), float(self.altitude_m or 0)

    @property
    def pd_primary(self) -> float:
        """`pd`, or what is assumed of primary radars."""
        return self.pd if self.pd is not None else ASSUMED["psr"].pd

    @property
    def pd_secondary(self) -> float:
        """`secondary_pd`, or what stands in for it."""
        if self.secondary_pd is not None:
            return self.secondary_pd
        if self.pd is not None and (self.reference_rcs_m2 is None or not self.has_primary):
            return self.pd
        return ASSUMED[self.kind].pd

    @property
    def told(self) -> Sensor:
        """The entry of the catalogue: what trackers are told of it."""
        return Sensor(**{name: getattr(self, name) for name in Sensor.__struct_fields__})
