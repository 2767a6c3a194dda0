"""Options that several commands share, and what they mean."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skypact.errors import MisuseError

if TYPE_CHECKING:
    from skypact.node import Recording

Files = Annotated[
    list[Path], typer.Argument(help="Recordings: pcap, ASTERIX, Beast, AVR, SBS, JSON lines; gz or xz too.")
]
Date = Annotated[str | None, typer.Option("--date", metavar="YYYY-MM-DD", help="Date of the first message.")]
Editions = Annotated[
    list[str] | None, typer.Option("--edition", metavar="CAT=ED", help="ASTERIX edition, as 62=1.18; else guessed.")
]
Wire = Annotated[str | None, typer.Option("--format", help="Format of the recordings; else told from their content.")]
Reference = Annotated[
    str | None, typer.Option("--at", metavar="LAT,LON", help="Where a Mode S receiver stands, in degrees.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Sensors = Annotated[Path | None, typer.Option("--sensors", metavar="FILE", help="Catalogue of sensors (TOML).")]


def recordings(
    files: Sequence[Path],
    *,
    wire: str | None = None,
    date: str | None = None,
    editions: Sequence[str] | None = None,
    at: str | None = None,
    raw: bool = False,
) -> list[Recording]:
    """Return recordings to be read with the options of a command."""
    from skypact.node import Recording

    options = {"date": day(date), "editions": _editions(editions or ()), "reference": place(at), "raw": raw}
    return [Recording(path, wire=wire, **options) for path in files]  # type: ignore[arg-type]


def day(text: str | None) -> dt.date | None:
    """Return the date an option gives."""
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise MisuseError(f"--date {text}: no date; write it as 2026-11-22") from None


def place(text: str | None) -> tuple[float, float] | None:
    """Return the latitude and longitude an option gives."""
    if text is None:
        return None
    try:
        latitude, longitude = (float(part) for part in text.split(","))
    except ValueError:
        raise MisuseError(f"--at {text}: no place; write it as 43.06,74.48") from None
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        raise MisuseError(f"--at {text}: beyond 90 degrees of latitude or 180 of longitude; latitude goes first")
    return latitude, longitude


def _editions(texts: Sequence[str]) -> dict[int, str]:
    editions: dict[int, str] = {}
    for text in texts:
        category, _, edition = text.partition("=")
        if not category.isdecimal() or not edition:
            raise MisuseError(f"--edition {text}: write it as 62=1.18")
        editions[int(category)] = edition
    return editions
