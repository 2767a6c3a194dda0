"""Elevation rasters from files: any GeoTIFF, .hgt, DTED or netCDF on a grid of latitude and longitude."""

from __future__ import annotations

import contextlib
import math
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window

from skypact.errors import FormatError, InputError

Box = tuple[float, float, float, float]

DRIVERS = ("GTiff", "SRTMHGT", "DTED", "netCDF")
"""Formats that are read. Others stay shut: some of GDAL's name further files or addresses and would open those."""

SUFFIXES = (".tif", ".tiff", ".hgt", ".dt0", ".dt1", ".dt2", ".nc")

MAX_CELLS = 500_000_000
"""Cells held at once, 2 GB of float32."""

SMALLEST_CELL_DEG = 1e-6
"""A tenth of a metre; finer cells would make a line of sight endless, and are an error of the file."""

VOID = -32768
"""Marks a cell without elevation in SRTM and DTED, whether or not the file says so."""

HIGHEST_M = 12_000.0
"""Beyond this, up or down, a number is no elevation of this planet but an undeclared mark for void."""

WHOLE_EARTH: Box = (-90.0, -540.0, 90.0, 540.0)


@dataclass(frozen=True, slots=True)
class Raster:
    """Elevations at the centres of cells.

    Attributes
    ----------
    lat_deg, lon_deg : float
        Centre of the first cell, which is the north-western one.
    lat_step_deg, lon_step_deg : float
        Distance between centres, positive; rows run south, columns east.
    cells : float32 array, shape (rows, columns)
        Metres above mean sea level, NaN where unknown.
    sources : tuple of str
        The files they came from.
    """

    lat_deg: float
    lon_deg: float
    lat_step_deg: float
    lon_step_deg: float
    cells: NDArray[np.float32]
    sources: tuple[str, ...]


def read(paths: Sequence[str | PathLike[str]], box: Box | None) -> list[Raster]:
    """Return the rasters of all files, finest first, those that continue each other joined.

    Raises
    ------
    InputError, FormatError
        A file that is absent, damaged, of another format, on a projected grid, or too large.
    """
    rasters: list[Raster] = []
    for path in paths:
        for name in _names(Path(path)):
            rasters += _read_one(name, fspath(path), box or WHOLE_EARTH, sum(r.cells.size for r in rasters))
    # Of rasters equally fine the later wins: sorting keeps their order, so it is turned before.
    joined = _join(rasters)[::-1]
    return sorted(joined, key=lambda r: r.lat_step_deg * r.lon_step_deg)


def _names(path: Path) -> Iterator[str]:
    """Yield what to ask GDAL for: the file, or the rasters inside a zip archive."""
    if path.is_dir():
        raise InputError("is a directory", path=path, hint="name the terrain files inside it")
    if not path.is_file():
        raise InputError("no such file", path=path, hint="check the path")
    if path.suffix.lower() != ".zip":
        yield fspath(path)
        return
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.namelist() if m.lower().endswith(SUFFIXES)]
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise FormatError("is not a zip archive, or is damaged", path=path, hint="download it again") from error
    if not members:
        raise FormatError(f"holds no terrain file ({', '.join(SUFFIXES)})", path=path, hint="unpack it and look")
    for member in members:
        yield f"/vsizip/{path.resolve()}/{member}"


def _read_one(name: str, path: str, box: Box, held: int) -> list[Raster]:
    with _open(name, path) as dataset:
        _check(dataset, path)
        transform = dataset.transform
        south_up = transform.e > 0
        top = transform.f + (dataset.height * transform.e if south_up else 0.0)
        dlat, dlon = abs(transform.e), transform.a
        south, west, north, east = box
        # One cell more than the box on each side, so that interpolation reaches its edges.
        first_row, last_row = _cut(dataset.height, (top - north) / dlat, (top - south) / dlat)
        first_column, last_column = max(
            (_cut(dataset.width, (west - left) / dlon, (east - left) / dlon) for left in _turns(transform.c)),
            key=lambda cut: cut[1] - cut[0],
        )
        height, width = last_row - first_row, last_column - first_column
        if height < 1 or width < 1:
            return []
        if held + height * width > MAX_CELLS:
            raise InputError(
                f"brings the terrain to {(held + height * width) / 1e6:,.0f} million cells, "
                f"more than {MAX_CELLS / 1e6:,.0f} million",
                path=path,
                hint="read a part of it (box=), fewer files or a coarser one",
            )
        window_row = dataset.height - last_row if south_up else first_row
        try:
            band = dataset.read(1, window=Window(first_column, window_row, width, height))
        except (RasterioError, OSError, ValueError) as error:
            raise FormatError("is cut short or damaged", path=path, hint="download it again") from error
        cells = _elevations(band, dataset.nodata, dataset.scales[0], dataset.offsets[0])
    if south_up:
        cells = np.ascontiguousarray(cells[::-1])
    # GDAL's transform leads to the corners of cells, of node-centred files too: posts are half a cell further in.
    lat = top - (first_row + 0.5) * dlat
    lon = transform.c + (first_column + 0.5) * dlon
    return [Raster(lat, lon, dlat, dlon, cells, (path,))]


def _cut(size: int, first: float, last: float) -> tuple[int, int]:
    """Return the range of cells, of `size`, that covers a range of coordinates counted in cells."""
    return min(max(math.floor(first) - 1, 0), size), min(max(math.ceil(last) + 1, 0), size)


