"""Terrain files made by the tests."""

import warnings

import numpy as np
import pytest
import rasterio

from skypact.earth.terrain import Terrain


@pytest.fixture
def geotiff(tmp_path):
    """Return a function that writes an array as a GeoTIFF whose north-western corner and cell size are given."""

    def write(name, cells, north=44.0, west=70.0, step=0.1, crs="EPSG:4326", transform=None, **options):
        cells = np.asarray(cells)
        bands = cells if cells.ndim == 3 else cells[None]
        transform = transform or rasterio.Affine(step, 0, west, 0, -step, north)
        size = {"count": bands.shape[0], "height": bands.shape[1], "width": bands.shape[2], "dtype": bands.dtype}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
            with rasterio.open(
                tmp_path / name, "w", driver="GTiff", crs=crs, transform=transform, **size, **options
            ) as dataset:
                dataset.write(bands)
        return tmp_path / name

    return write


@pytest.fixture(scope="session")
def shipped():
    return Terrain.shipped()


@pytest.fixture(scope="session")
def sea():
    """No terrain at all: a smooth earth."""
    return Terrain.open()
