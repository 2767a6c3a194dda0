"""What a writer finds when it opens a journal: entries not sealed yet, a torn tail, damage."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from skypact.errors import JournalError
from skypact.journal import _folder, _frames
from skypact.journal._folder import Segment
from skypact.journal._frames import Break, Frame
from skypact.journal._seal import remove


@dataclass(frozen=True, slots=True)
class Recovery:
    """What the last writer left unfinished; all zero after a clean end.

    Attributes
    ----------
    entries, rows : int
        Whole in logs that had not been sealed.
    segments : int
        Logs handed on to be sealed.
    torn_bytes : int
        Cut off: an entry that was being written and never acknowledged.
    notices : tuple of str
        Damage and foreign files, one line each.
    """

    entries: int = 0
    rows: int = 0
    segments: int = 0
    torn_bytes: int = 0
    notices: tuple[str, ...] = ()

    def __str__(self) -> str:
        if not (self.segments or self.torn_bytes or self.notices):
            return "nothing to recover"
        found = f"recovered {self.entries} entries ({self.rows} rows) of {self.segments} unsealed segments"
        torn = [f"cut a torn tail of {self.torn_bytes} bytes"] if self.torn_bytes else []
        return "; ".join([found, *torn, *self.notices])


def recover(root: Path) -> tuple[Recovery, list[Segment], int]:
    """Bring a folder into order after whatever ended its last writer; nobody else may write.

    Returns
    -------
    recovery : Recovery
    logs : list of Segment
        Logs to be sealed.
    last_sequence : int

    Raises
    ------
    JournalError
        A log is of a newer version, or the disk fails.
    """
    notices = _folder.foreign(root)
    waiting: list[Segment] = []
    entries = rows = torn_bytes = 0
    try:
        _folder.remove_unfinished(root)
        sealed = {s.first: s.last for s in _folder.segments(root) if s.last is not None}
        last = max(sealed.values(), default=0)
        for log in _folder.logs(root):
            frames, breaks, torn = _survey(log.path)
            if log.first in sealed:
                remove(log, damaged=bool(breaks))
                continue
            torn_bytes += torn
            notices += [f"{log.path}: {text}" for text in _told(breaks, frames)]
            if frames:
                waiting.append(log)
                entries += len(frames)
                rows += sum(count for _, count in frames)
                last = max(last, frames[-1][0])
            else:
                remove(log, damaged=bool(breaks))
    except OSError as err:
        raise JournalError(f"cannot be brought into order: {err.strerror}", path=root) from None
    return Recovery(entries, rows, len(waiting), torn_bytes, tuple(notices)), waiting, last


def _survey(path: Path) -> tuple[list[tuple[int, int]], list[tuple[int, Break]], int]:
    """Return sequence and rows of each entry, damage and how many entries are before it, octets of the tail cut off."""
    frames: list[tuple[int, int]] = []
    breaks: list[tuple[int, Break]] = []
    torn = 0
    for part in _frames.scan(path):
        if isinstance(part, Frame):
            frames.append((part.sequence, part.rows))
        elif part.torn:
            torn = part.end - part.offset
            cut(path, part.offset)
        else:
            breaks.append((len(frames), part))
    return frames, breaks, torn


def cut(path: Path, size: int) -> None:
    """Shorten a file, also if the power fails next."""
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.ftruncate(fd, size)
        os.fsync(fd)
    finally:
        os.close(fd)


def _told(breaks: list[tuple[int, Break]], frames: list[tuple[int, int]]) -> Iterator[str]:
    for before, part in breaks:
        place = f"damaged from octet {part.offset} to {part.end}"
        after = f"after sequence {frames[before - 1][0]}" if before else "at its beginning"
        until = f", before sequence {frames[before][0]}" if before < len(frames) else ", its end"
        yield f"{place}, {after}{until}; what is whole is kept, and the log beside it as {_folder.DAMAGED}"
