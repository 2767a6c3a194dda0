"""``skypact export``: tables to other forms."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skypact.cli import _options as options

if TYPE_CHECKING:
    import pyarrow as pa


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
    from skypact.errors import MisuseError

    if file.is_dir():
        rows = _of_journal(file, table, options.instant(at), options.instant(begin), options.instant(until))
    elif at or begin or until:
        raise MisuseError("--at, --from and --until are for journals")
    else:
        rows = _read(file, date, wire)
    target = output or file.with_name(f"{file.name.partition('.')[0]}.{to.value}")
    if target.exists() and target.samefile(file):
        raise MisuseError(f"{target} is the input itself; name another file with -o")
    part = target.with_name(target.name + ".part")
    try:
        count = WRITERS[to](rows, part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    _say.result({"file": str(target), "rows": count}, f"{target}: {count:,} rows", as_json)


def _of_journal(path: Path, name: str, at_ns: int | None, begin_ns: int | None, until_ns: int | None) -> pa.Table:
    """Return the picture of a journal at a time, or a table of it."""
    import pyarrow as pa

    from skypact.errors import InputError
    from skypact.journal import Journal, picture

    journal = Journal.open(path)
    if at_ns is not None:
        return picture(journal, at_ns)
    parts = list(journal.read(name, from_ns=begin_ns, to_ns=until_ns))
    if not parts:
        held = ", ".join(sorted(journal.usage().rows)) or "nothing"
        raise InputError(f"has no rows of {name} there", path=path, hint=f"it holds {held}")
    return pa.concat_tables(parts).unify_dictionaries()


def _read(file: Path, date: str | None, wire: str | None) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from skypact.cli import _say
    from skypact.errors import FormatError, InputError

    if not file.exists():
        raise InputError("does not exist", path=file, hint="check the name and the folder")
    if file.is_file():
        with file.open("rb") as opened:
            is_table = opened.read(4) == b"PAR1"
        if is_table:
            try:
                return pq.read_table(file)
            except (OSError, pa.ArrowException) as err:
                what = f"is a damaged table: {str(err).splitlines()[0]}"
                raise FormatError(what, path=file, hint="make it again") from None
    recording = options.recordings([file], wire=wire, date=date)[0]
    plots = pa.concat_tables([d.plots for d in recording])
    _say.problems(str(file), recording.problems)
    return plots


def _parquet(table: pa.Table, path: Path) -> int:
    import pyarrow.parquet as pq

    pq.write_table(table, path, compression="zstd")
    return table.num_rows


def _csv(table: pa.Table, path: Path) -> int:
    """Write one line a row: lists as JSON, times in ISO 8601, addresses in hexadecimal and codes in octal digits."""
    import pyarrow as pa
    from pyarrow import csv

    columns = {}
    plain = _plain_times(table)
    for field in plain.schema:
        column = plain[field.name]
        if pa.types.is_nested(field.type):
            texts = [None if v is None else json.dumps(v, default=_plain) for v in column.to_pylist()]
            column = pa.array(texts, pa.string())
        elif field.name in DIGITS:
            column = pa.array([None if v is None else DIGITS[field.name].format(v) for v in column.to_pylist()])
        columns[field.name] = column
    csv.write_csv(pa.table(columns), path)
    return table.num_rows


DIGITS = {"icao24": "{:06x}", "mode_3a": "{:04o}"}
"""How identification is written for people."""


def _geojson(table: pa.Table, path: Path) -> int:
    """Write one point a row with a position, as a GeoJSON sequence within a FeatureCollection."""
    import pyarrow.compute as pc

    from skypact.errors import MisuseError

    if not {"latitude_deg", "longitude_deg"} <= set(table.column_names):
        raise MisuseError("a table without latitude_deg and longitude_deg has no GeoJSON")
    placed = _plain_times(table).filter(
        pc.and_(pc.is_valid(table["latitude_deg"]), pc.is_valid(table["longitude_deg"]))
    )
    left = set(placed.column_names) - {"latitude_deg", "longitude_deg", "covariance", "lineage"}
    names = [n for n in placed.column_names if n in left]
    with path.open("w", encoding="utf-8") as file:
        file.write('{"type":"FeatureCollection","features":[')
        first = True
        for batch in placed.to_batches(max_chunksize=10_000):
            for row in batch.to_pylist():
                file.write("\n" if first else ",\n")
                first = False
                file.write(json.dumps(_feature(row, names), separators=(",", ":"), default=_plain, allow_nan=False))
        file.write("\n]}\n")
    return placed.num_rows


def _plain_times(table: pa.Table) -> pa.Table:
    """Return a table with its times as ISO 8601 text: Python's own times end at microseconds."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for i, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            text = pc.replace_substring(table.column(i).cast(pa.string()), " ", "T")
            table = table.set_column(i, field.name, text)
    return table


def _feature(row: dict[str, Any], names: list[str]) -> dict[str, Any]:
    place = [round(row["longitude_deg"], 7), round(row["latitude_deg"], 7)]
    if row.get("altitude_m") is not None:
        place.append(round(row["altitude_m"], 2))
    properties = {
        n: DIGITS[n].format(row[n]) if n in DIGITS else row[n] for n in names if row[n] is not None and row[n] == row[n]
    }
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": place}, "properties": properties}


def _plain(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


WRITERS = {Form.PARQUET: _parquet, Form.CSV: _csv, Form.GEOJSON: _geojson}
