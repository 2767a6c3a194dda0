"""A scenario run: always the same, one stream of chance a sensor and object, and bytes that say what was seen."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from flights import flight, level, point, radar, receiver, scenario

from skypact.earth.terrain import Terrain
from skypact.exercise import Errors, Flight, Scenario, Simulation, messages, read
from skypact.formats.asterix import AsterixDecoder
from skypact.formats.datagrams import Datagrams
from skypact.formats.decoded import Decoded
from skypact.tables import TRUTH
from skypact.units import FOOT_M, NAUTICAL_MILE_M, to_ns

OPEN = Terrain.open()
SAYS = {"icao24": "abcdef", "callsign": "TEST1", "mode_3a": "1234", "adsb": True}
SENSORS = [radar(), radar(id="other", sic=3, kind="psr_ssr", longitude_deg=76.0, rotation_s=4.0), receiver()]
FLIGHTS = [level(**SAYS), level(id="g", mode_3a="4321", altitude_m=8_000.0), level(id="h", start_s=60.0)]


def digest(one: Scenario) -> str:
    whole = sha256()
    for m in messages(one, OPEN):
        whole.update(f"{m.time_ns} {m.sensor} {m.wire} ".encode() + m.octets)
    return whole.hexdigest()


def asterix(simulation: Simulation) -> tuple[Decoded, AsterixDecoder]:
    sent = [m for m in simulation.messages() if m.wire == "asterix"]
    decoder = AsterixDecoder()
    decoded = decoder.decode(Datagrams.of([m.octets for m in sent], [m.time_ns for m in sent]))
    assert not [name for name in decoder.counts if name not in {"blocks", "records"}]
    return decoded, decoder


def test_the_same_scenario_gives_the_same_bytes_in_whatever_order_it_is_written() -> None:
    one = scenario(SENSORS, FLIGHTS, duration_s=120.0)
    assert digest(one) == digest(one)
    assert digest(one) == digest(scenario(SENSORS[::-1], FLIGHTS[::-1], duration_s=120.0))
    assert digest(one) != digest(msgspec.structs.replace(one, seed=2))
    again = Simulation(one, OPEN)
    for sensor in one.sensors[::-1]:  # worked out in another order
        _ = again.watch(sensor) if sensor.is_radar else again.listen(sensor)
    again.truth()
    assert [m.octets for m in again.messages()] == [m.octets for m in messages(one, OPEN)]


def test_what_comes_and_goes_leaves_the_others_as_they_were() -> None:
    whole = Simulation(scenario(SENSORS, FLIGHTS, duration_s=200.0), OPEN)
    fewer = Simulation(scenario(SENSORS[:1], FLIGHTS[:1], duration_s=200.0), OPEN)
    sensor = SENSORS[0]

    def of_first(simulation: Simulation) -> pa.Table:
        plots = simulation.plots(sensor)
        return plots.filter(pc.fill_null(pc.equal(plots["icao24"], 0xABCDEF), False)).combine_chunks()

    assert of_first(whole).equals(of_first(fewer))
    assert len(of_first(whole)) > 30
    noisy = scenario([radar(errors=Errors(range_m=500.0))], FLIGHTS[:1], duration_s=200.0)
    biased = Simulation(noisy, OPEN).plots(noisy.sensors[0])["range_m"].to_numpy()
    np.testing.assert_allclose(biased - of_first(fewer)["range_m"].to_numpy(), 500.0)


def test_the_bytes_say_what_was_seen() -> None:
    wrong = radar(errors=Errors(clock_s=1.0), garbled=0.1, kind="psr_ssr", id="z", sic=9)
    simulation = Simulation(scenario([*SENSORS, wrong], FLIGHTS, duration_s=300.0), OPEN)
    decoded, _ = asterix(simulation)
    plots = decoded.plots
    for sensor in (s for s in simulation.scenario.sensors if s.is_radar):
        seen = simulation.plots(sensor)
        told = plots.filter(pc.equal(plots["sensor"].cast(pa.string()), sensor.label))
        assert len(told) == len(seen) > 100
        for name, step in (("range_m", NAUTICAL_MILE_M / 256), ("azimuth_deg", 360 / 65536), ("time", 1e9 / 128)):
            a, b = (t[name].cast(pa.int64() if name == "time" else pa.float64()).to_numpy() for t in (told, seen))
            assert np.abs(a - b).max() <= step / 2 * 1.001
        for name in ("kind", "icao24", "mode_3a", "callsign"):
            assert told[name].to_pylist() == seen[name].to_pylist()
        a, b = (t["pressure_altitude_m"].fill_null(-1e4).to_numpy() for t in (told, seen))
        np.testing.assert_allclose(a, b, atol=0.01 * FOOT_M)
        garbled = np.array(seen["code_valid"].to_pylist()) == False  # noqa: E712 - null is neither
        assert (np.array(told["code_valid"].to_pylist())[garbled] == False).all()  # noqa: E712
        late = told["received"].cast(pa.int64()).to_numpy() - seen["received"].cast(pa.int64()).to_numpy()
        assert late.min() >= 0  # a plot is sent when the beam has left its sector
        assert late.max() <= float(sensor.rotation_s or 0) / 32 * 1e9 * 1.001
    assert plots["simulated"].unique().to_pylist() == [True]
    assert set(decoded.services["message"].to_pylist()) == {"north", "sector"}
    north = decoded.services.filter(pc.equal(decoded.services["message"].cast(pa.string()), "north"))
    assert north["latitude_deg"][0].as_py() == pytest.approx(43.0, abs=1e-4)
    assert set(np.round(north["rotation_s"].to_numpy(), 2)) == {4.0, 5.0}


def test_messages_come_in_the_order_of_time() -> None:
    sent = list(messages(scenario(SENSORS, FLIGHTS, duration_s=60.0), OPEN))
    time = [m.time_ns for m in sent]
    assert time == sorted(time)
    assert Counter(m.sensor for m in sent).keys() == {"radar", "other", "receiver"}


def test_truth_is_where_everything_was() -> None:
    far = flight(point(50.0, 60.0), point(50.0, 61.0), id="far", identity="neutral", icao24="00000f")
    simulation = Simulation(scenario(SENSORS, [*FLIGHTS, far], duration_s=100.0), OPEN)
    truth = simulation.truth()
    assert truth.schema.equals(TRUTH)
    assert np.all(np.diff(truth["time"].cast(pa.int64()).to_numpy()) >= 0)
    for one in simulation.movers:
        rows = truth.filter(pc.equal(truth["object"].cast(pa.string()), one.id))
        time = (rows["time"].cast(pa.int64()).to_numpy() - to_ns(simulation.scenario.start)) / 1e9
        state = one.motion.at(time)
        assert len(rows) == (41 if one.id == "h" else 101)
        for name in ("latitude_deg", "longitude_deg", "altitude_m"):
            np.testing.assert_array_equal(rows[name].to_numpy(), getattr(state, name))
        np.testing.assert_array_equal(rows["velocity_east_m_s"].to_numpy(), state.east_m_s)
        assert rows["icao24"].unique().to_pylist() == [one.icao24]
        assert rows["mode_3a"].unique().to_pylist() == [one.mode_3a]
        assert rows["identity"].unique().to_pylist() == [one.identity]
        assert rows["trackable"].unique().to_pylist() == [one.id != "far"]


def test_trackable_follows_terrain_transponder_and_cross_section() -> None:
    def share(one: Flight, *sensors: object, terrain: Terrain = OPEN) -> float:
        truth = Simulation(scenario(list(sensors), [one], duration_s=200.0), terrain).truth()  # type: ignore[arg-type]
        return float(pc.mean(truth["trackable"]).as_py())

    behind = flight(point(42.2, 76.0), point(42.2, 76.3), altitude_m=3_500.0, **SAYS)
    assert share(behind, radar(), receiver()) == 1.0
    assert share(behind, radar(), receiver(), terrain=Terrain.shipped()) == 0.0
    assert share(level(), radar(kind="mode_s"), receiver()) == 0.0
    assert share(level(adsb=False, icao24="000001"), radar(kind="mode_s")) == 1.0
    assert share(level(adsb=False, icao24="000001"), receiver()) == 0.0
    weak = radar(kind="psr", pd=0.5, reference_rcs_m2=2.0)
    assert share(level(rcs_m2=2.0), weak) == 1.0
    assert share(level(rcs_m2=1e-4), weak) == 0.0
    assert share(level(rcs_m2=1e-4, icao24="000001"), weak, radar(id="ssr", sic=7, kind="ssr")) == 1.0


def test_an_empty_sky_is_silent_but_for_the_antennas() -> None:
    late = level(start_s=1_000.0, **SAYS)
    simulation = Simulation(scenario(SENSORS, [late], duration_s=30.0), OPEN)
    decoded, _ = asterix(simulation)
    assert decoded.plots.num_rows == 0
    assert decoded.services.num_rows > 300
    assert simulation.truth().num_rows == 0


def test_the_shipped_scenarios_run() -> None:
    for name in ("first-light", "joint-sky"):
        short = msgspec.structs.replace(read(name), duration_s=60.0)
        simulation = Simulation(short)
        decoded, _ = asterix(simulation)
        radars = {s.label for s in short.sensors if s.is_radar}
        assert set(decoded.services["sensor"].to_pylist()) == radars
        assert set(decoded.plots["sensor"].to_pylist()) == radars
        assert {m.sensor for m in simulation.messages()} == {s.id for s in short.sensors}
