"""Frames in separated values: the data sets' files against pyModeS, a plain twin, hostile text."""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzzing import mutants
from skypact.formats.modes import CsvReader, Frames, ModesDecoder
from skypact.formats.modes import _csv_lines as k
from skypact.formats.modes import _kernels as kernels
from skypact.tables import NO_TIME
from skypact.units import FOOT_M, SECOND_NS

FRAME, SHORT = "8d406b902015a678d4d220aa4bda", "5d4d20237a55a6"
REPLY = "a00015b7c26e1370aa00005dd34a"  # its parity holds 4D010D

Listed = list[tuple[str, int, bool]]


def listed(frames: Frames) -> Listed:
    assert frames.vouched is not None
    return list(zip(frames.hex(), frames.clock_ns.tolist(), frames.vouched.tolist(), strict=True))


def read(text: str | bytes, size: int | None = None) -> tuple[Listed, CsvReader]:
    data = text.encode() if isinstance(text, str) else text
    reader = CsvReader()
    size = size or len(data) or 1
    found = [row for i in range(0, len(data), size) for row in listed(reader.feed(data[i : i + size]))]
    return found + listed(reader.finish()), reader


def decoded(path: Path) -> tuple[pa.Table, ModesDecoder]:
    reader, decoder = CsvReader(), ModesDecoder("set")
    plots = decoder.decode(reader.feed(path.read_bytes())).plots
    assert len(reader.finish()) == 0
    assert reader.rejects == {}
    return plots, decoder


def rows_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


# Real data sets, decoded by pyModeS


def test_squitters_of_a_data_set(shared: Path) -> None:
    folder = shared / "modes"
    plots, decoder = decoded(folder / "sample_data_adsb.csv")
    lines, golden = rows_of(folder / "sample_data_adsb.csv"), json.loads((folder / "golden_v2.json").read_text())
    assert len(lines) == 2000
    assert decoder.rejects == {}
    # Every message but velocities is a row, in the order of the file.
    lines = [line for line in lines if line[3] != "19"]
    compared = 0
    for (time, frame, icao24, _), row in zip(lines, plots.to_pylist(), strict=True):
        assert row["time"] == dt.datetime.fromtimestamp(int(time), dt.UTC)
        assert row["icao24"] == int(icao24, 16)
        truth = golden.get(frame.lower(), {})
        if "altitude" in truth:
            assert row["pressure_altitude_m"] == pytest.approx(truth["altitude"] * FOOT_M)
            compared += 1
        if "callsign" in truth:
            assert row["callsign"] == truth["callsign"].strip("_")
            compared += 1
    assert compared > 200
    assert len(plots) - plots["latitude_deg"].null_count == 933


@pytest.mark.parametrize(("kind", "wrong"), [(20, 3), (21, 0)])
def test_labels_vouch_for_the_replies_of_a_data_set(shared: Path, kind: int, wrong: int) -> None:
    path = shared / "modes" / f"sample_data_commb_df{kind}.csv"
    plots, decoder = decoded(path)
    lines, golden = rows_of(path), json.loads((shared / "modes" / "golden_v2.json").read_text())
    assert len(lines) == 5000
    lines = [line for line in lines if remainder(line[2]) == int(line[1], 16)]
    assert 5000 - len(lines) == wrong == decoder.rejects.get("unconfirmed", 0)
    compared = 0
    for (time, icao24, frame), row in zip(lines, plots.to_pylist(), strict=True):
        assert row["time"] == dt.datetime.fromtimestamp(int(time), dt.UTC)
        assert row["icao24"] == int(icao24, 16)
        truth = golden.get(frame.lower(), {})
        if "squawk" in truth:
            assert row["mode_3a"] == int(truth["squawk"], 8)
            compared += 1
        if "altitude" in truth:
            assert row["pressure_altitude_m"] == pytest.approx(truth["altitude"] * FOOT_M)
            compared += 1
        if "callsign" in truth and "_" not in truth["callsign"].rstrip("_"):
            assert row["callsign"] == truth["callsign"].rstrip("_")
    assert compared > 500


