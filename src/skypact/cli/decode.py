"""``skypact decode``: any recording to tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skypact.cli import _options as options

if TYPE_CHECKING:
    import pyarrow as pa

    from skypact.formats.decoded import Decoded
    from skypact.node import Recording


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
    clock: options.Stamps = options.Clock.COUNTER,
    utc_offset: options.UtcOffset = 0.0,
    as_json: options.Json = False,
) -> None:
    """Read recordings into tables.

    Example: skypact decode radar.pcap -o plots.parquet --tracks tracks.parquet --raw items.parquet

    Example: skypact decode receiver.beast -o plots.parquet --clock day --date 2026-11-22
    """
    from skypact.cli import _say
    from skypact.cli._files import RawWriter, TableWriter
    from skypact.errors import InputError
    from skypact.tables import PLOTS, SERVICES, TRACKS

    written = {"plots": output, "system tracks": tracks, "messages": services, "items": raw}
    _check_apart(files, [path for path in written.values() if path is not None])
    found = options.recordings(
        files, wire=wire, date=date, editions=edition, at=at, clock=clock, utc_offset=utc_offset, raw=raw is not None
    )
    tally = _Tally()
    faults: list[str] = []
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
            taken = tally.rows - before
            if taken:
                _say.problems(str(recording.path), recording.problems)
                options.warn_of_times(recording)
            faults += options.faults(recording, taken > 0)
        if not tally.rows:
            raise InputError("; ".join(faults) or "the tables are empty")
    rows = {
        "plots": tally.plots.total(),
        "system tracks": tally.tracks,
        "messages": tally.services,
        "items": tally.items,
    }
    _say.result(
        tally.as_json() | {"recordings": [_as_json(one) for one in found]},
        "\n".join([_told(found), *tally.lines(), *_outcome(rows, written), *tally.table()]),
        as_json,
    )
    if faults:
        raise InputError("; ".join(faults))


def _check_apart(files: Sequence[Path], outputs: Sequence[Path]) -> None:
    """Make sure that no output is an input or another output.

    Raises
    ------
    MisuseError
        One is.
    """
    from skypact.errors import MisuseError

    taken = {path.resolve(): "a recording to be read" for path in files}
    for path in outputs:
        if path.resolve() in taken:
            raise MisuseError(f"{path} is {taken[path.resolve()]}; name another file")
        taken[path.resolve()] = "named for two tables"


def _line(label: str, text: str) -> str:
    return f"{label:<14}{text}"


def _told(found: Sequence[Recording]) -> str:
    """Return how recordings were read: their formats, and editions where there are some."""
    editions: dict[int, str] = {}
    for recording in found:
        editions.update(recording.editions)
    text = ", ".join(dict.fromkeys(recording.wire for recording in found))
    if editions:
        text += " with ASTERIX " + ", ".join(f"{c:03d} (edition {e})" for c, e in sorted(editions.items()))
    return _line("read as", text)


def _outcome(rows: Mapping[str, int], written: Mapping[str, Path | None]) -> list[str]:
    """Return which tables were written where."""
    lines = [_line("written", f"{path} ({rows[name]:,} {name})") for name, path in written.items() if path is not None]
    return lines or [_line("written", "nothing; name a file with -o")]


def _as_json(recording: Recording) -> dict[str, Any]:
    return {
        "file": str(recording.path),
        "format": recording.wire,
        "editions": {f"{category:03d}": edition for category, edition in recording.editions.items()},
        "not_taken": dict(recording.problems),
    }


class _Tally:
    """Counts what was decoded."""

    def __init__(self) -> None:
        self.plots: Counter[tuple[str, str]] = Counter()
        self.positions = self.untimed = self.tracks = self.services = self.items = 0
        self._first_ns: int | None = None
        self._last_ns: int | None = None

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return self.plots.total() + self.tracks + self.services + self.items

    def add(self, decoded: Decoded) -> None:
        """Count one batch."""
        import pyarrow.compute as pc

        plots = decoded.plots
        if plots.num_rows:
            for row in plots.group_by(["sensor", "kind"]).aggregate([([], "count_all")]).to_pylist():
                self.plots[str(row["sensor"] or "unknown"), str(row["kind"] or "unknown")] += row["count_all"]
            placed = pc.or_(pc.is_valid(plots["latitude_deg"]), pc.is_valid(plots["range_m"]))
            self.positions += pc.sum(placed).as_py()
        for table in (plots, decoded.tracks, decoded.services):
            self._span(table["time"])
        self.tracks += decoded.tracks.num_rows
        self.services += decoded.services.num_rows
        self.items += sum(t.num_rows for t in decoded.raw.values())

    def _span(self, time: pa.ChunkedArray) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        self.untimed += time.null_count
        # As numbers: Python's times end at microseconds, and pyarrow refuses to cut nanoseconds.
        span = pc.min_max(time.cast(pa.int64())).as_py()
        if span["min"] is not None:
            self._first_ns = span["min"] if self._first_ns is None else min(self._first_ns, span["min"])
            self._last_ns = span["max"] if self._last_ns is None else max(self._last_ns, span["max"])

    def as_json(self) -> dict[str, Any]:
        """Return the counts for machines."""
        from skypact.units import from_ns

        return {
            "plots": self.plots.total(),
            "positions": self.positions,
            "tracks": self.tracks,
            "services": self.services,
            "items": self.items,
            "untimed": self.untimed,
            "first": None if self._first_ns is None else from_ns(self._first_ns).isoformat(),
            "last": None if self._last_ns is None else from_ns(self._last_ns).isoformat(),
            "sensors": [{"sensor": s, "kind": k, "plots": n} for (s, k), n in sorted(self.plots.items())],
        }

    def lines(self) -> list[str]:
        """Return the counts for people."""
        from skypact.units import from_ns

        lines = []
        if self.plots:
            lines.append(_line("plots", f"{self.plots.total():,} ({self.positions:,} with a position)"))
        if self.tracks:
            lines.append(_line("system tracks", f"{self.tracks:,} reports"))
        if self.services:
            lines.append(_line("messages", f"{self.services:,} of sensors about themselves"))
        if self._first_ns is not None and self._last_ns is not None:
            first, last = from_ns(self._first_ns), from_ns(self._last_ns)
            until = f"{last:%H:%M:%S}" if last.date() == first.date() else f"{last:%Y-%m-%d %H:%M:%S}"
            lines.append(_line("time", f"{first:%Y-%m-%d %H:%M:%S} to {until} UTC"))
        if self.untimed:
            lines.append(_line("without time", f"{self.untimed:,}"))
        return lines

    def table(self) -> list[str]:
        """Return the plots by sensor and kind for people."""
        if not self.plots:
            return []
        wide = max(len("sensor"), *(len(sensor) for sensor, _ in self.plots))
        lines = ["", f"{'sensor':<{wide}}  {'kind':<10} {'plots':>12}"]
        return lines + [f"{s:<{wide}}  {k:<10} {n:>12,}" for (s, k), n in sorted(self.plots.items())]
