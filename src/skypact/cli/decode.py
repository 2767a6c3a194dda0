"""``skypact decode``: any recording to tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skypact.cli import _options as options

if TYPE_CHECKING:
    import pyarrow as pa

    from skypact.formats.decoded import Decoded
    from skypact.node import Recording


class Clock(StrEnum):
    """What a receiver's stamps count."""

    COUNTER = "counter"
    DAY = "day"


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
    clock: Annotated[
        Clock, typer.Option(help="What stamps of Beast and AVR are: a free counter, or the time of day (GPS).")
    ] = Clock.COUNTER,
    utc_offset: Annotated[
        float, typer.Option("--utc-offset", metavar="HOURS", help="How far times in SBS lines are ahead of UTC.")
    ] = 0.0,
    as_json: options.Json = False,
) -> None:
    """Read recordings into tables.

    Example: skypact decode radar.pcap -o plots.parquet --tracks tracks.parquet --raw items.parquet

    Example: skypact decode receiver.beast -o plots.parquet --clock day --date 2026-11-22
    """
    from skypact.cli import _say
    from skypact.cli._files import RawWriter, TableWriter
    from skypact.errors import InputError
    from skypact.node import Recording
    from skypact.tables import PLOTS, SERVICES, TRACKS

    written = {"plots": output, "system tracks": tracks, "messages": services, "items": raw}
    _check_apart(files, [path for path in written.values() if path is not None])
    found = [
        Recording(
            path,
            wire=wire,
            date=options.day(date),
            editions=options._editions(edition or ()),
            raw=raw is not None,
            reference=options.place(at),
            clock=clock.value,
            utc_offset_s=_offset_s(utc_offset),
        )
        for path in files
    ]
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
                _warn_of_times(recording)
            faults += _faults(recording, taken)
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


def _offset_s(hours: float) -> int:
    from skypact.errors import MisuseError

    if not -24 < hours < 24:
        raise MisuseError(f"--utc-offset {hours:g}: write the hours by which the clock is ahead of UTC, as 5.5")
    return round(hours * 3600)


def _warn_of_times(recording: Recording) -> None:
    """Say what is not known of the times of a recording."""
    from skypact.cli import _say

    if recording.counted:
        _say.warn(
            f"{recording.path}: times count from the first message, as the receiver's counter tells no time of day; "
            "if it sends GPS time, say --clock day"
        )
    elif recording.undated:
        _say.warn(f"{recording.path}: times stand on 1970-01-01, or are missing; say the day with --date YYYY-MM-DD")


def _faults(recording: Recording, taken: int) -> list[str]:
    """Return what makes the command fail because of a recording."""
    if recording.cut:
        return [f"{recording.path}: {recording.cut}" + ("; what came before was read" if taken else "")]
    if taken:
        return []
    worst = sorted(recording.problems.items(), key=lambda item: -item[1])[:3]
    why = ": " + ", ".join(f"{count:,} {name}" for name, count in worst) if worst else ""
    hint = "try another --format or --edition"
    return [f"{recording.path}: nothing in it could be read as {recording.wire}{why}; {hint}"]


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
