"""Recordings: a file of any format read in pieces, decoded as it is read, with memory that does not grow with it."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

import pyarrow as pa
import pyarrow.parquet as pq

from skypact.errors import FormatError, InputError, MisuseError
from skypact.formats.decoded import Decoded
from skypact.formats.detect import HEAD, detect
from skypact.formats.intake import FORMATS, Intake, intake
from skypact.tables import PLOTS, conform

CHUNK = 1 << 18
"""Octets read at a time: with more, decoders need more memory and are not faster."""

OPENERS: dict[bytes, Callable[[Path, Literal["rb"]], io.BufferedIOBase]] = {
    b"\x1f\x8b": gzip.open,
    b"\xfd7zXZ\x00": lzma.open,
}
"""What unpacks a file, by its first octets."""
ARCHIVES = {b"PK\x03\x04": "zip", b"BZh": "bzip2", b"\x28\xb5\x2f\xfd": "zstd", b"7z\xbc\xaf\x27\x1c": "7z"}
"""Packed files that are not read as they are, by their first octets."""


class Recording:
    """A recording to be read from the beginning to the end, once.

    Parameters
    ----------
    path : path
        A capture, a stream as received, text lines, any of them packed with gzip or xz, or PLOTS as Parquet.
    wire : str, optional
        One of `intake.FORMATS`; told from the first octets if not given.
    sensor : str, optional
        Name of the receiver of formats that do not tell it; the file's name up to its first point if not given.
    date, editions, raw, reference, clock, utc_offset_s, simulated
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
    MisuseError
        An option that cannot be: a format, category or edition that is not known.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        wire: str | None = None,
        sensor: str | None = None,
        date: dt.date | None = None,
        editions: Mapping[int, str] | None = None,
        raw: bool = False,
        reference: tuple[float, float] | None = None,
        clock: Literal["counter", "day"] = "counter",
        utc_offset_s: int = 0,
        simulated: bool = False,
    ) -> None:
        self.path = Path(path)
        if wire is not None and wire not in FORMATS:
            raise MisuseError(f"no format {wire!r}; known are {', '.join(FORMATS)}")
        self._cut: str | None = None
        head = self._head()
        self.wire = wire or ("plots" if head[:4] == b"PAR1" else detect(head) or "")
        if not self.wire:
            raise FormatError(f"is of no known format (begins with {_shown(head)})", path=self.path, hint=_advice(head))
        self._intake: Intake | None = None
        if self.wire != "plots":
            self._intake = intake(
                self.wire,
                sensor=sensor or self.path.name.partition(".")[0] or "receiver",
                date=date,
                editions=editions,
                raw=raw,
                reference=reference,
                clock=clock,
                utc_offset_s=utc_offset_s,
                simulated=simulated,
            )

    @property
    def problems(self) -> Mapping[str, int]:
        """What was refused or skipped so far, by kind."""
        return {} if self._intake is None else self._intake.problems

    @property
    def undated(self) -> bool:
        """Whether times stand on 1970-01-01, or all are missing, for want of a date."""
        return self._intake is not None and self._intake.undated

    @property
    def counted(self) -> bool:
        """Whether times count from the first message, for want of a clock that tells the time of day."""
        return self._intake is not None and self._intake.counted

    @property
    def editions(self) -> Mapping[int, str]:
        """The ASTERIX edition in use by category met so far."""
        return {} if self._intake is None else self._intake.editions

    @property
    def cut(self) -> str | None:
        """Why the file, or the rest of it, could not be read, none if it could; known when it was read."""
        return self._cut or (None if self._intake is None else self._intake.ended)

    def __iter__(self) -> Iterator[Decoded]:
        """Yield the tables of one piece after the other."""
        if self._intake is None:
            yield from self._plots()
            return
        with self._open() as file:
            while self._intake.ended is None and (chunk := self._next(file, CHUNK)):
                yield self._intake.feed(chunk)
        yield self._intake.finish()

    def _plots(self) -> Iterator[Decoded]:
        try:
            file = pq.ParquetFile(self.path)
            _check_columns(file.schema_arrow.names)
            for batch in file.iter_batches():
                yield Decoded(plots=conform(batch, PLOTS))
        except (OSError, ValueError, KeyError, pa.ArrowException) as err:
            what = f"is no table of plots: {str(err).splitlines()[0].rstrip('.')}"
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

    def _open(self) -> io.BufferedIOBase:
        with self.path.open("rb") as file:
            magic = file.read(6)
        for begin, opener in OPENERS.items():
            if magic.startswith(begin):
                return opener(self.path, "rb")
        return self.path.open("rb")

    def _next(self, file: io.BufferedIOBase, size: int) -> bytes:
        """Return the next octets; a damaged archive ends the recording where it is damaged."""
        parts: list[bytes] = []
        while size > 0:
            try:
                # Not `read`, which drops what it has unpacked when it meets the damage.
                part = file.read1(size)
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


def _check_columns(names: Sequence[str]) -> None:
    """Refuse a table without the columns all plots have: one of tracks has times and positions, too."""
    missing = {"time", "sensor"} - set(names)
    if missing:
        raise ValueError(f"it has no column {' and '.join(sorted(missing))}")


def _reason(err: Exception) -> str:
    return (getattr(err, "strerror", None) or str(err) or type(err).__name__).lower()


def _shown(head: bytes) -> str:
    """Return the first octets for an error: text as text."""
    text = " ".join(head[:24].decode("latin-1").split())
    return repr(text) if text.isascii() and text.isprintable() and text else head[:8].hex(" ")


def _advice(head: bytes) -> str:
    """Return what to do about a file of no known format."""
    packed = next((name for magic, name in ARCHIVES.items() if head.startswith(magic)), None)
    return f"unpack the {packed} file first" if packed else f"name it with --format {'|'.join(FORMATS)}"
