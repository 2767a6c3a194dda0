"""Elevation: posts of real files where they belong, every format, layers, edges, voids."""

import zipfile

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from scipy.io import netcdf_file
from scipy.ndimage import map_coordinates

from skypact.earth.terrain import Terrain
from skypact.errors import FormatError, InputError


def srtm_posts(path):
    with zipfile.ZipFile(path) as archive:
        return np.frombuffer(archive.read(archive.namelist()[0]), ">i2").reshape(1201, 1201)


@pytest.mark.parametrize(("name", "south", "west"), [("N42E076", 42, 76), ("N44W072", 44, -72)])
def test_posts_of_srtm_lie_on_whole_arc_seconds(shared, name, south, west):
    path = shared / f"terrain/{name}.hgt.zip"
    posts = srtm_posts(path).astype(float)
    posts[posts == -32768] = np.nan
    row, column = np.meshgrid(np.arange(0, 1201, 50), np.arange(0, 1201, 40), indexing="ij")
    got = Terrain.open(path).elevation(south + 1 - row / 1200, west + column / 1200)
    # A post beside a void may be lost to rounding; none may be wrong.
    known = ~np.isnan(got)
    assert known.mean() > 0.98
    assert np.abs(got - posts[row, column])[known].max() < 1e-3


def test_hgt_outside_its_zip(shared, tmp_path):
    with zipfile.ZipFile(shared / "terrain/N42E076.hgt.zip") as archive:
        archive.extract("N42E076.hgt", tmp_path)
    inside = Terrain.open(shared / "terrain/N42E076.hgt.zip")
    outside = Terrain.open(tmp_path / "N42E076.hgt")
    assert np.array_equal(inside.layers[0].cells, outside.layers[0].cells, equal_nan=True)


def test_gebco_lies_where_srtm_lies(shared, shipped):
    """A shift of half a cell of 15 arc-seconds any way fits the finer terrain worse."""
    posts = srtm_posts(shared / "terrain/N42E076.hgt.zip").astype(float)
    posts[posts == -32768] = np.nan
    fine = np.nanmean(posts[:1200, :1200].reshape(240, 5, 240, 5), axis=(1, 3))
    # Mean of five posts: its middle is the third.
    lat = 43 - (np.arange(240)[:, None] * 5 + 2) / 1200
    lon = 76 + (np.arange(240)[None, :] * 5 + 2) / 1200

    def misfit(rows, columns):
        return np.nanstd(shipped.elevation(lat + rows / 480, lon + columns / 480) - fine)

    assert misfit(0, 0) < min(misfit(1, 0), misfit(-1, 0), misfit(0, 1), misfit(0, -1))


def test_shipped_terrain_holds_the_cells_of_gebco(shared, shipped):
    with rasterio.open(shared / "terrain/gebco2023_15s_full_66.2-84.4E_36.4-44.7N_zstd.tif") as dataset:
        cells = dataset.read(1)
    assert len(shipped.layers) == 1
    assert np.array_equal(shipped.layers[0].cells, cells)
    assert shipped.elevation(44.7 - 0.5 / 240, 66.2 + 0.5 / 240) == pytest.approx(cells[0, 0], abs=1e-6)
    assert shipped.elevation(36.4 + 10.5 / 240, 84.4 - 3.5 / 240) == pytest.approx(cells[-11, -4], abs=1e-6)


@pytest.mark.parametrize(
    ("place", "lat", "lon", "published", "within"),
    [
        ("Manas", 43.0613, 74.4776, 637, 25),
        ("Almaty", 43.3521, 77.0405, 681, 25),
        ("Osh", 40.6090, 72.7933, 892, 25),
        ("Issyk-Kul, its surface or bed", 42.45, 77.2, 1273, 700),
    ],
)
def test_known_places(shipped, place, lat, lon, published, within):
    assert shipped.elevation(lat, lon) == pytest.approx(published, abs=within), place


