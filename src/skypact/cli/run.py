"""``skypact run``: the live air picture of a recording or a receiver."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skypact.cli import _options as options


def run(
    recording: Annotated[Path | None, typer.Option("--input", metavar="FILE", help="A recording to play.")] = None,
    connect: Annotated[
        str | None, typer.Option("--connect", metavar="tcp://HOST:PORT", help="A receiver to read from.")
    ] = None,
    speed: Annotated[
        str, typer.Option("--speed", metavar="N|max", help="Times real time for a recording; max is all at once.")
    ] = "1",
    sensors: options.Sensors = None,
    qnh: Annotated[
        float | None, typer.Option("--qnh", metavar="HPA", help="Sea-level pressure, for true heights.")
    ] = None,
    seconds: Annotated[float | None, typer.Option("--seconds", help="Stop after so many seconds.")] = None,
    date: options.Date = None,
    edition: options.Editions = None,
    wire: options.Wire = None,
    at: options.Reference = None,
    clock: options.Stamps = options.Clock.COUNTER,
    utc_offset: options.UtcOffset = 0.0,
) -> None:
    """Show the live air picture of a recording or of a receiver.

    Example: skypact run --input radar.pcap --sensors sensors.toml --speed 10

    Example: skypact run --connect tcp://127.0.0.1:30005 --at 43.06,74.48
    """
    from skypact.cli._picture import Picture
    from skypact.cli._watch import watch
    from skypact.errors import MisuseError
    from skypact.node import paced, steps, until

    if (recording is None) == (connect is None):
        raise MisuseError("say either --input FILE or --connect tcp://HOST:PORT")
    centre = options.centre(sensors, qnh)
    stop = until(seconds)
    if recording is not None:
        played = options.recordings(
            [recording], wire=wire, date=date, editions=edition, at=at, clock=clock, utc_offset=utc_offset
        )[0]
        picture = Picture(f"skypact · {recording.name}", list(centre.catalogue))
        watch(stop(paced(steps(played), options.speed(speed))), centre, picture)
        options.complain([played], taken=centre.counts.get("plots", 0) > 0 or bool(picture.tracks))
        return
    from skypact.formats.intake import intake
    from skypact.node import PORTS, TcpFeed, address

    host, port = address(connect or "")
    kind = wire or PORTS.get(port, "beast")
    line = intake(
        kind,
        sensor="receiver",
        date=options.day(date),
        reference=options.place(at),
        clock=clock.value,
        utc_offset_s=round(utc_offset * 3600),
    )
    feed = TcpFeed(host, port, line)
    picture = Picture(f"skypact · {connect} ({kind})", list(centre.catalogue))

    def status() -> str:
        return (
            f"connected, {feed.received:,} octets" if feed.connected else f"not connected: {feed.why or 'connecting'}"
        )

    watch(stop(feed), centre, picture, status)
