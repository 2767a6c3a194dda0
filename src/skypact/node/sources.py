"""The sources of a configuration, opened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from skypact.node.feeds import Feed, PlayedFeed
from skypact.node.network import TcpFeed, UdpFeed
from skypact.node.pace import steps
from skypact.node.recordings import Recording

if TYPE_CHECKING:
    from skypact.node.config import Source


def open_feeds(sources: Sequence[Source], step_ns: int) -> list[Feed]:
    """Return sources at work.

    Raises
    ------
    InputError, FormatError, MisuseError
        A port in use, a file that cannot be read; what was opened before is closed again.
    """
    feeds: list[Feed] = []
    try:
        feeds.extend(_opened(source, step_ns) for source in sources)
    except BaseException:
        for feed in feeds:
            feed.close()
        raise
    return feeds


def _opened(source: Source, step_ns: int) -> Feed:
    if source.scheme == "udp":
        return UdpFeed(source)
    if source.scheme == "tcp":
        return TcpFeed(source)
    recording = Recording(Path(source.address), wire=source.format, **source.reading)
    return PlayedFeed(source.name, steps(recording, step_ns), recording)
