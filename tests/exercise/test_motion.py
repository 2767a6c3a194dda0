"""Motion against geodesics, circles and the equations of motion."""

from __future__ import annotations

import numpy as np
import pytest
from flights import ecef, flight, point
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from skypact.configfile import FieldError
from skypact.earth import frames
from skypact.earth.places import airport
from skypact.exercise import AIRCRAFT, Flight, Path, Waypoint

GEOD = Geod(ellps="WGS84")
G = 9.80665


def test_a_straight_flight_lies_on_the_geodesic_at_the_distance_flown() -> None:
    path = Path(flight(point(43.0, 74.0), point(44.0, 79.0), speed_m_s=200.0, start_s=50.0))
    azimuth, _, length = GEOD.inv(74.0, 43.0, 79.0, 44.0)
    flown = np.array([0.0, 100.0, 1000.0, length / 200])
    state = path.at(50.0 + flown)
    longitude, latitude, _ = GEOD.fwd([74.0] * 4, [43.0] * 4, [azimuth] * 4, flown * 200)
    np.testing.assert_allclose(state.latitude_deg, latitude, atol=1e-9)
    np.testing.assert_allclose(state.longitude_deg, longitude, atol=1e-9)
    np.testing.assert_allclose(state.altitude_m, 9_000)
    assert path.end_s == pytest.approx(50 + length / 200)


def test_an_object_exists_from_its_start_to_its_end() -> None:
    path = Path(flight(point(43.0, 74.0), point(43.0, 74.1), start_s=50.0))
    state = path.at(np.array([49.9, 50.0, path.end_s, path.end_s + 0.1]))
    assert state.exists.tolist() == [False, True, True, False]
    assert state.on_ground.tolist() == [False] * 4
    assert np.isnan(state.up_m_s).tolist() == [True, False, False, True]