def _turns(lon: float) -> tuple[float, float, float]:
    """Return a longitude in the turn it is given in, and in the ones on either side: some files count from 0 to 360."""
    return lon, lon - 360.0, lon + 360.0


def _open(name: str, path: str) -> rasterio.DatasetReader:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # `_check` makes it an error
        for driver in DRIVERS:
            with contextlib.suppress(RasterioError, OSError, ValueError):
                return rasterio.open(name, driver=driver)
    raise FormatError(
        "is not a terrain file that can be read",
        path=path,
        hint="give a GeoTIFF, DTED, netCDF or .hgt file (named as N42E076.hgt)",
    )


def _check(dataset: rasterio.DatasetReader, path: str) -> None:
    """Raise unless the dataset is one band of numbers on a grid of latitude and longitude."""
    if dataset.count != 1:
        raise FormatError(
            f"has {dataset.count} bands where terrain has one", path=path, hint="save the elevation as a GeoTIFF"
        )
    if np.dtype(dataset.dtypes[0]).kind not in "iuf":
        raise FormatError(f"holds {dataset.dtypes[0]}, not elevations", path=path, hint="give elevations in metres")
    transform = dataset.transform
    geographic = dataset.crs is None or dataset.crs.is_geographic
    numbers = (transform.a, transform.c, transform.e, transform.f)
    bottom = transform.f + dataset.height * transform.e
    if not geographic or not all(map(math.isfinite, numbers)) or max(abs(transform.f), abs(bottom)) > 91.0:
        raise FormatError(
            "is not on a grid of latitude and longitude",
            path=path,
            hint="convert it with: rio warp IN OUT --dst-crs EPSG:4326",
        )
    smallest = min(abs(transform.a), abs(transform.e))
    if 0.0 < smallest < SMALLEST_CELL_DEG:
        raise FormatError(f"has cells of {smallest} degrees", path=path, hint="check its georeference")
    if transform.is_identity or transform.b or transform.d or transform.a <= 0.0 or transform.e == 0.0:
        raise FormatError("does not say where on earth it lies", path=path, hint="give a georeferenced file")


def _elevations(band: NDArray[np.generic], nodata: float | None, scale: float, offset: float) -> NDArray[np.float32]:
    """Return metres, NaN where the file has none."""
    void = band == VOID
    if nodata is not None:
        void |= band == nodata
    with np.errstate(over="ignore", invalid="ignore"):  # what is too large for an elevation is void below
        cells = band.astype(np.float32)
        if (scale, offset) != (1.0, 0.0):
            cells = (cells * scale + offset).astype(np.float32)
    void |= ~(np.abs(cells) <= HIGHEST_M)
    cells[void] = np.nan
    return cells


def _join(rasters: Sequence[Raster]) -> list[Raster]:
    """Return rasters with those on one grid that lie together joined, so that no seam is left between tiles."""
    groups: list[list[Raster]] = []
    for raster in rasters:
        for group in groups:
            if _continues(group, raster):
                group.append(raster)
                break
        else:
            groups.append([raster])
    return [group[0] if len(group) == 1 else _paste(group) for group in groups]


def _continues(group: Sequence[Raster], raster: Raster) -> bool:
    """Tell whether a raster lies on the grid of a group, and a common array would not be mostly empty."""
    first = group[0]
    if not math.isclose(first.lat_step_deg, raster.lat_step_deg, rel_tol=1e-7):
        return False
    if not math.isclose(first.lon_step_deg, raster.lon_step_deg, rel_tol=1e-7):
        return False
    rows = (first.lat_deg - raster.lat_deg) / first.lat_step_deg
    columns = (raster.lon_deg - first.lon_deg) / first.lon_step_deg
    if max(abs(rows - round(rows)), abs(columns - round(columns))) > 1e-2:
        return False
    height, width = _extent([*group, raster])[2:]
    return height * width <= 2 * (raster.cells.size + sum(r.cells.size for r in group))


def _extent(group: Sequence[Raster]) -> tuple[int, int, int, int]:
    """Return the first row and column, counted on the grid of the first raster, and the size of the common array."""
    first = group[0]
    places = [_place(first, r) for r in group]
    row = min(p[0] for p in places)
    column = min(p[1] for p in places)
    height = max(p[0] + r.cells.shape[0] for p, r in zip(places, group, strict=True)) - row
    width = max(p[1] + r.cells.shape[1] for p, r in zip(places, group, strict=True)) - column
    return row, column, height, width


def _place(first: Raster, raster: Raster) -> tuple[int, int]:
    return (
        round((first.lat_deg - raster.lat_deg) / first.lat_step_deg),
        round((raster.lon_deg - first.lon_deg) / first.lon_step_deg),
    )


def _paste(group: Sequence[Raster]) -> Raster:
    first = group[0]
    row, column, height, width = _extent(group)
    cells = np.full((height, width), np.nan, np.float32)
    for raster in group:
        r, c = _place(first, raster)
        part = cells[r - row : r - row + raster.cells.shape[0], c - column : c - column + raster.cells.shape[1]]
        np.copyto(part, raster.cells, where=~np.isnan(raster.cells))
    return Raster(
        first.lat_deg - row * first.lat_step_deg,
        first.lon_deg + column * first.lon_step_deg,
        first.lat_step_deg,
        first.lon_step_deg,
        cells,
        tuple(source for raster in group for source in raster.sources),
    )
