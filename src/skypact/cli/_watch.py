"""Steps of input through a centre onto the terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from skypact.cli import _say

if TYPE_CHECKING:
    from skypact.centre import Centre
    from skypact.cli._picture import Picture
    from skypact.node import Step

REDRAW_S = 0.25


def watch(steps: Iterable[Step], centre: Centre, picture: Picture, status: Callable[[], str] = str) -> None:
    """Run a centre on steps of input and show its picture; without a terminal only the last picture is printed.

    Parameters
    ----------
    steps : iterable of Step
    centre : Centre
    picture : Picture
    status : callable
        What else to say in the bottom line.
    """
    from rich.console import Console
    from rich.live import Live

    console = Console()
    if not console.is_terminal:
        for step in steps:
            _take(step, centre, picture)
        console.width = 120
        console.print(picture.summary())
        return
    notices: list[str] = []
    drawn = 0.0
    plots = 0
    begun = time.monotonic()
    with Live(picture, console=console, screen=True, auto_refresh=False) as live:
        for step in steps:
            notices += _take(step, centre, picture)
            plots += step.arrived.plots.num_rows
            now = time.monotonic()
            if now - drawn >= REDRAW_S:
                rate = plots / max(now - begun, 1e-9)
                last = f"   {notices[-1]}" if notices else ""
                picture.footer = f" Ctrl-C stops   {plots:,} plots, {rate:,.0f}/s   {status()}{last}"
                live.refresh()
                drawn = now
    console.print(picture.summary())
    for text in notices:
        _say.warn(text)


def _take(step: Step, centre: Centre, picture: Picture) -> list[str]:
    """Run one step; return what the centre has to say to a person, and say it if nobody watches the screen."""
    output = centre.step(step.now_ns, step.arrived.plots, services=step.arrived.services)
    picture.update(step.now_ns, output.tracks)
    if step.arrived.tracks.num_rows:
        picture.update(step.now_ns, step.arrived.tracks)
    texts = [notice.text for notice in output.notices]
    if not sys.stdout.isatty():
        for notice in output.notices:
            _say.notice(notice)
    return texts