def remainder(frame: str) -> int:
    """Return the parity remainder by long division, as Annex 10 IV 3.1.2.3.3 writes it."""
    bits = len(frame) * 4
    value = int(frame, 16)
    for i in range(bits - 24):
        if value >> (bits - 1 - i) & 1:
            value ^= 0x1FFF409 << (bits - 25 - i)
    return value


def test_whatever_the_chunks(shared: Path) -> None:
    data = (shared / "modes" / "sample_data_commb_df20.csv").read_bytes()[:3000]
    whole, _ = read(data)
    for size in (1, 2, 13, 1000):
        assert read(data, size)[0] == whole


# Columns


def test_columns_may_stand_anywhere() -> None:
    ns = 1_457_996_400_123_456_789
    expected = [(FRAME, ns, False)]
    for line in (
        f"1457996400.123456789,{FRAME}",
        f'"{FRAME.upper()}";"1457996400.1234567891"',
        f"home\t48.8\t{FRAME}\t1457996400.123456789\t12\n",
        f'"a,b" , 406B91, {FRAME} ,"1457996400.123456789"\r\n\r\n',
        f"\ufefftime,raw message,level\n1457996400.123456789,{FRAME},7\n",
    ):
        found, reader = read(line)
        assert found == expected
        assert reader.rejects == {}


def test_long_frames_go_before_short_ones_and_the_column_stays() -> None:
    compact = "20240706120000"  # a date that reads as a short frame
    found, _ = read(f"{compact},{FRAME}\n{compact},{SHORT}\n{FRAME},{compact}\n")
    assert [frame for frame, _, _ in found] == [FRAME, SHORT, compact]


def test_times_are_absent_counted_or_since_1970() -> None:
    assert read(f"{FRAME}\n12,{FRAME}\n{FRAME},19\n1e9,{FRAME}\n4294967296,{FRAME}")[0] == [(FRAME, NO_TIME, False)] * 5
    reader = CsvReader()
    frames = reader.feed(f"0.5,{FRAME}\n1.25,{FRAME}\n,{FRAME}\n".encode())
    assert (frames.clock, frames.clock_ns.tolist()) == ("counter", [500_000_000, 1_250_000_000, NO_TIME])
    frames = CsvReader().feed(f"0.5,{FRAME},1457996400\n".encode())
    assert (frames.clock, frames.clock_ns.tolist()) == ("utc", [1_457_996_400 * SECOND_NS])


def test_arrivals_are_the_times_of_lines_without() -> None:
    frames = CsvReader().feed(f"{FRAME}\n".encode(), 77)
    plots = ModesDecoder("s").decode(frames).plots
    assert plots["time"].cast(pa.int64()).to_pylist() == [77]


def test_a_label_vouches_only_for_its_own_address() -> None:
    assert read(f"{REPLY},4D010D\n{REPLY},4d010e\n{REPLY},1,4d010d,4d010e")[0] == [
        (REPLY, NO_TIME, True),
        (REPLY, NO_TIME, False),
        (REPLY, NO_TIME, True),
    ]
    frames = CsvReader().feed(f"{REPLY},4D010D\n{REPLY},4D010E\n".encode())
    decoder = ModesDecoder("s")
    assert decoder.decode(frames).plots["icao24"].to_pylist() == [0x4D010D]
    assert decoder.rejects == {"unconfirmed": 1}
    assert decoder.decode(frames[1:]).plots.num_rows == 0  # nor does it name the address to others


def test_rejects() -> None:
    found, reader = read(f"header\nno frame\n\n{FRAME[:-1]}\n{FRAME}g\n{'x' * 5000}\n{FRAME}\n" + "1," * 4000)
    assert found == [(FRAME, NO_TIME, False)]
    assert reader.rejects == {"long": 2, "frame": 3}


# The plain twin


