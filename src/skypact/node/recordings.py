"""Recordings: a file of any format read in pieces, decoded as it is read, with memory that does not grow with it."""

from __future__ import annotations

import datetime as dt
import gzip
import lzma
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Literal

import pyarrow.parquet as pq

from skypact.errors import FormatError, InputError, MisuseError
from skypact.formats.decoded import Decoded
from skypact.formats.detect import HEAD, detect
from skypact.formats.intake import FORMATS, intake
from skypact.tables import PLOTS, conform

CHUNK = 1 << 22
"""Octets read at a time."""

OPENERS: dict[bytes, Callable[[Path, Literal["rb"]], BinaryIO]] = {
    b"\x1f\x8b": gzip.open,
    b"\xfd7zXZ\x00": lzma.open,
}
"""What unpacks a file, by its first octets."""


class Recording:
    """A recording to be read from the beginning to the end, once.

    Parameters
    ----------
    path : path
        A capture, a stream as received, text lines, any of them packed with gzip or xz, or PLOTS as Parquet.
    wire : str, optional
        One of `intake.FORMATS`; told from the first octets if not given.
    date, editions, raw, reference
        As `formats.intake.intake` takes them.

    Attributes
    ----------
    wire : str
        The format, ``"plots"`` for Parquet.

    Raises
    ------
    InputError
        No such file, a directory, a file that cannot be opened, or an empty one.
    FormatError
        A file of no known format.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        wire: str | None = None,
        date: dt.date | None = None,
        editions: Mapping[int, str] | None = None,
        raw: bool = False,
        reference: tuple[float, float] | None = None,
    ) -> None:
        self.path = Path(path)
        if wire is not None and wire not in FORMATS:
            raise MisuseError(f"no format {wire!r}; known are {', '.join(FORMATS)}")
        self._cut: str | None = None
        head = self._head()
        self.wire = wire or ("plots" if head[:4] == b"PAR1" else detect(head) or "")
        if not self.wire:
            shown = head[:8].hex(" ")
            raise FormatError(
                f"no known format (begins with {shown})",
                path=self.path,
                hint=f"name it with --format {'|'.join(FORMATS)}",
            )
        if self.wire != "plots":
            sensor = self.path.name.partition(".")[0] or "receiver"
            options = {"sensor": sensor, "date": date, "editions": editions, "raw": raw, "reference": reference}
            self._intake = intake(self.wire, **options)  # type: ignore[arg-type]

    @property
    def problems(self) -> Mapping[str, int]:
        """What was refused or skipped so far, by kind."""
        return Counter() if self.wire == "plots" else self._intake.problems

    @property
    def undated(self) -> bool:
        """Whether times stand on 1970-01-01 for want of a date."""
        return self.wire != "plots" and self._intake.undated

    @property
    def cut(self) -> str | None:
        """Why the file ends before its content does, none if it does not; known when it was read."""
        return self._cut

    def __iter__(self) -> Iterator[Decoded]:
        """Yield the tables of one piece after the other."""
        if self.wire == "plots":
            yield from self._plots()
            return
        with self._open() as file:
            while chunk := self._next(file, CHUNK):
                yield self._intake.feed(chunk)
        yield self._intake.finish()
        if self._cut is None and any("truncated" in name for name in self.problems):
            self._cut = "ends in the middle of a packet"

    def _plots(self) -> Iterator[Decoded]:
        try:
            file = pq.ParquetFile(self.path)
            for batch in file.iter_batches():
                yield Decoded(plots=conform(batch, PLOTS))
        except (OSError, ValueError, KeyError) as err:
            what = f"is no table of plots: {str(err).splitlines()[0]}"
            raise FormatError(what, path=self.path, hint="make one with skypact decode FILE -o plots.parquet") from None

    def _head(self) -> bytes:
        try:
            with self._open() as file:
                head = self._next(file, HEAD)
        except IsADirectoryError:
            raise InputError("is a directory", path=self.path, hint="name a recording") from None
        except FileNotFoundError:
            raise InputError("does not exist", path=self.path, hint="check the name and the folder") from None
        except OSError as err:
            raise InputError(f"cannot be read: {_reason(err)}", path=self.path, hint="check the file") from None
        if not head:
            what = "is empty" if self._cut is None else self._cut
            raise InputError(what, path=self.path, hint="name a recording")
        return head

    def _open(self) -> BinaryIO:
        with self.path.open("rb") as file:
            magic = file.read(6)
        for begin, opener in OPENERS.items():
            if magic.startswith(begin):
                return opener(self.path, "rb")
        return self.path.open("rb")

    def _next(self, file: BinaryIO, size: int) -> bytes:
        """Return the next octets; a damaged archive ends the recording where it is damaged."""
        parts: list[bytes] = []
        while size > 0:
            try:
                # Not `read`, which drops what it has unpacked when it meets the damage.
                part = file.read1(size)  # type: ignore[attr-defined]
            except EOFError:
                self._cut = "ends in the middle of its packed content"
                break
            except (OSError, lzma.LZMAError, zlib.error) as err:
                self._cut = f"cannot be read further: {_reason(err)}"
                break
            if not part:
                break
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def _reason(err: Exception) -> str:
    return (getattr(err, "strerror", None) or str(err) or type(err).__name__).lower()
