"""Steps of input through a centre onto the terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from skypact.cli import _say

if TYPE_CHECKING:
    from rich.console import Console

    from skypact.centre import Centre
    from skypact.cli._picture import Picture
    from skypact.node import Step
    from skypact.sensors import Notice

REDRAW_S = 0.25


def watch(steps: Iterable[Step], centre: Centre, picture: Picture, status: Callable[[], str] = str) -> None:
    """Run a centre on steps of input and show its picture until they end or Ctrl-C does.

    Without a terminal only the last picture is printed.

    Parameters
    ----------
    steps : iterable of Step
    centre : Centre
    picture : Picture
    status : callable
        What else to say in the bottom line.
    """
    from rich.console import Console

    console = Console()
    said = _say.Notices()
    if console.is_terminal:
        notices = _on_screen(steps, centre, picture, status, console)
    else:
        notices = []
        with suppress(KeyboardInterrupt):
            for step in steps:
                said.say(_take(step, centre, picture))
        console.width = 120
    console.print(picture.summary())
    said.say(notices)


def _on_screen(
    steps: Iterable[Step], centre: Centre, picture: Picture, status: Callable[[], str], console: Console
) -> list[Notice]:
    """Show the picture until the steps end or a person does; return what is still to be said."""
    from rich.live import Live

    notices: list[Notice] = []
    drawn = 0.0
    plots = 0
    begun = time.monotonic()
    with Live(picture, console=console, screen=True, auto_refresh=False) as live, suppress(KeyboardInterrupt):
        for step in steps:
            notices += _take(step, centre, picture)
            plots += step.arrived.plots.num_rows
            now = time.monotonic()
            if now - drawn >= REDRAW_S:
                rate = plots / max(now - begun, 1e-9)
                last = f"   {notices[-1].text}" if notices else ""
                picture.footer = f" Ctrl-C stops   {plots:,} plots, {rate:,.0f}/s   {status()}{last}"
                live.refresh()
                drawn = now
    return notices


def _take(step: Step, centre: Centre, picture: Picture) -> tuple[Notice, ...]:
    """Run one step and return what the centre has to say to a person."""
    output = centre.step(step.now_ns, step.arrived.plots, services=step.arrived.services)
    picture.update(step.now_ns, output.tracks)
    if step.arrived.tracks.num_rows:
        picture.update(step.now_ns, step.arrived.tracks)
    return output.notices
