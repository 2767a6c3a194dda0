"""Any format through one door: clocks, offsets, captures of other things, words for every reason."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from skypact.errors import MisuseError
from skypact.formats import intake as module
from skypact.formats.datagrams import Datagrams
from skypact.formats.decoded import Decoded
from skypact.formats.detect import HEAD, detect
from skypact.formats.intake import FORMATS, Intake, intake
from skypact.formats.modes import Frames, _csv_lines, _decode, encode_avr, encode_beast
from skypact.formats.modes import _kernels as framings
from skypact.formats.pcap import write_pcap
from skypact.formats.pcap._packets import REASONS as PACKET_REASONS
from skypact.formats.pcap.reader import ENDINGS
from skypact.formats.sbs import _kernels as sbs
from skypact.tables import NO_TIME, PLOTS
from skypact.units import DAY_NS, SECOND_NS

START = 20_000 * DAY_NS + 43_200 * SECOND_NS  # 2024-10-04 12:00
IDENTIFICATION = "8d406b902015a678d4d220aa4bda"
SBS_LINE = b"MSG,1,1,1,4CA2D6,1,2026/11/22,23:30:00.000,2026/11/22,23:30:00.000,RJA1118 ,,,,,,,,,,,\r\n"


def frames(n: int = 20, step_ns: int = SECOND_NS) -> Frames:
    return Frames.of_hex([IDENTIFICATION] * n, START + step_ns * np.arange(n))


def whole(reader: Intake, data: bytes) -> pa.Table:
    parts = [reader.feed(data), reader.finish()]
    return pa.concat_tables([part.plots for part in parts])


def times(plots: pa.Table) -> list[int | None]:
    found: list[int | None] = plots["time"].cast(pa.int64()).to_pylist()
    return found


@pytest.mark.parametrize(("wire", "encode"), [("beast", encode_beast), ("avr", encode_avr)])
def test_times_of_day_are_what_the_user_says_they_are(wire: str, encode: Any) -> None:
    data = encode(frames())
    said = intake(wire, clock="day", date=dt.date(2024, 10, 4))
    assert times(whole(said, data)) == [START + i * SECOND_NS for i in range(20)]
    assert (said.undated, said.counted) == (False, False)
    unsaid = intake(wire, clock="day")
    assert times(whole(unsaid, data)) == [START % DAY_NS + i * SECOND_NS for i in range(20)]
    assert (unsaid.undated, unsaid.counted) == (True, False)


@pytest.mark.parametrize(("wire", "encode"), [("beast", encode_beast), ("avr", encode_avr)])
def test_a_counter_says_that_it_counts(wire: str, encode: Any) -> None:
    counted = replace(frames(), clock_ns=np.arange(20) * SECOND_NS + 7 * SECOND_NS, clock="counter")
    reader = intake(wire, date=dt.date(2024, 10, 4))
    assert times(whole(reader, encode(counted))) == [20_000 * DAY_NS + i * SECOND_NS for i in range(20)]
    assert (reader.undated, reader.counted) == (False, True)
    arrived = intake(wire)
    plots = arrived.feed(encode(counted), START).plots
    assert times(plots) == [START] * 20
    assert (arrived.undated, arrived.counted) == (False, False)


def test_frames_without_stamp_and_arrival_are_undated() -> None:
    bare = replace(frames(), clock_ns=np.full(20, NO_TIME), clock="none")
    reader = intake("avr", date=dt.date(2024, 10, 4))
    assert times(whole(reader, encode_avr(bare))) == [None] * 20
    assert reader.undated
    assert not intake("avr").undated
    partly = intake("avr", clock="day", date=dt.date(2024, 10, 4))
    whole(partly, encode_avr(bare[:1]) + encode_avr(frames(1)))
    assert not partly.undated


def test_base_station_lines_in_local_time() -> None:
    plots = whole(intake("sbs", utc_offset_s=6 * 3600), SBS_LINE)
    assert times(plots) == [int(dt.datetime(2026, 11, 22, 17, 30, tzinfo=dt.UTC).timestamp()) * SECOND_NS]


# Captures


@pytest.mark.parametrize(
    ("wire", "messages"),
    [
        ("beast", [encode_beast(frames(1))] * 40),
        ("avr", [encode_avr(frames(1))] * 40),
        ("sbs", [SBS_LINE] * 40),
    ],
)
def test_captures_of_receivers_say_what_they_carry(wire: str, messages: list[bytes]) -> None:
    capture = write_pcap(Datagrams.of([b"", *messages], START))
    for size in (100, len(capture)):
        reader = intake("pcap")
        for i in range(0, len(capture), size):
            reader.feed(capture[i : i + size])
        assert reader.ended is None
        reader.finish()
        assert reader.ended == f"its datagrams carry {wire}, not ASTERIX: record the stream itself, without packets"


def test_captures_that_end_early_say_why(shared: Path) -> None:
    capture = (shared / "asterix" / "cat_034_048.pcap").read_bytes()
    reader = intake("pcap")
    assert whole(reader, capture).num_rows == 128
    assert reader.ended is None
    reader = intake("pcap")
    assert 0 < whole(reader, capture[:-5]).num_rows < 128
    assert reader.ended == "ends in the middle of a packet"
    assert reader.problems == {}
    reader = intake("pcap")
    whole(reader, b"no capture" * 20)
    assert reader.ended == "not a pcap or pcapng capture: its first four bytes are of neither"
    broken = bytearray(capture)
    broken[24 + 8 : 24 + 12] = b"\xff\xff\xff\x7f"
    reader = intake("pcap")
    whole(reader, bytes(broken))
    assert "claims more than" in str(reader.ended)


def test_tcp_is_named() -> None:
    capture = bytearray(write_pcap(Datagrams.of([bytes(60)] * 3, START)))
    for i in range(3):
        capture[24 + i * (16 + 42 + 60) + 16 + 23] = 6  # the protocol of IPv4
    reader = intake("pcap")
    reader.feed(bytes(capture))
    reader.finish()
    assert reader.problems == {"TCP packets": 3}
    assert reader.ended == "its packets are TCP, which is not put together: record the stream itself"


# Words


def test_every_reason_has_words() -> None:
    said_by_ended = {"truncated", "magic", "record_length", "block"}
    assert {PACKET_REASONS[code] for code in ENDINGS} < said_by_ended
    assert set(module.PACKETS) | said_by_ended == set(PACKET_REASONS)
    assert set(module.FRAMES) == set(_decode.REASONS)
    assert set(module.FRAMINGS["beast"]) == set(framings.BEAST_REASONS) - {"status"}
    assert set(module.FRAMINGS["avr"]) == set(framings.AVR_REASONS)
    assert set(module.LINES) == {*sbs.REASONS, *_csv_lines.REASONS, "json"}
    assert set(module.POINTS) == {"point", "rebroadcast"}


@pytest.mark.parametrize("wire", FORMATS)
def test_every_format_reads_nothing_from_nothing(wire: str) -> None:
    reader = intake(wire)
    for found in (reader.feed(b""), reader.finish()):
        assert isinstance(found, Decoded)
        assert found.plots.schema.equals(PLOTS)
        assert found.plots.num_rows == found.tracks.num_rows == found.services.num_rows == 0
    assert not reader.problems
    assert not reader.undated
    assert not reader.counted
    assert not reader.editions


# Detection


def test_what_people_have_is_told_apart(shared: Path) -> None:
    for name, wire in {
        "sample_data_adsb.csv": "csv",
        "sample_data_commb_df20.csv": "csv",
        "sample_data_commb_df21.csv": "csv",
        "readsb_trace_full_ac671b.json": "readsb",
        "golden_v2.json": None,
    }.items():
        assert detect((shared / "modes" / name).read_bytes()[:HEAD]) == wire
    assert detect(b"8D406B902015A678D4D220AA4BDA\n" * 3) == "csv"
    assert detect(b"time;frame\n1.5;8D406B902015A678D4D220AA4BDA\n2.5;5D4D20237A55A6\n") == "csv"
    assert detect(b'{"timestamp":1.5,"frame":"8d406b902015a678d4d220aa4bda"}\n' * 3) == "jsonl"
    assert detect(b'{"icao":"601abc","timestamp":1,"trace":[[0,1,2,3,4,5,0,0,null]]}') == "readsb"
    assert detect(b"name,place\nManas,Bishkek\nOsh,Osh\n") is None
    assert detect(b"20240706,143000,601ABC\n" * 3) is None


def test_a_format_that_is_not_known_is_refused() -> None:
    with pytest.raises(MisuseError, match="no format 'telex'; known are asterix, pcap, "):
        intake("telex")