def test_bilinear_is_scipys(shipped):
    layer = shipped.layers[0]
    rng = np.random.default_rng(2)
    lat, lon = rng.uniform(36.5, 44.6, 5000), rng.uniform(66.3, 84.3, 5000)
    row = (layer.lat_deg - lat) / layer.lat_step_deg
    column = (lon - layer.lon_deg) / layer.lon_step_deg
    theirs = map_coordinates(layer.cells.astype(float), [row, column], order=1)
    assert np.abs(shipped.elevation(lat, lon) - theirs).max() < 1e-6


def test_edges_and_beyond(geotiff):
    terrain = Terrain.open(geotiff("a.tif", np.array([[10, 20], [30, 40]], np.int16)))
    assert terrain.elevation(43.95, 70.05) == 10
    assert terrain.elevation(43.9, 70.1) == pytest.approx(25)
    assert terrain.elevation(44.0, 70.0) == 10  # the corner of the corner cell
    assert terrain.elevation(43.9, 70.0 + 360) == pytest.approx(20)
    assert np.isnan(terrain.elevation([44.001, 43.9, 43.9, 43.79], [70.1, 69.999, 70.201, 70.1])).all()
    assert np.isnan(terrain.elevation([np.nan, 43.9, 43.9, np.inf], [70.1, np.nan, np.inf, 70.1])).all()
    assert np.ndim(terrain.elevation(43.9, 70.1)) == 0
    assert terrain.elevation([[43.9], [43.95]], [70.05, 70.1, 70.15]).shape == (2, 3)


def test_sea_bed_is_returned_as_it_is(geotiff):
    assert Terrain.open(geotiff("a.tif", np.full((2, 2), -3000, np.int16))).elevation(43.9, 70.1) == -3000


@pytest.mark.parametrize(
    ("cells", "options"),
    [
        (np.array([[10, -32768], [10, 10]], np.int16), {}),
        (np.array([[10, 255], [10, 10]], np.uint8), {"nodata": 255}),
        (np.array([[10, np.nan], [10, 10]], np.float32), {}),
        (np.array([[10, 3.4e38], [10, 10]], np.float32), {}),
        (np.array([[10, -1e300], [10, 10]], np.float64), {}),
        (np.array([[10, -9999], [10, 10]], np.float32), {"nodata": -9999}),
    ],
)
def test_voids(geotiff, cells, options):
    terrain = Terrain.open(geotiff("a.tif", cells, **options))
    assert terrain.elevation(43.95, 70.0) == 10
    assert np.isnan(terrain.elevation(43.94, 70.14))


def test_scaled_values(geotiff):
    path = geotiff("a.tif", np.full((2, 2), 100, np.int16))
    with rasterio.open(path, "r+") as dataset:
        dataset.scales, dataset.offsets = (0.1,), (5.0,)
    assert Terrain.open(path).elevation(43.9, 70.1) == pytest.approx(15)


def test_the_finest_file_that_knows_wins_in_any_order(geotiff):
    coarse = geotiff("coarse.tif", np.full((20, 20), 1, np.int16))
    fine = np.full((20, 20), 2, np.int16)
    fine[:10] = -32768
    fine = geotiff("fine.tif", fine, north=43.5, west=70.5, step=0.01)
    for paths in ((coarse, fine), (fine, coarse)):
        terrain = Terrain.open(*paths)
        assert terrain.elevation([43.35, 43.45, 43.0, 50.0], [70.6, 70.6, 71.0, 71.0]).tolist()[:3] == [2, 1, 1]
        assert np.isnan(terrain.elevation(50, 71))


def test_of_equally_fine_files_the_later_wins(geotiff):
    first = geotiff("first.tif", np.full((4, 4), 1, np.int16))
    later = geotiff("later.tif", np.full((4, 4), 2, np.int16), north=43.8, west=70.2)
    off_the_grid = geotiff("off.tif", np.full((4, 4), 3, np.int16), north=43.85, west=70.25)
    assert Terrain.open(first, later).elevation(43.7, 70.3) == 2
    assert Terrain.open(later, first).elevation(43.7, 70.3) == 1
    assert Terrain.open(first, off_the_grid).elevation(43.7, 70.4) == 3
    assert Terrain.open(off_the_grid, first).elevation(43.7, 70.4) == 1


