"""The catalogue: reading, faults with their line, writing, columns."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skypact import tables
from skypact.configfile import FieldError
from skypact.errors import ConfigError
from skypact.sensors import Catalogue, Sensor, labels_and_rows
from skypact.sensors.catalogue import Kind

TEXT = """schema = "sensors/1"

[[sensor]]
id = "alpha"
party = "A"
kind = "psr_mode_s"
sac = 25
sic = 12
latitude_deg = 45.5
longitude_deg = 16
altitude_m = 212.5
rotation_s = 4.8
sigma_range_m = 40

[[sensor]]
id = "bravo"
kind = "adsb"
"""


def test_a_sensor_is_found_by_id_and_by_the_label_of_its_plots() -> None:
    catalogue = Catalogue.parse(TEXT)
    alpha = catalogue.get("alpha")
    assert alpha is not None
    assert alpha is catalogue.get("25/12")
    assert (alpha.longitude_deg, alpha.site, alpha.label) == (16.0, "hypothetical", "25/12")
    assert catalogue.get("bravo") == Sensor(id="bravo", kind="adsb")
    assert catalogue.get("25/13") is None
    assert [sensor.id for sensor in catalogue] == ["alpha", "bravo"]
    assert repr(catalogue) == "Catalogue(alpha, bravo)"


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("sic = 12\n", "", 7, "alpha: sac without sic; give sac, sic or none"),
        ("altitude_m = 212.5\n", "", 9, "alpha: latitude_deg without altitude_m"),
        ("latitude_deg = 45.5", "latitude_deg = 95.5", 9, "latitude_deg: expected a number <= 90.0"),
        ("longitude_deg = 16", "longitude_deg = -181", 10, "longitude_deg: expected a number >= -180.0"),
        ("sac = 25", "sac = 256", 7, "sac: expected a whole number <= 255"),
        ("rotation_s = 4.8", "rotation_s = inf", 12, "rotation_s: expected a number <= 600.0"),
        ("rotation_s = 4.8", "rotatoin_s = 4.8", 12, "unknown key 'rotatoin_s'; did you mean 'rotation_s'?"),
        ('id = "bravo"', 'id = "alpha"', 16, "alpha stands for two sensors, alpha and alpha; rename or remove one"),
        ('id = "bravo"', 'id = "bravo"\nsac = 25\nsic = 12', 18, "25/12 stands for two sensors, alpha and bravo"),
        ('id = "bravo"', 'id = "25/12"', 16, "id '25/12' is not of letters, digits, _ - and .; rename it"),
        ('kind = "adsb"', 'kind = "ads_b"', 17, "psr_ssr, ssr; did you mean 'adsb'?"),
        ('kind = "adsb"', 'kind = "adsb"\nsite = "secret"', 18, "site: 'secret' is not one of hypothetical, known"),
        ('[[sensor]]\nid = "bravo"', '[[sensors]]\nid = "bravo"', 15, "unknown key 'sensors'; did you mean 'sensor'?"),
    ],
)
def test_a_fault_names_its_line(old: str, new: str, line: int, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Catalogue.parse(TEXT.replace(old, new), "s.toml")
    assert str(caught.value).startswith(f"s.toml:{line}: ")
    assert says in str(caught.value)


def test_sensors_made_in_python_may_not_share_a_name_either() -> None:
    with pytest.raises(FieldError, match="stands for two sensors"):
        Catalogue([Sensor(id="a", kind="psr", sac=1, sic=2), Sensor(id="b", kind="psr", sac=1, sic=2)])
    with pytest.raises(FieldError, match="latitude_deg without longitude_deg and altitude_m"):
        Sensor(id="a", kind="psr", latitude_deg=1.0)


def test_the_kinds_are_those_of_plots() -> None:
    assert get_args(Kind) == tables.KINDS


numbers = st.floats(0.5, 80)
octets = st.integers(0, 255)
optional = {
    "party": st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=64),
    "range_m": numbers,
    "rotation_s": numbers,
    "sigma_range_m": numbers,
    "sigma_azimuth_deg": st.floats(1e-9, 45),
    "sigma_elevation_deg": st.floats(1e-9, 45),
    "pd": st.floats(0, 1, exclude_min=True),
    "reference_rcs_m2": numbers,
    "site": st.sampled_from(["known", "hypothetical"]),
}
place = {
    "latitude_deg": st.floats(-90, 90),
    "longitude_deg": st.floats(-180, 180),
    "altitude_m": st.floats(-500, 9000),
}


@st.composite
def sensors(draw: st.DrawFn) -> list[Sensor]:
    names = draw(st.lists(st.from_regex(r"\A\w[\w.-]{0,20}\Z"), max_size=4, unique=True))
    codes = draw(st.lists(st.tuples(octets, octets), min_size=len(names), max_size=len(names), unique=True))
    made = []
    for name, (sac, sic) in zip(names, codes, strict=True):
        entry = draw(st.fixed_dictionaries({"kind": st.sampled_from(tables.KINDS)}, optional=optional))
        entry |= draw(st.sampled_from([{}, {"sac": sac, "sic": sic}]))
        entry |= draw(st.fixed_dictionaries(place) | st.just({}))
        made.append(Sensor(id=name, **entry))
    return made


@given(sensors())
def test_what_is_written_reads_back_equal(made: list[Sensor]) -> None:
    catalogue = Catalogue(made)
    assert Catalogue.parse(catalogue.to_toml()) == catalogue


def test_a_file_is_written_and_read(tmp_path: Path) -> None:
    catalogue = Catalogue([Sensor(id="радар-1", kind="psr", party="Ы")])
    catalogue.write(tmp_path / "s.toml")
    assert Catalogue.read(tmp_path / "s.toml") == catalogue
    assert hash(Catalogue.read(tmp_path / "s.toml")) == hash(catalogue)


def test_columns_follow_the_labels_asked_for() -> None:
    columns = Catalogue.parse(TEXT).columns(["9/9", "25/12", "bravo"])
    assert columns.known.tolist() == [False, True, True]
    assert columns.kind.tolist() == [-1, tables.KINDS.index("psr_mode_s"), tables.KINDS.index("adsb")]
    np.testing.assert_array_equal(columns.latitude_deg, [np.nan, 45.5, np.nan])
    np.testing.assert_array_equal(columns.sigma_range_m, [np.nan, 40, np.nan])
    assert Catalogue().columns([]).known.shape == (0,)


def test_labels_and_rows_of_chunks_with_dictionaries_of_their_own() -> None:
    chunks = [pa.array(values).dictionary_encode().cast(tables.NAME) for values in (["a", "b"], ["b", None, "c"])]
    labels, rows = labels_and_rows(pa.chunked_array(chunks))
    assert [labels[row] if row >= 0 else None for row in rows] == ["a", "b", "b", None, "c"]
    assert labels_and_rows(pa.chunked_array([], tables.NAME)) == ([], pytest.approx([]))
