"""Tables to ASTERIX and back: what a category carries returns within its steps, the rest is null."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from skypact.errors import MisuseError
from skypact.formats.asterix import (
    AsterixDecoder,
    TrackNumbers,
    adsb_reports,
    antenna_messages,
    centre_messages,
    radar_reports,
    system_tracks,
)
from skypact.formats.datagrams import Datagrams
from skypact.formats.decoded import Decoded
from skypact.tables import COVARIANCE_SIZE, PLOTS, SERVICES, TRACKS, build, codes, times, words
from skypact.units import FLIGHT_LEVEL_M, FOOT_M, FOOT_PER_MINUTE_M_S, NAUTICAL_MILE_M, SECOND_NS, to_ns

DATE = dt.date(2025, 6, 1)
START = to_ns(DATE) + 12 * 3600 * SECOND_NS
N = 500


def some(rng: np.random.Generator, low: float, high: float, nulls: float = 0.2) -> np.ndarray:
    values = rng.uniform(low, high, N)
    values[rng.random(N) < nulls] = np.nan
    return values


def masked(rng: np.random.Generator, values: np.ndarray, kind: pa.DataType, nulls: float = 0.2) -> pa.Array:
    return pa.array(values, kind, mask=rng.random(N) < nulls)


def sensors(rng: np.random.Generator, names: tuple[str, ...] = ("25/12", "25/13", "0/255")) -> pa.Array:
    return pa.array(rng.choice(names, N)).dictionary_encode()


def plots(seed: int, kinds: tuple[int, ...], **changes: Any) -> pa.Table:
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {
        "time": times(START + np.sort(rng.integers(0, 60 * SECOND_NS, N))),
        "sensor": sensors(rng),
        "kind": words("kind", rng.choice(np.array(kinds, np.int8), N)),
        "range_m": some(rng, 0, 470_000),
        "azimuth_deg": some(rng, -180, 540),
        "range_rate_m_s": some(rng, -500, 500),
        "latitude_deg": some(rng, -90, 90),
        "longitude_deg": some(rng, -180, 180),
        "altitude_m": some(rng, -300, 15_000),
        "pressure_altitude_m": some(rng, -300, 15_000),
        "velocity_east_m_s": some(rng, -400, 400),
        "velocity_north_m_s": some(rng, -400, 400),
        "velocity_up_m_s": some(rng, -50, 50),
        "sensor_track": masked(rng, rng.integers(0, 4096, N), pa.uint32()),
        "icao24": masked(rng, rng.integers(0, 1 << 24, N), pa.uint32()),
        "mode_3a": masked(rng, rng.integers(0, 4096, N), pa.uint16()),
        "callsign": masked(rng, rng.choice(["KGA1", "AFL1234", "A B C", "12345678"], N), pa.string()),
        "code_valid": masked(rng, rng.random(N) < 0.7, pa.bool_()),
        "on_ground": masked(rng, rng.random(N) < 0.5, pa.bool_()),
        "emergency": words("emergency", rng.integers(-1, 7, N).astype(np.int8)),
        "simulated": pa.array(rng.random(N) < 0.5),
    }
    return build(PLOTS, N, columns | changes)


def decode(messages: Datagrams) -> tuple[Decoded, AsterixDecoder]:
    decoder = AsterixDecoder(date=DATE)
    found = decoder.decode(messages)
    assert not [k for k in decoder.counts if k not in {"blocks", "records"}], decoder.counts
    return found, decoder


def column(table: pa.Table, name: str) -> np.ndarray:
    return table[name].cast(pa.float64()).fill_null(np.nan).to_numpy()


def near(found: np.ndarray, expected: np.ndarray, step: float) -> None:
    """Equal to half a step, unknown where unknown."""
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    known = ~np.isnan(expected)
    assert np.abs(found[known] - expected[known]).max(initial=0.0) <= step / 2 * (1 + 1e-9) + 1e-9


def both(table: pa.Table, *names: str) -> tuple[np.ndarray, ...]:
    """Return columns, unknown where one of them is."""
    values = [column(table, n) for n in names]
    unknown = np.isnan(values).any(axis=0)
    return tuple(np.where(unknown, np.nan, v) for v in values)


def same(found: pa.Table, expected: pa.Table, *names: str) -> None:
    for name in names:
        assert found[name].to_pylist() == expected[name].to_pylist(), name


def near_times(found: pa.Table, expected: pa.Table, name: str = "time", step_ns: int = 7_812_500) -> None:
    difference = found[name].cast(pa.int64()).to_numpy() - expected[name].cast(pa.int64()).to_numpy()
    assert np.abs(difference).max() <= step_ns // 2 + 1


def turn(found: np.ndarray, expected: np.ndarray, step: float) -> None:
    known = ~np.isnan(expected)
    np.testing.assert_array_equal(np.isnan(found), ~known)
    off = np.abs((found[known] - expected[known] + 180) % 360 - 180)
    assert off.max() <= step / 2 + 1e-9
    assert (found[known] >= 0).all() and (found[known] < 360).all()


# --- CAT048 -----------------------------------------------------------------------------------------------------------


def test_radar_plots_come_back() -> None:
    sent = plots(48, (-1, 0, 1, 2, 3, 4))
    found = decode(radar_reports(sent))[0].plots
    same(found, sent, "sensor", "kind", "sensor_track", "icao24", "mode_3a", "callsign", "on_ground", "simulated")
    near_times(found, sent)
    distance, azimuth = both(sent, "range_m", "azimuth_deg")
    near(column(found, "range_m"), distance, NAUTICAL_MILE_M / 256)
    turn(column(found, "azimuth_deg"), azimuth, 360 / 65_536)
    near(column(found, "pressure_altitude_m"), column(sent, "pressure_altitude_m"), FLIGHT_LEVEL_M / 4)
    near(column(found, "altitude_m"), column(sent, "altitude_m"), 25 * FOOT_M)
    near(column(found, "range_rate_m_s"), column(sent, "range_rate_m_s"), 1)
    # Whether codes are valid can only be said beside a code or a height, and not that it is unknown.
    coded = ~np.isnan(column(sent, "mode_3a")) | ~np.isnan(column(sent, "pressure_altitude_m"))
    expected = [None if not c else v is not False for c, v in zip(coded, sent["code_valid"].to_pylist(), strict=True)]
    assert found["code_valid"].to_pylist() == expected
    assert found["latitude_deg"].null_count == N


def test_what_a_radar_report_cannot_carry_is_left_out() -> None:
    high = np.full(N, 1e6)
    sent = plots(3, (1,), altitude_m=high, pressure_altitude_m=high, range_rate_m_s=high)
    found = decode(radar_reports(sent))[0].plots
    for name in ("altitude_m", "pressure_altitude_m", "range_rate_m_s"):
        assert found[name].null_count == N


def test_emergencies_of_codes() -> None:
    code = pa.array(np.resize([0o7500, 0o7600, 0o7700, 0o7000], N), pa.uint16())
    found = decode(radar_reports(plots(4, (1,), mode_3a=code, code_valid=pa.array([True] * N))))[0].plots
    assert found["emergency"].to_pylist()[:4] == ["unlawful_interference", "no_communications", "general", None]
    garbled = decode(radar_reports(plots(4, (1,), mode_3a=code, code_valid=pa.array([False] * N))))[0].plots
    assert garbled["emergency"].null_count == N


# --- CAT021 -----------------------------------------------------------------------------------------------------------


def test_adsb_plots_come_back() -> None:
    sent = plots(21, (5,))
    found = decode(adsb_reports(sent))[0].plots
    same(found, sent, "sensor", "kind", "sensor_track", "icao24", "mode_3a", "callsign", "emergency", "simulated")
    near_times(found, sent)
    latitude, longitude = both(sent, "latitude_deg", "longitude_deg")
    altitude = both(sent, "altitude_m", "latitude_deg", "longitude_deg")[0]
    near(column(found, "latitude_deg"), latitude, 180 / 2**30)
    near(column(found, "longitude_deg"), longitude, 180 / 2**30)
    # The geoid is read at the rounded position: a few micrometres.
    near(column(found, "altitude_m"), altitude, 6.25 * FOOT_M + 1e-4)
    near(column(found, "pressure_altitude_m"), column(sent, "pressure_altitude_m"), FLIGHT_LEVEL_M / 4)
    near(column(found, "velocity_up_m_s"), column(sent, "velocity_up_m_s"), 6.25 * FOOT_PER_MINUTE_M_S)
    east, north = both(sent, "velocity_east_m_s", "velocity_north_m_s")
    # Speed in steps of 0.11 m/s, direction in 0.0055 degrees.
    speed = np.hypot(column(found, "velocity_east_m_s"), column(found, "velocity_north_m_s"))
    near(speed, np.hypot(east, north), NAUTICAL_MILE_M / 2**14)
    near(column(found, "velocity_east_m_s"), east, NAUTICAL_MILE_M / 2**14 + 570 * np.radians(360 / 2**16))


def test_on_ground_is_said_in_an_extension_that_is_always_sent() -> None:
    sent = plots(22, (5,))
    found = decode(adsb_reports(sent))[0].plots
    assert found["on_ground"].to_pylist() == [bool(v) for v in sent["on_ground"].to_pylist()]


# --- CAT034, CAT065 ---------------------------------------------------------------------------------------------------


def services(seed: int, messages: tuple[int, ...]) -> pa.Table:
    rng = np.random.default_rng(seed)
    return build(
        SERVICES,
        N,
        {
            "time": times(START + np.sort(rng.integers(0, 60 * SECOND_NS, N))),
            "sensor": sensors(rng),
            "message": words("message", rng.choice(np.array(messages, np.int8), N)),
            "azimuth_deg": some(rng, 0, 360),
            "rotation_s": some(rng, 2, 12),
            "latitude_deg": some(rng, -90, 90),
            "longitude_deg": some(rng, -180, 180),
            "altitude_m": some(rng, 0, 5000),
        },
    )


def test_antenna_messages_come_back() -> None:
    sent = services(34, tuple(range(7)))
    found = decode(antenna_messages(sent))[0].services
    same(found, sent, "sensor", "message")
    near_times(found, sent)
    near(column(found, "rotation_s"), column(sent, "rotation_s"), 1 / 128)
    latitude, longitude, altitude = both(sent, "latitude_deg", "longitude_deg", "altitude_m")
    near(column(found, "latitude_deg"), latitude, 180 / 2**23)
    near(column(found, "longitude_deg"), longitude, 180 / 2**23)
    near(column(found, "altitude_m"), altitude, 1.0 + 0.02)
    north = codes(sent["message"], "message") == 0
    sector = np.where(north, 0.0, np.floor(column(sent, "azimuth_deg") / (360 / 256)) * 360 / 256)
    np.testing.assert_array_equal(column(found, "azimuth_deg"), sector)


def test_a_message_an_antenna_cannot_send() -> None:
    with pytest.raises(MisuseError, match="row 0 is no message of CAT034"):
        antenna_messages(services(1, (11,)))
    with pytest.raises(MisuseError, match="row 0 is no message of CAT065"):
        centre_messages(services(1, (0,)))


def test_centre_messages_come_back() -> None:
    sent = services(65, (10, 11))
    found = decode(centre_messages(sent))[0].services
    same(found, sent, "sensor", "message")
    near_times(found, sent)


# --- CAT062 -----------------------------------------------------------------------------------------------------------


def tracks(seed: int, **changes: Any) -> pa.Table:
    rng = np.random.default_rng(seed)
    matrix = np.full((N, COVARIANCE_SIZE), np.nan, np.float32)
    for place, high in ((0, 1000), (6, 1000), (11, 200), (15, 50), (18, 50), (20, 5)):
        matrix[:, place] = rng.uniform(0.5, high, N) ** 2
    matrix[:, 1] = rng.uniform(-500, 500, N) ** 3 / 500
    time = START + np.sort(rng.integers(0, 60 * SECOND_NS, N))
    columns: dict[str, Any] = {
        "time": times(time),
        "track": pa.array(rng.permutation(N), pa.uint32()),
        "status": words("status", rng.integers(0, 4, N).astype(np.int8)),
        "latitude_deg": some(rng, -90, 90),
        "longitude_deg": some(rng, -180, 180),
        "altitude_m": some(rng, -300, 15_000),
        "pressure_altitude_m": some(rng, -300, 15_000),
        "velocity_east_m_s": some(rng, -400, 400),
        "velocity_north_m_s": some(rng, -400, 400),
        "velocity_up_m_s": some(rng, -50, 50),
        "covariance": pa.FixedSizeListArray.from_arrays(
            pa.array(matrix.reshape(-1)), COVARIANCE_SIZE, mask=pa.array(rng.random(N) < 0.2)
        ),
        "icao24": masked(rng, rng.integers(0, 1 << 24, N), pa.uint32()),
        "mode_3a": masked(rng, rng.integers(0, 4096, N), pa.uint16()),
        "callsign": masked(rng, rng.choice(["KGA1", "AFL1234"], N), pa.string()),
        "last_plot": times(time - rng.integers(0, 30 * SECOND_NS, N)),
        "simulated": pa.array(rng.random(N) < 0.5),
    }
    return build(TRACKS, N, columns | changes)


def test_tracks_come_back() -> None:
    sent = tracks(62)
    found = decode(system_tracks(sent, 99, 1, TrackNumbers()))[0].tracks
    assert found["node"].to_pylist() == ["99/1"] * N
    same(found, sent, "status", "icao24", "mode_3a", "callsign", "simulated")
    near_times(found, sent)
    near_times(found, sent, "last_plot", SECOND_NS // 4 + 7_812_500)
    latitude, longitude = both(sent, "latitude_deg", "longitude_deg")
    near(column(found, "latitude_deg"), latitude, 180 / 2**25)
    near(column(found, "longitude_deg"), longitude, 180 / 2**25)
    near(
        column(found, "altitude_m"), both(sent, "altitude_m", "latitude_deg", "longitude_deg")[0], 6.25 * FOOT_M + 1e-3
    )
    near(column(found, "pressure_altitude_m"), column(sent, "pressure_altitude_m"), FLIGHT_LEVEL_M / 4)
    east, north = both(sent, "velocity_east_m_s", "velocity_north_m_s")
    near(column(found, "velocity_east_m_s"), east, 0.25)
    near(column(found, "velocity_north_m_s"), north, 0.25)
    near(column(found, "velocity_up_m_s"), column(sent, "velocity_up_m_s"), 6.25 * FOOT_PER_MINUTE_M_S)
    assert found["covariance"].is_null().to_pylist() == sent["covariance"].is_null().to_pylist()
    steps = {0: 0.5, 6: 0.5, 11: 6.25 * FOOT_M, 15: 0.25, 18: 0.25, 20: 6.25 * FOOT_PER_MINUTE_M_S}
    for before, after in zip(sent["covariance"].to_pylist(), found["covariance"].to_pylist(), strict=True):
        if before is not None:
            for place, step in steps.items():
                assert abs(after[place] ** 0.5 - before[place] ** 0.5) <= step / 2 + 1e-3
            assert np.sign(after[1]) * abs(after[1]) ** 0.5 == pytest.approx(
                np.sign(before[1]) * abs(before[1]) ** 0.5, abs=0.26
            )
            assert np.isnan(after[2])


def test_a_ballistic_track_is_sent_without_what_has_no_room() -> None:
    far = tracks(1, altitude_m=np.full(N, 4e5), pressure_altitude_m=np.full(N, 4e5), velocity_up_m_s=np.full(N, 3000.0))
    found = decode(system_tracks(far, 1, 1, TrackNumbers()))[0].tracks
    for name in ("altitude_m", "pressure_altitude_m", "velocity_up_m_s"):
        assert found[name].null_count == N


def test_numbers_stay_with_their_tracks_and_rest_when_these_end() -> None:
    numbers = TrackNumbers(quarantine_s=10)
    second = SECOND_NS

    def of(names: list[int], ended: list[bool], at: int) -> list[int]:
        return numbers.of(np.array(names), np.array(ended), np.full(len(names), at * second)).tolist()

    first = of([7, 8, 9], [False] * 3, 0)
    assert of([9, 7], [False, True], 1) == [first[2], first[0]]
    assert of([8, 7], [False, False], 2) == [first[1], 3]
    assert of(list(range(1000, 1000 + 65_532)), [False] * 65_532, 3) == list(range(4, 65_536))
    with pytest.raises(MisuseError, match="more tracks at once"):
        of([5], [False], 10)
    assert of([5], [False], 11) == [first[0]]
    with pytest.raises(MisuseError, match="more tracks at once"):
        of([6], [False], 10_000)
    with pytest.raises(MisuseError, match="more tracks at once"):
        TrackNumbers(0).of(np.arange(65_537), np.zeros(65_537, bool), np.zeros(65_537, np.int64))


# --- sensors ----------------------------------------------------------------------------------------------------------


def test_sensors_by_catalogue() -> None:
    rng = np.random.default_rng(0)
    sent = plots(0, (1,), sensor=sensors(rng, ("Bishkek", "7/8")))
    messages = radar_reports(sent, {"Bishkek": (99, 200)})
    found = decode(messages)[0].plots["sensor"].to_pylist()
    expected = [{"Bishkek": "99/200"}.get(name, name) for name in sent["sensor"].to_pylist()]
    assert found == expected
    # A block is of one sensor.
    changes = sum(a != b for a, b in pairwise(expected))
    assert len(messages) >= changes + 1


@pytest.mark.parametrize("name", ["Bishkek", "256/1", "1/256", "1", "1/-1", "a/b", ""])
def test_a_sensor_without_codes_is_an_error_that_says_what_to_add(name: str) -> None:
    with pytest.raises(MisuseError, match="add sac = and sic = to its entry"):
        radar_reports(plots(0, (1,), sensor=pa.array([name] * N).dictionary_encode()))


def test_rows_without_a_sensor_cannot_be_sent() -> None:
    with pytest.raises(MisuseError, match="without a sensor"):
        adsb_reports(plots(0, (5,), sensor=pa.array([None] * N, pa.string()).dictionary_encode()))


def test_a_range_beyond_256_nautical_miles_is_an_error() -> None:
    with pytest.raises(MisuseError, match="040/RHO: row 0 holds"):
        radar_reports(plots(0, (1,), range_m=np.full(N, 475_000.0), azimuth_deg=np.zeros(N)))


def test_tables_without_rows_and_tables_in_chunks() -> None:
    for make, schema in ((radar_reports, PLOTS), (adsb_reports, PLOTS), (antenna_messages, SERVICES)):
        assert len(make(schema.empty_table())) == 0
    assert len(system_tracks(TRACKS.empty_table(), 1, 1, TrackNumbers())) == 0
    sent = plots(5, (1,))
    chunked = pa.concat_tables([sent.slice(0, 100), sent.slice(100)])
    assert radar_reports(chunked).data.tobytes() == radar_reports(sent).data.tobytes()
    sent = tracks(5)
    chunked = pa.concat_tables([sent.slice(0, 100), sent.slice(100)])
    whole, parts = (system_tracks(t, 1, 1, TrackNumbers()).data.tobytes() for t in (sent, chunked))
    assert whole == parts


def test_libasterix_reads_what_is_sent(peer: Callable[..., Any], tmp_path: Path) -> None:
    made = {
        48: radar_reports(plots(1, (0, 1, 2, 3, 4))),
        21: adsb_reports(plots(2, (5,))),
        34: antenna_messages(services(3, (0, 1))),
        65: centre_messages(services(4, (10, 11))),
        62: system_tracks(tracks(5), 25, 100, TrackNumbers()),
    }
    editions = {48: "1.32", 21: "2.7", 34: "1.29", 65: "1.6", 62: "1.21"}
    lines = [json.dumps([c, editions[c], m[k].hex()]) for c, m in made.items() for k in range(len(m))]
    path = tmp_path / "blocks.jsonl"
    path.write_text("\n".join(lines))
    oracle = Path(__file__).parent / "asterix_libasterix.py"
    theirs = peer("libasterix", oracle, "decode", path)
    refused = [t for t in theirs if isinstance(t, str)]
    assert refused == []
    assert sum(len(t) for t in theirs) == 5 * N