def test_tiles_are_joined_without_a_seam(geotiff):
    slope = np.arange(12, dtype=np.int16)[None, :] * np.ones((6, 1), np.int16)
    west, east = geotiff("w.tif", slope[:, :6]), geotiff("e.tif", slope[:, 6:], west=70.6)
    terrain = Terrain.open(east, west)
    assert len(terrain.layers) == 1
    assert terrain.layers[0].sources == (str(east), str(west))
    lon = np.linspace(70.05, 71.15, 100)
    assert terrain.elevation(43.7, lon) == pytest.approx((lon - 70.05) / 0.1, abs=1e-5)
    far = geotiff("far.tif", slope, west=-100.0)
    assert len(Terrain.open(west, east, far).layers) == 2


def test_a_model_of_the_whole_earth_has_no_seam(geotiff):
    cells = np.tile(np.arange(36, dtype=np.float32), (18, 1))
    for west in (-180.0, 0.0):
        terrain = Terrain.open(geotiff("globe.tif", cells, north=90.0, west=west, step=10.0))
        assert terrain.elevation(0, [west, west + 360, west - 360]) == pytest.approx([17.5] * 3)
        assert terrain.elevation(0, [west + 2, west - 2]) == pytest.approx([35 * 0.3, 35 * 0.7])
        assert terrain.elevation([90, -90, 88], west + 5) == pytest.approx([0, 0, 0])


def test_netcdf_with_rows_running_north(tmp_path):
    with netcdf_file(tmp_path / "a.nc", "w") as file:
        file.createDimension("lat", 3)
        file.createDimension("lon", 4)
        for name, values in (("lat", [41.0, 42.0, 43.0]), ("lon", [70.0, 71.0, 72.0, 73.0])):
            variable = file.createVariable(name, "f8", (name,))
            variable[:] = values
            variable.units = {"lat": "degrees_north", "lon": "degrees_east"}[name]
        file.createVariable("elevation", "i2", ("lat", "lon"))[:] = np.arange(12).reshape(3, 4) * 100
    terrain = Terrain.open(tmp_path / "a.nc")
    assert terrain.elevation([41, 43, 42.5], [70, 73, 70.5]) == pytest.approx([0, 1100, 650])


def test_south_up_geotiff(geotiff):
    cells = np.array([[1, 2], [3, 4]], np.int16)
    terrain = Terrain.open(geotiff("a.tif", cells, transform=rasterio.Affine(0.1, 0, 70, 0, 0.1, 43)))
    assert terrain.elevation([43.05, 43.15], [70.05, 70.15]) == pytest.approx([1, 4])
    assert Terrain.open(
        geotiff("b.tif", cells, transform=rasterio.Affine(0.1, 0, 70, 0, 0.1, 43)), box=(43.1, 70.0, 43.2, 70.1)
    ).elevation(43.15, 70.05) == pytest.approx(3)


def test_dted(shared, tmp_path):
    source = f"/vsizip/{shared.resolve()}/terrain/N43E076.hgt.zip/N43E076.hgt"
    rasterio.shutil.copy(source, tmp_path / "n43.dt1", driver="DTED")
    srtm, dted = Terrain.open(shared / "terrain/N43E076.hgt.zip"), Terrain.open(tmp_path / "n43.dt1")
    lat, lon = np.linspace(43.1, 43.9, 50), np.linspace(76.1, 76.9, 50)
    assert np.allclose(srtm.elevation(lat, lon), dted.elevation(lat, lon), atol=1e-3, equal_nan=True)


def test_part_of_a_file(shared, shipped):
    path = shared / "terrain/gebco2023_15s_kg_69-80.5E_39-43.5N_cog.tif"
    part = Terrain.open(path, box=(42.0, 74.0, 43.0, 75.0))
    assert max(part.layers[0].cells.shape) <= 244
    lat, lon = np.linspace(42, 43, 100), np.linspace(75, 74, 100)
    assert part.elevation(lat, lon) == pytest.approx(shipped.elevation(lat, lon), abs=1e-6)
    assert Terrain.open(path, box=(0.0, 0.0, 1.0, 1.0)).layers == ()


