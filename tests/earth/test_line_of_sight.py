"""Line of sight: the smooth earth in closed form, published values over real terrain, a plain twin, properties."""

import csv
import tomllib

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod
from scipy.ndimage import map_coordinates

from skypact.earth import frames, geodesic
from skypact.earth.refraction import STANDARD_K
from skypact.earth.terrain import Terrain
from skypact.errors import MisuseError

MANAS = (43.0613, 74.4776)


@pytest.fixture(scope="module")
def facts(shared):
    return tomllib.loads((shared.parent / "facts/facts.toml").read_text())["reference"]


@pytest.mark.parametrize("azimuth", [0, 45, 90])
def test_horizon_of_a_smooth_earth(sea, facts, azimuth):
    """sqrt(2 k R h1) + sqrt(2 k R h2), tabulated for the mean radius; the true one varies by 0.6 % with direction."""
    table = facts["horizon_4_3"]
    for target_m, km in table["rows"]:
        lat, lon, _ = geodesic.direct(*MANAS, azimuth, np.array([0.99, 1.01]) * km * 1000)
        assert sea.line_of_sight(*MANAS, table["antenna_m"], lat, lon, target_m).visible.tolist() == [True, False]


def test_the_horizon_is_where_the_ray_touches_the_sphere(sea):
    """acos(R / (R + h1)) + acos(R / (R + h2)) on the equator, where the radius along it is exactly a."""
    effective = STANDARD_K * 6378137.0
    for high, low in [(10.0, 10.0), (50.0, 3000.0), (1000.0, 12_000.0), (10.0, 100_000.0)]:
        arc = STANDARD_K * np.degrees(
            np.arccos(effective / (effective + high)) + np.arccos(effective / (effective + low))
        )
        edge = sea.line_of_sight(0, 0, high, 0, [0.9999 * arc, arc, 1.0001 * arc], low)
        assert edge.clearance_m[0] > 0 > edge.clearance_m[2]
        assert edge.clearance_m[1] == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize(
    ("lat1", "lon1", "alt1", "lat2", "lon2", "alt2"),
    [
        (43, 74, 3000, 45, 76, 3000),
        (0, 0, 9000, 0, 5, 9000),
        (-60, 179, 9000, -57, -178, 7000),
        (88, 0, 9000, 88, 150, 9000),
        (43, 74, 20_000, 35, 60, 35_786_000),
        (10, 10, 8000, 13, 10, 8000),
    ],
)
def test_without_refraction_the_ray_is_the_chord_in_space(sea, lat1, lon1, alt1, lat2, lon2, alt2):
    a, b = (np.array(frames.geodetic2ecef(*end)) for end in ((lat1, lon1, alt1), (lat2, lon2, alt2)))
    heights = frames.ecef2geodetic(*(a[:, None] + np.linspace(0, 1, 20_001) * (b - a)[:, None]))[2]
    clearance = sea.line_of_sight(lat1, lon1, alt1, lat2, lon2, alt2, k=1.0).clearance_m
    assert clearance == pytest.approx(heights.min(), abs=2.0)


