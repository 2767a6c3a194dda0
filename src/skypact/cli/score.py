"""``skypact score``: tracks against truth or a reference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skypact.cli import _options as options

if TYPE_CHECKING:
    import pyarrow as pa


def score(
    tracks: Annotated[Path, typer.Argument(help="Tracks as Parquet, or a recording of system tracks.")],
    truth: Annotated[
        Path, typer.Option("--truth", metavar="FILE", help="Truth as Parquet, or other tracks to compare with.")
    ],
    sensors: Annotated[
        Path | None,
        typer.Option("--sensors", metavar="FILE", help="Catalogue (TOML): only what is in its range counts."),
    ] = None,
    cutoff: Annotated[
        float, typer.Option("--cutoff", metavar="M", help="A track farther from an object is not of it.")
    ] = 2_000.0,
    every: Annotated[float, typer.Option("--every", metavar="S", help="Period of evaluation.")] = 4.0,
    warm_up: Annotated[float, typer.Option("--warm-up", metavar="S", help="Not evaluated at the beginning.")] = 60.0,
    date: options.Date = None,
    edition: options.Editions = None,
    as_json: options.Json = False,
) -> None:
    """Score tracks: GOSPA, completeness, continuity, accuracy, latency, consistency.

    Example: skypact score tracks.parquet --truth truth.parquet
    """
    from skypact.cli import _say
    from skypact.scoring import ScoringSettings, truth_of
    from skypact.scoring import score as measure
    from skypact.sensors import Catalogue
    from skypact.tables import TRACKS

    settings = ScoringSettings(cutoff_m=cutoff, every_s=every, warm_up_s=warm_up)
    known = None if sensors is None else Catalogue.read(sensors)
    estimates = _read(tracks, False, date, edition)
    true = _read(truth, True, date, edition)
    if true.schema.equals(TRACKS):
        true = truth_of(true)
    found = measure(estimates, true, settings, sensors=known)
    _say.result(found.to_dict(), str(found), as_json)


def _read(path: Path, truth: bool, date: str | None, editions: list[str] | None) -> pa.Table:
    """Return a table of TRACKS, or where allowed of TRUTH, from Parquet or from a recording of system tracks."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from skypact.errors import FormatError, InputError
    from skypact.tables import TRACKS, TRUTH, conform, empty

    if not path.exists():
        raise InputError("does not exist", path=path, hint="check the name and the folder")
    if path.is_dir():
        raise InputError("is a directory", path=path, hint="name a file")
    with path.open("rb") as opened:
        is_table = opened.read(4) == b"PAR1"
    if not is_table:
        recording = options.recordings([path], date=date, editions=editions)[0]
        found = pa.concat_tables([empty(TRACKS), *(part.tracks for part in recording)])
        options.complain([recording], taken=found.num_rows > 0)
        return found
    try:
        table = pq.read_table(path)
        schema = TRUTH if truth and "object" in table.column_names else TRACKS
        needed = {"time", "latitude_deg", "longitude_deg", "object" if schema is TRUTH else "track"}
        missing = sorted(needed - set(table.column_names))
        if missing:
            wanted = "truth or tracks" if truth else "tracks"
            raise FormatError(f"is no table of {wanted}: it has no {', '.join(missing)}", path=path)
        return conform(table, schema)
    except (OSError, ValueError, pa.ArrowException) as err:
        what = f"is not a table that can be scored: {str(err).splitlines()[0]}"
        raise FormatError(what, path=path, hint="make it again with skypact track or skypact exercise run") from None
