"""The geoid against published values of EGM2008."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skypact.earth import geoid

# Undulations every 15' around Mount Everest, 27-29 N (rows northward) and 86-88 E, by GeographicLib's GeoidEval with
# egm2008-5: the steepest geoid there is, and all of them on nodes of the grid.
EVEREST = """
-59.0792 -56.6371 -54.1431 -52.4802 -51.2317 -50.5179 -49.0459 -47.7531 -46.6797
-53.2065 -50.4496 -48.2509 -46.6968 -45.1284 -45.7445 -44.0785 -43.7715 -41.3405
-46.6186 -43.7974 -40.7869 -39.9588 -39.1944 -40.6432 -39.3140 -38.5434 -35.8274
-40.6205 -37.7329 -33.8096 -32.4031 -31.8487 -34.4831 -35.1230 -33.2070 -31.1742
-33.4156 -31.9155 -29.4547 -27.7885 -27.7842 -30.1479 -31.3484 -30.0505 -29.4012
-27.9252 -27.4082 -27.2759 -26.9595 -27.5260 -29.2267 -29.8930 -29.7219 -29.9680
-27.4609 -27.2033 -27.7463 -28.3188 -28.7865 -29.4333 -30.0731 -30.3827 -30.3924
-27.4401 -28.2275 -28.8369 -29.0017 -29.1746 -29.5455 -29.7771 -30.3264 -30.7839
-28.5123 -29.4170 -29.8756 -29.6032 -29.6844 -30.0861 -30.4491 -31.1609 -31.7481
"""


def test_nodes_where_the_geoid_is_steepest():
    published = np.array(EVEREST.split(), float).reshape(9, 9)
    steps = np.arange(9) / 4
    error = geoid.undulation_m(27 + steps[:, None], 86 + steps[None, :]) - published
    assert np.std(error) < 0.04
    assert np.abs(error).max() < 0.12


@pytest.mark.parametrize(
    ("lat", "lon", "published"),
    [
        # NGA's test of its interpolation program for EGM2008 (output.dat).
        (37.0, 241.0, -26.151),
        (37.0, -119.0, -26.151),
        (36.0, 242.983333, -29.171),
        (90.0, 0.0, 14.899),
        (-90.0, 359.983333, -30.150),
        (-90.0, 0.0, -30.150),
        # GeographicLib's GeoidEval, egm2008-1 and egm2008-5; the last two are the extremes of the earth.
        (0.0, 0.0, 17.226),
        (20.0, 50.0, -30.7048),
        (48.0, 36.0, 20.0251),
        (51.397, 30.078, 24.0251),
        (-48.7, 47.0, 45.105),
        (-2.2, -148.3, 10.947),
        (5.4, 67.6, -86.595),
        (38.31, 154.37, 5.955),
        (52.530644, 13.383068, 39.4865),
        (-8.4, 147.367, 85.839),
        (4.7, 78.767, -106.911),
    ],
)
def test_published_values(lat, lon, published):
    assert geoid.undulation_m(lat, lon) == pytest.approx(published, abs=0.18)


def test_the_regional_grid_of_the_references(shared):
    """That file labels the same nodes half a cell (2.5') too far south and east, as its source's coordinates do."""
    with np.load(shared / "terrain/egm2008_geoid_5min_40-102E_33-60N.npz") as file:
        ours = geoid.undulation_m(file["lat"][:, None] + 1 / 24, file["lon"][None, :] - 1 / 24)
        assert np.abs(ours - file["geoid_m"]).max() < 1e-4


@given(st.floats(-90, 90), st.floats(-180, 180), st.integers(-3, 3))
def test_whole_turns_and_neighbours(lat, lon, turns):
    undulation = geoid.undulation_m(lat, lon)
    assert -107 < undulation < 86
    assert geoid.undulation_m(lat, lon + 360 * turns) == pytest.approx(undulation, abs=1e-6)
    assert geoid.undulation_m(max(lat - 1e-6, -90), lon + 1e-6) == pytest.approx(undulation, abs=1e-4)


def test_one_value_at_a_pole_and_no_seam_at_the_antimeridian():
    assert np.ptp(geoid.undulation_m(90, np.linspace(-180, 180, 100))) < 1e-9
    assert np.ptp(geoid.undulation_m(-90, np.linspace(-180, 180, 100))) < 1e-9
    lat = np.linspace(-90, 90, 1000)
    assert geoid.undulation_m(lat, -180) == pytest.approx(geoid.undulation_m(lat, 180), abs=1e-9)
    assert np.abs(geoid.undulation_m(lat, 179.9999) - geoid.undulation_m(lat, -179.9999)).max() < 0.01
    assert geoid.undulation_m(0, np.nextafter(-180, -181)) == pytest.approx(geoid.undulation_m(0, 180), abs=1e-6)


def test_there_and_back():
    assert geoid.ellipsoid_to_msl(27.99, 86.93, 8848.0) == pytest.approx(8848 + 28.341, abs=0.5)
    lat, lon, altitude = np.array([43.0, -10.0]), np.array([74.0, 300.0]), np.array([700.0, 11_000.0])
    back = geoid.ellipsoid_to_msl(lat, lon, geoid.msl_to_ellipsoid(lat, lon, altitude))
    assert back == pytest.approx(altitude, abs=1e-9)


def test_shapes_and_the_unknown():
    assert np.ndim(geoid.undulation_m(43, 74)) == 0
    assert geoid.undulation_m([[43], [44]], [74, 75, 76]).shape == (2, 3)
    assert np.isnan(geoid.undulation_m([np.nan, 43, 90.1, 43, -np.inf], [74, np.nan, 74, np.inf, 74])).all()
