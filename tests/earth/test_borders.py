"""Borders: who lies where, by other people's tables; drawing; other drawings; hostile files."""

import csv
import json
from itertools import pairwise

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import skypact.earth
from skypact.earth.borders import Borders, Country
from skypact.errors import FormatError, InputError, MisuseError


@pytest.fixture(scope="module")
def borders():
    return Borders.shipped()


def test_towns_lie_in_the_country_geonames_says(borders):
    towns = pq.read_table(skypact.earth.__path__[0] + "/data/towns.parquet")
    lat, lon = (towns[c].to_numpy() / 1e5 for c in ("latitude_e5", "longitude_e5"))
    ours = borders.country_of(lat, lon)
    theirs = np.array(towns["country"].to_pylist())
    # Harbours and small islands are at sea for 1:10m; a few areas are drawn apart, or as they are held in fact.
    assert (ours == theirs).mean() > 0.98
    assert ((ours != theirs) & (ours != "")).mean() < 0.006


def test_places_in_and_around_kyrgyzstan(borders, shared):
    with (shared / "facilities/cities_region_geonames.csv").open(encoding="utf-8") as file:
        rows = [r for r in csv.DictReader(file) if r["country"] in {"KG", "KZ", "UZ", "TJ"}]
    ours = borders.country_of([float(r["lat"]) for r in rows], [float(r["lon"]) for r in rows])
    wrong = [r["name"] for r, country in zip(rows, ours, strict=True) if r["country"] != country]
    assert len(rows) > 300
    # Villages on the border in the Fergana valley, and Baikonur, which is drawn apart.
    assert len(wrong) <= 11, wrong


@pytest.mark.parametrize(
    ("lat", "lon", "country"),
    [
        (42.87, 74.59, "KG"),
        (43.25, 76.95, "KZ"),
        (67, 175, "RU"),
        (67, -175, "RU"),
        (67, 185, "RU"),
        (71.2, -179, "RU"),
        (-16.8, 179.5, "FJ"),
        (64.2, -173, ""),
        (0, 0, ""),
        (-90, 0, "AQ"),
        (-88, 179.99, "AQ"),
        (90, 0, ""),
        (-29.6, 28.2, "LS"),  # a hole in South Africa
        (42.6, 20.9, "Kosovo"),  # drawn apart, without a code
        (np.nan, 74, ""),
        (42, np.inf, ""),
        (91, 74, ""),
    ],
)
def test_known_places(borders, lat, lon, country):
    assert borders.country_of(lat, lon) == country


def test_land_is_29_percent_of_the_earth(borders):
    rng = np.random.default_rng(5)
    lat = np.degrees(np.arcsin(rng.uniform(-1, 1, 50_000)))
    assert (borders.country_of(lat, rng.uniform(-180, 180, 50_000)) != "").mean() == pytest.approx(0.292, abs=0.008)


def inside_plainly(rings, lat, lon):
    """Even-odd by a ray to the east, one ring after the other."""
    odd = np.zeros(lat.shape, bool)
    for ring in rings:
        for (lat1, lon1), (lat2, lon2) in pairwise(ring):
            crosses = (lat1 > lat) != (lat2 > lat)
            with np.errstate(divide="ignore", invalid="ignore"):
                odd ^= crosses & (lon < lon1 + (lat - lat1) / (lat2 - lat1) * (lon2 - lon1))
    return odd


def test_the_plain_twin_agrees(borders):
    rng = np.random.default_rng(6)
    lat, lon = rng.uniform(38, 44.5, 2000), rng.uniform(68, 81, 2000)
    ours = borders.country_of(lat, lon)
    for country in ("KG", "TJ", "UZ"):
        assert np.array_equal(inside_plainly(borders.rings(country), lat, lon), ours == country)


@given(st.floats(-90, 90), st.floats(-180, 180), st.integers(-2, 2))
def test_whole_turns_do_not_matter(borders, lat, lon, turns):
    lon = round(lon, 6) + 1e-7  # not on a line, where rounding decides
    assert borders.country_of(lat, lon + 360 * turns) == borders.country_of(lat, lon)


def test_shapes(borders):
    assert isinstance(borders.country_of(42.87, 74.59), str)
    assert borders.country_of([[42], [43]], [74, 75, 76]).shape == (2, 3)
    assert borders.country_of([], []).shape == (0,)


def test_countries_and_codes(borders):
    countries = borders.countries()
    assert Country("KG", "Kyrgyzstan") in countries
    assert Country("BY", "Belarus") in countries
    codes = [c.code for c in countries if c.code]
    assert len(set(codes)) == len(codes) - 1  # Australia comes with Ashmore and Cartier Is.
    assert len(countries) - len(codes) == 16
    assert len(borders.rings("KG")) == 4 == len(borders.rings("Kyrgyzstan"))
    assert borders.rings("Kosovo")
    with pytest.raises(MisuseError, match="no country 'XX' is drawn"):
        borders.rings("XX")
    with pytest.raises(MisuseError, match="no country '' is drawn"):
        borders.rings("")


def test_kyrgyzstan_is_as_large_as_it_is(borders):
    """199,951 km2 with inner waters (National Statistical Committee), by pyproj's geodesic area."""
    from pyproj import Geod

    area = sum(abs(Geod(ellps="WGS84").polygon_area_perimeter(r[:, 1], r[:, 0])[0]) for r in borders.rings("KG"))
    assert area / 1e6 == pytest.approx(199_951, rel=0.01)


def test_rings_are_closed_and_do_not_jump(borders):
    for country in ("KG", "RU", "FJ", "US"):
        for ring in borders.rings(country):
            assert np.array_equal(ring[0], ring[-1])
            assert np.abs(np.diff(ring[:, 1])).max() < 180