def twin(text: bytes) -> tuple[Listed, dict[str, int]]:
    """Read lines as `CsvReader` does, in plain Python."""
    frame_column = time_column = -1
    found: Listed = []
    rejects = {"long": 0, "frame": 0}
    lines = 0
    for line in (text + b"\n").split(b"\n")[:-1]:
        if len(line) > k.LONGEST:
            rejects["long"] += 1
            continue
        if not any(c > 32 for c in line):
            continue
        lines += 1
        fields = [f.strip(bytes([*range(33), 34, *range(127, 256)])) for f in split(line)]
        ranked = [
            ((3 if i == frame_column else 2 if len(f) == 28 else 1), -i)
            for i, f in enumerate(fields)
            if re.fullmatch(rb"(?:[0-9A-Fa-f]{14}){1,2}", f)
        ]
        if not ranked:
            rejects["frame"] += lines > 1
            continue
        frame_column = -max(ranked)[1]
        numbers = {i: seconds(f) for i, f in enumerate(fields)}
        if time_column < 0:
            epochs = [i for i, ns in numbers.items() if ns >= k.EPOCH_NS]
            if epochs:
                time_column = epochs[0]
            elif numbers[0] != NO_TIME and re.search(rb"\.\d", fields[0]):
                time_column = 0
        frame = fields[frame_column].decode().lower()
        labels = [int(f, 16) for f in fields if re.fullmatch(rb"[0-9A-Fa-f]{6}", f)][: k.LABELS]
        own = frame if int(frame[:2], 16) >= 0x80 else frame[:14]
        overlaid = remainder(own.ljust(28, "0")) if int(frame[:2], 16) >= 0x80 else remainder(own)
        found.append((frame, numbers.get(time_column, NO_TIME), overlaid in labels))
    return found, {reason: n for reason, n in rejects.items() if n}


def split(line: bytes) -> list[bytes]:
    fields, quoted = [b""], False
    for c in line:
        quoted ^= c == 34
        if c in b",;\t" and not quoted:
            fields.append(b"")
        else:
            fields[-1] += bytes([c])
    return fields


def seconds(field: bytes) -> int:
    if not re.fullmatch(rb"\d{1,10}(\.\d*)?", field) or int(field.partition(b".")[0]) >= 1 << 32:
        return NO_TIME
    whole, _, fraction = field.partition(b".")
    return int(Decimal(f"{whole.decode()}.{fraction[:9].decode()}0") * SECOND_NS)


fields_strategy = st.lists(
    st.one_of(
        st.sampled_from([FRAME, REPLY, SHORT, "4D010D", "20240706120000", '"', "1457996400.25", "0.5", "", " 7 ", "x"]),
        st.decimals(0, 2**33, allow_nan=False, places=3).map(str),
        st.text(st.characters(codec="latin-1", exclude_characters="\n"), max_size=6),
    ),
    max_size=6,
)


@settings(max_examples=300, deadline=None)
@given(rows=st.lists(fields_strategy, max_size=8), comma=st.sampled_from(",;\t"), size=st.integers(1, 50))
def test_as_the_plain_twin(rows: list[list[str]], comma: str, size: int) -> None:
    data = "\n".join(comma.join(row) for row in rows).encode("latin-1")
    found, reader = read(data, size)
    assert (found, reader.rejects) == twin(data)


def test_mutants(shared: Path) -> None:
    data = (shared / "modes" / "sample_data_commb_df21.csv").read_bytes()[:600]
    total = 0
    for i, mutant in enumerate(mutants(data, 1500, 12)):
        found, reader = read(mutant)
        total += len(found)
        if i % 8 == 0:
            again, other = read(mutant, 11)
            assert (again, other.rejects) == (found, reader.rejects) == twin(mutant)
    assert total > 1500


def test_memory_stays_flat_on_a_line_without_end() -> None:
    reader = CsvReader()
    for _ in range(50):
        assert len(reader.feed(b"0123456789abcdef," * 1000)) == 0
    assert len(reader._carry) <= k.LONGEST
    assert reader.rejects == {"long": 1}
    assert listed(reader.feed(f"\n{FRAME}\n".encode())) == [(FRAME, NO_TIME, False)]


def test_the_parity_of_the_twin_is_that_of_the_kernels() -> None:
    generator = np.random.default_rng(4)
    data = generator.integers(0, 256, (50, 14), np.uint8)
    for row in range(len(data)):
        for size in (7, 14):
            assert remainder(data[row, :size].tobytes().hex()) == int(kernels.remainder(data, row, size))


def test_vouching_follows_a_selection() -> None:
    frames: Any = CsvReader().feed(f"{REPLY},4D010D\n{REPLY}\n".encode())
    assert frames[np.array([1, 0])].vouched.tolist() == [False, True]
    assert Frames.of_hex([FRAME])[:1].vouched is None
