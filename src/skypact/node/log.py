"""What a node says while it runs, as lines for people or for machines."""

from __future__ import annotations

import json
import logging
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Literal

_USUAL = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {"message", "asctime", "taskName"}
"""What every record has; the rest are facts of the event."""


class JsonLines(logging.Formatter):
    """One JSON object a line: ``time``, ``level``, ``logger``, ``message`` and the facts of the event."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as a line."""
        facts = {key: value for key, value in vars(record).items() if key not in _USUAL}
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": " ".join(record.getMessage().split()),
            **facts,
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


class TextLines(logging.Formatter):
    """One line a record: time, level and message, and below it what a person is to write into a file."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as a line."""
        time = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        line = f"{time} {record.levelname.lower():7} {' '.join(record.getMessage().split())}"
        lines = getattr(record, "lines", "")
        return f"{line}\n{lines.rstrip()}" if lines else line


class Kept(logging.Handler):
    """Keeps the last lines, for a screen that has no room for more."""

    def __init__(self, most: int = 200) -> None:
        super().__init__()
        self.lines: deque[str] = deque(maxlen=most)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record's line."""
        self.lines.append(self.format(record))


@contextmanager
def logged_to(handler: logging.Handler, form: Literal["text", "json"] = "text") -> Iterator[None]:
    """Send what skypact logs to one handler, and nowhere else, for a while."""
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    logger = logging.getLogger("skypact")
    before = list(logger.handlers), logger.level, logger.propagate
    logger.handlers, logger.propagate = [handler], False
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.handlers, level, logger.propagate = before
        logger.setLevel(level)