def test_lines_of_a_small_map(borders):
    south, west, north, east = 38.0, 69.0, 47.0, 80.0
    lines = borders.lines_in((south, west, north, east))
    points = np.concatenate(lines)
    assert 500 < len(points) < 5000
    middles = np.concatenate([(line[1:] + line[:-1]) / 2 for line in lines])
    assert (np.abs(middles - (42.5, 74.5)) < (4.6, 5.6)).all()
    # Every border once: no edge is there twice.
    edges = np.concatenate([np.sort(np.hstack([line[1:], line[:-1]]).round(6), axis=1) for line in lines])
    assert len(np.unique(edges, axis=0)) == len(edges)
    assert borders.lines_in((-31, -31, -29, -29)) == []  # the middle of the Atlantic


@pytest.mark.parametrize("box", [(50, 170, 75, -165), (50, 170, 75, 195), (50, -190, 75, -165)])
def test_lines_across_the_antimeridian(borders, box):
    lines = borders.lines_in(box)
    points = np.concatenate(lines)
    west = box[1]
    assert west - 3 < points[:, 1].min() < west + 5
    assert west + 20 < points[:, 1].max() < west + 28
    assert max(np.abs(np.diff(line[:, 1])).max() for line in lines) < 5
    # The cut of polygons at 180 degrees, through Chukotka, is not drawn.
    for line in lines:
        on_cut = np.abs(line[:, 1] % 360 - 180) < 1e-6
        assert not (on_cut[:-1] & on_cut[1:]).any()


def test_the_whole_earth_is_drawn_once(borders):
    lines = borders.lines_in((-90, -180, 90, 180))
    assert sum(len(line) - 1 for line in lines) == pytest.approx(472_000, rel=0.02)


def square(west, south, size=1.0):
    return [[west, south], [west + size, south], [west + size, south + size], [west, south + size], [west, south]]


def geojson(path, *features):
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(features)}), encoding="utf-8")
    return path


def polygon(*rings, **properties):
    return {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": list(rings)}}


def test_other_borders_from_geojson(tmp_path):
    point = {"type": "Feature", "properties": None, "geometry": {"type": "Point", "coordinates": [0, 0]}}
    islands = {"type": "MultiPolygon", "coordinates": [[square(20, 0)], [square(179.5, 0)]]}
    borders = Borders.open(
        geojson(
            tmp_path / "mine.geojson",
            polygon(square(10, 40, 4.0), square(11, 41), ISO_A2="AA", NAME="Aland"),
            point,
            {"type": "Feature", "properties": {"ISO_A2": "-99", "name": "Isles"}, "geometry": islands},
            polygon(square(-60, 10)),
        )
    )
    assert borders.countries() == (Country("AA", "Aland"), Country("", "Isles"), Country("", "feature 4"))
    assert borders.country_of([40.5, 41.5, 43.5], [10.5, 11.5, 13.5]).tolist() == ["AA", "", "AA"]
    assert borders.country_of([0.5, 0.5, 0.5], [20.5, 179.9, -179.9]).tolist() == ["Isles"] * 3
    assert borders.country_of(10.5, -59.5) == "feature 4"
    assert len(borders.rings("AA")) == 2
    assert len(borders.lines_in((39, 9, 45, 15))) == 2


def test_the_regional_borders_of_the_references(shared, borders):
    theirs = Borders.open(shared / "basemap/borders_ne10m_44-100E_33-57N.geojson")
    names = {c.code: c.name for c in borders.countries() if c.code}
    rng = np.random.default_rng(7)
    lat, lon = rng.uniform(37, 45, 5000), rng.uniform(66, 85, 5000)
    ours = np.array([names.get(code, code) for code in borders.country_of(lat, lon)])
    assert (theirs.country_of(lat, lon) == ours).mean() > 0.998


def one_polygon(coordinates):
    return f'{{"features": [{{"geometry": {{"type": "Polygon", "coordinates": {coordinates}}}}}]}}'


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        (None, InputError, "No such file"),
        ("", FormatError, "is not JSON"),
        ('{"type": \n\n oops', FormatError, "3: is not JSON"),
        ("\udcff\udcfe", FormatError, "is not JSON"),
        ("[" * 100_000, FormatError, "is not JSON"),
        ("[]", FormatError, "is no FeatureCollection"),
        ('{"features": {}}', FormatError, "is no FeatureCollection"),
        ('{"features": []}', FormatError, "holds no polygon"),
        ('{"features": [7]}', FormatError, "feature 1 is no object"),
        ('{"features": [{"geometry": 3}, {"geometry": {"type": "Point"}}]}', FormatError, "holds no polygon"),
        ('{"features": [{"geometry": {"type": "Polygon"}}]}', FormatError, "feature 1 has a ring"),
        (one_polygon("3"), FormatError, "has a ring"),
        (one_polygon('["abcd"]'), FormatError, "has a ring"),
        (one_polygon("[[[1, 2]]]"), FormatError, "has a ring"),
        (one_polygon("[[[1], [2], [3], [1]]]"), FormatError, "has a ring"),
        (one_polygon("[[[1, NaN], [2, 2], [3, 3], [1, 1]]]"), FormatError, "has a ring"),
        (one_polygon("[[[5e5, 4e6], [6e5, 4e6], [6e5, 5e6], [5e5, 4e6]]]"), FormatError, "not projected"),
    ],
)
def test_files_that_are_no_borders(tmp_path, content, kind, words):
    path = tmp_path / "a.geojson"
    if content is not None:
        path.write_text(content, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(kind, match=words) as caught:
        Borders.open(path)
    assert caught.value.hint
    assert str(path) in str(caught.value)


def test_a_directory_is_no_file(tmp_path):
    with pytest.raises(InputError, match="is a directory"):
        Borders.open(tmp_path)
