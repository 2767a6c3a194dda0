"""Options that several commands share, and what they mean."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skypact.errors import MisuseError

if TYPE_CHECKING:
    from skypact.centre import Centre
    from skypact.node import NodeConfig, Recording
    from skypact.sensors import Catalogue


class Clock(StrEnum):
    """What a receiver's stamps count."""

    COUNTER = "counter"
    DAY = "day"


class LogForm(StrEnum):
    """How a node logs."""

    TEXT = "text"
    JSON = "json"


Files = Annotated[
    list[Path],
    typer.Argument(help="Recordings: pcap, ASTERIX, Beast, AVR, SBS, JSON or CSV lines, readsb traces; gz, xz too."),
]
Date = Annotated[str | None, typer.Option("--date", metavar="YYYY-MM-DD", help="Date of the first message.")]
Editions = Annotated[
    list[str] | None, typer.Option("--edition", metavar="CAT=ED", help="ASTERIX edition, as 62=1.18; else guessed.")
]
WIRES = "asterix|pcap|beast|avr|sbs|jsonl|csv|readsb"
"""What `formats.intake.FORMATS` holds, for a help text that imports nothing."""
Wire = Annotated[
    str | None, typer.Option("--format", metavar=WIRES, help="Format of the recordings; else told from their content.")
]
Reference = Annotated[
    str | None, typer.Option("--at", metavar="LAT,LON", help="Where a Mode S receiver stands, in degrees.")
]
Stamps = Annotated[
    Clock,
    typer.Option("--clock", help="What stamps of Beast and AVR are: a free counter, or the time of day (GPS)."),
]
UtcOffset = Annotated[
    float, typer.Option("--utc-offset", metavar="HOURS", help="How far times in SBS lines are ahead of UTC.")
]
QNH_HPA = (850, 1100)
"""Least and most pressure at sea level that is taken, in hectopascals."""
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Seconds = Annotated[float | None, typer.Option("--seconds", metavar="S", help="Stop after so many seconds.")]
Qnh = Annotated[float | None, typer.Option("--qnh", metavar="HPA", help="Sea-level pressure, for true heights.")]
Log = Annotated[LogForm, typer.Option("--log", help="Log lines for people, or as JSON.")]
Sensors = Annotated[Path | None, typer.Option("--sensors", metavar="FILE", help="Catalogue of sensors (TOML).")]


def recordings(
    files: Sequence[Path],
    *,
    wire: str | None = None,
    date: str | None = None,
    editions: Sequence[str] | None = None,
    at: str | None = None,
    clock: Clock = Clock.COUNTER,
    utc_offset: float = 0.0,
    raw: bool = False,
) -> list[Recording]:
    """Return recordings to be read with the options of a command."""
    from skypact.node import Recording

    return [
        Recording(
            path,
            wire=wire,
            date=day(date),
            editions=_editions(editions or ()),
            raw=raw,
            reference=place(at),
            clock=clock.value,
            utc_offset_s=_utc_offset_s(utc_offset),
        )
        for path in files
    ]


def node(
    recordings: Sequence[Path],
    lines: Sequence[str],
    *,
    wire: str | None = None,
    date: str | None = None,
    editions: Sequence[str] | None = None,
    at: str | None = None,
    clock: Clock = Clock.COUNTER,
    utc_offset: float = 0.0,
) -> NodeConfig:
    """Return the configuration of a node that reads recordings and network lines with the options of a command."""
    from skypact.configfile import FieldError
    from skypact.node import NodeConfig, Source

    where = place(at)
    found: list[Source] = []
    try:
        for address in [*map(str, recordings), *lines]:
            scheme = address.partition("://")[0] if address in lines else ""
            if address in lines and scheme not in {"tcp", "udp"}:
                raise MisuseError(f"{address}: write it as tcp://HOST:PORT or udp://ADDRESS:PORT")
            stem = Path(address).name.partition(".")[0] if not scheme else "receiver" if scheme == "tcp" else "radars"
            same = sum(one.name.rpartition("-")[0] == stem or one.name == stem for one in found)
            found.append(
                Source(
                    name=f"{stem}-{same + 1}" if same else stem,
                    address=address,
                    format=wire,
                    date=day(date),
                    editions={str(category): edition for category, edition in _editions(editions or ()).items()},
                    latitude_deg=None if where is None else where[0],
                    longitude_deg=None if where is None else where[1],
                    clock=clock.value,
                    utc_offset_s=_utc_offset_s(utc_offset),
                )
            )
        return NodeConfig(node="node", party="party", sources=tuple(found))
    except FieldError as err:
        raise MisuseError(f"{err}; {err.hint}" if err.hint else str(err)) from None


