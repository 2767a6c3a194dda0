"""Facilities: civil, to a kilometre, with a source each, where the borders say they are."""

import pytest

from skypact.earth.borders import Borders
from skypact.earth.facilities import Facility, facilities, facility
from skypact.earth.places import airport
from skypact.errors import MisuseError


def test_each_is_in_its_country_rounded_and_has_a_source():
    known = facilities()
    ids = [one.id for one in known]
    assert ids == sorted(set(ids))  # no order but that of the ids
    found = Borders.shipped().country_of([f.latitude_deg for f in known], [f.longitude_deg for f in known])
    # Natural Earth draws the leased area of Baikonur apart.
    assert [f.country for f in known if f.id != "uaol"] == [
        c for f, c in zip(known, found, strict=True) if f.id != "uaol"
    ]
    for one in known:
        for value in (one.latitude_deg, one.longitude_deg):
            assert value == round(value, 2)
        assert one.source
        assert one.precision_m >= 1_000


def test_nothing_military_no_weight_no_rank():
    assert {f.kind for f in facilities()} <= {"city", "airport", "hpp", "tpp", "tailings", "factory"}
    text = " ".join(f"{f.id} {f.name}" for f in facilities()).lower()
    for word in ("air base", "airbase", "range", "command", "radar", "missile", "kant"):
        assert word not in text
    assert set(Facility.__struct_fields__) == {
        *("id", "name", "country", "kind", "latitude_deg", "longitude_deg", "precision_m", "source"),
    }


def test_airports_agree_with_the_table_of_airports():
    for one in facilities():
        if one.kind == "airport":
            there = airport(one.id)
            assert abs(one.latitude_deg - there.latitude_deg) <= 0.0051
            assert abs(one.longitude_deg - there.longitude_deg) <= 0.0051


def test_one_by_its_id():
    assert facility("hpp_toktogul").name == "Toktogul HPP"
    with pytest.raises(MisuseError, match="no facility 'toktogul' is known; known are almaty, "):
        facility("toktogul")
