"""``skypact demo``: a shipped scenario, its sensors' bytes taken in like any others, on the terminal."""

from __future__ import annotations

from typing import Annotated

import typer

from skypact.cli import _options as options


def demo(
    scenario: Annotated[str, typer.Option("--scenario", metavar="ID|FILE", help="A shipped scenario, or a file.")] = (
        "first-light"
    ),
    speed: Annotated[str, typer.Option("--speed", metavar="N|max", help="Times real time.")] = "10",
    seconds: options.Seconds = None,
    as_json: options.Json = False,
) -> None:
    """Fly a scenario: simulated radars send ASTERIX, receivers Beast; the bytes are decoded, tracked and shown.

    Example: skypact demo --speed 20
    """
    import sys

    from skypact.cli import _flight, _say
    from skypact.cli._live import live
    from skypact.exercise import read
    from skypact.node import Node, NodeConfig, PlayedFeed

    pace = options.speed(speed)
    if not sys.stdout.isatty():
        pace = None  # nobody watches it
    limit_s = options.duration(seconds)
    flown = read(scenario)
    _say.note(f"making what the sensors of {flown.id!r} see ...")
    config = NodeConfig(node="demo", party="demo", exercise=True, speed=pace or "max", sources=())
    node = Node(config, flown.catalogue, [PlayedFeed(flown.id, _flight.steps(flown))])
    live(node, f"demo · {flown.title}", seconds=limit_s, as_json=as_json)
