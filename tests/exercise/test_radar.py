"""Radars: when and where they see against geometry, their statistics against what they are said to be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from flights import flight, level, point, radar, scenario

from skypact.earth import frames
from skypact.earth.terrain import Terrain
from skypact.exercise import Clutter, Errors, Flight, Outage, Path, SimulatedSensor, Simulation, Waypoint
from skypact.exercise.radar import NONE, Beam, Echoes
from skypact.tables import PLOTS
from skypact.units import FOOT_M, to_ns

OPEN = Terrain.open()


def seen(sensor: SimulatedSensor, *flights: Flight, terrain: Terrain = OPEN, **more: Any) -> pa.Table:
    return Simulation(scenario([sensor], list(flights), **more), terrain).plots(sensor)


def seconds(plots: pa.Table, name: str = "time") -> np.ndarray[Any, Any]:
    start = to_ns(scenario([radar()], [level()]).start)
    return (plots[name].cast(pa.int64()).to_numpy() - start) / 1e9


def errors(plots: pa.Table, one: Flight, time_s: np.ndarray[Any, Any]) -> tuple[Any, Any]:
    truth = Path(one).at(time_s)
    azimuth, _, slant = frames.geodetic2aer(
        truth.latitude_deg, truth.longitude_deg, truth.altitude_m, 43.0, 75.0, 800.0
    )
    return plots["range_m"].to_numpy() - slant, (plots["azimuth_deg"].to_numpy() - azimuth + 180) % 360 - 180


def test_a_plot_is_made_when_the_beam_passes_and_errs_as_the_sensor_does() -> None:
    one = level(icao24="abcdef", mode_3a="1234", callsign="TEST1")
    sensor = radar(rotation_s=1.0)
    plots = seen(sensor, one, duration_s=1_000.0)
    time = seconds(plots)
    range_error, azimuth_error = errors(plots, one, time)
    beam = Beam.of(sensor, 1)
    measured = plots["azimuth_deg"].to_numpy() - azimuth_error
    turned = (time - beam.phase_s) / 1.0 * 360
    assert np.abs((turned - measured + 180) % 360 - 180).max() < 0.01
    assert len(plots) == pytest.approx(1_000, abs=2)
    assert np.diff(time).min() > 0.9
    # Standard errors of mean and deviation of 1,000 draws: 3 % and 2 %.
    assert range_error.std() == pytest.approx(30.0, rel=0.08)
    assert azimuth_error.std() == pytest.approx(0.07, rel=0.08)
    assert abs(range_error.mean()) < 4
    assert abs(azimuth_error.mean()) < 0.009
    assert plots["icao24"].unique().to_pylist() == [0xABCDEF]
    assert plots["callsign"].unique().to_pylist() == ["TEST1"]
    assert plots["mode_3a"].unique().to_pylist() == [0o1234]
    assert plots["code_valid"].unique().to_pylist() == [True]
    assert plots["simulated"].unique().to_pylist() == [True]
    assert plots["sensor_track"].null_count == len(plots)  # a number would tell whose plot it is
    assert plots.schema.equals(PLOTS)


def test_errors_are_added_and_a_clock_off_stamps_what_was_seen_at_the_true_time() -> None:
    one = level(mode_3a="1234")
    wrong = Errors(range_m=400.0, azimuth_deg=-0.8, clock_s=2.5)
    sensor = radar(kind="ssr", errors=wrong, sigma_range_m=1.0, sigma_azimuth_deg=0.001)
    plots = seen(sensor, one)
    np.testing.assert_allclose(seconds(plots) - seconds(plots, "received"), 2.5)
    range_error, azimuth_error = errors(plots, one, seconds(plots, "received"))
    assert range_error.mean() == pytest.approx(400, abs=1)
    assert azimuth_error.mean() == pytest.approx(-0.8, abs=1e-3)
    beam = Beam.of(sensor, 1)
    turned = (seconds(plots, "received") - beam.phase_s) / 5.0 * 360
    assert np.abs((turned - plots["azimuth_deg"].to_numpy() + 180) % 360 - 180).max() < 0.02


def test_what_a_radar_learns_depends_on_transponder_and_kind() -> None:
    silent = seen(radar(), level())
    assert silent["kind"].unique().to_pylist() == ["psr"]
    for column in ("pressure_altitude_m", "icao24", "mode_3a", "callsign", "code_valid"):
        assert silent[column].null_count == len(silent) > 100
    secondary = radar(kind="mode_s")
    assert len(seen(secondary, level())) == 0
    answers = seen(secondary, level(mode_3a="7600", altitude_m=8_999.0))
    assert answers["kind"].unique().to_pylist() == ["ssr"]
    assert answers["mode_3a"].unique().to_pylist() == [0o7600]
    assert answers["pressure_altitude_m"][0].as_py() == pytest.approx(295 * 100 * FOOT_M)
    asked = seen(secondary, level(icao24="000001", altitude_m=8_999.0))
    assert asked["pressure_altitude_m"][0].as_py() == pytest.approx(295.25 * 100 * FOOT_M)
    assert seen(radar(kind="psr"), level(icao24="000001"))["icao24"].null_count > 100


def test_the_channels_of_a_combined_radar_detect_by_themselves() -> None:
    sensor = radar(pd=0.7, secondary_pd=0.8, rotation_s=1.0)
    plots = seen(sensor, level(icao24="abcdef"), duration_s=1_200.0)
    turns = len(seen(radar(rotation_s=1.0), level(icao24="abcdef"), duration_s=1_200.0))
    kinds = plots["kind"].value_counts().to_pylist()
    share = {k["values"]: k["counts"] / turns for k in kinds}
    assert share["psr_mode_s"] == pytest.approx(0.56, abs=0.045)
    assert share["mode_s"] == pytest.approx(0.24, abs=0.04)
    assert share["psr"] == pytest.approx(0.14, abs=0.03)


def test_detection_falls_with_range_and_cross_section() -> None:
    sensor = radar(kind="psr", pd=0.5, reference_rcs_m2=2.0, range_m=150_000.0, rotation_s=1.0)
    away = flight(point(43.0, 75.05), point(43.0, 77.0), speed_m_s=250.0, rcs_m2=0.5, altitude_m=2_000.0)
    plots = seen(sensor, away, duration_s=600.0)
    distance = plots["range_m"].to_numpy()
    time = np.arange(0, 600, 1.0)
    truth = Path(away).at(time)
    _, _, slant = frames.geodetic2aer(truth.latitude_deg, truth.longitude_deg, truth.altitude_m, 43.0, 75.0, 800.0)
    for low, high in ((20e3, 60e3), (60e3, 90e3), (90e3, 120e3), (120e3, 150e3)):
        inside = (slant >= low) & (slant < high)
        snr = (np.log(1e-6) / np.log(0.5) - 1) * 0.5 / 2.0 * (150e3 / slant[inside]) ** 4
        expected = (1e-6 ** (1 / (1 + snr))).mean()
        found = ((distance >= low) & (distance < high)).sum() / inside.sum()
        assert found == pytest.approx(expected, abs=4 * np.sqrt(0.25 / inside.sum()))


def test_terrain_the_cone_of_silence_the_ground_and_the_reach_hide() -> None:
    low = flight(point(42.2, 76.0), point(42.2, 76.3), speed_m_s=60.0, altitude_m=3_500.0)
    assert len(seen(radar(), low, duration_s=300.0)) > 40
    assert len(seen(radar(), low, terrain=Terrain.shipped(), duration_s=300.0)) == 0
    over = flight(point(43.0, 74.8), point(43.0, 75.2), altitude_m=9_000.0)
    plots = seen(radar(elevation_max_deg=30.0), over)
    _, elevation, _ = frames.geodetic2aer(
        *(getattr(Path(over).at(seconds(plots)), n) for n in ("latitude_deg", "longitude_deg", "altitude_m")),
        *(43.0, 75.0, 800.0),
    )
    assert elevation.max() <= 30.0
    assert np.diff(seconds(plots)).max() > 100
    departure = flight(Waypoint(airport="UCFM"), point(43.0, 75.0), altitude_m=3_000.0, icao24="000001")
    rising = seconds(seen(radar(), departure))
    lift_off = np.argmin(Path(departure).at(np.arange(0, 60, 0.1)).on_ground) / 10
    assert rising.min() >= lift_off > 30
    assert len(seen(radar(range_m=50_000.0), level(speed_m_s=100.0), duration_s=100.0)) == 0


def test_outages_and_dead_sectors() -> None:
    blind = (Outage(from_s=100.0, to_s=200.0), Outage(azimuth_deg=(350.0, 20.0)))
    sensor = radar(outages=blind)
    simulation = Simulation(scenario([sensor], [level()]), OPEN)
    plots = simulation.plots(sensor)
    time, azimuth = seconds(plots), plots["azimuth_deg"].to_numpy()
    assert not ((time > 100) & (time < 200)).any()
    assert not ((azimuth > 351) | (azimuth < 19)).any()
    assert ((time > 200) & (azimuth < 350)).any()
    sent = [(m.time_ns - to_ns(simulation.scenario.start)) / 1e9 for m in simulation.messages()]
    silent = [t for t in sent if 100.2 < t < 200]
    assert silent == []
    assert max(sent) > 595


def test_clutter_is_poisson_and_uniform_over_its_areas() -> None:
    areas = (
        Clutter(per_turn=8.0, range_m=(5_000.0, 50_000.0)),
        Clutter(per_turn=4.0, range_m=(60_000.0, 80_000.0), azimuth_deg=(340.0, 20.0)),
    )
    sensor = radar(kind="psr", clutter=areas, resolution_range_m=0.0, rotation_s=5.0)
    elsewhere = level(start_s=7_000.0)
    plots = seen(sensor, elsewhere, duration_s=5_000.0)
    distance, azimuth, time = plots["range_m"].to_numpy(), plots["azimuth_deg"].to_numpy(), seconds(plots)
    near = distance < 55_000
    counts = np.bincount(((time - Beam.of(sensor, 1).phase_s) // 5.0 + 1).astype(int)[near])[1:1000]
    assert counts.mean() == pytest.approx(8.0, abs=0.35)
    assert counts.var() == pytest.approx(8.0, rel=0.2)
    area = (distance[near] ** 2 - 5_000**2) / (50_000**2 - 5_000**2)
    for value in (area, azimuth[near] / 360):
        edges = np.sort(value)
        assert np.abs(edges - np.linspace(0, 1, len(edges))).max() < 1.63 / np.sqrt(len(edges))  # Kolmogorov, 1 %
    assert (~near).sum() == pytest.approx(4_000, rel=0.06)
    assert (np.abs((azimuth[~near] + 180) % 360 - 180) <= 20.001).all()
    turned = (time - Beam.of(sensor, 1).phase_s) / 5.0 * 360
    assert np.abs((turned - azimuth + 180) % 360 - 180).max() < 1e-3


def test_garbled_replies_differ_in_one_bit_and_say_that_they_are_not_valid() -> None:
    plots = seen(radar(kind="ssr", garbled=0.2, rotation_s=1.0), level(mode_3a="2345"), duration_s=1_000.0)
    valid = plots["code_valid"].to_numpy(zero_copy_only=False)
    code = plots["mode_3a"].to_numpy()
    assert (~valid).mean() == pytest.approx(0.2, abs=0.05)
    assert set(code[valid]) == {0o2345}
    bits = [bin(int(c) ^ 0o2345).count("1") for c in code[~valid]]
    assert set(bits) == {1}
    assert len(set(code[~valid].tolist())) == 12
    asked = seen(radar(kind="mode_s", garbled=0.2), level(icao24="abcdef", mode_3a="2345"))
    assert asked["code_valid"].unique().to_pylist() == [True]


def echoes(**columns: Any) -> Echoes:
    count = len(columns["range_m"])
    known = {
        "time_s": np.asarray(columns["azimuth_deg"], float) / 360 * 5,
        "object": np.arange(count),
        "kind": np.zeros(count, np.int8),
        "altitude_m": np.full(count, np.nan),
        "icao24": np.full(count, NONE),
        "mode_3a": np.full(count, NONE),
        "valid": np.ones(count, bool),
    }
    return Echoes(**known | {k: np.asarray(v, known[k].dtype if k in known else float) for k, v in columns.items()})


def test_echoes_closer_than_the_resolution_are_one() -> None:
    from skypact.exercise.merging import merged

    sensor = radar(resolution_range_m=200.0, resolution_azimuth_deg=2.0)
    pair = merged(echoes(range_m=[50_000, 50_100, 60_000], azimuth_deg=[10, 11, 11.5]), sensor, 5.0)
    assert pair.range_m.tolist() == [50_050, 60_000]
    assert pair.azimuth_deg.tolist() == [10.5, 11.5]
    chain = merged(echoes(range_m=[50_000, 50_150, 50_300], azimuth_deg=[10, 11, 12]), sensor, 5.0)
    assert chain.range_m.tolist() == [50_150]
    apart = merged(echoes(range_m=[50_000, 50_250, 50_000], azimuth_deg=[10, 11, 13]), sensor, 5.0)
    assert len(apart.time_s) == 3
    north = merged(echoes(range_m=[1e4, 1e4], azimuth_deg=[359.5, 0.5], time_s=[4.993, 5.007]), sensor, 5.0)
    assert north.azimuth_deg[0] % 360 == pytest.approx(0.0)


def test_replies_garble_each_other_unless_asked_one_by_one() -> None:
    from skypact.exercise.merging import merged

    sensor = radar()
    close = {"range_m": [5e4, 5e4 + 50], "azimuth_deg": [10, 10.5]}
    two = merged(echoes(**close, kind=[1, 2], mode_3a=[0o1200, 0o2001]), sensor, 5.0)
    assert (two.mode_3a.tolist(), two.valid.tolist(), two.kind.tolist()) == ([0o3201], [False], [2])
    hidden = merged(echoes(**close, kind=[1, 0], mode_3a=[0o1200, NONE]), sensor, 5.0)
    assert (hidden.mode_3a.tolist(), hidden.valid.tolist(), hidden.kind.tolist()) == ([0o1200], [True], [2])
    asked = merged(echoes(**close, kind=[3, 4], icao24=[1, 2]), sensor, 5.0)
    assert asked.icao24.tolist() == [1, 2]
    lost = merged(echoes(**close, kind=[4, 0], icao24=[1, NONE]), sensor, 5.0)
    assert lost.icao24.tolist() == [1]
