"""Mode S and ADS-B to plots: real recordings, rs1090 field by field, published examples, ghosts, hostile bytes."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import rs1090
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzzing import batched, mutants
from skypact.earth.geoid import undulation_m
from skypact.formats.modes import (
    BeastReader,
    Frames,
    JsonlReader,
    ModesDecoder,
    encode_beast,
    encode_identifications,
    encode_positions,
    encode_surface_positions,
    encode_velocities,
)
from skypact.formats.modes import _cpr as cpr
from skypact.formats.modes import _fields as fields
from skypact.formats.modes import _kernels as kernels
from skypact.tables import PLOTS
from skypact.units import FOOT_M, FOOT_PER_MINUTE_M_S, KNOT_M_S, SECOND_NS

POSITION = ["kind", "latitude_deg", "longitude_deg", "on_ground"]
START = 1_700_000_000 * SECOND_NS


def flight(shared: Path) -> tuple[Frames, list[dict[str, Any]]]:
    data = gzip.decompress((shared / "modes" / "rs1090_full_flight_short.jsonl.gz").read_bytes())
    return JsonlReader().feed(data), [json.loads(line) for line in data.splitlines()]


def plots_of(frames: Frames, **arguments: Any) -> pa.Table:
    plots = ModesDecoder("receiver", **arguments).decode(frames).plots
    assert plots.schema.equals(PLOTS, check_metadata=True)
    plots.validate(full=True)
    return plots


def squitter(me: int, icao24: int = 0x393322, head: int = 0x8D) -> str:
    frame = np.array([[head, *icao24.to_bytes(3), *me.to_bytes(7), 0, 0, 0]], np.uint8)
    kernels.append_parity(frame)
    return frame.tobytes().hex()


def reply(kind: int, code: int, icao24: int = 0x393322, state: int = 0, mb: bytes = b"") -> str:
    """Return a reply whose parity is overlaid with the address."""
    size = 7 if kind < 16 else 14
    body = bytes([kind << 3 | state, 0, code >> 8, code & 255]) + mb
    frame = np.zeros((1, 14), np.uint8)
    frame[0, : size - 3] = np.frombuffer(body.ljust(size - 3, b"\0"), np.uint8)
    parity = int(kernels.remainder(frame, 0, size)) ^ icao24
    return body.ljust(size - 3, b"\0").hex() + f"{parity:06x}"


def at(seconds: list[float]) -> list[int]:
    return [START + round(s * SECOND_NS) for s in seconds]


# Real recordings


def test_the_flight_is_one_aircraft(shared: Path) -> None:
    frames, lines = flight(shared)
    assert len(frames) == 57_793
    decoder = ModesDecoder("toulouse", reference=(49.0, 2.55))
    plots = decoder.decode(frames).plots
    assert plots["icao24"].unique().to_pylist() == [0x393322]
    assert decoder.rejects == {}
    assert set(plots["callsign"].unique().to_pylist()) == {None, "AFR34ZG"}
    kinds = {k["values"]: k["counts"] for k in plots["kind"].value_counts().to_pylist()}
    assert kinds == {"adsb": 9_189, "mode_s": 42_220}
    assert len(plots) - plots["latitude_deg"].null_count == 8_322
    assert len(plots) - plots_of(frames)["latitude_deg"].null_count == 6_969  # the first taxi stays ambiguous
    # The file holds what an older rs1090 made of the same frames, knowing the airport.
    squits = [line for line in lines if line["df"] == "17" and line["bds"] != "09"]
    rows = [row for row in plots.select(POSITION).to_pylist() if row["kind"] == "adsb"]
    compared = 0
    for line, row in zip(squits, rows, strict=True):
        if "latitude" in line and row["latitude_deg"] is not None:
            assert abs(row["latitude_deg"] - line["latitude"]) < 1e-9
            assert abs(row["longitude_deg"] - line["longitude"]) < 1e-9
            assert row["on_ground"] == (line["bds"] == "06")
            compared += 1
    assert compared == 8_322


def test_the_flight_field_by_field(shared: Path) -> None:
    frames, _ = flight(shared)
    plots = plots_of(frames, reference=(49.0, 2.55)).to_pylist()
    told = rs1090.decode(frames.hex(), (frames.clock_ns / 1e9).tolist(), reference=(49.0, 2.55))
    assert len(told) == len(frames)
    velocity: tuple[float, dict[str, Any]] = (-1e9, {})
    rows = iter(plots)
    compared = 0
    for time_ns, m in zip(frames.clock_ns.tolist(), told, strict=True):
        now = time_ns / 1e9
        if m.get("bds") == "09":
            velocity = now, m
            continue
        row = next(rows)
        assert row["time"].value == time_ns
        feet = m.get("altitude")
        altitude = row["pressure_altitude_m"]
        if feet is None:
            assert altitude is None or altitude < 0  # a Gillham code below sea level, see the test of all codes
        else:
            assert altitude == pytest.approx(feet * FOOT_M)
        assert row["mode_3a"] == (int(m["squawk"], 8) if "squawk" in m else None)
        assert row["callsign"] == (m.get("callsign") or m.get("bds20", {}).get("callsign"))
        if m.get("bds") == "05" and abs(now - velocity[0]) <= 2.0:
            v = velocity[1]
            assert math.hypot(row["velocity_east_m_s"], row["velocity_north_m_s"]) == pytest.approx(
                v["groundspeed"] * KNOT_M_S
            )
            assert row["velocity_up_m_s"] == pytest.approx(v["vertical_rate"] * FOOT_PER_MINUTE_M_S)
            difference = v["geo_minus_baro"]
            if difference is None and fields.field(int(v["frame"][8:22], 16), 50, 7) == 1:
                difference = 0  # what 1 means in Doc 9871 Table A-2-9; rs1090 takes it for not available
            if difference is None or row["latitude_deg"] is None:
                assert row["altitude_m"] is None
            else:
                height = (m["altitude"] + difference) * FOOT_M
                geoid = float(undulation_m(row["latitude_deg"], row["longitude_deg"]))
                assert row["altitude_m"] == pytest.approx(height - geoid, abs=1e-6)
            compared += 1
        elif m.get("bds") == "06" and m["track"] is not None:
            assert row["velocity_east_m_s"] == pytest.approx(
                m["groundspeed"] * KNOT_M_S * math.sin(math.radians(m["track"]))
            )
        else:
            assert row["velocity_up_m_s"] is None
    assert next(rows, None) is None
    assert compared > 6_000


@pytest.mark.parametrize("size", [1_000, 1_237])
def test_batches_do_not_matter(shared: Path, size: int) -> None:
    frames, _ = flight(shared)
    frames = frames[:12_000]
    whole = plots_of(frames)
    decoder = ModesDecoder("receiver")
    parts = [decoder.decode(frames[i : i + size]).plots for i in range(0, len(frames), size)]
    assert pa.concat_tables(parts).combine_chunks().equals(whole.combine_chunks())


def test_beast_sample(shared: Path) -> None:
    frames = BeastReader().feed((shared / "modes" / "sample_dump1090.bin").read_bytes())
    decoder = ModesDecoder("home", date=dt.date(2020, 1, 1))
    plots = decoder.decode(frames).plots
    assert decoder.rejects == {"unconfirmed": 10, "no_content": 4}
    assert not decoder.undated
    found = {k["values"]: k["counts"] for k in plots["icao24"].value_counts().to_pylist()}
    assert found == {0x3981E4: 85, 0x48520A: 127, 0x44CE69: 1}
    positions = plots.filter(plots["latitude_deg"].is_valid()).to_pylist()
    told = [m for m in rs1090.decode(frames.hex(), (frames.clock_ns / 1e9).tolist()) if "latitude" in m]
    assert [(p["latitude_deg"], p["longitude_deg"]) for p in positions] == [
        (pytest.approx(m["latitude"]), pytest.approx(m["longitude"])) for m in told
    ]
    assert len(positions) == 3
    first = positions[0]
    assert first["pressure_altitude_m"] == pytest.approx(38_000 * FOOT_M)
    assert first["time"].value == 1_577_836_800 * SECOND_NS + 5_795_062_000
    assert first["time_source"] == "truncated"
    assert first["sigma_position_m"] == pytest.approx(30 / 2.4477, rel=1e-4)  # its status says NACp 9
    assert set(plots["callsign"].unique().to_pylist()) == {None, "TRA89M", "TJT62CB"}
    assert set(plots["mode_3a"].unique().to_pylist()) == {None, 0o1000, 0o5516}


def test_adsb_sample(shared: Path) -> None:
    with (shared / "modes" / "sample_data_adsb.csv").open() as file:
        lines = list(csv.reader(file))
    frames = Frames.of_hex([line[1] for line in lines], [int(line[0]) * SECOND_NS for line in lines])
    plots = plots_of(frames)
    assert plots["icao24"].unique().to_pylist() == [int(lines[0][2], 16)]
    assert len(plots) == sum(line[3] in {"4", "11"} for line in lines) == 1_035
    assert set(plots["callsign"].unique().to_pylist()) == {None, "EZY85MH"}
    told = rs1090.decode(frames.hex(), (frames.clock_ns / 1e9).tolist())
    rows = iter(plots.to_pylist())
    both = 0
    for m in told:
        row = next(rows) if m["bds"] != "09" else {}
        if "latitude" in m:
            assert row["latitude_deg"] == pytest.approx(m["latitude"])
            assert row["longitude_deg"] == pytest.approx(m["longitude"])
            both += 1
    assert both == 772
    assert len(plots) - plots["latitude_deg"].null_count == 933  # single messages too, once a position is known


def test_golden_values(shared: Path) -> None:
    golden = json.loads((shared / "modes" / "golden_v2.json").read_text())
    squits = {h: v for h, v in golden.items() if v["df"] == 17}
    assert len(squits) == 200
    for frame, value in squits.items():
        me = int(frame[8:22], 16)
        assert int(frame[2:8], 16) == int(value["icao"], 16)
        assert fields.field(me, 1, 5) == value["typecode"]
        if value["typecode"] == 11:
            assert fields.altitude12_m(fields.field(me, 9, 12)) == pytest.approx(value["altitude"] * FOOT_M)
            assert fields.field(me, 22, 1) == value["cpr_format"]
        elif value["typecode"] == 19:
            east, north = fields.ground_velocity(me)
            assert round(math.hypot(east, north) / KNOT_M_S) == pytest.approx(value["groundspeed"], abs=1)
            assert math.degrees(math.atan2(east, north)) % 360 == pytest.approx(value["track"])
            assert fields.vertical_rate_m_s(me) == pytest.approx(value["vertical_rate"] * FOOT_PER_MINUTE_M_S)


# Fields against rs1090


def test_every_altitude_and_identity_code() -> None:
    differ = []
    for code in range(8192):
        told = rs1090.decode(f"2000{code:04x}abcdef")["altitude"]
        ours = fields.altitude_m(code) / FOOT_M
        if told != (None if math.isnan(ours) else pytest.approx(ours)):
            differ.append((code, ours))
        assert rs1090.decode(f"2800{code:04x}abcdef")["squawk"] == f"{fields.mode_a(code):04o}"
    # rs1090 reads metric codes, which no standard defines, as metres; and it reads none of the ten Gillham codes below
    # sea level, of which the first is -1,000 ft.
    rest = [feet for code, feet in differ if not code & 0x40]
    assert sorted(round(f) for f in rest) == list(range(-1000, 0, 100))
    assert all(math.isnan(feet) for code, feet in differ if code & 0x40)


@settings(max_examples=300, deadline=None)
@given(content=st.integers(0, 2**51 - 1), kind=st.integers(1, 31))
def test_any_squitter_as_rs1090_reads_it(content: int, kind: int) -> None:
    me = kind << 51 | content
    frame = squitter(me)
    told = rs1090.decode(frame)
    row = (plots_of(Frames.of_hex([frame], START)).to_pylist() or [None])[0]
    if told is None:
        return
    if kind <= 4:
        clean = told["callsign"]
        assert (row is None) == ("#" in clean or not clean)
        assert row is None or row["callsign"].replace(" ", "") == clean  # rs1090 takes inner blanks out too
    elif 5 <= kind <= 8 and row is not None:
        assert row["on_ground"]
        if told["groundspeed"] is not None and told["track"] is not None:
            track = math.radians(told["track"])
            assert row["velocity_east_m_s"] == pytest.approx(told["groundspeed"] * KNOT_M_S * math.sin(track))
            assert row["velocity_north_m_s"] == pytest.approx(told["groundspeed"] * KNOT_M_S * math.cos(track))
    elif 9 <= kind <= 18 and row is not None:
        feet = told.get("altitude")
        ours = row["pressure_altitude_m"]
        assert ours is None or feet is None or ours == pytest.approx(feet * FOOT_M)
        assert fields.field(me, 23, 17) == told["lat_cpr"]
        assert fields.field(me, 40, 17) == told["lon_cpr"]
    elif kind == 28 and fields.field(me, 6, 3) == 1 and row is not None:
        assert f"{row['mode_3a']:04o}" == told["squawk"]
    elif kind == 19 and fields.field(me, 6, 3) == 1 and "groundspeed" in told:
        east, north = fields.ground_velocity(me)
        if told["groundspeed"] is not None and not math.isnan(east):
            assert math.hypot(east, north) == pytest.approx(told["groundspeed"] * KNOT_M_S)
            assert fields.NAC_V_SIGMA_M_S[fields.field(me, 11, 3)] == pytest.approx(
                {1: 10, 2: 3, 3: 1, 4: 0.3}.get(told["NACv"], math.nan) / fields.R95, nan_ok=True
            )


def test_parity_is_that_of_the_standard() -> None:
    def bitwise(data: bytes) -> int:
        value = int.from_bytes(data)
        for bit in range(len(data) * 8 - 1, 23, -1):
            if value >> bit & 1:
                value ^= 0x1FFF409 << (bit - 24)
        return value

    rng = np.random.default_rng(0)
    rows = rng.integers(0, 256, (200, 14), np.uint8)
    for i in range(len(rows)):
        for size in (7, 14):
            assert kernels.remainder(rows, i, size) == bitwise(rows[i, :size].tobytes())


# CPR against published examples and closed forms


def test_number_of_zones_is_the_closed_form() -> None:
    for latitude in np.random.default_rng(0).uniform(-86.99, 86.99, 2000):
        shape = 1 - (1 - math.cos(math.pi / 30)) / math.cos(math.radians(latitude)) ** 2
        assert cpr.zones(latitude) == math.floor(2 * math.pi / math.acos(shape))
    assert [cpr.zones(x) for x in (0.0, 86.9, 87.0, 87.1, -90.0)] == [59, 2, 2, 1, 1]
    assert [round(float(x), 8) for x in cpr.TRANSITIONS_DEG[[0, 1, 56]]] == [10.47047130, 14.82817437, 86.53536998]


def test_published_airborne_pair() -> None:
    # J. Sun, The 1090 Megahertz Riddle, 2nd edition, section 5.3
    frames = Frames.of_hex(["8d40621d58c386435cc412692ad6", "8d40621d58c382d690c8ac2863a7"], at([0, 2]))
    first, second = plots_of(frames).to_pylist()
    assert first["latitude_deg"] is None
    assert (second["latitude_deg"], second["longitude_deg"]) == (52.2572021484375, 3.91937255859375)
    assert second["pressure_altitude_m"] == pytest.approx(38_000 * FOOT_M)


def test_published_surface_pair() -> None:
    # the same, section 6.3: Schiphol, with the receiver near Delft
    pair = Frames.of_hex(["8c4841753aab238733c8cd4020b1", "8c4841753a8a35323faebdac702d"], at([0, 2]))
    row = plots_of(pair, reference=(51.990, 4.375)).to_pylist()[1]
    assert row["latitude_deg"] == pytest.approx(52.32061, abs=1e-5)
    assert row["longitude_deg"] == pytest.approx(4.73473, abs=1e-5)
    assert row["on_ground"]
    assert plots_of(pair)["latitude_deg"].null_count == 2


@settings(deadline=None)
@given(
    latitude=st.floats(-89.9, 89.9),
    longitude=st.floats(-180, 180),
    odd=st.booleans(),
    ground=st.booleans(),
    off=st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)),
)
def test_positions_anywhere(
    latitude: float, longitude: float, odd: bool, ground: bool, off: tuple[float, float]
) -> None:
    one, address = np.ones(1), np.array([7], np.uint32)
    place = np.array([latitude]), np.array([longitude])
    encode = encode_surface_positions if ground else None

    def frame(parity: bool) -> np.ndarray[Any, Any]:
        if encode:
            return encode(address, *place, one, one, np.array([parity]))
        return encode_positions(address, *place, one, np.array([parity]))

    reference = max(-90.0, min(90.0, latitude + off[0])), longitude + off[1]
    frames = Frames.of(np.concatenate([frame(not odd), frame(odd)]), np.array(at([0, 1])))
    row = plots_of(frames, reference=reference).to_pylist()[1]
    if row["latitude_deg"] is None:  # the two messages straddle a change in the number of zones
        size = 90.0 if ground else 360.0
        assert np.abs(np.abs(latitude) - np.append(cpr.TRANSITIONS_DEG, 87.0)).min() < size / 59 / 2**17
        return
    step_m = (90.0 if ground else 360.0) / 2**17 / 2 * 111_700
    assert abs(row["latitude_deg"] - latitude) * 111_700 <= step_m / 59 * 1.001
    zones = max(cpr.zones(row["latitude_deg"]) - odd, 1)
    away = (row["longitude_deg"] - longitude + 180) % 360 - 180
    assert abs(away) * 111_700 <= step_m / zones * 1.001


# What counts, what is a ghost


IDENTIFICATION = encode_identifications(np.array([0x393322], np.uint32), ["AFR34ZG"]).tobytes().hex()


def test_replies_count_only_for_addresses_known() -> None:
    hexes = [reply(4, 0x0A10), IDENTIFICATION, reply(4, 0x0A10), reply(4, 0x0A10, 0x393323), reply(4, 0x0A10)]
    decoder = ModesDecoder("s")
    plots = decoder.decode(Frames.of_hex(hexes, at([0, 1, 61, 2, 61.1]))).plots
    assert plots["kind"].to_pylist() == ["adsb", "mode_s"]
    assert decoder.rejects == {"unconfirmed": 3}


def test_only_whole_all_calls_name_an_aircraft() -> None:
    body = "5d393322"
    parity = int(kernels.remainder(Frames.of_hex([body + "00" * 3]).data, 0, 7))
    whole, overlaid, broken = (body + f"{parity ^ code:06x}" for code in (0, 0x4F, 0x50))
    decoder = ModesDecoder("s")
    assert len(decoder.decode(Frames.of_hex([overlaid, broken, reply(5, 1)], START)).plots) == 0
    assert decoder.rejects == {"unconfirmed": 2, "parity": 1}
    plots = decoder.decode(Frames.of_hex([whole, overlaid, broken], START)).plots
    assert plots["icao24"].to_pylist() == [0x393322] * 2
    assert plots["on_ground"].to_pylist() == [False, False]


@given(bit=st.integers(5, 111))
def test_a_damaged_squitter_is_never_believed(bit: int) -> None:
    damaged = f"{int(IDENTIFICATION, 16) ^ 1 << (111 - bit):028x}"
    decoder = ModesDecoder("s")
    assert len(decoder.decode(Frames.of_hex([damaged], START)).plots) == 0
    assert decoder.rejects == {"parity": 1}


def test_noise_makes_no_aircraft() -> None:
    rng = np.random.default_rng(3)
    frames = Frames.of(rng.integers(0, 256, (200_000, 14), np.uint8), START)
    decoder = ModesDecoder("s")
    assert len(decoder.decode(frames).plots) == 0
    assert sum(decoder.rejects.values()) == len(frames)


def test_other_rejects() -> None:
    decoder = ModesDecoder("s")
    hexes = ["7700", IDENTIFICATION[:14], "c0" * 14, "98" + "00" * 13, squitter(30 << 51), squitter(4 << 51)]
    assert len(decoder.decode(Frames.of_hex(hexes, START)).plots) == 0
    assert decoder.rejects == {"mode_ac": 1, "length": 1, "format": 2, "no_content": 1, "callsign": 1}


def test_devices_without_transponder_and_rebroadcasts() -> None:
    me = int(IDENTIFICATION[8:22], 16)
    hexes = [squitter(me, head=0x90 | control) for control in range(8)]
    decoder = ModesDecoder("s")
    plots = decoder.decode(Frames.of_hex(hexes, START)).plots
    assert plots["icao24"].to_pylist() == [0x393322, None]
    assert plots["callsign"].to_pylist() == ["AFR34ZG"] * 2
    assert decoder.rejects == {"rebroadcast": 6}


def test_a_short_reply_in_a_long_frame() -> None:
    plots = plots_of(Frames.of_hex([IDENTIFICATION, reply(4, 0x0A10) + "a5" * 7], at([0, 1])))
    assert plots["pressure_altitude_m"].to_pylist()[1] == pytest.approx(fields.altitude_m(0x0A10))


def test_reply_fields() -> None:
    identification = bytes([0x20]) + bytes.fromhex(IDENTIFICATION[10:22])
    hexes = [
        IDENTIFICATION,
        reply(5, 0x0AAA, state=1),
        reply(21, 0x0808 | 0x0AA2, state=4, mb=identification),
        reply(0, 0x0A10, state=4),
        reply(16, 0x0A10, state=0),
        reply(20, 0, state=2, mb=bytes([0x20]) + bytes(6)),
    ]
    rows = plots_of(Frames.of_hex(hexes, START)).to_pylist()
    assert [r["on_ground"] for r in rows] == [None, True, None, True, False, False]
    assert [r["mode_3a"] for r in rows] == [None, fields.mode_a(0x0AAA), fields.mode_a(0x0AAA), None, None, None]
    assert [r["code_valid"] for r in rows] == [None, True, True, None, None, None]
    assert [r["callsign"] for r in rows] == ["AFR34ZG", None, "AFR34ZG", None, None, None]
    emergency = [0o7500, 0o7600, 0o7700]
    codes = [next(c for c in range(8192) if fields.mode_a(c) == e) for e in emergency]
    rows = plots_of(Frames.of_hex([IDENTIFICATION, *(reply(5, c) for c in codes)], START)).to_pylist()
    assert [r["emergency"] for r in rows] == [None, "unlawful_interference", "no_communications", "general"]


def test_emergency_status() -> None:
    code = next(c for c in range(8192) if fields.mode_a(c) == 0o2000)
    states = [squitter(28 << 51 | 1 << 48 | s << 45 | code << 32) for s in range(8)]
    rows = plots_of(Frames.of_hex(states, START)).to_pylist()
    words = ["none", "general", "medical", "minimum_fuel", "no_communications", "unlawful_interference", "downed", None]
    assert [r["emergency"] for r in rows] == words
    assert {r["mode_3a"] for r in rows} == {0o2000}


def test_the_table_of_aircraft_never_grows() -> None:
    rng = np.random.default_rng(4)
    n = 100_000
    icao24 = rng.permutation(1 << 24)[:n].astype(np.uint32)
    frames = Frames.of(encode_identifications(icao24, ["X"] * n), START + np.arange(n) * 1000)
    decoder = ModesDecoder("s")
    before = decoder._aircraft.nbytes
    assert len(decoder.decode(frames).plots) == n
    assert decoder._aircraft.nbytes == before
    assert (decoder._aircraft["key"] >= 0).mean() > 0.95
    latest = Frames.of_hex([reply(4, 0x0A10, int(icao24[-1]))], START)
    assert len(decoder.decode(latest).plots) == 1


# Positions in time


def positions(
    seconds: list[float], latitude: list[float], longitude: list[float], odd: list[bool], ground: bool = False
) -> Frames:
    n = len(seconds)
    address, place = np.full(n, 0x393322, np.uint32), (np.array(latitude), np.array(longitude))
    data = (
        encode_surface_positions(address, *place, np.zeros(n), np.zeros(n), np.array(odd))
        if ground
        else encode_positions(address, *place, np.full(n, 3000.0), np.array(odd))
    )
    return Frames.of(data, np.array(at(seconds)))


def known(frames: Frames, **arguments: Any) -> tuple[list[bool], dict[str, int]]:
    decoder = ModesDecoder("s", **arguments)
    return decoder.decode(frames).plots["latitude_deg"].is_valid().to_pylist(), decoder.rejects


def test_even_and_odd_must_be_ten_seconds_apart_at_most() -> None:
    assert known(positions([0, 10.0], [50, 50], [10, 10], [False, True]))[0] == [False, True]
    assert known(positions([0, 10.1], [50, 50], [10, 10], [False, True]))[0] == [False, False]
    assert known(positions([0, 1], [50, 50], [10, 10], [True, True]))[0] == [False, False]


def test_single_messages_serve_while_a_position_is_fresh() -> None:
    frames = positions([0, 1, 180, 361], [50] * 4, [10] * 4, [False, True, True, True])
    assert known(frames)[0] == [False, True, True, False]


def test_impossible_jumps_lose_their_position_and_three_start_anew() -> None:
    latitude = [50.0, 50.0, 52.0, 50.0, 52.0, 52.0, 52.0, 52.0]
    odd = [False, True, False, True, False, True, False, True]
    found, rejects = known(positions([0, 1, 2, 3, 4, 5, 6, 7], latitude, [10.0] * 8, odd))
    assert found == [False, True, False, True, False, False, True, True]
    assert rejects == {"position_jump": 3}


def test_a_receiver_refuses_what_it_cannot_hear() -> None:
    pair = positions([0, 1], [50, 50], [10, 10], [False, True])
    assert known(pair, reference=(50.0, 21.0))[0] == [False, True]
    assert known(pair, reference=(50.0, 23.0)) == ([False, False], {"position_jump": 1})


def test_an_aircraft_followed_to_the_ground_needs_no_reference() -> None:
    air = positions([0, 1], [50, 50], [10, 10], [False, True])
    ground = positions([30], [50.01], [10.01], [True], ground=True)
    decoder = ModesDecoder("s")
    decoder.decode(air)
    row = decoder.decode(ground).plots.to_pylist()[0]
    assert (row["latitude_deg"], row["longitude_deg"]) == (
        pytest.approx(50.01, abs=1e-5),
        pytest.approx(10.01, abs=1e-5),
    )


def test_velocity_completes_positions_for_two_seconds() -> None:
    address = np.array([0x393322], np.uint32)
    speed = Frames.of(encode_velocities(address, *(np.array([v]) for v in (100.0, -50.0, 5.0))), START)
    for gap, complete in ((2.0, True), (2.1, False)):
        decoder = ModesDecoder("s")
        assert len(decoder.decode(speed).plots) == 0
        row = decoder.decode(positions([gap], [50], [10], [False])).plots.to_pylist()[0]
        assert (row["velocity_east_m_s"] is not None) == complete
        assert (row["sigma_velocity_m_s"] is not None) == complete
    nobody = np.array([0x393323], np.uint32)
    decoder = ModesDecoder("s")
    decoder.decode(Frames.of(encode_velocities(nobody, *(np.array([v]) for v in (100.0, -50.0, 5.0))), START))
    assert decoder.decode(positions([0], [50], [10], [False])).plots["velocity_east_m_s"].to_pylist() == [None]


def test_sigma_by_version() -> None:
    def status(version: int, nac_p: int) -> Frames:
        return Frames.of_hex([squitter(31 << 51 | version << 13 | nac_p << 8)], START)

    decoder = ModesDecoder("s")
    pair = positions([1, 2], [50, 50], [10, 10], [False, True])
    sigma = decoder.decode(pair).plots["sigma_position_m"].to_pylist()
    assert sigma == [None, pytest.approx(0.05 * 1852 / fields.R95, rel=1e-6)]  # type 11 of version 0
    for version, nac_p, expected in ((2, 10, 10), (1, 8, 92.6), (2, 0, None), (0, 10, 92.6)):
        decoder.decode(status(version, nac_p))
        row = decoder.decode(positions([3], [50], [10], [False])).plots["sigma_position_m"].to_pylist()
        assert row == [None if expected is None else pytest.approx(expected / fields.R95, rel=1e-6)]
    decoder.decode(status(2, 10))
    assert decoder.decode(positions([61], [50], [10], [False])).plots["sigma_position_m"].to_pylist() == [None]


def test_heights_are_above_sea_level() -> None:
    pair = positions([0, 1], [42.8, 42.8], [75.3, 75.3], [False, True])
    data = pair.data.copy()
    data[:, 4] = 20 << 3  # the same positions with a GNSS height
    kernels.append_parity(data)
    row = plots_of(replace(pair, data=data)).to_pylist()[1]
    step = 25 * FOOT_M
    height = round((3000 / FOOT_M + 1000) / 25) * step - 1000 * FOOT_M
    assert row["pressure_altitude_m"] is None
    assert row["altitude_m"] == pytest.approx(height - float(undulation_m(row["latitude_deg"], row["longitude_deg"])))
    assert row["sigma_position_m"] == pytest.approx(4 / fields.R95)


def test_unknown_times_stay_unknown() -> None:
    frames = replace(positions([0, 0], [50, 50], [10, 10], [False, True]), clock="none")
    frames = replace(frames, clock_ns=np.full(2, np.iinfo(np.int64).min))
    plots = plots_of(frames)
    assert plots["time"].null_count == plots["time_source"].null_count == 2
    assert plots["latitude_deg"].null_count == 1


def test_arrival_is_the_time_of_a_free_counter() -> None:
    pair = positions([0, 1], [50, 50], [10, 10], [False, True])
    reader = BeastReader()
    parts = [reader.feed(encode_beast(pair[i : i + 1]), at([5 + i])[0]) for i in range(2)]
    decoder = ModesDecoder("s", simulated=True)
    rows = [decoder.decode(p).plots.to_pylist()[0] for p in parts]
    assert [r["time"].value for r in rows] == at([5, 6]) == [r["received"].value for r in rows]
    assert {r["time_source"] for r in rows} == {"arrival"}
    assert all(r["simulated"] for r in rows)
    assert not decoder.undated
    undated = ModesDecoder("s")
    undated.decode(BeastReader().feed(encode_beast(pair)))
    assert undated.undated


# Hostile bytes


def fuzz(seed_bytes: bytes, n: int, seed: int) -> int:
    """Decode `n` mutants of a Beast stream end to end, a hundred at a time; return plots. Raises if one misbehaves."""
    decoder = ModesDecoder("s", reference=(43.6, 1.4), date=dt.date(2020, 1, 1))
    frames, rows = 0, 0
    for group in batched(mutants(seed_bytes, n, seed), 100):
        batch = BeastReader().feed(b"".join(group))
        plots = decoder.decode(batch).plots
        latitude, longitude = plots["latitude_deg"].to_numpy(), plots["longitude_deg"].to_numpy()
        assert not (np.abs(latitude) > 90).any()
        assert not (np.abs(longitude) > 180).any()
        frames += len(batch)
        rows += len(plots)
    lost = decoder.rejects
    assert rows + sum(n for reason, n in lost.items() if reason != "position_jump") <= frames
    return rows


def test_mutants(shared: Path) -> None:
    data = (shared / "modes" / "sample_dump1090.bin").read_bytes()
    assert fuzz(data[200:1200], 6000, seed=9) > 20_000


@settings(max_examples=60, deadline=None)
@given(
    messages=st.lists(
        st.tuples(st.integers(0, 2**56 - 1), st.integers(0, 3), st.integers(-(10**12), 10**12)), max_size=40
    )
)
def test_any_sequence_of_valid_squitters(messages: list[tuple[int, int, int]]) -> None:
    hexes = [squitter(me, 0x100000 + who) for me, who, _ in messages]
    frames = Frames.of_hex(hexes, [START + t for _, _, t in messages])
    plots = plots_of(frames, reference=(10.0, 179.9))
    assert not (np.abs(plots["latitude_deg"].to_numpy()) > 90).any()
    assert not (np.abs(plots["longitude_deg"].to_numpy()) > 180).any()
