"""``skypact run``: a live node, its feeds in, its picture out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skypact.cli import _options as options
from skypact.errors import MisuseError


def run(
    file: Annotated[Path | None, typer.Argument(metavar="[NODE.toml]", help="What the node is told.")] = None,
    recording: Annotated[
        list[Path] | None, typer.Option("--input", metavar="FILE", help="A recording to play; may be repeated.")
    ] = None,
    connect: Annotated[
        list[str] | None,
        typer.Option("--connect", metavar="tcp://HOST:PORT", help="A receiver to read from; may be repeated."),
    ] = None,
    listen: Annotated[
        list[str] | None,
        typer.Option("--listen", metavar="udp://ADDRESS:PORT", help="Datagrams to listen to; may be repeated."),
    ] = None,
    speed: Annotated[
        str | None, typer.Option("--speed", metavar="N|max", help="Times real time for recordings; max is all at once.")
    ] = None,
    sensors: options.Sensors = None,
    qnh: options.Qnh = None,
    journal: Annotated[
        Path | None, typer.Option("--journal", metavar="DIR", help="Folder in which everything is kept.")
    ] = None,
    http: Annotated[
        str | None, typer.Option("--http", metavar="HOST:PORT", help="Serve /healthz and /metrics on loopback.")
    ] = None,
    seconds: options.Seconds = None,
    date: options.Date = None,
    edition: options.Editions = None,
    wire: options.Wire = None,
    at: options.Reference = None,
    clock: options.Stamps = options.Clock.COUNTER,
    utc_offset: options.UtcOffset = 0.0,
    log: options.Log = options.LogForm.TEXT,
    picture: Annotated[bool, typer.Option(help="Show the air picture on a terminal.")] = True,
    as_json: options.Json = False,
) -> None:
    """Run a node: feeds in, one tracked air picture out, everything kept if there is a journal.

    Example: skypact run node.toml

    Example: skypact run --input radar.pcap --sensors sensors.toml --speed 10

    Example: skypact run --connect tcp://127.0.0.1:30005 --at 43.06,74.48 --listen udp://239.0.0.1:8600 --journal day1
    """
    from skypact import node
    from skypact.cli._live import live

    given = [*map(str, recording or ()), *(connect or ()), *(listen or ())]
    if (file is None) == (not given):
        raise MisuseError("say either NODE.toml, or what to read: --input FILE, --connect or --listen")
    if file is None:
        config = options.node(
            recording or (),
            [*(connect or ()), *(listen or ())],
            wire=wire,
            date=date,
            editions=edition,
            at=at,
            clock=clock,
            utc_offset=utc_offset,
        )
    else:
        config = node.read(file)
    air = node.Air(qnh_hpa=options.pressure(qnh), isa_deviation_k=config.air.isa_deviation_k)
    changes = {
        "speed": None if speed is None else options.speed(speed) or "max",
        "sensors": None if sensors is None else str(sensors),
        "journal": None if journal is None else str(journal),
        "http": http,
        "air": None if qnh is None else air,
    }
    config = options.changed(config, {key: value for key, value in changes.items() if value is not None})
    title, limit_s = ", ".join(given) or f"{config.node} of {config.party}", options.duration(seconds)
    live(node.Node(config), title, seconds=limit_s, log=log.value, shown=picture, as_json=as_json)
