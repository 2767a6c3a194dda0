"""ADS-B: what is sent and how often by the standard, and that a decoder finds again what was flown."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from flights import flight, level, mover, point, receiver, scenario
from pyproj import Geod

from skypact.earth import frames
from skypact.earth.terrain import Terrain
from skypact.exercise import Errors, Flight, Outage, Path, Simulation, Waypoint
from skypact.exercise.receiver import squitters
from skypact.formats.intake import intake
from skypact.tables import PLOTS, empty
from skypact.units import FOOT_M, to_ns

OPEN = Terrain.open()
GEOD = Geod(ellps="WGS84")
SAYS = {"icao24": "abcdef", "callsign": "TEST1", "mode_3a": "1234", "adsb": True}


def heard(one: Flight, terrain: Terrain = OPEN, duration_s: float = 300.0, **sensor: object) -> pa.Table:
    listening = receiver(**sensor)
    simulation = Simulation(scenario([listening], [one], duration_s=duration_s), terrain)
    line = intake("beast", sensor="r", reference=(43.0, 75.0), clock="day", simulated=True)
    parts = [line.feed(m.octets, m.time_ns).plots for m in simulation.messages()]
    assert not line.problems
    return pa.concat_tables([empty(PLOTS), *parts])


def kinds(one: Flight, duration_s: float = 1_000.0) -> dict[int, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    sent = squitters(mover(one), duration_s, 1)
    code = sent.frames[:, 4] >> 3
    return {int(kind): sent.time_s[code == kind] for kind in np.unique(code)}


def test_messages_are_sent_as_often_as_the_standard_says() -> None:
    sent = kinds(level(**SAYS))
    assert sorted(sent) == [4, 11, 19, 28]
    for kind, low, high in ((11, 0.4, 0.6), (19, 0.4, 0.6), (4, 4.8, 5.2), (28, 4.8, 5.2)):
        period = np.diff(sent[kind])
        assert low - 1e-9 <= period.min()
        assert period.max() <= high + 1e-9
        assert period.mean() == pytest.approx((low + high) / 2, rel=0.02)
        assert sent[kind][0] < high
        assert sent[kind][-1] > 1_000 - high
    urgent = np.diff(kinds(level(**SAYS | {"mode_3a": "7700"}))[28])
    assert 0.7 - 1e-9 <= urgent.min() < urgent.max() <= 0.9 + 1e-9


def test_what_is_flown_is_what_is_decoded() -> None:
    one = level(**SAYS)
    plots = heard(one, pd=1.0)
    time = (plots["time"].cast(pa.int64()).to_numpy() - to_ns(scenario([receiver()], [one]).start)) / 1e9
    truth = Path(one).at(time)
    placed = plots["latitude_deg"].is_valid().to_numpy()
    assert placed.sum() > 500
    latitude, longitude = (plots[n].to_numpy()[placed] for n in ("latitude_deg", "longitude_deg"))
    away = GEOD.inv(longitude, latitude, truth.longitude_deg[placed], truth.latitude_deg[placed])[2]
    assert away.max() < 30  # its own fix, and the steps of the format
    speed = plots["velocity_east_m_s"].to_numpy()[placed]
    assert np.nanmax(np.abs(speed - truth.east_m_s[placed])) < 0.3
    altitude = plots["pressure_altitude_m"].to_numpy()[placed]
    assert np.abs(altitude - 9_000).max() <= 12.5 * FOOT_M + 1e-6
    assert set(plots["icao24"].to_pylist()) == {0xABCDEF}
    assert set(plots["callsign"].drop_null().to_pylist()) == {"TEST1"}
    assert set(plots["mode_3a"].drop_null().to_pylist()) == {0o1234}
    assert set(plots["emergency"].drop_null().to_pylist()) == {"none"}
    assert set(plots["simulated"].to_pylist()) == {True}
    assert set(plots["time_source"].to_pylist()) == {"measured"}
    for code, meaning in (("7500", "unlawful_interference"), ("7600", "no_communications"), ("7700", "general")):
        told = heard(level(**SAYS | {"mode_3a": code}), duration_s=20.0)["emergency"].drop_null().to_pylist()
        assert set(told) == {meaning}


def test_light_takes_its_time_and_a_clock_may_be_off() -> None:
    one = level(**SAYS)
    simulation = Simulation(scenario([receiver(pd=1.0, errors=Errors(clock_s=-1.5))], [one]), OPEN)
    listening = simulation.listen(simulation.scenario.sensors[0])
    sent = squitters(simulation.movers[0], 600.0, 1)
    start = to_ns(simulation.scenario.start)
    arrived = (listening.time_ns - start) / 1e9
    np.testing.assert_allclose((listening.frames.clock_ns - listening.time_ns) / 1e9, -1.5, atol=1e-9)
    state = Path(one).at(arrived)
    _, _, slant = frames.geodetic2aer(state.latitude_deg, state.longitude_deg, state.altitude_m, 43.0, 75.0, 800.0)
    before = arrived - slant / 299_792_458.0
    nearest = np.abs(sent.time_s[np.searchsorted(sent.time_s, before - 1e-6).clip(max=len(sent.time_s) - 1)] - before)
    assert nearest.max() < 2e-7


def test_reception_falls_with_range_and_ends_behind_mountains_and_in_outages() -> None:
    away = flight(point(43.0, 75.05), point(43.0, 79.0), speed_m_s=250.0, altitude_m=11_000.0, **SAYS)
    simulation = Simulation(scenario([receiver(pd=0.9)], [away], duration_s=1_200.0), OPEN)
    listening = simulation.listen(simulation.scenario.sensors[0])
    sent = squitters(simulation.movers[0], 1_200.0, 1).time_s
    arrived = (listening.time_ns - to_ns(simulation.scenario.start)) / 1e9
    for low, high in ((0, 200), (400, 600), (900, 1_100)):
        mean = (low + high) / 2 * 250 + 4_000
        share = ((arrived >= low) & (arrived < high)).sum() / ((sent >= low) & (sent < high)).sum()
        assert share == pytest.approx(0.9 * 0.5 ** (mean / 300e3) ** 2, abs=0.06)
    assert len(heard(flight(point(42.2, 76.0), point(42.2, 76.3), altitude_m=3_500.0, **SAYS), Terrain.shipped())) == 0
    quiet = heard(level(**SAYS), outages=(Outage(from_s=50.0, to_s=250.0),))["time"].cast(pa.int64()).to_numpy()
    assert np.diff(np.sort(quiet)).max() > 199e9


def test_on_the_ground_positions_are_of_the_ground_and_velocities_are_not_sent() -> None:
    one = Flight(
        id="f", route=(Waypoint(airport="UCFM"), point(43.05, 74.9)), altitude_m=3_000.0, start_s=20.0, **SAYS
    )  # fmt: skip
    sent = kinds(one, 120.0)
    path = Path(one)
    lift_off = 20 + np.argmin(path.at(20 + np.arange(0, 60, 0.01)).on_ground) / 100
    assert sent[7].min() >= 20.0
    assert sent[7].max() < lift_off < min(sent[11].min(), sent[19].min())
    assert np.diff(sent[7]).max() < 0.61
    near = {"latitude_deg": 43.0613, "longitude_deg": 74.4776, "altitude_m": 660.0}
    plots = heard(one, Terrain.shipped(), 120.0, pd=1.0, **near)
    ground = plots.filter(plots["on_ground"])
    assert ground["latitude_deg"].null_count <= 1
    assert ground["latitude_deg"].drop_null().to_numpy() == pytest.approx(43.06, abs=0.02)
    assert Counter(plots["on_ground"].drop_null().to_pylist())[False] > 50
