"""``skypact decode``: any recording to tables."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skypact.cli import _options as options

if TYPE_CHECKING:
    from skypact.formats.decoded import Decoded


def decode(
    files: options.Files,
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="Plots as Parquet.")] = None,
    tracks: Annotated[Path | None, typer.Option("--tracks", metavar="FILE", help="System tracks as Parquet.")] = None,
    services: Annotated[
        Path | None, typer.Option("--services", metavar="FILE", help="What radars say of themselves as Parquet.")
    ] = None,
    raw: Annotated[
        Path | None, typer.Option("--raw", metavar="FILE", help="Every ASTERIX item, one wide table as Parquet.")
    ] = None,
    date: options.Date = None,
    edition: options.Editions = None,
    wire: options.Wire = None,
    at: options.Reference = None,
    as_json: options.Json = False,
) -> None:
    """Read recordings into tables.

    Example: skypact decode radar.pcap -o plots.parquet --tracks tracks.parquet --raw items.parquet
    """
    from skypact.cli import _say
    from skypact.cli._files import RawWriter, TableWriter
    from skypact.errors import InputError
    from skypact.tables import PLOTS, SERVICES, TRACKS

    found = options.recordings(files, wire=wire, date=date, editions=edition, at=at, raw=raw is not None)
    tally = _Tally()
    cut: list[str] = []
    with (
        TableWriter(output, PLOTS) as plots_to,
        TableWriter(tracks, TRACKS) as tracks_to,
        TableWriter(services, SERVICES) as services_to,
        RawWriter(raw) as raw_to,
    ):
        for recording in found:
            before = tally.rows
            for decoded in recording:
                plots_to.write(decoded.plots)
                tracks_to.write(decoded.tracks)
                services_to.write(decoded.services)
                raw_to.write(decoded.raw)
                tally.add(decoded)
            _say.problems(str(recording.path), recording.problems)
            if recording.undated:
                _say.warn(f"{recording.path}: times stand on 1970-01-01; say the day with --date YYYY-MM-DD")
            if recording.cut:
                cut.append(f"{recording.path}: {recording.cut}; what came before was read")
            elif tally.rows == before:
                cut.append(f"{recording.path}: nothing in it could be read as {recording.wire}; try --format")
    _say.result(tally.as_json(), tally.as_text(), as_json)
    if cut:
        raise InputError("; ".join(cut))


class _Tally:
    """Counts what was decoded."""

    def __init__(self) -> None:
        self.plots: Counter[tuple[str, str]] = Counter()
        self.positions = self.tracks = self.services = self.items = 0
        self.first: Any = None
        self.last: Any = None

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return self.plots.total() + self.tracks + self.services + self.items

    def add(self, decoded: Decoded) -> None:
        """Count one batch."""
        import pyarrow.compute as pc

        from skypact.units import from_ns

        plots = decoded.plots
        if plots.num_rows:
            for row in plots.group_by(["sensor", "kind"]).aggregate([([], "count_all")]).to_pylist():
                self.plots[str(row["sensor"]), str(row["kind"] or "-")] += row["count_all"]
            placed = pc.or_(pc.is_valid(plots["latitude_deg"]), pc.is_valid(plots["range_m"]))
            self.positions += pc.sum(placed).as_py() or 0
        for table in (plots, decoded.tracks, decoded.services):
            # As numbers: Python's own times end at microseconds, and Arrow gives nanoseconds only with pandas.
            span = pc.min_max(table["time"].cast("int64")).as_py()
            if span["min"] is not None:
                first, last = from_ns(span["min"]), from_ns(span["max"])
                self.first = first if self.first is None else min(self.first, first)
                self.last = last if self.last is None else max(self.last, last)
        self.tracks += decoded.tracks.num_rows
        self.services += decoded.services.num_rows
        self.items += sum(t.num_rows for t in decoded.raw.values())

    def as_json(self) -> dict[str, Any]:
        """Return the counts for machines."""
        return {
            "plots": self.plots.total(),
            "positions": self.positions,
            "tracks": self.tracks,
            "services": self.services,
            "first": self.first,
            "last": self.last,
            "sensors": [{"sensor": s, "kind": k, "plots": n} for (s, k), n in sorted(self.plots.items())],
        }

    def as_text(self) -> str:
        """Return the counts for people."""
        lines = [
            f"{self.plots.total():,} plots ({self.positions:,} with a position), {self.tracks:,} system tracks, "
            f"{self.services:,} messages of radars about themselves"
        ]
        if self.first is not None:
            lines.append(f"from {self.first:%Y-%m-%d %H:%M:%S.%f} to {self.last:%Y-%m-%d %H:%M:%S.%f} UTC")
        lines += [f"  {s:<20} {k:<10} {n:>12,}" for (s, k), n in sorted(self.plots.items())]
        return "\n".join(lines)
