"""Recorded flights from tables of any maker: found by the names of their columns, in CSV, JSON, JSON lines or Parquet.

Known are the names that OpenSky Network and the Python package traffic give their columns, and plain ones with units. A
wheel or zip is looked into: the samples of traffic are read from its wheel without installing what it needs.
"""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from skypact.errors import FormatError, InputError
from skypact.exercise._columns import TEXTS, USED, Columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_OCTETS = 1 << 28
"""Most octets read of one file, unpacked."""

BROKEN = (
    *(OSError, EOFError, ValueError, OverflowError, RecursionError, zlib.error, zipfile.BadZipFile, pa.ArrowException),
    NotImplementedError,
)
"""What readers raise of files that are damaged or of other formats."""


@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """The positions of one recorded flight in the order of time; arrays of shape (n,).

    Attributes
    ----------
    name : str
        Of the flight: its own, else its address, else its callsign.
    time_ns : int64 array
        UTC nanoseconds.
    latitude_deg, longitude_deg, altitude_m : float arrays
    on_ground : bool array
    icao24 : int or None
    mode_3a : int or None
        Of the octal value; the one used longest.
    callsign : str or None
    """

    name: str
    time_ns: NDArray[np.int64]
    latitude_deg: NDArray[np.float64]
    longitude_deg: NDArray[np.float64]
    altitude_m: NDArray[np.float64]
    on_ground: NDArray[np.bool_]
    icao24: int | None = None
    mode_3a: int | None = None
    callsign: str | None = None


def read_trajectories(
    path: str | Path, *, member: str | None = None, altitude_unit: Literal["ft", "m"] | None = None
) -> list[Trajectory]:
    """Return the flights of a table, each with its positions in the order of time.

    Parameters
    ----------
    path : path
        A table as CSV, JSON (records or columns), JSON lines or Parquet, also packed with gzip, or a wheel or zip.
    member : str, optional
        End of the name of the file inside a wheel or zip.
    altitude_unit : {"ft", "m"}, optional
        Of the altitudes; else told by the name of their column.

    Raises
    ------
    InputError, FormatError
        The file cannot be read, is no such table, or lacks a column.
    """
    with _opened(Path(path), member) as (file, name):
        table = _table(file, name, Path(path))
    return list(_flights(table, Path(path), altitude_unit))


@contextmanager
def _opened(path: Path, member: str | None) -> Iterator[tuple[IO[bytes], str]]:
    """Open a file, or the member of an archive, and tell its name."""
    try:
        with ExitStack() as stack:
            if path.suffix in {".whl", ".zip"}:
                archive = stack.enter_context(zipfile.ZipFile(path))
                name = _member(archive.namelist(), member, path)
                yield stack.enter_context(archive.open(name)), name
            else:
                yield stack.enter_context(path.open("rb")), path.name
    except FileNotFoundError:
        raise InputError("does not exist", path=path, hint="check the name and the folder") from None
    except IsADirectoryError:
        raise InputError("is a directory", path=path, hint="name a table of trajectories") from None
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as err:
        raise InputError(f"cannot be read: {err}", path=path, hint="check the file") from None


def _member(names: list[str], wanted: str | None, path: Path) -> str:
    found = [n for n in names if wanted and n.endswith(wanted)]
    if len(found) != 1:
        what = "says no member" if not wanted else f"{len(found)} of its files end in {wanted!r}"
        tables = [n for n in names if n.endswith((".json.gz", ".json", ".csv", ".csv.gz", ".parquet"))]
        hint = f"name one such as {tables[0]}" if tables else "it holds no tables"
        raise InputError(what, path=path, hint=hint)
    return found[0]


def _table(file: IO[bytes], name: str, path: Path) -> pa.Table:
    """Return the content of a file as a table."""
    try:
        head = file.read(2)
        rest = _limited(file, MOST_OCTETS - 2, path)
        data = head + rest
        if head == b"\x1f\x8b":
            with gzip.open(io.BytesIO(data)) as packed:
                data = _limited(packed, MOST_OCTETS, path)
            name = name.removesuffix(".gz")
        return _parse(data, name)
    except BROKEN as err:
        what = f"is no table of trajectories: {str(err).splitlines()[0] if str(err) else type(err).__name__}"
        raise FormatError(what, path=path, hint="give CSV, JSON or Parquet") from None


