"""Borders of countries: drawing them, and telling in which country a position lies.

The shipped borders are Natural Earth's at 1:10 million, drawn as they are held in fact, to about 400 m. They endorse no
border, treaty or claim: `Borders.open` takes any other drawing from a GeoJSON file in their place.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, cached_property
from itertools import pairwise
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skypact.errors import MisuseError

__all__ = ["Borders", "Country"]

Points = NDArray[np.float64]
"""Shape (n, 2): latitude and longitude in degrees, the longitude without jumps, so that it may run beyond 180."""

BANDS_PER_DEGREE = 10


class Country(NamedTuple):
    """A country, or another area the drawing tells apart.

    Attributes
    ----------
    code : str
        ISO 3166-1 alpha-2, empty where the drawing gives none.
    name : str
        The drawing's short name.
    """

    code: str
    name: str


class Borders:
    """The outlines of countries. Make one with `Borders.shipped` or `Borders.open`.

    Parameters
    ----------
    areas : sequence of Country
        What is drawn.
    lines : sequence of (n, 2) arrays
        Lines of latitude and longitude, each drawn once.
    rings : sequence of (int, sequence of int)
        Closed outlines and holes: the index of the area, and the lines in order, ``~i`` for line i backwards. By the
        even-odd rule of its rings a position is inside an area.
    """

    def __init__(
        self, areas: Sequence[Country], lines: Sequence[Points], rings: Sequence[tuple[int, Sequence[int]]]
    ) -> None:
        self._areas = tuple(areas)
        self._lines = [_continuous(line) for line in lines]
        self._rings = rings
        self._keys = np.array([area.code or area.name for area in areas] + [""])

    @classmethod
    def shipped(cls) -> Borders:
        """Return Natural Earth 1:10m, the borders in this package, read once."""
        return _shipped()

    @classmethod
    def open(cls, path: str | PathLike[str]) -> Borders:
        """Read borders from GeoJSON: polygons and multipolygons, named by their properties.

        The first found of ``code``, ``ISO_A2``, ``ISO3166-1-Alpha-2`` is the code, of ``name``, ``ADMIN``, ``NAME``
        the name, in capitals or not.

        Raises
        ------
        InputError, FormatError
            A file that is absent, too large, or no GeoJSON with polygons.
        """
        from skypact.earth._geojson import read_areas

        areas: list[Country] = []
        lines: list[Points] = []
        rings: list[tuple[int, Sequence[int]]] = []
        for i, (code, name, polygons) in enumerate(read_areas(path)):
            areas.append(Country(code, name))
            for ring in polygons:
                rings.append((i, (len(lines),)))
                lines.append(ring)
        return cls(areas, lines, rings)

    def countries(self) -> tuple[Country, ...]:
        """Return all countries and other areas, in the order of the drawing."""
        return self._areas

    def rings(self, country: str) -> list[Points]:
        """Return the closed outlines, and holes, of a country.

        Parameters
        ----------
        country : str
            Its code, or its name.

        Raises
        ------
        MisuseError
            There is no such country.
        """
        wanted = {i for i, area in enumerate(self._areas) if country and country in area}
        if not wanted:
            raise MisuseError(f"no country {country!r} is drawn; Borders.countries() lists those that are")
        return [self._outline(arcs) for area, arcs in self._rings if area in wanted]

    def country_of(self, lat: ArrayLike, lon: ArrayLike) -> NDArray[np.str_]:
        """Return the code of the country at a position, or its name where it has no code; '' at sea.

        Parameters
        ----------
        lat, lon : float or array
            Degrees, any turn of longitude; they broadcast against each other. Unknown positions are in no country.
        """
        from skypact.earth import _kernels

        lat, lon = np.broadcast_arrays(np.asarray(lat, np.float64), np.asarray(lon, np.float64))
        known = (np.abs(lat) <= 90.0) & np.isfinite(lon)
        lon = np.mod(np.where(known, lon, 0.0) + 180.0, 360.0) - 180.0
        lat = np.where(known, lat, np.nan)
        index = _kernels.areas_at(
            lat.ravel(), lon.ravel(), *self._edges_by_band, BANDS_PER_DEGREE, len(self._areas)
        ).reshape(lat.shape)
        return self._keys[index]

    def lines_in(self, box: tuple[float, float, float, float]) -> list[Points]:
        """Return the lines that touch a box, cut to about its size, each border once.

        Parameters
        ----------
        box : (south, west, north, east)
            Degrees; a box across the antimeridian has its east less than its west, or beyond 180.

        Returns
        -------
        list of (n, 2) arrays
            Latitude and longitude, the longitude in the turn that continues from `west`.
        """
        south, west, north, east = box
        east = west + (east - west) % 360.0 if east - west != 360.0 else east
        lat_min, lon_min, lat_max, lon_max = self._line_boxes.T
        found = []
        for turn in (-720.0, -360.0, 0.0, 360.0, 720.0):
            touches = (lat_max >= south) & (lat_min <= north) & (lon_max + turn >= west) & (lon_min + turn <= east)
            for i in np.flatnonzero(touches):
                found += _parts_in(self._lines[i] + (0.0, turn), south, west, north, east)
        return found

    def _outline(self, arcs: Sequence[int]) -> Points:
        parts = [self._lines[i] if i >= 0 else self._lines[~i][::-1] for i in arcs]
        return _continuous(np.concatenate([parts[0], *(part[1:] for part in parts[1:])]))

    @cached_property
    def _line_boxes(self) -> NDArray[np.float64]:
        return np.array([[*line.min(axis=0), *line.max(axis=0)] for line in self._lines]).reshape(-1, 4)

    @cached_property
    def _edges_by_band(self) -> tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.int64]]:
        """Return edges (lat, lon, lat, lon), the area of each, and where each band of latitude begins in them."""
        edges, areas = [], []
        for area, arcs in self._rings:
            for ring in _in_the_plane(self._outline(arcs)):
                edges.append(np.hstack([ring[:-1], ring[1:]]))
                areas.append(np.full(len(ring) - 1, area, np.int32))
        edge = np.concatenate(edges) if edges else np.empty((0, 4))
        area_of = np.concatenate(areas) if areas else np.empty(0, np.int32)
        last = 180 * BANDS_PER_DEGREE - 1
        bands = np.clip((edge[:, [0, 2]] + 90.0) * BANDS_PER_DEGREE, 0, last).astype(np.int64)
        first, count = bands.min(axis=1), np.ptp(bands, axis=1) + 1
        which = np.repeat(np.arange(len(edge)), count)
        band = np.arange(len(which)) - np.repeat(np.cumsum(count) - count - first, count)
        order = np.argsort(band, kind="stable")
        start = np.searchsorted(band[order], np.arange(last + 2))
        return edge[which[order]], area_of[which[order]], start


def _continuous(points: Points) -> Points:
    """Return points with whole turns taken out of the jumps of longitude."""
    jumps = np.round(np.diff(points[:, 1]) / 360.0)
    if not jumps.any():
        return points
    turns = np.concatenate([[0.0], np.cumsum(jumps)])
    return np.column_stack([points[:, 0], points[:, 1] - 360.0 * turns])


def _in_the_plane(ring: Points) -> list[Points]:
    """Return rings that hold on the plane of longitudes -180 to 180 what a ring holds on earth."""
    if abs(ring[-1, 1] - ring[0, 1]) > 180.0:
        # It runs around a pole: let it come back along the pole.
        pole = np.copysign(90.0, ring[:, 0].mean())
        ring = np.concatenate([ring, [[pole, ring[-1, 1]], [pole, ring[0, 1]], ring[0]]])
    ring = ring - (0.0, 360.0 * np.floor((ring[:, 1].min() + 180.0) / 360.0))
    return [ring] if ring[:, 1].max() <= 180.0 else [ring, ring - (0.0, 360.0)]


def _parts_in(line: Points, south: float, west: float, north: float, east: float) -> list[Points]:
    """Return the runs of a line whose edges may touch a box; edges along the antimeridian are cuts, no borders."""
    low = np.minimum(line[:-1], line[1:])
    high = np.maximum(line[:-1], line[1:])
    touches = (high[:, 0] >= south) & (low[:, 0] <= north) & (high[:, 1] >= west) & (low[:, 1] <= east)
    cut = np.abs(line[:, 1] % 360.0 - 180.0) < 1e-9
    touches &= ~(cut[:-1] & cut[1:])
    ends = np.flatnonzero(np.diff(np.concatenate([[False], touches, [False]])))
    return [line[a : b + 1] for a, b in zip(ends[::2], ends[1::2], strict=True)]


@cache
def _shipped() -> Borders:
    with np.load(Path(__file__).with_name("data") / "borders.npz") as file:
        columns, rows = np.cumsum(file["steps"], axis=1)
        (lon_step, lat_step), (lon0, lat0) = file["scale"], file["translate"]
        points = np.column_stack([rows * lat_step + lat0, columns * lon_step + lon0])
        lines = np.split(points, np.cumsum(file["arc_length"])[:-1])
        ends = np.concatenate([[0], np.cumsum(file["ring_length"])])
        arcs = file["ring_arcs"].tolist()
        rings = [(int(c), arcs[a:b]) for c, (a, b) in zip(file["ring_country"], pairwise(ends), strict=True)]
        areas = [Country(str(c), str(n)) for c, n in zip(file["code"], file["name"], strict=True)]
    return Borders(areas, lines, rings)
