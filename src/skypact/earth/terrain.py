"""Terrain: elevation from digital models of any resolution, and line of sight over it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skypact.earth import _kernels, _raster
from skypact.earth._raster import Raster
from skypact.earth.refraction import STANDARD_K
from skypact.errors import MisuseError

__all__ = ["LineOfSight", "Terrain"]


LARGEST_K = 1000.0


class LineOfSight(NamedTuple):
    """Whether positions see each other.

    Attributes
    ----------
    visible : bool, or bool array
        The ray touches no terrain; false where a position or altitude is unknown.
    clearance_m : float, or float64 array
        The least height of the ray above the terrain, both ends included; negative where it runs into it.
    """

    visible: NDArray[np.bool_]
    clearance_m: NDArray[np.float64]


class Terrain:
    """Ground elevation above mean sea level, from one or several digital models laid over each other.

    Make one with `Terrain.open` or `Terrain.shipped`. Where models overlap the finest that knows a point counts; of
    equally fine ones the later. Between the centres of cells elevation is bilinear, and within half a cell of the edge
    of a model it is that of the edge.

    Attributes
    ----------
    layers : tuple of Raster
        The models, finest first; files that continue each other on one grid are one layer.
    """

    def __init__(self, layers: tuple[Raster, ...]) -> None:
        parts = [r.cells.ravel() for r in layers]
        cells = parts[0] if len(parts) == 1 else np.concatenate([np.empty(0, np.float32), *parts])
        ends = np.cumsum([len(part) for part in parts], dtype=np.int64)
        starts = np.concatenate([np.zeros(1, np.int64), ends])[:-1]
        # The layers look into the one array, so that it is held once.
        self.layers = tuple(
            replace(r, cells=cells[a:b].reshape(r.cells.shape)) for r, a, b in zip(layers, starts, ends, strict=True)
        )
        steps = [(r.lat_deg, _one_turn(r.lon_deg), 1.0 / r.lat_step_deg, 1.0 / r.lon_step_deg) for r in layers]
        shapes = np.array([r.cells.shape for r in layers], np.int64).reshape(-1, 2)
        self._packed: _kernels.Layers = (
            cells,
            np.array(steps, np.float64).reshape(-1, 4),
            np.column_stack([starts, shapes]),
        )

    @classmethod
    def open(cls, *paths: str | PathLike[str], box: tuple[float, float, float, float] | None = None) -> Terrain:
        """Read terrain files.

        Parameters
        ----------
        *paths : path
            GeoTIFF (also cloud-optimised), SRTM .hgt, DTED or netCDF on a grid of latitude and longitude, each also
            inside a .zip. Without any, the terrain is unknown everywhere, which line of sight takes for the sea.
        box : (south, west, north, east), optional
            Read only this part, degrees. Of a file that ends within the box, what lies in it is read.

        Raises
        ------
        InputError, FormatError
            A file that is absent, damaged, of another format, on a projected grid, or too large to hold.
        """
        return cls(tuple(_raster.read(paths, box)))

    @classmethod
    def shipped(cls) -> Terrain:
        """Return the terrain in this package: GEBCO_2023, 15 arc-seconds, 66.2-84.4 E 36.4-44.7 N, read once.

        It covers Kyrgyzstan, southern Kazakhstan, Tajikistan and eastern Uzbekistan. Cells of 460 m cut peaks: Pik
        Pobedy is 6,985 m in it and 7,439 m high, so line of sight across sharp ridges is a little generous.
        """
        return _shipped()

    def elevation(self, lat: ArrayLike, lon: ArrayLike) -> NDArray[np.float64]:
        """Return the ground's elevation above mean sea level in metres, NaN where no model knows it.

        Parameters
        ----------
        lat, lon : float or array
            Degrees; they broadcast against each other. Sea beds are below zero where the model has them.
        """
        lat, lon = np.broadcast_arrays(np.asarray(lat, np.float64), np.asarray(lon, np.float64))
        return _kernels.elevations(lat.ravel(), _one_turn(lon).ravel(), self._packed).reshape(lat.shape)[()]

    def line_of_sight(
        self,
        lat1: ArrayLike,
        lon1: ArrayLike,
        alt1_m: ArrayLike,
        lat2: ArrayLike,
        lon2: ArrayLike,
        alt2_m: ArrayLike,
        k: float = STANDARD_K,
    ) -> LineOfSight:
        """Tell whether positions see each other over the terrain.

        The ray is straight over a sphere of `k` times the earth's radius of curvature along the path, which stands for
        refraction; the terrain below it is sampled along the geodesic twice a cell, and four times near both ends.
        Seen from either end the answer is the same.

        Parameters
        ----------
        lat1, lon1, lat2, lon2 : float or array
            Degrees; all six positions broadcast against each other, so one end may be a single radar.
        alt1_m, alt2_m : float or array
            Altitudes above mean sea level. An end below the terrain model sees nothing.
        k : float
            Factor of the effective earth radius; 1 is no refraction, 1,000 (the most) as good as a flat earth.

        Returns
        -------
        LineOfSight
            `visible` and `clearance_m`, of the broadcast shape.

        Raises
        ------
        MisuseError
            A factor `k` out of its range.

        Notes
        -----
        Ground below sea level counts as the sea's surface, for models hold the sea bed; where an end itself lies below
        sea level, as on the Caspian shore, only what lies 30 m lower still does. Unknown ground counts as the sea.
        Altitudes are taken as heights above the ellipsoid: the geoid is as good as parallel to it along a path.
        """
        if not 0.0 < k <= LARGEST_K:
            raise MisuseError(f"the factor of the effective earth radius is {k}, not in (0, {LARGEST_K:.0f}]; try 4/3")
        ends = np.broadcast_arrays(*(np.asarray(v, np.float64) for v in (lat1, lon1, alt1_m, lat2, lon2, alt2_m)))
        shape = ends[0].shape
        lat1, lon1, alt1_m, lat2, lon2, alt2_m = (end.ravel() for end in ends)
        lon1, lon2 = _one_turn(lon1), _one_turn(lon2)
        clearance = _kernels.ray_clearances(
            np.radians(lat1), np.radians(lon1), alt1_m, np.radians(lat2), np.radians(lon2), alt2_m, k, self._packed
        ).reshape(shape)[()]
        return LineOfSight(clearance >= 0.0, clearance)


def _one_turn(lon: ArrayLike) -> NDArray[np.float64]:
    """Return longitudes in [-180, 180)."""
    with np.errstate(invalid="ignore"):  # an infinite longitude is no place
        return np.mod(np.add(lon, 180.0), 360.0) - 180.0


@cache
def _shipped() -> Terrain:
    data = Path(__file__).with_name("data")
    return Terrain.open(*sorted(data.glob("gebco_2023_*.tif")))