def _limited(file: IO[bytes] | gzip.GzipFile, most: int, path: Path) -> bytes:
    data = file.read(most + 1)
    if len(data) > most:
        raise FormatError(f"is longer than {most >> 20} MB", path=path, hint="cut it to what is to be flown")
    return data


def _parse(data: bytes, name: str) -> pa.Table:
    if data[:4] == b"PAR1":
        return pq.read_table(io.BytesIO(data))
    begin = data[:64].lstrip()[:1]
    if begin not in {b"[", b"{"}:
        names = [n for n in pyarrow.csv.open_csv(io.BytesIO(data)).schema.names if n.strip().lower() in USED]
        # Left to itself the reader takes the address 4e1234 for a number.
        texts = {n: pa.string() for n in names if n.strip().lower() in TEXTS}
        wanted = pyarrow.csv.ConvertOptions(include_columns=names, column_types=texts)
        return pyarrow.csv.read_csv(io.BytesIO(data), convert_options=wanted)
    if name.endswith((".jsonl", ".ndjson")):
        return _columns([msgspec.json.decode(line) for line in data.splitlines() if line.strip()])
    found = msgspec.json.decode(data)
    if isinstance(found, dict):
        columns = {key: list(v.values()) if isinstance(v, dict) else v for key, v in found.items()}
        return pa.table({key: _column(v) for key, v in columns.items() if key.strip().lower() in USED})
    return _columns(found)


def _columns(rows: list[Any]) -> pa.Table:
    """Return rows of JSON as a table of the columns that are of use."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("not a list of objects")
    keys = dict.fromkeys(key for row in rows for key in row if key.strip().lower() in USED)
    return pa.table({key: _column([row.get(key) for row in rows]) for key in keys})


def _column(values: Any) -> pa.Array:
    """Return values of JSON as a column: as text where they do not agree."""
    if not isinstance(values, list):
        raise ValueError("a column that is no list")  # noqa: TRY004 - it concerns the file
    kinds = {type(v) for v in values} - {type(None)}
    if kinds <= {int} and all(v is None or abs(v) < 1 << 63 for v in values):
        return pa.array(values, pa.int64())
    if kinds <= {int, float}:
        return pa.array([None if v is None else float(v) for v in values], pa.float64())
    return pa.array([None if v is None else str(v) for v in values], pa.string())


def _flights(table: pa.Table, path: Path, unit: Literal["ft", "m"] | None) -> Iterator[Trajectory]:
    columns = Columns(table, path)
    time = columns.times()
    latitude, longitude = columns.numbers("latitude"), columns.numbers("longitude")
    altitude = columns.altitudes(unit)
    known = np.isfinite(latitude) & np.isfinite(longitude) & np.isfinite(altitude) & (time >= 0)
    known &= (np.abs(latitude) <= 90) & (np.abs(longitude) <= 360) & (np.abs(altitude) < 100_000)
    ground = columns.flags("ground")
    icao24, callsign, squawk = (columns.texts(n) for n in ("icao24", "callsign", "squawk"))
    own = columns.texts("flight")
    names = np.array(
        [a or b or c or path.name.partition(".")[0] for a, b, c in zip(own, icao24, callsign, strict=True)]
    )
    rows = np.flatnonzero(known)
    rows = rows[np.lexsort((time[rows], names[rows]))] if len(rows) else rows
    cuts = np.flatnonzero(names[rows][1:] != names[rows][:-1]) + 1
    for part in np.split(rows, cuts):
        part = part[np.append(True, np.diff(time[part]) > 0)[: len(part)]]
        if len(part) < 2:
            continue
        yield Trajectory(
            str(names[part[0]]),
            time[part],
            latitude[part],
            longitude[part],
            altitude[part],
            ground[part],
            _number(_usual(icao24, part), 16, 0xFFFFFF),
            _number(_usual(squawk, part), 8, 0o7777),
            _callsign(_usual(callsign, part)),
        )


def _usual(values: list[str], rows: NDArray[np.int64]) -> str:
    """Return what most rows say, ignoring those that say nothing."""
    said = [values[i] for i in rows if values[i]]
    return max(sorted(set(said)), key=said.count) if said else ""


def _number(text: str, base: int, most: int) -> int | None:
    try:
        number = int(text.partition(".")[0], base)
    except ValueError:
        return None
    return number if 0 < number <= most else None


def _callsign(text: str) -> str | None:
    kept = "".join(c for c in text.upper() if c.isascii() and (c.isalnum() or c == " "))[:8].strip()
    return kept or None
