"""Simulated sensors: what they see against geometry, and that their bytes come back as what was seen."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from skypact.earth import frames
from skypact.earth.terrain import Terrain
from skypact.errors import ConfigError
from skypact.exercise import Flight, Path, Scenario, Waypoint, messages, read, sensing, shipped
from skypact.formats.asterix import AsterixDecoder
from skypact.formats.datagrams import Datagrams
from skypact.formats.intake import intake
from skypact.sensors import Sensor
from skypact.tables import PLOTS

START_NS = 1_780_279_200_000_000_000
RADAR = Sensor(
    id="radar",
    kind="psr_mode_s",
    sac=1,
    sic=2,
    latitude_deg=43.0,
    longitude_deg=75.0,
    altitude_m=800.0,
    range_m=200_000.0,
    rotation_s=5.0,
    pd=1.0,
)


def flight(**more: object) -> Flight:
    route = (
        Waypoint(latitude_deg=43.5, longitude_deg=74.0, altitude_m=9000, speed_m_s=220),
        Waypoint(latitude_deg=43.5, longitude_deg=77.0, altitude_m=9000, speed_m_s=220),
    )
    return Flight(id="f", route=route, **more)  # type: ignore[arg-type]


def plots_of(sensor: Sensor, one: Flight, duration_s: float = 600.0, terrain: Terrain | None = None) -> pa.Table:
    return sensing.radar_plots(sensor, [(one, Path(one))], START_NS, duration_s, 1, terrain or Terrain.open())


def test_a_plot_is_made_when_the_beam_passes_and_errs_as_the_sensor_does() -> None:
    one = flight(icao24="abcdef", mode_3a="1234", callsign="TEST1")
    plots = plots_of(RADAR, one, 900.0)
    time_s = (np.asarray(plots["time"].cast(pa.int64())) - START_NS) / 1e9
    truth = Path(one).at(time_s)
    azimuth, _, slant = frames.geodetic2aer(
        truth.latitude_deg, truth.longitude_deg, truth.altitude_m, 43.0, 75.0, 800.0
    )
    beam = time_s % 5.0 / 5.0 * 360.0
    assert np.abs((beam - azimuth + 180) % 360 - 180).max() < 0.01
    range_error = np.asarray(plots["range_m"]) - slant
    azimuth_error = (np.asarray(plots["azimuth_deg"]) - azimuth + 180) % 360 - 180
    assert len(plots) >= 170
    assert range_error.std() == pytest.approx(30.0, rel=0.2)
    assert azimuth_error.std() == pytest.approx(0.07, rel=0.2)
    assert abs(range_error.mean()) < 8
    assert set(plots["icao24"].to_pylist()) == {0xABCDEF}
    assert plots["simulated"].to_pylist() == [True] * len(plots)
    assert plots.schema.equals(PLOTS)


def test_what_a_radar_learns_depends_on_transponder_and_kind() -> None:
    silent = plots_of(RADAR, flight())
    assert set(silent["kind"].to_pylist()) == {"psr"}
    assert silent["pressure_altitude_m"].null_count == len(silent)
    secondary = Sensor(**{f: getattr(RADAR, f) for f in RADAR.__struct_fields__} | {"kind": "mode_s"})
    assert len(plots_of(secondary, flight())) == 0
    answers = plots_of(secondary, flight(mode_3a="7600"))
    assert set(answers["mode_3a"].to_pylist()) == {0o7600}


def test_terrain_hides() -> None:
    low = Flight(
        id="low",
        route=(
            Waypoint(latitude_deg=42.2, longitude_deg=76.0, altitude_m=3500, speed_m_s=60),
            Waypoint(latitude_deg=42.2, longitude_deg=76.3, altitude_m=3500, speed_m_s=60),
        ),
    )
    assert len(plots_of(RADAR, low, 300.0)) > 40
    assert len(plots_of(RADAR, low, 300.0, Terrain.shipped())) == 0


def test_the_bytes_are_what_was_seen_and_always_the_same() -> None:
    scenario = read("first-light")
    short = Scenario(**{f: getattr(scenario, f) for f in scenario.__struct_fields__} | {"duration_s": 60.0})
    sent = list(messages(short, Terrain.shipped()))
    assert sent == list(messages(short, Terrain.shipped()))
    assert [m.time_ns for m in sent] == sorted(m.time_ns for m in sent)
    radar = [m for m in sent if m.wire == "asterix"]
    decoder = AsterixDecoder()
    decoded = decoder.decode(Datagrams.of([m.octets for m in radar], [m.time_ns for m in radar]))
    assert not [name for name in decoder.counts if name not in {"blocks", "records"}]
    flights = [(f, Path(f)) for f in short.flights]
    seen: Counter[str] = Counter()
    for sensor in short.sensors:
        if sensor.kind != "adsb":
            plots = sensing.radar_plots(
                sensor, flights, int(scenario.start.timestamp()) * 10**9, 60.0, short.seed, Terrain.shipped()
            )
            seen[sensor.label] = len(plots)
    assert Counter(decoded.plots["sensor"].to_pylist()) == +seen
    assert decoded.plots["simulated"].to_pylist() == [True] * decoded.plots.num_rows
    assert set(decoded.services["message"].to_pylist()) == {"north", "sector"}
    beast = intake("beast", sensor="r", simulated=True)
    rows = [beast.feed(m.octets, m.time_ns).plots for m in sent if m.wire == "beast"]
    placed = pa.concat_tables(rows)
    assert placed["latitude_deg"].is_valid().to_numpy().sum() > 100
    assert not beast.problems


def test_shipped_scenarios_can_be_read_and_a_bad_one_names_its_line(tmp_path) -> None:  # type: ignore[no-untyped-def]
    assert "first-light" in shipped()
    for name in shipped():
        assert all(s.site == "hypothetical" for s in read(name).sensors)
    bad = tmp_path / "bad.toml"
    bad.write_text('schema = "scenario/1"\nid = "x"\ntitle = "x"\nstart = 2026-01-01T00:00:00Z\nduraton_s = 5\n')
    with pytest.raises(ConfigError, match=r"bad\.toml:5: .*duraton_s.*duration_s"):
        read(bad)