def changed(config: NodeConfig, changes: Mapping[str, object]) -> NodeConfig:
    """Return a node's configuration with some values replaced by those of options."""
    import msgspec

    from skypact.configfile import FieldError

    try:
        return msgspec.structs.replace(config, **changes)
    except FieldError as err:
        where = f"--{err.at[0]}: " if err.at else ""
        raise MisuseError(f"{where}{err}; {err.hint}" if err.hint else f"{where}{err}") from None


def _utc_offset_s(hours: float) -> int:
    if not -24 < hours < 24:
        raise MisuseError(f"--utc-offset {hours:g}: write the hours by which the clock is ahead of UTC, as 5.5")
    return round(hours * 3600)


def warn_of_times(recording: Recording) -> None:
    """Say what is not known of the times of a recording."""
    from skypact.cli import _say

    if recording.counted:
        _say.warn(
            f"{recording.path}: times count from the first message, as the receiver's counter tells no time of day; "
            "if it sends GPS time, say --clock day"
        )
    elif recording.undated:
        _say.warn(f"{recording.path}: times stand on 1970-01-01, or are missing; say the day with --date YYYY-MM-DD")


def faults(recording: Recording, taken: bool) -> list[str]:
    """Return what makes a command fail because of a recording it read, `taken` if something in it was of use."""
    if recording.cut:
        return [f"{recording.path}: {recording.cut}" + ("; what came before was read" if taken else "")]
    if taken:
        return []
    worst = sorted(recording.problems.items(), key=lambda item: -item[1])[:3]
    why = ": " + ", ".join(f"{count:,} {name}" for name, count in worst) if worst else ""
    hint = "name a recording or other plots" if recording.wire == "plots" else "try another --format or --edition"
    return [f"{recording.path}: nothing in it could be read as {recording.wire}{why}; {hint}"]


def complain(played: Sequence[Recording], taken: bool) -> None:
    """Say what was the matter with recordings that were played.

    Raises
    ------
    InputError
        One ended too early, or nothing in them could be read.
    """
    from skypact.cli import _say
    from skypact.errors import InputError

    found: list[str] = []
    for one in played:
        if taken:
            _say.problems(str(one.path), one.problems)
            warn_of_times(one)
        found += faults(one, taken)
    if found:
        raise InputError("; ".join(found))


def centre(sensors: Path | Catalogue | None, qnh: float | None, *, exercise: bool = False) -> Centre:
    """Return a centre with a catalogue, or one from a file, or none."""
    from skypact.centre import Centre, CentreConfig
    from skypact.sensors import Catalogue
    from skypact.tracking import TrackerSettings

    qnh = pressure(qnh)
    known = Catalogue() if sensors is None else sensors
    catalogue = known if isinstance(known, Catalogue) else Catalogue.read(known)
    return Centre(CentreConfig(catalogue=catalogue, tracker=TrackerSettings(qnh_hpa=qnh), exercise=exercise))


def pressure(qnh: float | None) -> float | None:
    """Return the pressure at sea level that an option gives."""
    if qnh is not None and not QNH_HPA[0] <= qnh <= QNH_HPA[1]:
        raise MisuseError(f"--qnh {qnh:g}: write the pressure at sea level in hPa, {QNH_HPA[0]} to {QNH_HPA[1]}")
    return qnh


def duration(seconds: float | None) -> float | None:
    """Return the time after which an option says to stop."""
    if seconds is not None and not 0 < seconds < 1e9:
        raise MisuseError(f"--seconds {seconds:g}: write a number above zero")
    return seconds


def day(text: str | None) -> dt.date | None:
    """Return the date an option gives."""
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise MisuseError(f"--date {text}: no date; write it as 2026-11-22") from None


def instant(text: str | None) -> int | None:
    """Return the UTC nanoseconds of a time that an option gives."""
    from skypact.units import to_ns

    if text is None:
        return None
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise MisuseError(f"{text}: no time; write it as 2026-06-01T03:20:00Z") from None
    return to_ns(found if found.tzinfo else found.replace(tzinfo=dt.UTC))


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