@pytest.fixture(scope="module")
def airports(shared):
    with (shared / "facilities/airports_region.csv").open(encoding="utf-8") as file:
        return {row["icao"]: (float(row["lat"]), float(row["lon"])) for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def globe(shared, tmp_path_factory):
    with np.load(shared / "terrain/globe30s_37-50N_66-84E.npz") as file:
        cells = file["elev"]
    path = tmp_path_factory.mktemp("globe") / "globe.tif"
    size = {"height": cells.shape[0], "width": cells.shape[1], "count": 1, "dtype": cells.dtype}
    transform = rasterio.Affine(1 / 120, 0, 66, 0, -1 / 120, 50)
    with rasterio.open(path, "w", driver="GTiff", crs="EPSG:4326", transform=transform, **size) as dataset:
        dataset.write(cells, 1)
    return Terrain.open(path)


def least_visible_altitude(terrain, here, antenna_m, there):
    altitudes = np.arange(0.0, 30_000.0, 5.0)
    visible = terrain.line_of_sight(*here, antenna_m, *there, altitudes).visible
    first = int(np.argmax(visible))
    assert visible[first:].all()
    return altitudes[first]


def test_least_visible_altitudes_of_the_reference_table(facts, airports, globe, shipped, sea):
    """The table was made with GLOBE and allows 5 %; GEBCO, twice as fine, keeps ridges that GLOBE cuts."""
    for origin, target, km, over_terrain, smooth in facts["terrain_min_visible"]["rows"]:
        here, there = airports[origin], airports[target]
        assert geodesic.inverse(*here, *there)[0] == pytest.approx(km * 1000, abs=1000)
        least = least_visible_altitude(globe, here, globe.elevation(*here) + 20, there)
        assert least == pytest.approx(over_terrain, rel=0.05), (origin, target)
        least = least_visible_altitude(shipped, here, shipped.elevation(*here) + 20, there)
        assert least == pytest.approx(over_terrain, rel=0.15), (origin, target)
        assert least_visible_altitude(sea, here, 20, there) == pytest.approx(smooth, rel=0.02), (origin, target)


def plain_clearance(layer, lat1, lon1, alt1, lat2, lon2, alt2, k):
    """The same in NumPy: 8,000 samples on the geodesic by PROJ, elevation by SciPy, the ray by the law of sines."""
    geod = Geod(ellps="WGS84")
    azimuth, _, length = geod.inv(lon1, lat1, lon2, lat2)
    x = np.linspace(0, length, 8001)
    lon, lat, back = geod.fwd(*(np.full(8001, v) for v in (lon1, lat1, azimuth)), x)
    row = (layer.lat_deg - lat) / layer.lat_step_deg
    column = (lon - layer.lon_deg) / layer.lon_step_deg
    ground = map_coordinates(layer.cells, [row, column], order=1, output=float)
    e2 = geod.es
    w2 = 1 - e2 * np.sin(np.radians(lat[4000])) ** 2
    across = geod.a / np.sqrt(w2)
    meridian = across * (1 - e2) / w2
    towards = np.radians(back[4000])
    radius = k / (np.cos(towards) ** 2 / meridian + np.sin(towards) ** 2 / across)
    r1, r2, angle = radius + alt1, radius + alt2, length / radius
    ray = r1 * r2 * np.sin(angle) / (r1 * np.sin(x / radius) + r2 * np.sin(angle - x / radius)) - radius
    return (ray - np.maximum(ground, 0)).min()


def test_the_plain_twin_agrees(shipped):
    rng = np.random.default_rng(3)
    differences = []
    for _ in range(150):
        lat1, lat2 = rng.uniform(38, 44, 2)
        lon1, lon2 = rng.uniform(68, 82, 2)
        alt1, alt2 = rng.uniform(0, 3000), rng.uniform(0, 12_000)
        alt1 += shipped.elevation(lat1, lon1)
        k = rng.choice([1.0, 4 / 3])
        ours = shipped.line_of_sight(lat1, lon1, alt1, lat2, lon2, alt2, k=k).clearance_m
        differences.append(ours - plain_clearance(shipped.layers[0], lat1, lon1, alt1, lat2, lon2, alt2, k))
    # What remains is ground between the samples: 2 m in the median, 40 m at a sharp ridge.
    assert np.median(np.abs(differences)) < 3
    assert np.percentile(np.abs(differences), 95) < 20
    assert np.max(np.abs(differences)) < 50


@settings(max_examples=200)
@given(
    st.floats(37, 44.5), st.floats(67, 84), st.floats(-100, 30_000),
    st.floats(37, 44.5), st.floats(67, 84), st.floats(-100, 30_000),
)  # fmt: skip
def test_seen_from_either_end_it_is_the_same(shipped, lat1, lon1, alt1, lat2, lon2, alt2):
    there = shipped.line_of_sight(lat1, lon1, alt1, lat2, lon2, alt2)
    back = shipped.line_of_sight(lat2, lon2, alt2, lat1, lon1, alt1)
    assert there.clearance_m == pytest.approx(back.clearance_m, abs=1e-5)


@given(st.floats(37, 44.5), st.floats(67, 84), st.floats(0, 20_000), st.floats(0, 1e4), st.floats(1, 3))
def test_higher_and_more_bent_sees_more(shipped, lat, lon, altitude, rise, k):
    here = (*MANAS, shipped.elevation(*MANAS) + 20)
    low = shipped.line_of_sight(*here, lat, lon, altitude)
    assert shipped.line_of_sight(*here, lat, lon, altitude + rise).clearance_m >= low.clearance_m - 1e-6
    bent = shipped.line_of_sight(*here, lat, lon, altitude, k=k * 4 / 3)
    assert bent.clearance_m >= low.clearance_m - 1e-6


@given(
    st.floats(-90, 90), st.floats(-360, 360), st.floats(-400, 1e8), st.floats(-90, 90), st.floats(-360, 360),
    st.floats(-400, 1e8), st.floats(0.1, 1000),
)  # fmt: skip
def test_no_two_places_on_earth_are_too_much(sea, lat1, lon1, alt1, lat2, lon2, alt2, k):
    visible, clearance = sea.line_of_sight(lat1, lon1, alt1, lat2, lon2, alt2, k=k)
    assert np.isfinite(clearance)
    assert clearance <= max(30, min(alt1, alt2)) + 1e-6
    assert visible == (clearance >= 0)


@pytest.mark.parametrize("k", [0.5, 1.0, STANDARD_K, 1000.0])
def test_nothing_is_seen_through_the_earth(sea, k):
    lat, lon = np.array([-43, -43.0001, -40, -46]), np.array([-106, -105.9999, -110, -106])
    assert not sea.line_of_sight(43, 74, 1e6, lat, lon, [[0], [1e5], [1e6]], k=k).visible.any()
    assert not sea.line_of_sight(90, 0, 1e6, -90, 0, 1e6, k=k).visible


def wall(geotiff, **options):
    """A wall of 500 m along 71 E on a plain at 0 m, cells of 0.01 degrees."""
    cells = np.zeros((200, 200), np.int16)
    cells[:, 100] = 500
    return Terrain.open(geotiff("wall.tif", cells, step=0.01, **options))


def test_a_wall_in_the_middle(geotiff):
    terrain = wall(geotiff)
    lon = 71.005  # the crest
    # 16 km on either side on the parallel: the ray sags 16 km^2 / 2 k R = 15 m there.
    sight = terrain.line_of_sight(43, lon - 0.2, [480, 530], 43, lon + 0.2, [500, 530])
    half_m = geodesic.inverse(43, lon - 0.2, 43, lon)[0]
    sag = half_m**2 / (2 * STANDARD_K * 6385e3)
    assert sight.clearance_m == pytest.approx([490 - sag - 500, 530 - sag - 500], abs=1)
    assert sight.visible.tolist() == [False, True]


def test_a_wall_one_cell_high_is_never_stepped_over(geotiff):
    terrain = wall(geotiff)
    rng = np.random.default_rng(4)
    lat1, lat2 = rng.uniform(42.2, 43.8, (2, 500))
    sight = terrain.line_of_sight(lat1, rng.uniform(70.1, 70.98, 500), 200, lat2, rng.uniform(71.03, 71.9, 500), 200)
    assert not sight.visible.any()


def test_a_fine_model_over_a_coarse_one_counts(geotiff):
    coarse = geotiff("coarse.tif", np.zeros((20, 20), np.int16), step=0.1)
    cells = np.zeros((100, 100), np.int16)
    cells[:, 50] = 500
    fine = geotiff("fine.tif", cells, step=0.001, north=43.05, west=70.95)
    ends = (43, 70.8, 200, 43, 71.2, 200)
    assert Terrain.open(coarse).line_of_sight(*ends).visible
    assert not Terrain.open(coarse, fine).line_of_sight(*ends).visible


def test_sea_beds_do_not_open_the_horizon(geotiff, sea):
    deep = Terrain.open(geotiff("deep.tif", np.full((40, 40), -4000, np.int16)))
    ends = (43, 70.5, 20, 43, np.linspace(70.6, 73.5, 30), 20)
    assert deep.line_of_sight(*ends).clearance_m == pytest.approx(sea.line_of_sight(*ends).clearance_m, abs=0.1)


def test_below_sea_level_beside_the_caspian(geotiff):
    shore = Terrain.open(geotiff("caspian.tif", np.full((40, 40), -28, np.int16)))
    near = geodesic.direct(43, 71, 90, 20_000)
    assert shore.line_of_sight(43, 71, -8, *near[:2], 100).visible
    # 20 m up on either side: the horizon of a smooth earth is 2 x 18.4 km away.
    assert shore.line_of_sight(43, 71, -8, *geodesic.direct(43, 71, 90, [36_000, 38_000])[:2], -8).visible.tolist() == [
        True,
        False,
    ]


def test_the_same_place_and_straight_up(geotiff):
    terrain = Terrain.open(geotiff("a.tif", np.full((4, 4), 700, np.int16)))
    assert terrain.line_of_sight(43.9, 70.1, 720, 43.9, 70.1, [9000, 690]).clearance_m.tolist() == [20, -10]
    assert terrain.line_of_sight(43.9, 70.1, 720, 43.9, 70.1 + 1e-4, 9000).clearance_m == pytest.approx(20)


def test_an_unknown_end_is_not_visible(sea):
    for position in ((np.nan, 74, 1), (43, np.nan, 1), (43, 74, np.nan), (43, np.inf, 1), (43, 74, np.inf)):
        visible, clearance = sea.line_of_sight(43, 75, 9000, *position)
        assert not visible
        assert np.isnan(clearance)


def test_shapes(sea):
    assert np.ndim(sea.line_of_sight(43, 74, 100, 44, 75, 5000).visible) == 0
    assert sea.line_of_sight(43, 74, 100, [[44], [45]], [75, 76, 77], 5000).clearance_m.shape == (2, 3)
    assert sea.line_of_sight(43, 74, 100, [], [], []).visible.shape == (0,)


@pytest.mark.parametrize("k", [0, -1, np.nan, np.inf, 1001])
def test_a_factor_that_is_none(sea, k):
    with pytest.raises(MisuseError, match=r"not in \(0, 1000\]; try 4/3"):
        sea.line_of_sight(43, 74, 100, 44, 75, 5000, k=k)
