"""The folder of a journal: its files' names, writes that survive a power cut, the lock of its one writer.

meta.json                        layout, node, party
lock                             held by the writer, names its process
log/FIRST.log                    appended to, or waiting to be sealed
sealed/FIRST-LAST.index          what a sealed segment holds; there is none before all of the segment is on the disk
TABLE/FIRST-LAST.parquet         the rows of one table in that segment
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, count
from operator import attrgetter
from pathlib import Path

import msgspec
import pyarrow as pa

from skypact.errors import JournalError
from skypact.journal._frames import write_whole
from skypact.journal.contents import SCHEMA, is_table_name

META, LOCK = "meta.json", "lock"
UNFINISHED = ".tmp"
DAMAGED = ".damaged"
_LOG = re.compile(r"(\d{20})\.log")
_INDEX = re.compile(r"(\d{20})-(\d{20})\.index")
_OF_ROOT = re.compile(rf"{re.escape(META)}({re.escape(UNFINISHED)})?|{LOCK}")
_OURS = {
    "log": re.compile(rf"\d{{20}}\.log({re.escape(DAMAGED)}\d*)?"),
    "sealed": re.compile(rf"\d{{20}}-\d{{20}}\.index({re.escape(UNFINISHED)})?"),
}
_OF_TABLE = re.compile(rf"\d{{20}}-\d{{20}}\.parquet({re.escape(UNFINISHED)})?")


class Meta(msgspec.Struct, frozen=True):
    """What `meta.json` says."""

    schema: str
    node: str
    party: str


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the sequence: a log, whose last entry is known to those who read it, or a sealed segment."""

    path: Path
    first: int
    last: int | None = None


def log_path(root: Path, first: int) -> Path:
    """Return where the log lies that begins with a sequence."""
    return root / "log" / f"{first:020}.log"


def index_path(root: Path, first: int, last: int) -> Path:
    """Return where the index of a sealed segment lies."""
    return root / "sealed" / f"{first:020}-{last:020}.index"


def table_path(root: Path, table: str, first: int, last: int) -> Path:
    """Return where the rows of a table in a sealed segment lie."""
    return root / table / f"{first:020}-{last:020}.parquet"


def segments(root: Path) -> list[Segment]:
    """Return all segments by their first sequence.

    Logs are looked for before sealed segments, so that one that is sealed meanwhile is seen as one or both; of both the
    sealed one is taken.
    """
    waiting = logs(root)
    sealed = [Segment(path, int(m[1]), int(m[2])) for path, m in _matching(root / "sealed", _INDEX)]
    return sorted({s.first: s for s in waiting + sealed}.values(), key=attrgetter("first"))


def logs(root: Path) -> list[Segment]:
    """Return all logs by their first sequence."""
    return sorted((Segment(path, int(m[1])) for path, m in _matching(root / "log", _LOG)), key=attrgetter("first"))


def _matching(folder: Path, pattern: re.Pattern[str]) -> Iterator[tuple[Path, re.Match[str]]]:
    with contextlib.suppress(FileNotFoundError):
        for name in _names(folder):
            if match := pattern.fullmatch(name):
                yield folder / name, match


def foreign(root: Path) -> list[str]:
    """Return one line for each folder with something that is no part of the journal; it is left alone."""
    lines = []
    for folder, pattern in _folders(root):
        strangers = sorted(name for name in _names(folder) if not pattern.fullmatch(name))
        if folder == root:
            strangers = [name for name in strangers if not ((root / name).is_dir() and _is_ours(name))]
        if strangers:
            more = f", nor are {len(strangers) - 1} more beside it" if len(strangers) > 1 else ""
            lines.append(f"{folder / strangers[0]}: no part of the journal{more}; left alone")
    return lines


def remove_unfinished(root: Path) -> None:
    """Remove what was being written when the last writer ended."""
    for folder, pattern in _folders(root):
        for name in _names(folder):
            if name.endswith(UNFINISHED) and pattern.fullmatch(name):
                (folder / name).unlink()


def _names(folder: Path) -> list[str]:
    return [entry.name for entry in os.scandir(folder)]


