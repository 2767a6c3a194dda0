"""Kills, full disks, damage, strangers: what was acknowledged stays whole, and one line says what is the matter."""

from __future__ import annotations

import errno
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kill9 import content, equal, kill9

from skypact.errors import JournalError, MisuseError
from skypact.journal import Journal, Snapshot, Step, Writer
from skypact.journal._frames import HEAD, HEADER_BYTES, Frame, scan

S = 1_000_000_000


def writer(path: Path, report: list[str] | None = None, **settings: float) -> Writer:
    return Writer(path, node="bishkek", party="KG", report=None if report is None else report.append, **settings)


def unsealed(path: Path, last: int) -> Path:
    """Leave a journal as a writer does that is killed; return its log."""
    writer(path).close()
    log = path / "log" / f"{1:020}.log"
    log.write_bytes(_log_of(last))
    return log


@cache
def _log_of(last: int) -> bytes:
    with tempfile.TemporaryDirectory() as folder, writer(Path(folder)) as held:
        held.append_many(content(i) for i in range(1, last + 1))
        return next(Path(folder, "log").iterdir()).read_bytes()


def sequences(path: Path, **wanted: int) -> list[int]:
    """Read entries up to the end, or up to damage and a -1, and find them right."""
    found = []
    try:
        for entry in Journal.open(path).entries(**wanted):
            assert equal(entry.content, content(entry.sequence))
            found.append(entry.sequence)
    except JournalError as err:
        assert "\n" not in str(err)
        found.append(-1)
    return found


def all_to(last: int) -> list[int]:
    return list(range(1, last + 1))


def test_kill_9_loses_nothing() -> None:
    counts = kill9(seconds=12, seed=2, kills=25)
    assert counts.kills > 3
    assert counts.acknowledged > 0
    assert counts.lost == 0


def test_a_torn_tail_is_cut_wherever_it_is_torn(tmp_path: Path) -> None:
    log = unsealed(tmp_path / "journal", 6)
    text = log.read_bytes()
    ends = [part.end for part in scan(log) if isinstance(part, Frame)]
    assert len(ends) == 6
    within = (end + more for end in ends[:-1] for more in (1, HEADER_BYTES - 1, HEADER_BYTES, 200))
    for size in {0, 5, len(HEAD), *ends, *within, len(text) - 1}:
        log.write_bytes(text[:size])
        whole = sum(end <= size for end in ends)
        assert sequences(tmp_path / "journal") == all_to(whole)
        copy = tmp_path / str(size)
        shutil.copytree(tmp_path / "journal", copy)
        with writer(copy) as held:
            found = held.recovery
            kept = 0 if size < len(HEAD) else [len(HEAD), *ends][whole]
            assert (found.entries, found.segments, found.torn_bytes) == (whole, whole > 0, size - kept)
            assert found.notices == ()
            assert held.append(content(whole + 1)) == whole + 1
        assert sequences(copy) == all_to(whole + 1)
        with writer(copy) as held:
            assert str(held.recovery) == "nothing to recover"


