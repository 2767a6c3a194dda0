"""Framings of Mode S: Beast, AVR, JSON lines; the stamps' way to UTC; hostile bytes."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzzing import mutants
from skypact.formats.modes import AvrReader, BeastReader, Frames, JsonlReader, encode_avr, encode_beast
from skypact.formats.modes.beast import ns_to_stamps
from skypact.formats.modes.clock import COUNTER_NS, ReceiverClock
from skypact.tables import NO_TIME
from skypact.units import DAY_NS

Listed = list[tuple[str, int, int]]


def listed(frames: Frames) -> Listed:
    return list(zip(frames.hex(), frames.clock_ns.tolist(), frames.signal.tolist(), strict=True))


def read(reader: Any, data: bytes, size: int | None = None) -> Listed:
    size = size or len(data) or 1
    found: Listed = []
    for i in range(0, len(data), size):
        found += listed(reader.feed(data[i : i + size]))
    last = reader.finish()
    return found + (listed(last) if last is not None else [])


frames_strategy = st.lists(
    st.tuples(
        st.sampled_from([2, 7, 14]).flatmap(lambda n: st.binary(min_size=n, max_size=n)),
        st.integers(1, 2**48 - 1).filter(lambda stamp: stamp != 0xFF004D4C4154),
        st.integers(0, 255),
    ),
    max_size=20,
)


def made(rows: list[tuple[bytes, int, int]], clock: Any = "counter") -> Frames:
    frames = Frames.of_hex([data.hex() for data, _, _ in rows])
    ticks = np.array([stamp for _, stamp, _ in rows], np.int64)
    ns = ticks * 250 // 3 if clock == "counter" else ticks % DAY_NS
    return replace(frames, clock_ns=ns, signal=np.array([s for _, _, s in rows], np.int16), clock=clock)


# Beast


def test_beast_sample(shared: Path) -> None:
    data = (shared / "modes" / "sample_dump1090.bin").read_bytes()
    reader = BeastReader()
    frames = reader.feed(data)
    reader.finish()
    assert reader.rejects == {}
    assert Counter((frames.data[:, 0] >> 3).tolist()) == {11: 90, 0: 44, 4: 39, 17: 23, 20: 16, 21: 14, 5: 12, 16: 1}
    assert frames.hex()[0] == "20000ca8f70aa7"
    assert frames.signal[:4].tolist() == [13, 15, 14, 10]
    ticks = [0x15A8877E, 0x15BE1A0C, 0x15BF4414, 0x15BF72A0]  # as in the file, one with an escaped 1a
    assert frames.clock_ns[:4].tolist() == [t * 250 // 3 for t in ticks]
    assert encode_beast(frames) == data


def test_beast_whatever_the_chunks(shared: Path) -> None:
    data = (shared / "modes" / "sample_dump1090.bin").read_bytes()
    whole = read(BeastReader(), data)
    for size in (1, 2, 13, 1000):
        assert read(BeastReader(), data, size) == whole


@settings(deadline=None)
@given(rows=frames_strategy, size=st.integers(1, 40))
def test_beast_round_trip(rows: list[tuple[bytes, int, int]], size: int) -> None:
    frames = made(rows)
    reader = BeastReader()
    assert read(reader, encode_beast(frames), size) == listed(frames)
    assert reader.rejects == {}


@settings(deadline=None)
@given(rows=frames_strategy)
def test_beast_times_of_day_round_trip(rows: list[tuple[bytes, int, int]]) -> None:
    frames = made(rows, "day")
    again = BeastReader("day").feed(encode_beast(frames))
    known = frames.clock_ns != 0
    assert again.clock_ns[known].tolist() == frames.clock_ns[known].tolist()
    utc = replace(frames, clock_ns=frames.clock_ns + 19_000 * DAY_NS, clock="utc")
    assert encode_beast(utc) == encode_beast(frames)


def test_beast_stamps_that_are_no_time() -> None:
    frames = replace(made([(bytes(7), 1, 0)] * 3), clock_ns=np.array([NO_TIME, 250, 250]))
    data = bytearray(encode_beast(frames))
    assert data[2:8] == bytes(6)
    data[18:24] = bytes.fromhex("ff004d4c4154")
    assert BeastReader().feed(bytes(data)).clock_ns.tolist() == [NO_TIME, NO_TIME, 250]


def test_beast_rejects() -> None:
    good = encode_beast(made([(bytes.fromhex("8d406b902015a678d4d220aa4bda"), 5, 200)]))
    reader = BeastReader()
    noise = b"noise\x1a\x1a" + good + good[:9] + good + b"\x1a\x39" + b"\x1a4" + bytes(21) + good + good[:12]
    assert len(read(reader, noise)) == 3
    assert reader.rejects == {"garbage": 7, "cut": 2, "type": 1}
    assert reader.status == 1


TOKENS = re.compile(
    rb"\x1a\x1a|\x1a1((?:[^\x1a]|\x1a\x1a){9})|\x1a2((?:[^\x1a]|\x1a\x1a){14})|\x1a3((?:[^\x1a]|\x1a\x1a){21})"
    rb"|\x1a4(?:[^\x1a]|\x1a\x1a){21}|\x1a[^\x1a]?|.",
    re.DOTALL,
)


def test_deframe_agrees_with_a_regular_expression(shared: Path) -> None:
    data = (shared / "modes" / "sample_dump1090.bin").read_bytes()[:600]
    for mutant in mutants(data, 500, seed=7):
        bodies = [(m[1] or m[2] or m[3]).replace(b"\x1a\x1a", b"\x1a") for m in TOKENS.finditer(mutant) if m.lastindex]
        expected = [(b[7:].hex(), int.from_bytes(b[:6]), b[6]) for b in bodies]
        frames = BeastReader().feed(mutant)
        stamps = ns_to_stamps(frames.clock_ns, "counter").tolist()
        assert list(zip(frames.hex(), stamps, frames.signal.tolist(), strict=True)) == expected


# AVR


@settings(deadline=None)
@given(rows=frames_strategy, size=st.integers(1, 50), end=st.sampled_from([b"\n", b"\r\n", b" ", b""]))
def test_avr_round_trip(rows: list[tuple[bytes, int, int]], size: int, end: bytes) -> None:
    frames = replace(made(rows), signal=np.full(len(rows), -1, np.int16))
    reader = AvrReader()
    assert read(reader, encode_avr(frames).replace(b"\n", end), size) == listed(frames)
    assert reader.rejects == {}


def test_avr_forms() -> None:
    text = (
        b"*7700;\r\n:02E99619FACDAE;\n*8D3C5EE69901BD9540078D37335F;@016CE3671C7423FFE7AB7BFCAB;\n"
        b"%016CE3671C747700;<016CE3671C744002E99619FACDAE;\n*8d3c5ee69901bd9540078d37335f;"
    )
    stamp = 0x016CE3671C74 * 250 // 3
    assert read(AvrReader(), text) == [
        ("7700", NO_TIME, -1),
        ("02e99619facdae", NO_TIME, -1),
        ("8d3c5ee69901bd9540078d37335f", NO_TIME, -1),
        ("23ffe7ab7bfcab", stamp, -1),
        ("7700", stamp, -1),
        ("02e99619facdae", stamp, 0x40),
        ("8d3c5ee69901bd9540078d37335f", NO_TIME, -1),
    ]


AVR = re.compile(
    rb"(?:[*:]|[@%]([0-9a-f]{12})|<([0-9a-f]{12})[0-9a-f]{2})([0-9a-f]{28}|[0-9a-f]{14}|[0-9a-f]{4});", re.IGNORECASE
)


def test_scan_agrees_with_a_regular_expression(shared: Path) -> None:
    text = encode_avr(BeastReader().feed((shared / "modes" / "sample_dump1090.bin").read_bytes()[:400]))
    for mutant in mutants(text + text.replace(b"@", b"<ff"), 500, seed=8):
        frames = AvrReader().feed(mutant)
        expected = [(m[3].decode().lower(), int(m[1] or m[2] or b"0", 16)) for m in AVR.finditer(mutant)]
        assert list(zip(frames.hex(), ns_to_stamps(frames.clock_ns, "counter").tolist(), strict=True)) == expected


def test_avr_rejects() -> None:
    reader = AvrReader()
    text = b"xy*02E99619FACDAE;*02E99619FACDA;*02E9961gFACDAE;*" + b"0" * 90 + b";*77\n00;*7700;*02"
    assert [f for f, _, _ in read(reader, text)] == ["02e99619facdae", "7700"]
    assert reader.rejects == {"garbage": 2 + 7 + (90 - 43) + 2, "length": 3, "digits": 2}


# JSON lines


def test_jsonl_flight(shared: Path) -> None:
    data = gzip.decompress((shared / "modes" / "rs1090_full_flight_short.jsonl.gz").read_bytes())
    reader = JsonlReader()
    frames = reader.feed(data)
    assert len(frames) == 57_793
    assert len(reader.finish()) == 0
    assert reader.rejects == {}
    assert frames.clock == "utc"
    lines = [json.loads(line) for line in data.splitlines()[:500]]
    assert frames[:500].hex() == [line["frame"] for line in lines]
    seconds = np.array([line["timestamp"] for line in lines])
    assert np.abs(frames.clock_ns[:500] / 1e9 - seconds).max() < 1e-6
    assert frames.clock_ns[0] == 1720248189_525094000
    assert read(JsonlReader(), data[:20_000], 777) == read(JsonlReader(), data[:20_000])


def test_jsonl_of_jet1090_and_rejects() -> None:
    reader = JsonlReader()
    lines = [
        b'{"timestamp": 1750000000.25, "frame": "8D406B902015A678D4D220AA4BDA", "metadata": [{"rssi": -10.5}]}',
        b'{"frame": "02e99619facdae"}',
        b'{"timestamp": null, "frame": "02e99619facdae"}',
        b'{"timestamp": 1e300, "frame": "02e99619facdae"}',
        b"",
        b"\r",
        b"nonsense",
        b'["a list"]',
        b'{"timestamp": "then", "frame": "02e99619facdae"}',
        b'{"timestamp": 1.0, "frame": "02e99619facda"}',
        b'{"timestamp": 1.0, "frame": "02e99619facdag"}',
        b'{"timestamp": 1.0, "frame": "\\ud80002e99619facda"}',
        b'{"timestamp": 1.0}',
        b"\xff\xfe",
        b"[" * 5000,
        b'{"frame": "' + b"0" * 70_000 + b'"}',
        b'{"timestamp": 2.000001, "frame": "02e99619facdae"}',
    ]
    expected = [
        ("8d406b902015a678d4d220aa4bda", 1_750_000_000_250_000_000, -1),
        *[("02e99619facdae", NO_TIME, -1)] * 3,
        ("02e99619facdae", 2_000_001_000, -1),
    ]
    assert read(reader, b"\n".join(lines)) == expected
    assert reader.rejects == {"json": 6, "frame": 3, "long": 1}
    again = JsonlReader()
    assert read(again, b"\n".join(lines), 100) == expected
    assert again.rejects == reader.rejects


def test_endless_lines_take_no_memory() -> None:
    reader = JsonlReader()
    for _ in range(40):
        reader.feed(b"x" * 50_000)
        assert len(reader._carry) <= 1 << 16
    assert read(reader, b'\n{"frame": "02e99619facdae"}\n') == [("02e99619facdae", NO_TIME, -1)]
    assert reader.rejects == {"long": 1}


# Frames


def test_frames() -> None:
    frames = Frames.of_hex(["7700", "02e99619facdae", "8D406B902015A678D4D220AA4BDA"], [5, 6, 7])
    assert frames.hex() == ["7700", "02e99619facdae", "8d406b902015a678d4d220aa4bda"]
    assert frames.clock == "utc"
    assert frames[frames.length == 14].hex() == ["8d406b902015a678d4d220aa4bda"]
    assert frames[1:].clock_ns.tolist() == [6, 7]
    assert Frames.of_hex([]).clock == "none"
    assert Frames.of_hex(["7700"]).clock == "none"
    for wrong in ("123", "xx" * 7):
        with pytest.raises(ValueError, match="hexadecimal"):
            Frames.of_hex([wrong])


# Stamps to UTC


def stamped(clock: Any, clock_ns: list[int], received_ns: list[int] | int = NO_TIME) -> Frames:
    n = len(clock_ns)
    received = np.broadcast_to(np.asarray(received_ns, np.int64), (n,)).copy()
    return replace(made([(bytes(7), 1, 0)] * n), clock=clock, clock_ns=np.array(clock_ns), received_ns=received)


def resolve(clock: ReceiverClock, frames: Frames) -> tuple[list[int], list[int]]:
    time, source = clock.resolve(frames)
    return time.tolist(), source.tolist()


DAY = 19_000 * DAY_NS
DATE = dt.date(2022, 1, 8)  # 19,000 days after 1970-01-01


def test_utc_stamps_are_the_time() -> None:
    clock = ReceiverClock()
    assert resolve(clock, stamped("utc", [5, NO_TIME, NO_TIME], [9, 9, NO_TIME])) == ([5, 9, NO_TIME], [0, 2, -1])
    assert not clock.undated


def test_times_of_day_get_the_day_nearest_to_the_arrival() -> None:
    late, early = DAY_NS - 1_000_000, 2_000_000
    frames = stamped("day", [late, early, early, late], [DAY + 5, DAY + 5, DAY - 5, DAY + DAY_NS - 5])
    assert resolve(ReceiverClock(), frames)[0] == [
        DAY - DAY_NS + late,
        DAY + early,
        DAY + early,
        DAY + late,
    ]


def test_a_date_moves_arrivals_and_what_is_replayed_hours_later_runs_on() -> None:
    late, early = DAY_NS - 1_000_000, 2_000_000
    frames = stamped("day", [late, early], [5 * DAY_NS + late + 5, 6 * DAY_NS + early + 5])
    assert resolve(ReceiverClock(DATE), frames)[0] == [DAY + late, DAY + DAY_NS + early]
    noon = DAY_NS // 2
    clock = ReceiverClock(DATE)
    assert resolve(clock, stamped("day", [late, early], [noon, noon + 1]))[0] == [DAY + late, DAY + DAY_NS + early]
    assert resolve(clock, stamped("day", [early + 5], [noon + 9]))[0] == [DAY + DAY_NS + early + 5]


def test_times_of_day_run_over_midnight_without_arrivals() -> None:
    clock = ReceiverClock(DATE)
    a, b = DAY_NS - 10, 20
    assert resolve(clock, stamped("day", [a, b, a])) == ([DAY + a, DAY + DAY_NS + b, DAY + a], [0, 0, 0])
    assert resolve(clock, stamped("day", [b]))[0] == [DAY + DAY_NS + b]
    assert not clock.undated


def test_counters_are_relative_and_wrap() -> None:
    clock = ReceiverClock(DATE)
    last = COUNTER_NS - 100
    assert resolve(clock, stamped("counter", [last, last + 60, 20])) == ([DAY, DAY + 60, DAY + 120], [1, 1, 1])
    assert resolve(clock, stamped("counter", [70, NO_TIME]))[0] == [DAY + 170, NO_TIME]


def test_a_counter_says_nothing_beside_an_arrival() -> None:
    clock = ReceiverClock()
    assert resolve(clock, stamped("counter", [500, 600], [DAY, DAY + 1])) == ([DAY, DAY + 1], [2, 2])
    assert not clock.undated


def test_without_any_date_it_is_1970_and_said() -> None:
    for kind in ("counter", "day"):
        clock = ReceiverClock()
        assert resolve(clock, stamped(kind, [500, 600]))[0] == ([0, 100] if kind == "counter" else [500, 600])
        assert clock.undated


# Hostile bytes


def fuzz(reader: Callable[[], Any], seed_bytes: bytes, n: int, seed: int) -> int:
    """Read `n` mutants whole, every sixteenth also in chunks; return frames read. Raises if one misbehaves."""
    total = 0
    for i, data in enumerate(mutants(seed_bytes, n, seed)):
        first = reader()
        found = read(first, data)
        total += len(found)
        assert all(len(f) in {4, 14, 28} for f, _, _ in found)
        if i % 16 == 0:
            second = reader()
            assert read(second, data, 11) == found
            assert second.rejects == first.rejects
        assert len(first._carry) == 0
    return total


def test_mutants(shared: Path) -> None:
    beast = (shared / "modes" / "sample_dump1090.bin").read_bytes()[:400]
    assert fuzz(BeastReader, beast, 2000, 1) > 2000
    assert fuzz(lambda: BeastReader("day"), beast, 300, 2) > 300
    text = encode_avr(BeastReader().feed(beast))
    assert fuzz(AvrReader, text, 2000, 3) > 2000
    lines = gzip.decompress((shared / "modes" / "rs1090_full_flight_short.jsonl.gz").read_bytes())[:1500]
    assert fuzz(JsonlReader, lines, 2000, 4) > 2000