def _folders(root: Path) -> list[tuple[Path, re.Pattern[str]]]:
    """Return the folders of a journal with the names that files in them have."""
    names = sorted(e.name for e in os.scandir(root) if e.is_dir() and _is_ours(e.name))
    return [(root, _OF_ROOT), *((root / name, _OURS.get(name, _OF_TABLE)) for name in names)]


def _is_ours(folder: str) -> bool:
    return folder in _OURS or is_table_name(folder)


def free(path: Path) -> Path:
    """Return a path that is not taken: the one given, else with the first number that makes it so."""
    return next(p for p in chain([path], (path.with_name(f"{path.name}{n}") for n in count(2))) if not p.exists())


def read_meta(root: Path) -> Meta:
    """Return what a journal says of itself.

    Raises
    ------
    JournalError
        No journal, or one of a newer layout.
    """
    path = root / META
    try:
        meta = msgspec.json.decode(path.read_bytes(), type=Meta)
    except (FileNotFoundError, NotADirectoryError):
        what = "this folder is no journal: it has no meta.json" if root.is_dir() else "there is no such folder"
        raise JournalError(what, path=root, hint="give the folder of a journal") from None
    except OSError as err:
        raise JournalError(f"cannot be read: {err.strerror}", path=path) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as err:
        hint = f'write {{"schema": "{SCHEMA}", "node": NODE, "party": PARTY}} into it'
        raise JournalError(f"damaged: {err}", path=path, hint=hint) from None
    if meta.schema != SCHEMA:
        hint = "read it with the skypact that wrote it, or a newer one"
        raise JournalError(f"a journal of layout {meta.schema}; this skypact reads {SCHEMA}", path=root, hint=hint)
    return meta


def make(root: Path, node: str, party: str) -> Meta:
    """Make a journal in an empty or new folder, or take the one that is there.

    Raises
    ------
    JournalError
        The folder holds something else, or the journal of another node.
    """
    if root.is_dir() and not (root / META).exists() and not all(map(_OF_ROOT.fullmatch, _names(root))):
        raise JournalError("neither empty nor a journal", path=root, hint="choose another folder")
    try:
        root.mkdir(parents=True, exist_ok=True)
        if not (root / META).exists():
            text = msgspec.json.format(msgspec.json.encode(Meta(SCHEMA, node, party)), indent=2) + b"\n"
            write_durably(root / META, [text])
            sync_folder(root.parent)
        for name in _OURS:
            make_folder(root / name)
    except OSError as err:
        raise JournalError(f"cannot be made: {err.strerror}", path=root) from None
    meta = read_meta(root)
    if (meta.node, meta.party) != (node, party):
        hint = "give each node a journal of its own"
        what = f"the journal of node {meta.node!r} of {meta.party!r}, not of {node!r} of {party!r}"
        raise JournalError(what, path=root, hint=hint)
    return meta


def make_folder(path: Path) -> None:
    """Make a folder that survives a power cut."""
    if not path.is_dir():
        path.mkdir(exist_ok=True)
        sync_folder(path.parent)


def write_durably(path: Path, pieces: Sequence[bytes | pa.Buffer]) -> None:
    """Write a file that after a power cut is whole or not there."""
    unfinished = path.with_name(path.name + UNFINISHED)
    try:
        fd = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
        try:
            write_whole(fd, pieces)
            os.fsync(fd)
        finally:
            os.close(fd)
        unfinished.rename(path)
    except OSError:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Make the names in a folder survive a power cut."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def lock(root: Path) -> int:
    """Take the place of the one writer; return the descriptor that holds it until it is closed.

    Raises
    ------
    JournalError
        Another writer has it.
    """
    path = root / LOCK
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as err:
        raise JournalError(f"cannot be written: {err.strerror}", path=path) from None
    try:
        # Held by the open file and not by the process, so that a second writer in this one is refused as well.
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    except BlockingIOError:
        pid = os.pread(fd, 32, 0).decode(errors="replace").strip()
        os.close(fd)
        whose = f"process {pid}" if pid.isdecimal() else "another process"
        hint = "stop that one, or choose another folder"
        raise JournalError(f"is being written by {whose}", path=root, hint=hint) from None
    except OSError as err:
        os.close(fd)
        raise JournalError(f"cannot be locked: {err.strerror}", path=path) from None
    return fd
