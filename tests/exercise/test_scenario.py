"""Scenario files: what people write, and that every mistake is told with its line."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flights import flight, point, radar, scenario
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from skypact import configfile
from skypact.configfile import FieldError
from skypact.earth.borders import Borders
from skypact.earth.places import airport
from skypact.earth.terrain import Terrain
from skypact.errors import ConfigError
from skypact.exercise import AIRCRAFT, Scenario, read, shipped
from skypact.exercise.movers import movers

GEOD = Geod(ellps="WGS84")
GOOD = """schema = "scenario/1"
id = "x"
title = "An exercise"
start = 2026-01-01T00:00:00Z
duration_s = 60
facilities = ["bishkek", "hpp_toktogul"]

[[sensor]]
id = "a"
party = "KG"
kind = "psr_mode_s"
sac = 1
sic = 2
latitude_deg = 43.0
longitude_deg = 75.0
altitude_m = 800
range_m = 2e5
rotation_s = 5
errors = { range_m = 100, azimuth_deg = 0.2, clock_s = 0.3 }
outages = [{ from_s = 10, to_s = 20, azimuth_deg = [10, 30] }]
clutter = [{ per_turn = 10, range_m = [1000, 50000] }]

[[flight]]
id = "f"
type = "turboprop"
altitude_m = 5000
plan = "EXR1 UCFM DCT UAAA"
route = [
    { airport = "UCFM" },
    { latitude_deg = 43.1, longitude_deg = 75.5, name = "HALF" },
    { airport = "UAAA" },
]
"""


def parse(text: str) -> Scenario:
    return configfile.parse(text, "x.toml", Scenario, "scenario/1")


def test_a_scenario_says_all_that_it_needs() -> None:
    found = parse(GOOD)
    (sensor,), (one,) = found.sensors, found.flights
    assert sensor.errors.clock_s == 0.3
    assert sensor.outages[0].azimuth_deg == (10.0, 30.0)
    assert (one.type, one.route[0].airport, one.route[1].name) == ("turboprop", "UCFM", "HALF")
    assert one.route[0].height_m == airport("UCFM").elevation_m
    assert found.facilities == ("bishkek", "hpp_toktogul")


def test_trackers_are_told_the_catalogue_and_nothing_of_the_errors() -> None:
    (told,) = parse(GOOD).catalogue
    assert told.id == "a"
    assert not hasattr(told, "errors")
    assert "errors" not in told.to_toml()


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("duration_s = 60", "duraton_s = 60", 5, "duraton_s.*did you mean 'duration_s'"),
        ("duration_s = 60", "duration_s = -1", 5, "duration_s"),
        ("start = 2026-01-01T00:00:00Z", "start = 2026-01-01T00:00:00", 4, "time zone.*Z for UTC"),
        ('"hpp_toktogul"', '"hpp_tokto"', 6, "no facility 'hpp_tokto'.*hpp_toktogul"),
        ('kind = "psr_mode_s"', 'kind = "infrared"', 11, "not simulated"),
        ("sac = 1\nsic = 2\n", "", 9, "needs rotation_s, sac and sic"),
        ("range_m = 2e5\n", "", 9, "needs a position and range_m"),
        ("clock_s = 0.3", "clok_s = 0.3", 19, "did you mean 'clock_s'"),
        ("to_s = 20", "to_s = 5", 20, "ends after it begins"),
        ("range_m = [1000, 50000]", "range_m = [1000, 500]", 21, "the second range is the greater"),
        ('kind = "psr_mode_s"', 'kind = "mode_s"', 21, "clutter without a primary channel"),
        ('type = "turboprop"', 'type = "turbopop"', 25, "did you mean 'turboprop'"),
        ('airport = "UCFM"', 'airport = "XXXX"', 29, "no airport 'XXXX'"),
        ('airport = "UCFM"', 'airport = "UCFM", altitude_m = 3', 29, "altitude_m of its own"),
        ("latitude_deg = 43.1, ", "", 30, "needs latitude_deg and longitude_deg, or an airport"),
        ("latitude_deg = 43.1", "latitude_deg = 143.1", 30, "latitude_deg"),
        ("latitude_deg = 43.1", "latitude_deg = 43.06", 30, None),
        ('name = "HALF"', "altitude_m = 9000", 30, "takes .* s, and there are"),
        ("{ latitude_deg = 43.1, longitude_deg = 75.5, name = \"HALF\" },", "", 28, "a point in the air"),
        ('{ airport = "UAAA" },', '{ latitude_deg = 43.1, longitude_deg = 75.5 },', 31, "the same place"),
        ('plan = "EXR1', 'plan = "\\u0007', 27, "plan"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_file_and_line(old: str, new: str, line: int, what: str | None) -> None:
    assert GOOD.count(old) == 1
    text = GOOD.replace(old, new)
    if what is None:
        parse(text)
        return
    with pytest.raises(ConfigError, match=what) as refused:
        parse(text)
    assert str(refused.value).startswith(f"x.toml:{line}: ")


def test_names_stand_once() -> None:
    second = GOOD[GOOD.index("[[sensor]]") : GOOD.index("[[flight]]")]
    with pytest.raises(ConfigError, match=r"x\.toml:23: a second sensor 'a'"):
        parse(GOOD.replace("[[flight]]", second + "[[flight]]"))
    with pytest.raises(ConfigError, match="a second sensor '1/2'"):
        parse(GOOD.replace("[[flight]]", second.replace('"a"', '"b"') + "[[flight]]"))
    with pytest.raises(ConfigError, match="a second flight 'f'"):
        parse(GOOD + GOOD[GOOD.index("[[flight]]") :])
    with pytest.raises(ConfigError, match="nothing flies"):
        parse(GOOD[: GOOD.index("[[flight]]")])
    with pytest.raises(FieldError, match="address"):
        flight(point(43, 74), point(43, 75), adsb=True)


def test_a_recording_is_found_beside_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("time,lat,lon,altitude\n" + "".join(
        f"{1_600_000_000 + 5 * i},{43 + i / 500},75,10000\n" for i in range(20)))  # fmt: skip
    file = tmp_path / "x.toml"
    file.write_text(GOOD + '\n[[recording]]\nid = "r"\nfile = "t.csv"\nstart_s = 5\n')
    found = read(file)
    assert found.recordings[0].file == str(tmp_path / "t.csv")
    assert [m.id for m in movers(found)] == ["f", "r-t"]
    with pytest.raises(ConfigError, match="shipped: first-light, joint-sky"):
        read("second-light")


def test_every_shipped_scenario_can_be_flown_over_its_terrain() -> None:
    terrain = Terrain.shipped()
    for name in shipped():
        found = read(name)
        assert found.id == name
        for sensor in found.sensors:
            assert sensor.site == "hypothetical"
            latitude, longitude, altitude = sensor.site_geodetic
            assert altitude > terrain.elevation(latitude, longitude) - 5
        for one, mover in zip(found.flights, movers(found), strict=True):
            time = np.arange(mover.motion.begin_s, mover.motion.end_s, 5.0)
            state = mover.motion.at(time)
            ground = np.nan_to_num(terrain.elevation(state.latitude_deg, state.longitude_deg), nan=0.0)
            flying = np.ones(len(time), bool)
            for at in (p.place for p in one.route if p.airport is not None):
                away = GEOD.inv(
                    np.full(len(time), at[1]), np.full(len(time), at[0]), state.longitude_deg, state.latitude_deg
                )[2]
                flying &= away > 12_000
            assert (state.altitude_m - ground)[flying].min(initial=9e9) > 200, mover.id


def test_joint_sky_is_the_exercise_of_two_countries() -> None:
    found = read("joint-sky")
    radars = [s for s in found.sensors if s.is_radar]
    assert (len(radars), len(found.sensors) - len(radars)) == (6, 4)
    assert 20 <= len(found.flights) <= 40
    assert {s.party for s in found.sensors} == {"KG", "KZ"}
    assert found.duration_s == 2_700
    civil = ("UCFM", "UCFO", "UCFL", "UAAA", "UADD", "UAII")
    for sensor in found.sensors:
        places = [airport(code) for code in civil]
        assert any((sensor.latitude_deg, sensor.longitude_deg) == (p.latitude_deg, p.longitude_deg) for p in places), (
            sensor.id
        )
    (intruder,) = (f for f in found.flights if f.identity == "suspect")
    assert (intruder.icao24, intruder.mode_3a, intruder.callsign) == (None, None, None)
    over = Borders.shipped().country_of([p.place[0] for p in intruder.route], [p.place[1] for p in intruder.route])
    assert list(over) == ["KZ", "KG"]


# Any text in place of any value: either it parses, or it is refused with the line.
texts = st.text(max_size=12) | st.sampled_from(["nan", "inf", "-1", "1e999", "[]", "{}", '""', "true", "9" * 30])
lines = [i for i, line in enumerate(GOOD.splitlines()) if " = " in line and not line.endswith("[")]


@settings(max_examples=200)
@given(st.sampled_from(lines), texts)
def test_any_value_is_taken_or_refused_with_its_file(line: int, value: str) -> None:
    rows = GOOD.splitlines()
    rows[line] = rows[line].split(" = ")[0] + " = " + value
    try:
        parse("\n".join(rows))
    except ConfigError as err:
        assert str(err).startswith("x.toml:")


numbers = st.floats(allow_nan=True, allow_infinity=True) | st.integers(-(10**9), 10**9)


@settings(max_examples=100)
@given(st.dictionaries(st.sampled_from(sorted(radar().__struct_fields__)), numbers, max_size=4))
def test_a_sensor_is_made_or_refused(values: dict[str, Any]) -> None:
    import msgspec

    known = {k: v for k, v in msgspec.to_builtins(radar()).items() if v not in ((), {})}
    try:
        msgspec.convert(known | values, type(radar()))
    except (msgspec.ValidationError, FieldError):
        return


def test_every_type_has_sound_figures() -> None:
    for kind in AIRCRAFT.values():
        assert kind.lift_off_m_s <= kind.cruise_m_s
        assert kind.approach_m_s <= kind.cruise_m_s
        assert min(kind.climb_m_s, kind.descent_m_s, kind.bank_deg, kind.rcs_m2, kind.vertical_m_s2) > 0
    start = scenario([radar()], [flight(point(43, 74), point(43, 75))]).start
    assert start.tzinfo is not None
    assert start.utcoffset() == dt.timedelta(0)
