"""``skypact export``: tables to other forms."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skypact.cli import _options as options

if TYPE_CHECKING:
    import pyarrow as pa

    from skypact.cli._files import Target
    from skypact.node import Recording


class Form(StrEnum):
    """What a table is exported to."""

    PARQUET = "parquet"
    CSV = "csv"
    GEOJSON = "geojson"


def export(
    file: Annotated[Path, typer.Argument(help="A journal, a table as Parquet, or any recording (its plots).")],
    to: Annotated[Form, typer.Option("--to", help="Form to export to.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Else beside the input.")
    ] = None,
    table: Annotated[
        str, typer.Option("--table", metavar="NAME", help="Table of a journal: tracks, plots, ...")
    ] = "tracks",
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="Of a journal the picture at that instant.")
    ] = None,
    begin: Annotated[str | None, typer.Option("--from", metavar="TIME", help="Of a journal the rows from then on.")] = (
        None
    ),
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="And before then.")] = None,
    date: options.Date = None,
    wire: options.Wire = None,
    as_json: options.Json = False,
) -> None:
    """Write plots, tracks, or the picture at an instant in another form.

    Example: skypact export day1 --at 2026-06-01T03:20:00Z --to geojson -o picture.geojson
    """
    from skypact.cli import _say
    from skypact.cli._files import Target
    from skypact.errors import InputError, MisuseError

    if file.is_dir():
        source = _of_journal(file, table, options.instant(at), options.instant(begin), options.instant(until))
    elif at or begin or until:
        raise MisuseError("--at, --from and --until are for journals")
    else:
        source = _of_file(file, date, wire)
    path = output or file.with_name(f"{file.name.partition('.')[0]}.{to.value}")
    if path.exists() and path.samefile(file):
        raise MisuseError(f"{path} is the input itself; name another file with -o")
    target = Target(path)
    read = 0
    try:
        with target.telling():
            writer = WRITERS[to](source.schema, target)
        for batch in source.batches:
            read += batch.num_rows
            with target.telling():
                writer.write(batch)
        with target.telling():
            writer.close()
        if source.recording is not None and not read:
            raise InputError("; ".join(options.faults(source.recording, taken=False)))
        target.keep()
    finally:
        target.drop()
    if source.recording is not None:
        _say.problems(str(file), source.recording.problems)
        options.warn_of_times(source.recording)
    _say.result({"file": str(path), "rows": writer.rows}, f"{path}: {writer.rows:,} rows", as_json)
    if to is Form.GEOJSON and read and not writer.rows:
        _say.warn(f"{file}: no row has a latitude and longitude; plots of radars get theirs as tracks: skypact track")
    if source.recording is not None and (found := options.faults(source.recording, taken=True)):
        raise InputError("; ".join(found))


@dataclass(frozen=True, slots=True)
class _Source:
    """What is exported, batch by batch; of a recording its plots."""

    schema: pa.Schema
    batches: Iterable[pa.Table]
    recording: Recording | None = None


def _of_journal(path: Path, name: str, at_ns: int | None, begin_ns: int | None, until_ns: int | None) -> _Source:
    """Return the picture of a journal at a time, or a table of it."""
    from skypact.errors import InputError
    from skypact.journal import Journal, picture

    journal = Journal.open(path)
    if at_ns is not None:
        found = picture(journal, at_ns)
        return _Source(found.schema, [found])
    parts = iter(journal.read(name, from_ns=begin_ns, to_ns=until_ns))
    first = next(parts, None)
    if first is None:
        held = ", ".join(sorted(journal.usage().rows)) or "nothing"
        raise InputError(f"has no rows of {name} there", path=path, hint=f"it holds {held}")
    return _Source(first.schema, chain([first], parts))


def _of_file(file: Path, date: str | None, wire: str | None) -> _Source:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from skypact.errors import FormatError, InputError
    from skypact.tables import PLOTS

    if not file.exists():
        raise InputError("does not exist", path=file, hint="check the name and the folder")
    if file.is_file():
        with file.open("rb") as opened:
            is_table = opened.read(4) == b"PAR1"
        if is_table:
            try:
                return _Source(pq.read_schema(file), _rows(file))
            except (OSError, pa.ArrowException) as err:
                raise FormatError(_damage(err), path=file, hint="make it again") from None
    recording = options.recordings([file], wire=wire, date=date)[0]
    return _Source(PLOTS, _plots(recording), recording)


def _rows(file: Path) -> Iterator[pa.Table]:
    """Yield the batches of a table as Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from skypact.errors import FormatError

    try:
        for batch in pq.ParquetFile(file).iter_batches():
            yield pa.Table.from_batches([batch])
    except (OSError, pa.ArrowException) as err:
        raise FormatError(_damage(err), path=file, hint="make it again") from None


def _plots(recording: Recording) -> Iterator[pa.Table]:
    """Yield the plots of a recording.

    Raises
    ------
    InputError
        It holds system tracks and no plots.
    """
    from skypact.errors import InputError

    plots = system_tracks = 0
    for decoded in recording:
        plots += decoded.plots.num_rows
        system_tracks += decoded.tracks.num_rows
        yield decoded.plots
    if system_tracks and not plots:
        what = f"holds no plots, but {system_tracks:,} reports of system tracks"
        hint = "write those with skypact decode FILE --tracks tracks.parquet, and export them"
        raise InputError(what, path=recording.path, hint=hint)


