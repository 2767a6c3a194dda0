"""``skypact decode`` on what people get wrong: one clear line, exit code 1 or 2, nothing half-written, memory flat."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from skypact.cli import execute
from skypact.formats.datagrams import Datagrams
from skypact.formats.intake import FORMATS
from skypact.formats.modes import Frames, encode_beast
from skypact.formats.pcap import write_pcap

Fail = Callable[..., str]


@pytest.fixture
def fail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Fail:
    """Return ``run(code, *arguments)``: decode must end with this code and one line, which is returned."""

    def run(code: int, *arguments: str | Path) -> str:
        found = execute(["decode", *map(str, arguments)])
        out, err = capsys.readouterr()
        lines = err.splitlines()
        assert found == code, err
        assert len(lines) == 1, err
        assert lines[0].startswith("skypact: ")
        assert "Traceback" not in err
        assert not list(tmp_path.rglob("*.part"))
        if code == 2:
            assert out == ""
        return lines[0].removeprefix("skypact: ")

    return run


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    path = tmp_path / "noise.bin"
    path.write_bytes(np.random.default_rng(11).bytes(2 << 20))
    return path


@pytest.fixture
def capture(shared: Path) -> Path:
    return shared / "asterix" / "cat_034_048.pcap"


# Recordings


def test_a_capture_cut_in_the_middle_keeps_its_whole_packets(capture: Path, tmp_path: Path, fail: Fail) -> None:
    data = capture.read_bytes()
    cut, plots = tmp_path / "cut.pcap", tmp_path / "plots.parquet"
    for share in (0.2, 0.4, 0.9):
        cut.write_bytes(data[: int(len(data) * share)])
        assert fail(1, cut, "-o", plots) == f"{cut}: ends in the middle of a packet; what came before was read"
        assert 100 * share < pq.read_table(plots).num_rows < 150 * share
    cut.write_bytes(data[:30])
    assert fail(1, cut) == f"{cut}: ends in the middle of a packet"
    packed = tmp_path / "cut.pcap.gz"
    packed.write_bytes(gzip.compress(data)[:-2000])
    assert fail(1, packed) == f"{packed}: ends in the middle of its packed content; what came before was read"


def test_noise_is_of_no_format(noise: Path, tmp_path: Path, fail: Fail) -> None:
    line = fail(1, noise, "-o", tmp_path / "plots.parquet")
    assert line.startswith(f"{noise}: is of no known format (begins with ")
    assert line.endswith(f"name it with --format {'|'.join(FORMATS)}")
    assert not (tmp_path / "plots.parquet").exists()


@pytest.mark.parametrize("wire", FORMATS)
def test_noise_is_nothing_in_every_format(noise: Path, tmp_path: Path, fail: Fail, wire: str) -> None:
    plots = tmp_path / "plots.parquet"
    plots.write_bytes(b"of last week")
    line = fail(1, noise, "-o", plots, "--format", wire)
    expected = {"pcap": "not a pcap or pcapng capture", "readsb": "no trace of readsb"}
    assert expected.get(wire, f"nothing in it could be read as {wire}: ") in line
    assert plots.read_bytes() == b"of last week"


def test_what_is_no_recording_is_named(shared: Path, tmp_path: Path, fail: Fail) -> None:
    assert fail(1, tmp_path) == f"{tmp_path}: is a directory; name a recording"
    assert "none.pcap: does not exist; check the name and the folder" in fail(1, tmp_path / "none.pcap")
    (tmp_path / "empty.pcap").touch()
    assert "empty.pcap: is empty" in fail(1, tmp_path / "empty.pcap")
    assert "is of no known format (begins with '{" in fail(1, shared / "modes" / "golden_v2.json")
    assert "is of no known format" in fail(1, shared / "asterix" / "cat_034_048_reference_decode.txt.gz")
    assert "unpack the zip file first" in fail(1, shared / "asterix" / "fixmpts_testdata.zip")
    assert "no trace of readsb" in fail(1, shared / "modes" / "golden_v2.json", "--format", "readsb")


def test_an_edition_nobody_knows_is_refused_block_by_block(shared: Path, fail: Fail) -> None:
    line = fail(1, shared / "asterix" / "asterix.pcap")
    assert "nothing in it could be read as pcap: " in line
    assert "blocks of category 062 refused" in line
    assert line.endswith("try another --format or --edition")


def test_a_capture_of_a_receiver_says_what_it_carries(tmp_path: Path, fail: Fail) -> None:
    frames = encode_beast(Frames.of_hex(["8d406b902015a678d4d220aa4bda"] * 50))
    (tmp_path / "relay.pcap").write_bytes(write_pcap(Datagrams.of([frames] * 5, 0)))
    assert "its datagrams carry beast, not ASTERIX" in fail(1, tmp_path / "relay.pcap")


def test_a_bad_recording_among_good_ones_fails_at_the_end(capture: Path, tmp_path: Path, fail: Fail) -> None:
    (tmp_path / "cut.pcap").write_bytes(capture.read_bytes()[:-10])
    assert "cut.pcap: ends in the middle" in fail(1, tmp_path / "cut.pcap", capture, "-o", tmp_path / "plots.parquet")
    assert pq.read_table(tmp_path / "plots.parquet").num_rows > 128 + 100


# Options


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--date", "2026-13-01"], "--date 2026-13-01: no date; write it as 2026-11-22"),
        (["--date", "yesterday"], "--date yesterday: no date"),
        (["--edition", "48"], "--edition 48: write it as 62=1.18"),
        (["--edition", "48=9.9"], "no edition 9.9; known are "),
        (["--edition", "99=1.0"], "99"),
        (["--format", "adexp"], "no format 'adexp'; known are asterix, "),
        (["--at", "Manas"], "--at Manas: no place"),
        (["--utc-offset", "30"], "--utc-offset 30: write the hours"),
        (["--utc-offset", "nan"], "--utc-offset nan: write the hours"),
    ],
)
def test_misuse_is_one_line_and_exit_code_2(capture: Path, fail: Fail, options: list[str], expected: str) -> None:
    assert expected in fail(2, capture, *options)


def test_words_of_a_closed_set_are_named(capture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["decode", str(capture), "--clock", "sundial"]) == 2
    assert "counter" in capsys.readouterr().err
    assert execute(["decode"]) == 2


# Outputs


@pytest.mark.parametrize("option", ["-o", "--tracks", "--services", "--raw"])
def test_outputs_that_cannot_be_written(capture: Path, tmp_path: Path, fail: Fail, option: str) -> None:
    missing = tmp_path / "missing"
    assert fail(1, capture, option, missing / "x.parquet") == f"{missing}: is no folder; make it first, or name another"
    assert fail(1, capture, option, tmp_path) == f"{tmp_path}: is a directory; name a file to write"


def test_outputs_that_would_overwrite_something_in_use(capture: Path, tmp_path: Path, fail: Fail) -> None:
    own = tmp_path / "own.pcap"
    own.write_bytes(capture.read_bytes())
    assert "is a recording to be read; name another file" in fail(2, own, "-o", own)
    assert own.read_bytes() == capture.read_bytes()
    twice = tmp_path / "x.parquet"
    assert "is named for two tables" in fail(2, capture, "-o", twice, "--raw", twice)


# Memory

GROWTH = """
import sys
import numpy as np
from skypact.formats.intake import FORMATS, intake

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6

generator = np.random.default_rng(3)
for wire in FORMATS:
    reader = intake(wire, raw=True)
    sizes = []
    for megabytes in (8, 24):
        for _ in range(4 * megabytes):
            reader.feed(generator.bytes(1 << 18))
        sizes.append(resident())
    reader.finish()
    print(wire, sizes[1] - sizes[0])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_is_flat_on_noise() -> None:
    done = subprocess.run([sys.executable, "-c", GROWTH], capture_output=True, text=True, check=True)
    growth = {wire: float(grown) for wire, grown in map(str.split, done.stdout.splitlines())}
    assert set(growth) == set(FORMATS)
    # What an ASTERIX batch needs varies with the lengths that noise happens to announce.
    assert growth.pop("asterix") < 100
    assert max(growth.values()) < 20, growth