def test_part_of_a_file_that_counts_longitude_to_360(geotiff):
    cells = np.tile(np.arange(36, dtype=np.float32), (18, 1))
    part = Terrain.open(geotiff("globe.tif", cells, north=90.0, west=0.0, step=10.0), box=(-10, -100, 10, -60))
    assert part.layers[0].cells.shape == (4, 6)
    assert part.elevation(0, [-95, 285]) == pytest.approx([26, 28])


def test_no_terrain(sea):
    assert np.isnan(sea.elevation(43, 74))


SOME = np.arange(100, dtype=np.int16).reshape(10, 10)
NOISE = np.random.default_rng(1).integers(0, 9000, (200, 200), np.int16)
TURNED = rasterio.Affine(0.1, 0.02, 70, 0, -0.1, 44)
NOWHERE = rasterio.Affine.identity()


@pytest.mark.parametrize(
    ("make", "kind", "words"),
    [
        (lambda d, _: d, InputError, "is a directory; name the terrain files inside it"),
        (lambda d, _: d / "none.tif", InputError, "no such file"),
        (lambda d, _: wrote(d / "text.tif", b"not a tif\n" * 99), FormatError, "is not a terrain file"),
        (lambda d, _: wrote(d / "empty.tif", b""), FormatError, "is not a terrain file"),
        (lambda d, _: wrote(d / "N42E076.hgt", b"short"), FormatError, "is not a terrain file"),
        (lambda d, _: wrote(d / "a.vrt", b"<VRTDataset/>"), FormatError, "is not a terrain file"),
        (lambda d, _: wrote(d / "a.zip", b"PK\x03\x04 no archive"), FormatError, "is not a zip archive"),
        (lambda d, _: zipped(d / "b.zip", "readme.txt"), FormatError, "holds no terrain file"),
        (lambda d, _: zipped(d / "c.zip", "N42E076.hgt"), FormatError, "is not a terrain file"),
        (lambda _, t: cut(t("cut.tif", NOISE)), FormatError, "is cut short"),
        (lambda _, t: t("a.tif", SOME, crs=None, transform=NOWHERE), FormatError, "not say where"),
        (lambda _, t: t("a.tif", SOME, transform=TURNED), FormatError, "not say where"),
        (lambda _, t: t("a.tif", SOME, crs="EPSG:32643", step=30, north=4.7e6, west=5e5), FormatError, "rio warp"),
        (lambda _, t: t("a.tif", SOME, step=1e-12), FormatError, "has cells of 1e-12 degrees"),
        (lambda _, t: t("a.tif", np.zeros((3, 4, 4), np.uint8)), FormatError, "has 3 bands"),
        (lambda _, t: t("a.tif", SOME.astype(np.complex64)), FormatError, "holds complex64"),
    ],
)  # fmt: skip
def test_files_that_are_no_terrain(tmp_path, geotiff, capfd, make, kind, words):
    path = make(tmp_path, geotiff)
    with pytest.raises(kind, match=words) as caught:
        Terrain.open(path)
    assert caught.value.path == str(path)
    assert caught.value.hint
    assert capfd.readouterr() == ("", "")


def test_a_file_too_large_to_hold(tmp_path):
    size = {"count": 1, "height": 100_000, "width": 100_000, "dtype": "int16"}
    transform = rasterio.Affine(1e-4, 0, 70, 0, -1e-4, 44)
    with rasterio.open(
        tmp_path / "huge.tif", "w", driver="GTiff", crs="EPSG:4326", transform=transform, sparse_ok=True,
        tiled=True, blockxsize=4096, blockysize=4096, **size,
    ):  # fmt: skip
        pass
    with pytest.raises(InputError, match=r"10,000 million cells, more than 500 million; read a part of it \(box=\)"):
        Terrain.open(tmp_path / "huge.tif")
    assert max(Terrain.open(tmp_path / "huge.tif", box=(43.9, 70.0, 43.95, 70.05)).layers[0].cells.shape) <= 504


def wrote(path, content):
    path.write_bytes(content)
    return path


def zipped(path, member):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, "nothing")
    return path


def cut(path):
    return wrote(path, path.read_bytes()[:20_000])
