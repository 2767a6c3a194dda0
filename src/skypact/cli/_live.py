"""A node run by a command: its signals, its HTTP port, its picture, and what there is to complain of at the end."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Literal

from skypact.cli import _options as options
from skypact.cli._picture import Picture
from skypact.cli._watch import stopped_by_signals, watch

if TYPE_CHECKING:
    from skypact.node import Moment, Node


def live(
    node: Node,
    title: str,
    *,
    seconds: float | None = None,
    log: Literal["text", "json"] = "text",
    shown: bool = True,
) -> None:
    """Run a node until it ends, is stopped, or some seconds are over.

    Raises
    ------
    InputError
        The HTTP port is in use; a recording could not be read to its end.
    """
    from skypact.node import PlayedFeed

    picture = Picture(f"skypact · {title}", list(node.centre.catalogue))
    with ExitStack() as stack:
        stack.callback(node.close)
        _serve(node, stack)
        stop = stack.enter_context(stopped_by_signals())
        watch(_until(node.moments(stop), seconds), picture, lambda: _status(node), log, shown)
    played = [feed.recording for feed in node.feeds if isinstance(feed, PlayedFeed) and feed.recording is not None]
    options.complain(played, taken=node.status.plots.get("plots", 0) > 0 or bool(picture.tracks))


def _serve(node: Node, stack: ExitStack) -> None:
    """Serve health and metrics while the node runs, if it is to."""
    if node.config.http is None:
        return
    from skypact.console import Server, make_app
    from skypact.node.config import host_port
    from skypact.node.metrics import metrics

    app = make_app(lambda: dict(node.status.health()), lambda: metrics(node.status))
    stack.enter_context(Server(app, *host_port(node.config.http)))


def _status(node: Node) -> str:
    """Return the bottom line of a picture: what is not well, else nothing."""
    return "   ".join(node.status.faults())


def _until(moments: Iterable[Moment], seconds: float | None) -> Iterator[Moment]:
    begun = time.monotonic()
    for moment in moments:
        yield moment
        if seconds is not None and time.monotonic() - begun >= seconds:
            return
