"""Airports and towns against their sources and against each other."""

import csv

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from skypact.earth import geodesic, places
from skypact.errors import MisuseError


def test_airports_are_those_of_the_source(shared):
    with (shared / "facilities/airports_region.csv").open(encoding="utf-8") as file:
        theirs = {r["icao"]: r for r in csv.DictReader(file)}
    ours = {r["icao"]: r for r in places.airports().to_pylist() if r["icao"] in theirs}
    assert len(ours) > 500
    for icao, row in ours.items():
        assert row["latitude_deg"] == pytest.approx(float(theirs[icao]["lat"]), abs=6e-6)
        assert row["longitude_deg"] == pytest.approx(float(theirs[icao]["lon"]), abs=6e-6)
        assert row["elevation_m"] == pytest.approx(float(theirs[icao]["elevation"]) * 0.3048, abs=0.2)


def test_airports_stand_on_the_ground(shipped):
    """Their published elevation agrees with the terrain, which neither list knows of the other."""
    table = places.near(places.airports(), 42.5, 75.0, 400_000)
    lat, lon, elevation = (table[c].to_numpy() for c in ("latitude_deg", "longitude_deg", "elevation_m"))
    difference = shipped.elevation(lat, lon) - elevation
    assert len(difference) > 20
    assert np.median(np.abs(difference)) < 10


def test_one_airport():
    manas = places.airport("UCFM")
    assert (manas.iata, manas.country, manas.city) == ("BSZ", "KG", "Bishkek")
    assert manas.name.startswith("Manas")
    assert (manas.latitude_deg, manas.longitude_deg) == pytest.approx((43.0613, 74.4776), abs=1e-4)
    assert manas.elevation_m == pytest.approx(637, abs=1)
    assert places.airport(" uaaa ").country == "KZ"
    with pytest.raises(MisuseError, match="no airport 'XXXX' is known"):
        places.airport("XXXX")


def test_unknown_is_null():
    table = places.airports()
    assert table["iata"].null_count > 0
    assert "" not in table["iata"].unique().to_pylist()
    assert table["icao"].null_count == table["latitude_deg"].null_count == 0


def test_towns():
    table = places.towns()
    assert pc.sum(pc.greater_equal(table["population"], 50_000)).as_py() > 12_000
    rows = {r["name"]: r for r in table.filter(pc.equal(table["country"], "KG")).to_pylist()}
    assert len(rows) > 50
    assert rows["Bishkek"]["name_cyrillic"] == "Бишкек"
    assert rows["Osh"]["name_cyrillic"] == "Ош"
    assert min(r["population"] for r in rows.values()) < 10_000
    russian = table.filter(pc.equal(table["country"], "RU"))
    assert russian["name_cyrillic"].null_count < 0.02 * len(russian)
    # As GeoNames counts, the largest of a country first.
    assert russian["name"][0].as_py() == "Moscow"
    assert russian["name_cyrillic"][0].as_py() == "Москва"


def test_near_is_nearest_first_and_exact():
    table = places.near(places.towns(), 42.8746, 74.5698, 60_000)
    distance = table["distance_m"].to_numpy()
    assert table["name"][0].as_py() == "Bishkek"
    assert (np.diff(distance) >= 0).all()
    assert distance[-1] <= 60_000
    exact = geodesic.inverse(42.8746, 74.5698, table["latitude_deg"].to_numpy(), table["longitude_deg"].to_numpy())
    assert np.array_equal(distance, exact[0])
    assert np.array_equal(table["azimuth_deg"].to_numpy(), exact[1])
    assert "Tokmok" in table["name"].to_pylist()


def test_near_nothing_and_beyond_the_antimeridian():
    assert len(places.near(places.towns(), 0, -30, 100_000)) == 0
    own = pa.table({"latitude_deg": [0.0, 0.0], "longitude_deg": [-179.9, 170.0]})
    assert places.near(own, 0, 179.9, 50_000)["longitude_deg"].to_pylist() == [-179.9]
