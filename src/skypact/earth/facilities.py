"""Facilities: civil places that an exercise or an agreement may protect, to a kilometre, without any ranking."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from skypact import configfile
from skypact.configfile import FieldError
from skypact.errors import MisuseError

__all__ = ["Facility", "facilities", "facility"]

SCHEMA = "facilities/1"

Kind = Literal["city", "airport", "hpp", "tpp", "tailings", "factory"]
"""City, civil airport, hydro or thermal power plant, uranium tailings, factory or mine."""


class Facility(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A place.

    Attributes
    ----------
    id, name : str
    country : str
        ISO 3166-1 alpha-2.
    kind : str
        A word of `Kind`.
    latitude_deg, longitude_deg : float
        Rounded to a hundredth of a degree.
    precision_m : float
        How far the true place may be from there.
    source : str
    """

    id: Annotated[str, Meta(pattern=r"^\w{1,64}$")]
    name: str
    country: Annotated[str, Meta(pattern="^[A-Z]{2}$")]
    kind: Kind
    latitude_deg: Annotated[float, Meta(ge=-90, le=90)]
    longitude_deg: Annotated[float, Meta(ge=-180, le=180)]
    precision_m: Annotated[float, Meta(ge=1_000, le=100_000)]
    source: str


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    facility: tuple[Facility, ...]

    def __post_init__(self) -> None:
        first: dict[str, int] = {}
        for i, one in enumerate(self.facility):
            if first.setdefault(one.id, i) != i:
                raise FieldError(f"a second facility {one.id!r}", "facility", i)


def facilities() -> tuple[Facility, ...]:
    """Return the facilities that come with the package, by id: Kyrgyzstan's and southern Kazakhstan's."""
    return tuple(_shipped().values())


def facility(name: str) -> Facility:
    """Return the facility with an id, as in ``facility("hpp_toktogul")``.

    Raises
    ------
    MisuseError
        There is none.
    """
    known = _shipped()
    if name not in known:
        raise MisuseError(f"no facility {name!r} is known; known are {', '.join(known)}")
    return known[name]


@cache
def _shipped() -> dict[str, Facility]:
    path = Path(__file__).with_name("data") / "facilities.toml"
    return {one.id: one for one in configfile.read(path, _File, SCHEMA).facility}
