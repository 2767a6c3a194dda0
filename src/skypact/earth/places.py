"""Places people know: airports and towns.

Airports are those of the world with a location indicator of ICAO (from airportsdata). Towns are those of the world with
50,000 people or more, and those with 5,000 or more within 200 km of a town of Kyrgyzstan, Kazakhstan, Uzbekistan or
Tajikistan (from GeoNames, CC BY 4.0). Both are for names on maps and for hypothetical sites, not for navigation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from skypact.earth import geodesic
from skypact.errors import MisuseError
from skypact.units import FOOT_M

__all__ = ["Airport", "airport", "airports", "near", "towns"]


@dataclass(frozen=True, slots=True)
class Airport:
    """An airport; `iata` and `elevation_m`, above mean sea level, are None where unknown."""

    icao: str
    iata: str | None
    name: str
    city: str | None
    country: str
    latitude_deg: float
    longitude_deg: float
    elevation_m: float | None


def airports() -> pa.Table:
    """Return all airports by location indicator; the columns are the fields of `Airport`."""
    return _airports()


def towns() -> pa.Table:
    """Return all towns by country, the largest first.

    Columns: name, name_cyrillic (in Russian letters, null where unknown), country (ISO 3166-1 alpha-2), population,
    latitude_deg, longitude_deg.
    """
    return _towns()


def airport(icao: str) -> Airport:
    """Return the airport with a location indicator, as in ``airport("UCFM")``.

    Raises
    ------
    MisuseError
        There is none.
    """
    row = _row_of_airport().get(icao.strip().upper())
    if row is None:
        raise MisuseError(f"no airport {icao!r} is known; give four letters of ICAO, such as UCFM, or a position")
    return Airport(**_airports().slice(row, 1).to_pylist()[0])


def near(places: pa.Table, lat: float, lon: float, within_m: float) -> pa.Table:
    """Return the rows within a distance of a position, nearest first.

    Parameters
    ----------
    places : pyarrow.Table
        `airports()`, `towns()`, or any table with columns latitude_deg and longitude_deg without nulls.
    lat, lon : float
        Degrees.
    within_m : float
        Metres along the geodesic.

    Returns
    -------
    pyarrow.Table
        The rows with two more columns, distance_m and azimuth_deg as seen from the position.
    """
    distance, azimuth, _ = geodesic.inverse(
        lat, lon, places["latitude_deg"].to_numpy(), places["longitude_deg"].to_numpy()
    )
    order = np.argsort(distance, kind="stable")
    order = order[: np.searchsorted(distance[order], within_m, side="right")]
    return (
        places.take(order)
        .append_column("distance_m", pa.array(distance[order]))
        .append_column("azimuth_deg", pa.array(azimuth[order]))
    )


@cache
def _airports() -> pa.Table:
    table = _read("airports.parquet")
    elevation = pc.multiply(pc.cast(table["elevation_ft"], pa.float64()), FOOT_M)
    return table.drop_columns("elevation_ft").append_column("elevation_m", elevation)


@cache
def _towns() -> pa.Table:
    return _read("towns.parquet")


@cache
def _row_of_airport() -> dict[str, int]:
    return {icao: i for i, icao in enumerate(_airports()["icao"].to_pylist())}


def _read(name: str) -> pa.Table:
    """Return a packed table with its positions, kept in hundred-thousandths, in degrees."""
    table = pq.read_table(Path(__file__).with_name("data") / name)
    for column in ("latitude", "longitude"):
        degrees = pc.divide(pc.cast(table[f"{column}_e5"], pa.float64()), 1e5)
        table = table.drop_columns(f"{column}_e5").append_column(f"{column}_deg", degrees)
    return table
