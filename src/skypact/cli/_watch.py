"""A node's steps onto the terminal."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from types import FrameType

    from rich.console import Console

    from skypact.cli._picture import Picture
    from skypact.node import Moment

REDRAW_S = 0.25


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """Give an event that Ctrl-C or a request to terminate sets; a second Ctrl-C ends at once."""
    stop = threading.Event()

    def ask(number: int, _: FrameType | None) -> None:
        stop.set()
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def watch(
    moments: Iterable[Moment],
    picture: Picture,
    status: Callable[[], str] = str,
    log: Literal["text", "json"] = "text",
    shown: bool = True,
    summed_up: bool = True,
) -> None:
    """Show the picture of a node until its steps end.

    Without a terminal, or if it is not to be shown, what the node logs goes to stderr and only the last picture is
    printed.

    Parameters
    ----------
    moments : iterable of Moment
    picture : Picture
    status : callable
        What else to say in the bottom line.
    log : {"text", "json"}
    shown : bool
    summed_up : bool
        Whether the last picture is printed at the end.
    """
    import logging

    from rich.console import Console

    from skypact.node.log import Kept, logged_to

    console = Console()
    if console.is_terminal and shown and summed_up:
        kept = Kept()
        try:
            with logged_to(kept, log):
                _on_screen(moments, picture, status, console, kept.lines)
        finally:
            print(*kept.lines, sep="\n", end="\n" if kept.lines else "", file=sys.stderr)
    else:
        with logged_to(logging.StreamHandler(), log):
            for moment in moments:
                picture.update(moment.now_ns, moment.output.tracks)
        console.width = 120
    if picture.now_ns and summed_up:
        console.print(picture.summary())


def _on_screen(
    moments: Iterable[Moment], picture: Picture, status: Callable[[], str], console: Console, lines: Iterable[str]
) -> None:
    from rich.live import Live

    drawn = 0.0
    plots = 0
    begun = time.monotonic()
    with Live(picture, console=console, screen=True, auto_refresh=False) as live:
        for moment in moments:
            picture.update(moment.now_ns, moment.output.tracks)
            plots += moment.arrived.plots.num_rows
            now = time.monotonic()
            if now - drawn >= REDRAW_S:
                rate = plots / max(now - begun, 1e-9)
                last = list(lines)[-1:]
                picture.footer = "   ".join([f" Ctrl-C stops   {plots:,} plots, {rate:,.0f}/s", status(), *last])
                live.refresh()
                drawn = now