@pytest.mark.parametrize("kind", sorted(AIRCRAFT))
@pytest.mark.parametrize("turn", [-100.0, 30.0, 140.0])
def test_a_turn_is_a_circle_of_v2_over_g_tan_bank_or_of_the_rate_of_turn(kind: str, turn: float) -> None:
    can = AIRCRAFT[kind]  # type: ignore[index]
    speed = can.cruise_m_s
    radius = max(speed**2 / (G * np.tan(np.radians(can.bank_deg))), speed / np.radians(can.turn_deg_s))
    longitude, latitude, back = GEOD.fwd(75.0, 42.0, 60.0, 12 * radius)
    far_longitude, far_latitude, _ = GEOD.fwd(longitude, latitude, back + 180 + turn, 12 * radius)
    path = Path(flight(point(42.0, 75.0), point(latitude, longitude), point(far_latitude, far_longitude), type=kind))
    time = np.arange(path.begin_s, path.end_s, 0.25)
    state = path.at(time)
    course = np.unwrap(np.arctan2(state.east_m_s, state.north_m_s))
    rate = np.gradient(course, time)
    turning = np.abs(rate) > 0.9 * speed / radius
    inside = np.flatnonzero(turning)[3:-3]
    np.testing.assert_allclose(rate[inside], np.sign(turn) * speed / radius, rtol=5e-3)
    assert np.degrees(course[inside[-1] + 8] - course[inside[0] - 8]) == pytest.approx(turn, abs=0.3)
    # All of the turn is equally far from one point, on the side it turns to.
    at = inside[len(inside) // 2]
    across = np.degrees(course[at]) + np.sign(turn) * 90
    centre_lon, centre_lat, _ = GEOD.fwd(state.longitude_deg[at], state.latitude_deg[at], across, radius)
    count = len(inside)
    away = GEOD.inv(
        [centre_lon] * count, [centre_lat] * count, state.longitude_deg[inside], state.latitude_deg[inside]
    )[2]
    np.testing.assert_allclose(away, radius, rtol=1e-4)


ROUTES = {
    "turns": flight(point(43.0, 74.0), point(43.5, 75.0), point(43.0, 76.0), point(42.5, 75.5)),
    "levels": flight(
        point(43.0, 74.0, altitude_m=3_000.0, speed_m_s=150.0),
        point(43.5, 75.0),
        point(43.0, 76.5, altitude_m=6_000.0, speed_m_s=180.0),
        point(42.5, 77.5, altitude_m=4_000.0, speed_m_s=140.0),
    ),
    "airports": flight(Waypoint(airport="UCFM"), point(43.0, 76.0), Waypoint(airport="UAAA"), type="turboprop"),
    "circles": flight(
        point(42.0, 75.0, altitude_m=2_500.0),
        point(42.0, 75.05, orbits=6),
        point(42.1, 75.05, altitude_m=2_800.0),
        type="glider",
    ),
    "helicopter": flight(Waypoint(airport="UCFL"), point(42.7, 77.0), Waypoint(airport="UCFP"), type="helicopter",
                         altitude_m=2_600.0),
    "drone": flight(point(43.0, 74.0), point(43.1, 74.1), point(43.0, 74.2), point(43.1, 74.3), type="drone"),
    "fast": flight(point(43.0, 74.0), point(43.5, 74.5), point(43.0, 75.0, altitude_m=3_000.0), type="fast"),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_velocity_is_the_derivative_of_position_and_acceleration_what_the_aircraft_can(name: str) -> None:
    one = ROUTES[name]
    path = Path(one)
    can = AIRCRAFT[one.type]
    time = np.random.default_rng(1).uniform(path.begin_s + 0.1, path.end_s - 0.1, 3_000)
    step = 0.02
    before, now, after = (path.at(time + d) for d in (-step, 0.0, step))
    velocity = (ecef(after) - ecef(before)) / (2 * step)
    east, north, up = frames.uvw2enu(*velocity, now.latitude_deg, now.longitude_deg)
    error = np.sqrt((east - now.east_m_s) ** 2 + (north - now.north_m_s) ** 2 + (up - now.up_m_s) ** 2)
    assert np.percentile(error, 99) < 2e-3
    assert error.max() < 0.1  # where an acceleration sets in within the step
    across = np.hypot(after.east_m_s - before.east_m_s, after.north_m_s - before.north_m_s) / (2 * step)
    most = np.hypot(G * np.tan(np.radians(can.bank_deg)), max(can.acceleration_m_s2, can.roll_m_s2))
    assert across.max() < most * 1.01 + 0.01
    vertical = np.abs(after.up_m_s - before.up_m_s) / (2 * step)
    assert vertical.max() < can.vertical_m_s2 * 1.001
    assert now.up_m_s.max() <= can.climb_m_s + 1e-9
    assert now.up_m_s.min() >= -can.descent_m_s - 1e-9


def test_points_are_passed_with_what_they_ask_for() -> None:
    path = Path(ROUTES["levels"])
    time = np.arange(path.begin_s, path.end_s, 0.05)
    state = path.at(time)
    for one, straight in zip(ROUTES["levels"].route, (True, False, False, True), strict=True):
        away = GEOD.inv(
            np.full(len(time), one.place[1]), np.full(len(time), one.place[0]), state.longitude_deg, state.latitude_deg
        )[2]
        nearest = int(np.argmin(away))
        if straight:
            assert away[nearest] < 20
        if one.altitude_m is not None and one.speed_m_s is not None:
            assert state.altitude_m[nearest] == pytest.approx(one.altitude_m, abs=1.0)
            speed = np.hypot(state.east_m_s, state.north_m_s)[nearest]
            assert speed == pytest.approx(one.speed_m_s, rel=2e-3)
    # Between the first two points that ask, the flight climbs to its cruising height and comes down again.
    assert state.altitude_m.max() == pytest.approx(9_000)


def test_what_cannot_be_reached_between_two_points_is_approached() -> None:
    near = flight(point(43.0, 74.0, altitude_m=3_000.0), point(43.0, 74.3), point(43.0, 74.6, altitude_m=3_000.0))
    path = Path(near)
    state = path.at(np.arange(path.begin_s, path.end_s, 0.1))
    assert 3_200 < state.altitude_m.max() < 9_000
    assert state.up_m_s.max() == pytest.approx(12.0)
    assert state.altitude_m[-1] == pytest.approx(3_000, abs=1)


def test_take_off_and_landing() -> None:
    path = Path(ROUTES["airports"])
    time = np.arange(path.begin_s, path.end_s, 0.1)
    state = path.at(time)
    speed = np.hypot(state.east_m_s, state.north_m_s)
    air = np.flatnonzero(~state.on_ground)
    manas, almaty = airport("UCFM"), airport("UAAA")
    assert state.latitude_deg[0] == pytest.approx(manas.latitude_deg)
    assert speed[[0, -1]] == pytest.approx([0.0, 0.0], abs=0.3)
    assert speed[air[[0, -1]]] == pytest.approx([55.0, 55.0], abs=0.5)
    assert np.ptp(air) == len(air) - 1
    on_runway = state.altitude_m[state.on_ground]
    assert set(np.round(on_runway, 6)) == {
        round(float(manas.elevation_m or 0), 6),
        round(float(almaty.elevation_m or 0), 6),
    }
    touchdown = air[-1]
    away = GEOD.inv(
        almaty.longitude_deg, almaty.latitude_deg, state.longitude_deg[touchdown], state.latitude_deg[touchdown]
    )
    assert away[2] < 10
    # Run and braking at a constant acceleration: v^2 / 2a.
    run = GEOD.inv(manas.longitude_deg, manas.latitude_deg, state.longitude_deg[air[0]], state.latitude_deg[air[0]])[2]
    assert run == pytest.approx(55**2 / 4, rel=0.01)


def test_circles_are_flown_before_the_flight_goes_on() -> None:
    path = Path(ROUTES["circles"])
    state = path.at(np.arange(path.begin_s, path.end_s, 0.1))
    course = np.unwrap(np.arctan2(state.east_m_s, state.north_m_s))
    assert np.degrees(course[-1] - course[0]) == pytest.approx(-90 - 6 * 360, abs=0.5)


@pytest.mark.parametrize(
    ("route", "more", "at", "what"),
    [
        ((point(43, 74), point(43, 74)), {}, 1, "same place"),
        ((point(43, 74), point(43, 75), point(43, 74.1)), {}, 1, "a turn by 180"),
        ((point(43, 74), point(43, 74.1), point(43.1, 74.1)), {}, 1, "this leg need"),
        ((point(43, 74, altitude_m=1e3), point(43, 74.5, altitude_m=9e3)), {}, 1, "1000 to 9000 m takes 691 s"),
        ((point(43, 74, speed_m_s=100), point(43, 74.1, speed_m_s=240)), {}, 1, "100 to 240 m/s takes 59.5 km"),
        ((point(43, 74), point(43, 75)), {"altitude_m": None}, 0, "how high"),
    ],
)  # fmt: skip
def test_what_cannot_be_flown_is_refused_at_its_point(
    route: tuple[Waypoint, ...], more: dict[str, object], at: int, what: str
) -> None:
    with pytest.raises(FieldError, match=what) as refused:
        flight(*route, **more)
    assert refused.value.at[:2] == ("route", at)


places = st.tuples(st.floats(40, 44), st.floats(70, 79))


@settings(max_examples=60)
@given(
    st.lists(places, min_size=2, max_size=5),
    st.sampled_from(sorted(AIRCRAFT)),
    st.lists(st.none() | st.floats(1_000, 12_000), min_size=5, max_size=5),
    st.integers(0, 3),
)
def test_any_route_is_refused_or_flown_without_a_step(
    at: list[tuple[float, float]], kind: str, heights: list[float | None], orbits: int
) -> None:
    route = [
        point(*place, altitude_m=h, orbits=orbits if 0 < i < len(at) - 1 else 0)
        for i, (place, h) in enumerate(zip(at, heights, strict=False))
    ]
    try:
        one = Flight(id="f", type=kind, altitude_m=8_000.0, route=tuple(route))  # type: ignore[arg-type]
    except FieldError:
        return
    path = Path(one)
    time = np.linspace(path.begin_s, path.end_s, 2_000)
    state = path.at(time)
    assert state.exists.all()
    fastest = max(AIRCRAFT[one.type].cruise_m_s * 1.01, 100.0)
    step = np.linalg.norm(np.diff(ecef(state), axis=1), axis=0)
    assert step.max() <= (time[1] - time[0]) * fastest * 1.05 + 0.01
    assert GEOD.inv(at[-1][1], at[-1][0], state.longitude_deg[-1], state.latitude_deg[-1])[2] < 1.0
