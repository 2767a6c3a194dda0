"""The room is cheap to enter: what is heavy is loaded by the module that needs it."""

import subprocess
import sys

import pytest

import skypact.earth

HEAVY = {"numba", "rasterio", "pyproj", "pyarrow", "llvmlite"}


def loaded_by(statement):
    code = f"import sys; {statement}; print(*{{m.split('.')[0] for m in sys.modules}})"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout.split())


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        ("import skypact.earth", set()),
        ("from skypact.earth import frames, geodesic, geoid, refraction", set()),
        ("from skypact.earth.borders import Borders; Borders.shipped().lines_in((38, 69, 47, 80))", set()),
        ("from skypact.earth import places; places.airport('UCFM')", {"pyarrow"}),
    ],
)
def test_nothing_heavy_comes_unasked(statement, allowed):
    assert loaded_by(statement) & HEAVY <= allowed


def test_every_module_named_is_there():
    for name in skypact.earth.__all__:
        __import__(f"skypact.earth.{name}")
