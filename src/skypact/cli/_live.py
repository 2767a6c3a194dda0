"""A node run by a command: its signals, its HTTP port, its picture, and what there is to complain of at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Literal

from skypact.cli import _options as options
from skypact.cli import _say
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
    as_json: bool = False,
) -> None:
    """Run a node until it ends, is stopped, or some seconds are over; show its picture, or at the end say JSON.

    Raises
    ------
    InputError
        The HTTP port is in use; a recording could not be read to its end; nothing came over the network.
    """
    picture = Picture(f"skypact · {title}", list(node.centre.catalogue))
    with ExitStack() as stack:
        stack.callback(node.close)
        publish = _serve(node, stack)
        stop = stack.enter_context(stopped_by_signals())
        watch(_until(node.moments(stop), seconds, publish), picture, lambda: _status(node), log, shown, not as_json)
    if as_json:
        status = node.status
        found = {"node": status.node, "party": status.party, "steps": status.steps, "plots": dict(status.plots)}
        _say.result(found | {"confirmed": len(picture.confirmed), "tracks": dict(status.tracks)}, "", as_json)
    _complain(node, picture)


def _complain(node: Node, picture: Picture) -> None:
    """Say what was the matter with recordings and lines."""
    from skypact.errors import InputError
    from skypact.node import PlayedFeed

    played = [feed.recording for feed in node.feeds if isinstance(feed, PlayedFeed) and feed.recording is not None]
    options.complain(played, taken=node.status.plots.get("plots", 0) > 0 or bool(picture.tracks))
    lines = [feed for feed in node.feeds if not isinstance(feed, PlayedFeed)]
    for feed in lines:
        _say.problems(feed.name, feed.problems)
    if lines and not any(feed.status().octets for feed in lines):
        raise InputError("nothing came from " + ", ".join(map(str, (feed.status() for feed in lines))))


def _serve(node: Node, stack: ExitStack) -> Callable[[Moment], None]:
    """Serve the node while it runs, if it is to; return what takes each step."""
    if node.config.http is None:
        return lambda _: None
    from skypact.console import Broadcast, Served, Server, make_app, missed
    from skypact.journal import picture
    from skypact.node.config import host_port
    from skypact.node.metrics import metrics

    history = node.history
    if history is None:
        broadcast = Broadcast()
    else:
        broadcast = Broadcast(partial(missed, history.journal))
        broadcast.restore(history.last_sequence, history.last_ns, picture(history.journal))
    served = Served(
        lambda: dict(node.status.health()),
        lambda: metrics(node.status),
        broadcast,
        lambda: _about(node),
        None if history is None else history.journal,
    )
    stack.enter_context(Server(make_app(served), *host_port(node.config.http)))
    number = count(1)

    def publish(moment: Moment) -> None:
        sequence = next(number) if moment.sequence is None else moment.sequence
        broadcast.publish(sequence, moment.now_ns, moment.output.tracks)

    return publish


def _about(node: Node) -> dict[str, Any]:
    """Return what a page is told of a node."""
    from importlib.metadata import version

    import msgspec

    return {
        "node": node.config.node,
        "party": node.config.party,
        "exercise": node.config.exercise,
        "version": version("skypact"),
        "sensors": [msgspec.to_builtins(sensor) for sensor in node.centre.catalogue],
    }


def _status(node: Node) -> str:
    """Return the bottom line of a picture: what is not well, else nothing."""
    return "   ".join(node.status.faults())


def _until(moments: Iterable[Moment], seconds: float | None, publish: Callable[[Moment], None]) -> Iterator[Moment]:
    begun = time.monotonic()
    for moment in moments:
        publish(moment)
        yield moment
        if seconds is not None and time.monotonic() - begun >= seconds:
            return
