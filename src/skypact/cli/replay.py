"""``skypact replay``: a journal run again through the same centre."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skypact.cli import _options as options
from skypact.errors import InputError

if TYPE_CHECKING:
    from threading import Event

    from skypact.journal import Writer
    from skypact.node import Moment, Pace, Replay


def replay(
    journal: Annotated[Path, typer.Argument(help="Folder of a journal, also one that is being written.")],
    speed: Annotated[str, typer.Option("--speed", metavar="N|max", help="Times real time; max is all at once.")] = (
        "max"
    ),
    begin: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Where to begin, as 2026-06-01T03:20:00Z.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="Write what comes of it as a journal.")
    ] = None,
    picture: Annotated[bool, typer.Option(help="Show the air picture on a terminal.")] = True,
    as_json: options.Json = False,
) -> None:
    """Run a journal again: the same centre, the same steps; say whether they give the same.

    Example: skypact replay day1 --speed 20 --from 2026-06-01T03:20:00Z
    """
    from skypact.cli import _say
    from skypact.cli._picture import Picture
    from skypact.cli._watch import stopped_by_signals, watch
    from skypact.journal import Journal, Writer
    from skypact.node import Pace, Replay

    opened = Journal.open(journal)
    begin_ns = options.instant(begin)
    again = Replay(opened) if begin_ns is None else Replay.at(opened, begin_ns)
    result = Result()
    writer = None if output is None else Writer(output, node=opened.node, party=opened.party)
    with ExitStack() as stack:
        if writer is not None:
            stack.callback(writer.close)
        stop = stack.enter_context(stopped_by_signals())
        steps = _moments(again, result, begin_ns, Pace(options.speed(speed)), writer, stop)
        if as_json:
            for _ in steps:
                pass
        else:
            watch(steps, Picture(f"skypact replay · {journal}", list(again.centre.catalogue)), shown=picture)
    _say.result(result.to_dict(), str(result), as_json)
    if result.differ:
        hint = "was it written by another version or on another machine?"
        raise InputError(f"{result.differ} steps give something else, the first at {result.first}", hint=hint)


class Result:
    """What came of a replay."""

    def __init__(self) -> None:
        self.steps = self.rows = self.differ = self.missing = 0
        self.first = 0

    def to_dict(self) -> dict[str, int | bool]:
        """Return it for machines."""
        return {
            "steps": self.steps,
            "track_rows": self.rows,
            "differ": self.differ,
            "missing": self.missing,
            "same": not self.differ,
        }

    def __str__(self) -> str:
        same = "all to the same bytes" if not self.differ else f"{self.differ:,} of them to something else"
        gaps = f"; {self.missing:,} steps are missing" if self.missing else ""
        return f"{self.steps:,} steps made again, {self.rows:,} rows of tracks, {same}{gaps}"


def _moments(
    again: Replay, result: Result, begin_ns: int | None, pace: Pace, writer: Writer | None, stop: Event
) -> Iterator[Moment]:
    """Yield the steps at their pace until told to stop, count them, and write them if there is a writer."""
    from skypact.node import Moment, rewritten

    for entries in again.groups():
        made = again.repeat(entries)
        if writer is not None:
            writer.append_many(rewritten(entries, made, again.centre))
        result.missing = again.missing
        if made is None:
            continue
        result.steps += 1
        result.rows += made.output.tracks.num_rows
        if not made.same:
            result.first = result.first or made.sequence
            result.differ += 1
        if begin_ns is None or made.now_ns >= begin_ns:
            wait = pace.wait_s(made.now_ns)
            if (wait > 0 and stop.wait(wait)) or stop.is_set():
                return
            yield Moment(made.now_ns, made.arrived, made.output)
