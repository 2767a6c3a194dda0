"""What commands say beside their result: progress and warnings on stderr, one line each."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skypact.sensors import Notice

LONGEST = 600
"""Characters of a line; a longer one is cut."""


def fail(text: str, code: int) -> int:
    """Print an error as one line and return the exit code."""
    print(f"skypact: {_line(text)}", file=sys.stderr)
    return code


def warn(text: str) -> None:
    """Print a warning as one line."""
    print(f"skypact: {_line(text)}", file=sys.stderr)


class Notices:
    """What sensors make a centre say: a line each, and the lines to add to a file; a flood of them is cut short."""

    MOST = 40

    def __init__(self) -> None:
        self._count = 0

    def say(self, found: Iterable[Notice]) -> None:
        """Print notices until there were too many."""
        for one in found:
            self._count += 1
            if self._count <= self.MOST:
                warn(one.text)
                if one.lines:
                    print(one.lines.rstrip("\n"), file=sys.stderr)
            elif self._count == self.MOST + 1:
                warn("more sensors like these are not told one by one; is the recording of another format or edition?")


def note(text: str) -> None:
    """Print what goes on, if somebody watches."""
    if sys.stderr.isatty():
        print(_line(text), file=sys.stderr)


def result(found: Mapping[str, Any], text: str, as_json: bool) -> None:
    """Print a result, for machines as one JSON object in one line."""
    print(json.dumps(found, default=str) if as_json else text)


def problems(where: str, counts: Mapping[str, int]) -> None:
    """Warn of what was refused or skipped, the most frequent first."""
    if counts:
        worst = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        text = ", ".join(f"{count} {name}" for name, count in worst[:6])
        more = f" and {len(worst) - 6} other kinds" if len(worst) > 6 else ""
        warn(f"{where}: not taken: {text}{more}")


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
