"""Options that several commands share, and what they mean."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skypact.errors import MisuseError

if TYPE_CHECKING:
    from skypact.centre import Centre
    from skypact.node import Recording
    from skypact.sensors import Catalogue

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


def complain(played: Recording, taken: bool) -> None:
    """Say what was the matter with a recording that was played.

    Raises
    ------
    InputError
        It ended too early, or nothing in it could be read.
    """
    from skypact.cli import _say
    from skypact.errors import InputError

    if played.undated:
        _say.warn(f"{played.path}: times stand on 1970-01-01; say the day with --date YYYY-MM-DD")
    if played.cut:
        raise InputError(f"{played.cut}; what came before was read", path=played.path)
    if not taken:
        raise InputError(f"nothing in it could be read as {played.wire}", path=played.path, hint="try --format")


def centre(sensors: Path | Catalogue | None, qnh: float | None, *, exercise: bool = False) -> Centre:
    """Return a centre with a catalogue, or one from a file, or none."""
    from skypact.centre import Centre, CentreConfig
    from skypact.sensors import Catalogue
    from skypact.tracking import TrackerSettings

    known = Catalogue() if sensors is None else sensors
    catalogue = known if isinstance(known, Catalogue) else Catalogue.read(known)
    return Centre(CentreConfig(catalogue=catalogue, tracker=TrackerSettings(qnh_hpa=qnh), exercise=exercise))


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


def speed(text: str) -> float | None:
    """Return the speed an option gives, none for as fast as possible."""
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < 1e6:
        raise MisuseError(f"--speed {text}: write a number above zero, or max")
    return speed