def _damage(err: Exception) -> str:
    return f"is a damaged table: {str(err).splitlines()[0].rstrip('.')}"


class _Parquet:
    """Writes a table as it is."""

    def __init__(self, schema: pa.Schema, target: Target) -> None:
        import pyarrow.parquet as pq

        self.rows = 0
        self._writer = pq.ParquetWriter(target.part, schema, compression="zstd")

    def write(self, table: pa.Table) -> None:
        self.rows += table.num_rows
        self._writer.write_table(table)

    def close(self) -> None:
        self._writer.close()


class _Csv:
    """Writes one line a row: lists as JSON, times in ISO 8601, addresses in hexadecimal and codes in octal digits."""

    def __init__(self, schema: pa.Schema, target: Target) -> None:
        from pyarrow import csv

        self.rows = 0
        self._writer = csv.CSVWriter(target.part, _columns(schema.empty_table()).schema)

    def write(self, table: pa.Table) -> None:
        self.rows += table.num_rows
        self._writer.write_table(_columns(table))

    def close(self) -> None:
        self._writer.close()


def _columns(table: pa.Table) -> pa.Table:
    """Return a table of what fits into CSV."""
    import pyarrow as pa

    columns = {}
    plain = _plain_times(table)
    for field in plain.schema:
        column = plain[field.name]
        if pa.types.is_nested(field.type):
            texts = [None if v is None else json.dumps(v, default=_plain) for v in column.to_pylist()]
            column = pa.array(texts, pa.string())
        elif _in_digits(field):
            texts = [None if v is None else DIGITS[field.name].format(v) for v in column.to_pylist()]
            column = pa.array(texts, pa.string())
        elif pa.types.is_dictionary(field.type):
            column = column.cast(field.type.value_type)
        columns[field.name] = column
    return pa.table(columns)


DIGITS = {"icao24": "{:06x}", "mode_3a": "{:04o}"}
"""How identification is written for people."""


def _in_digits(field: pa.Field) -> bool:
    import pyarrow as pa

    return field.name in DIGITS and pa.types.is_integer(field.type)


class _GeoJson:
    """Writes one point a row with a position, as a FeatureCollection of a line each.

    Raises
    ------
    MisuseError
        The table has no columns of positions.
    """

    def __init__(self, schema: pa.Schema, target: Target) -> None:
        import pyarrow as pa

        from skypact.errors import MisuseError

        for name in ("latitude_deg", "longitude_deg"):
            if name not in schema.names or not pa.types.is_floating(schema.field(name).type):
                raise MisuseError(f"a table without numbers as {name} has no GeoJSON; export it to csv")
        left = {"latitude_deg", "longitude_deg", "covariance", "lineage"}
        self.rows = 0
        self._names = [name for name in schema.names if name not in left]
        self._digits = {field.name for field in schema if _in_digits(field)}
        self._file = target.part.open("w", encoding="utf-8")
        self._file.write('{"type":"FeatureCollection","features":[')

    def write(self, table: pa.Table) -> None:
        import pyarrow.compute as pc

        # What is not on the globe is no place, as GeoJSON has none for it; neither is a number that is none.
        inside = pc.and_(
            pc.less_equal(pc.abs(table["latitude_deg"]), 90), pc.less_equal(pc.abs(table["longitude_deg"]), 180)
        )
        placed = _plain_times(table).filter(inside)
        for batch in placed.to_batches(max_chunksize=10_000):
            for row in batch.to_pylist():
                self._file.write(",\n" if self.rows else "\n")
                text = json.dumps(self._feature(row), separators=(",", ":"), default=_plain, allow_nan=False)
                self._file.write(text)
                self.rows += 1

    def close(self) -> None:
        self._file.write("\n]}\n")
        self._file.close()

    def _feature(self, row: dict[str, Any]) -> dict[str, Any]:
        place = [round(row["longitude_deg"], 7), round(row["latitude_deg"], 7)]
        altitude = row.get("altitude_m")
        if isinstance(altitude, float) and math.isfinite(altitude):
            place.append(round(altitude, 2))
        properties = {
            name: DIGITS[name].format(row[name]) if name in self._digits else row[name]
            for name in self._names
            if row[name] is not None and not (isinstance(row[name], float) and not math.isfinite(row[name]))
        }
        return {"type": "Feature", "geometry": {"type": "Point", "coordinates": place}, "properties": properties}


def _plain_times(table: pa.Table) -> pa.Table:
    """Return a table with its times as ISO 8601 text: Python's own times end at microseconds."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for i, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            text = pc.replace_substring(table.column(i).cast(pa.string()), " ", "T")
            table = table.set_column(i, field.name, text)
    return table


def _plain(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


WRITERS: dict[Form, type[_Parquet | _Csv | _GeoJson]] = {
    Form.PARQUET: _Parquet,
    Form.CSV: _Csv,
    Form.GEOJSON: _GeoJson,
}
