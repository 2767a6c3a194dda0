"""Recordings: formats told apart, packed ones unpacked, damaged and hostile ones ended with one clear word."""

from __future__ import annotations

import gzip
import lzma
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from skypact.errors import FormatError, InputError, MisuseError
from skypact.formats.detect import HEAD, detect
from skypact.node import Recording


def rows(recording: Recording) -> int:
    return sum(d.plots.num_rows for d in recording)


def test_formats_are_told_from_the_first_octets(shared: Path) -> None:
    expected = {
        "asterix/asterix.pcap": "pcap",
        "asterix/cat_034_048.pcap": "pcap",
        "modes/sample_dump1090.bin": "beast",
    }
    for name, wire in expected.items():
        assert detect((shared / name).read_bytes()[:HEAD]) == wire
    lines = gzip.decompress((shared / "modes/rs1090_full_flight_short.jsonl.gz").read_bytes())
    assert detect(lines[:HEAD]) == "jsonl"
    assert detect(b"*8D406B902015A678D4D220AA4BDA;\r\n" * 3) == "avr"
    assert (
        detect(b"MSG,3,1,1,4CA2D6,1,2009/10/15,10:00:00.000,2009/10/15,10:00:00.000,,37000,,,51.4,-1.2,,,0,0,0,0\n")
        == "sbs"
    )


@pytest.mark.parametrize("seed", range(20))
def test_noise_and_text_are_of_no_format(seed: int) -> None:
    generator = np.random.default_rng(seed)
    assert detect(generator.bytes(HEAD)) is None
    letters = generator.integers(32, 127, HEAD, dtype=np.uint8)
    letters[generator.integers(0, HEAD, 800)] = 10
    assert detect(letters.tobytes()) is None


def test_packed_recordings_are_unpacked(shared: Path, tmp_path: Path) -> None:
    plain = (shared / "asterix/cat_034_048.pcap").read_bytes()
    (tmp_path / "a.pcap.gz").write_bytes(gzip.compress(plain))
    (tmp_path / "b.pcap.xz").write_bytes(lzma.compress(plain))
    assert rows(Recording(tmp_path / "a.pcap.gz")) == rows(Recording(tmp_path / "b.pcap.xz")) == 128


def test_cut_recordings_give_what_is_whole_and_say_so(shared: Path, tmp_path: Path) -> None:
    plain = (shared / "asterix/cat_034_048.pcap").read_bytes()
    (tmp_path / "cut.pcap").write_bytes(plain[: len(plain) // 2])
    cut = Recording(tmp_path / "cut.pcap")
    assert 0 < rows(cut) < 128
    assert cut.cut == "ends in the middle of a packet"
    packed = gzip.compress(plain)
    (tmp_path / "cut.gz").write_bytes(packed[: len(packed) // 2])
    cut = Recording(tmp_path / "cut.gz")
    assert 0 <= rows(cut) < 128
    assert cut.cut == "ends in the middle of its packed content"
    whole = Recording(shared / "asterix/cat_034_048.pcap")
    assert rows(whole) == 128
    assert whole.cut is None


def test_plots_as_parquet_are_a_recording(shared: Path, tmp_path: Path) -> None:
    decoded = pa.concat_tables([d.plots for d in Recording(shared / "asterix/cat_034_048.pcap")])
    pq.write_table(decoded, tmp_path / "plots.parquet")
    back = pa.concat_tables([d.plots for d in Recording(tmp_path / "plots.parquet")])
    assert back.to_pylist() == decoded.to_pylist()
    pq.write_table(pa.table({"time": ["never"]}), tmp_path / "other.parquet")
    with pytest.raises(FormatError, match=r"other\.parquet: is no table of plots"):
        rows(Recording(tmp_path / "other.parquet"))


def test_bad_paths_are_one_clear_word(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a directory"):
        Recording(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        Recording(tmp_path / "none")
    (tmp_path / "empty").touch()
    with pytest.raises(InputError, match="is empty"):
        Recording(tmp_path / "empty")
    (tmp_path / "noise").write_bytes(np.random.default_rng(3).bytes(100_000))
    with pytest.raises(FormatError, match="no known format"):
        Recording(tmp_path / "noise")
    with pytest.raises(MisuseError, match="no format 'foo'"):
        Recording(tmp_path / "noise", wire="foo")
    (tmp_path / "bad.gz").write_bytes(b"\x1f\x8b" + bytes(100))
    with pytest.raises(InputError, match="cannot be read"):
        Recording(tmp_path / "bad.gz")