@given(data=st.data())
@settings(max_examples=60)
def test_a_flipped_byte_in_a_log_costs_one_entry(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal"
        log = unsealed(path, 8)
        text = bytearray(log.read_bytes())
        ends = [len(HEAD), *(part.end for part in scan(log) if isinstance(part, Frame))]
        place = data.draw(st.integers(0, len(text) - 1))
        text[place] ^= 1 << data.draw(st.integers(0, 7))
        log.write_bytes(text)
        if place < len(HEAD):
            assert sequences(path) in (all_to(8), [-1])  # the version may have become another
            return
        lost = sum(end <= place for end in ends)
        rest = list(range(lost + 1, 9))
        assert sequences(path) == [*range(1, lost), -1]
        if rest:
            assert sequences(path, from_sequence=lost + 1) == rest
        with writer(path) as held:
            (notice,) = held.recovery.notices
            assert (f"after sequence {lost - 1}" if lost > 1 else "at its beginning") in notice
            assert held.recovery.entries == 7
            held.append(content(held.last_sequence + 1))
        assert [p.name for p in (path / "log").iterdir()] == [log.name + ".damaged"]
        if rest:
            hint = f"sequence {lost} is missing; read on with from_sequence={lost + 1}"
            with pytest.raises(JournalError, match=hint):
                list(Journal.open(path).entries(from_sequence=1))
            assert sequences(path, from_sequence=lost + 1) == [*rest, 9]
        else:
            assert sequences(path) == all_to(8)


def test_several_damaged_places(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    log = unsealed(path, 9)
    text = bytearray(log.read_bytes())
    ends = [len(HEAD), *(part.end for part in scan(log) if isinstance(part, Frame))]
    for entry in (3, 4, 7):
        text[ends[entry - 1] + 20] ^= 1
    log.write_bytes(text + b"\0" * 5000)  # what a power cut may leave behind
    assert sequences(path) == [1, 2, -1]
    assert sequences(path, from_sequence=5) == [5, 6, -1]
    assert sequences(path, from_sequence=8) == [8, 9, -1]
    with writer(path) as held:
        assert len(held.recovery.notices) == 3
        assert held.last_sequence == 9
    assert sequences(path) == [1, 2, -1]
    assert sequences(path, from_sequence=5) == [5, 6, -1]
    assert sequences(path, from_sequence=8) == [8, 9]


@pytest.fixture(scope="module")
def sealed_journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sealed")
    with writer(path, segment_bytes=40_000) as held:
        for i in range(1, 41):
            held.append(content(i))
    assert 3 < len(list((path / "sealed").iterdir())) < 20
    return path


@given(data=st.data())
@settings(max_examples=50)
def test_damage_in_a_sealed_segment_is_found(data: st.DataObject, sealed_journal: Path) -> None:
    files = sorted(p for folder in ("plots", "steps", "sealed") for p in (sealed_journal / folder).iterdir())
    file = data.draw(st.sampled_from(files))
    text = file.read_bytes()
    place = data.draw(st.integers(0, len(text) - 1))
    how = data.draw(st.sampled_from(["flipped", "cut", "gone"]))
    flipped = bytearray(text)
    flipped[place] ^= 1 << data.draw(st.integers(0, 7))
    first, last = (int(number) for number in re.findall(r"\d+", file.name))
    try:
        if how == "gone":
            file.unlink()
        else:
            file.write_bytes(flipped if how == "flipped" else text[:place])
        before, after = list(range(1, first)), list(range(last + 1, 41))
        unknown = file.suffix == ".index" and how == "gone" and not after  # a journal ends where it ends
        assert sequences(sealed_journal, from_sequence=1) == (before if unknown else [*before, -1])
        assert sequences(sealed_journal, to_sequence=first) == before
        if after:
            assert sequences(sealed_journal, from_sequence=last + 1) == after
    finally:
        file.write_bytes(text)


def test_a_seal_may_be_cut_off_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal"
    held = writer(path)
    held.append_many(content(i) for i in range(1, 40))
    copies: list[Path] = []

    def copying(real: Callable[..., Any]) -> Callable[..., Any]:
        def before(*arguments: Any, **named: Any) -> Any:
            copies.append(tmp_path / f"{len(copies)}")
            shutil.copytree(path, copies[-1])
            return real(*arguments, **named)

        return before

    with monkeypatch.context() as patch:
        for name in ("fsync", "rename", "unlink"):
            patch.setattr(os, name, copying(getattr(os, name)))
        held.close()
    assert len(copies) > 10
    for copy in copies:
        assert sequences(copy) == all_to(39)
        with writer(copy) as again:
            assert again.recovery.torn_bytes == 0
            again.append(content(40))
        assert sequences(copy) == all_to(40)
        assert not [p for p in copy.rglob("*") if p.suffix in {".tmp", ".log"}]
        rows = sum(pq.read_metadata(p).num_rows for p in copy.glob("plots/*.parquet"))
        assert rows == sum(c.num_rows for i in range(1, 41) if isinstance(c := content(i), pa.Table))


class Disk:
    """A disk that can be full: nothing, or half of what is written, still fits."""

    def __init__(self, patch: pytest.MonkeyPatch, fails: str) -> None:
        self.full = False
        self._writev, self._fsync = os.writev, os.fsync
        patch.setattr(os, {"write": "writev", "sync": "fsync"}[fails], getattr(self, fails))

    def write(self, fd: int, pieces: Sequence[Any]) -> int:
        if self.full and len(pieces) == 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._writev(fd, pieces[:1] if self.full else pieces)

    def sync(self, fd: int) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._fsync(fd)


@pytest.mark.parametrize("fails", ["write", "sync"])
def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    disk = Disk(monkeypatch, fails)
    told: list[str] = []
    held = writer(tmp_path, told)
    for last in (0, 3, 6):
        disk.full = True
        for _ in range(3):
            with pytest.raises(JournalError, match=f"No space left on device; all to sequence {last} is safe"):
                held.append_many(content(i) for i in range(last + 1, last + 4))
            assert sequences(tmp_path) == all_to(last)
        disk.full = False
        assert held.append_many(content(i) for i in range(last + 1, last + 4)) == [last + 1, last + 2, last + 3]
        assert sequences(tmp_path) == all_to(last + 3)
    disk.full = True
    with pytest.raises(
        JournalError, match=r"cannot be sealed to Parquet: No space left on device; it is kept as it is"
    ):
        held.seal()
    assert sequences(tmp_path) == all_to(9)
    disk.full = False
    held.close()
    assert sequences(tmp_path) == all_to(9)
    assert 1 <= len(told) <= 3
    assert all("cannot be sealed" in line for line in told)


def test_a_file_size_limit_of_the_system(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    held = writer(tmp_path)
    held.append(content(1))
    with pytest.raises(JournalError, match="File too large; all to sequence"):
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
            for _ in range(100):
                held.append(content(held.last_sequence + 1))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    last = held.last_sequence
    assert 1 < last < 100
    assert held.append(content(last + 1)) == last + 1
    held.close()
    assert sequences(tmp_path) == all_to(last + 1)


def test_an_interrupt_leaves_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = writer(tmp_path)
    held.append(content(1))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(os, "fsync", lambda fd: signal.raise_signal(signal.SIGINT))
        held.append(content(2))
    assert held.append_many([content(2), content(3)]) == [2, 3]
    held.close()
    assert sequences(tmp_path) == all_to(3)


def test_one_writer_and_many_readers(tmp_path: Path) -> None:
    with writer(tmp_path) as held:
        held.append(content(1))
        with pytest.raises(JournalError, match=f"is being written by process {os.getpid()}; stop that one"):
            writer(tmp_path)
        script = "import sys; from skypact.journal import Writer; Writer(sys.argv[1], node='bishkek', party='KG')"
        done = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=False)
        assert f"is being written by process {os.getpid()}" in done.stderr
        assert sequences(tmp_path) == [1]
    with pytest.raises(MisuseError, match="has been closed"):
        held.append(content(2))
    held.close()
    writer(tmp_path).close()


def test_the_clock_is_set_back(tmp_path: Path) -> None:
    told: list[str] = []
    with writer(tmp_path, told) as held:
        for second in (100, 101, 100.5, 40, 41, 39.5, 10):
            held.append(Step(int(second * S)))
        held.append(Snapshot(0, 0, b""))
    assert told == ["the time of steps went back by 60.5 s at sequence 4; entries stay as they came"]
    found = [e.content.now_ns / S for e in Journal.open(tmp_path).entries(tables=["steps"])]
    assert found == [100, 101, 100.5, 40, 41, 39.5, 10]


def test_a_warning_is_logged_if_nobody_takes_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with writer(tmp_path) as held:
        held.append_many([Step(10 * S), Step(0)])
    assert [(r.name, r.levelname) for r in caplog.records] == [("skypact.journal.writer", "WARNING")]


def test_files_that_are_not_of_the_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with writer(path) as held:
        held.append(content(1))
    for name in ("notes.txt", "plots/mine.parquet", "plots/yours.parquet", "log/x", "My Backup/a"):
        (path / name).parent.mkdir(exist_ok=True)
        (path / name).write_text("not of this journal")
    lines = Journal.open(path).foreign()
    assert lines == [
        f"{path}/My Backup: no part of the journal, nor are 1 more beside it; left alone",
        f"{path}/log/x: no part of the journal; left alone",
        f"{path}/plots/mine.parquet: no part of the journal, nor are 1 more beside it; left alone",
    ]
    with writer(path) as held:
        assert held.recovery.notices == tuple(lines)
        held.append(content(2))
    assert sequences(path) == [1, 2]
    assert (path / "My Backup" / "a").exists()
    log = path / "log" / f"{3:020}.log"
    log.write_bytes(b"a stranger with the name of a log")
    assert sequences(path) == [1, 2, -1]
    with writer(path) as held:
        assert "damaged from octet 0 to 33" in held.recovery.notices[-1]
        held.append(content(3))
    assert sequences(path) == [1, 2, 3]
    assert log.with_name(log.name + ".damaged").read_bytes() == b"a stranger with the name of a log"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: None, "there is no such folder; give the folder of a journal"),
        (lambda p: p.mkdir(), r"this folder is no journal: it has no meta.json; give the folder of a journal"),
        (lambda p: p.write_text("x"), "there is no such folder"),
        (lambda p: meta(p, "{"), "meta.json: damaged: "),
        (lambda p: meta(p, b"\xff\xfe"), "meta.json: damaged: "),
        (lambda p: meta(p, '{"schema": "journal/1"}'), "damaged: Object missing required field `node`"),
        (lambda p: meta(p, NEWER), "a journal of layout journal/2; this skypact reads journal/1; read it with"),
    ],
)
def test_what_is_no_journal(tmp_path: Path, make: Callable[[Path], object], message: str) -> None:
    path = tmp_path / "journal"
    make(path)
    with pytest.raises(JournalError, match=message) as caught:
        Journal.open(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


NEWER = '{"schema": "journal/2", "node": "bishkek", "party": "KG", "more": 1}'


def meta(path: Path, text: str | bytes) -> None:
    path.mkdir()
    (path / "meta.json").write_bytes(text if isinstance(text, bytes) else text.encode())


def test_where_no_journal_is_made(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(JournalError, match="neither empty nor a journal; choose another folder"):
        writer(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(JournalError, match="cannot be made: Not a directory"):
        writer(tmp_path / "thesis.tex" / "journal")
    path = tmp_path / "journal"
    writer(path).close()
    with pytest.raises(JournalError, match="the journal of node 'bishkek' of 'KG', not of 'almaty' of 'KZ'"):
        Writer(path, node="almaty", party="KZ")
    shutil.rmtree(path)
    meta(path, NEWER)
    with pytest.raises(JournalError, match="layout journal/2"):
        writer(path)


def test_a_log_of_a_newer_version(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    log = unsealed(path, 3)
    text = log.read_bytes()
    log.write_bytes(text.replace(b"log/1\n", b"log/2\n"))
    with pytest.raises(JournalError, match="written by a newer version; read it with a newer skypact"):
        list(Journal.open(path).entries())
    with pytest.raises(JournalError, match="newer version"):
        writer(path)
    log.write_bytes(text)
    with writer(path) as held:
        assert held.recovery.entries == 3
    assert sequences(path) == [1, 2, 3]
