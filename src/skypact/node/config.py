"""What a node is told: a TOML file ``schema = "node/1"``."""

from __future__ import annotations

import datetime as dt
from os import PathLike
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from skypact import configfile
from skypact.configfile import FieldError
from skypact.formats.intake import FORMATS
from skypact.tracking import TrackerSettings

SCHEMA = "node/1"

_Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[\w.-]+$")]


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where plots come from.

    Attributes
    ----------
    name : str
        Of the source; also the sensor's for formats that do not tell it.
    address : str
        ``udp://GROUP:PORT`` (multicast or an own address), ``tcp://HOST:PORT``, or the path of a recording. In the file
        the key is ``from``.
    format : str or None
        One of `formats.intake.FORMATS`; told from port or content if not given.
    interface : str or None
        Address of the interface on which a multicast group is joined.
    date : date or None
        Date of the first message, for formats without one.
    editions : dict
        ASTERIX edition by category, such as ``{ 62 = "1.18" }``.
    latitude_deg, longitude_deg : float or None
        Where a Mode S receiver stands.
    clock : {"counter", "day"}
        What the stamps of Beast and AVR are.
    utc_offset_s : int
        How far times in SBS lines are ahead of UTC.
    simulated : bool
        Whether messages that cannot say so themselves are simulated.
    queue_octets : int
        Most octets that wait to be read; beyond it the oldest are dropped and counted.
    """

    name: _Name
    address: Annotated[str, Meta(min_length=1)] = msgspec.field(name="from")
    format: str | None = None
    interface: str | None = None
    date: dt.date | None = None
    editions: dict[str, str] = {}
    latitude_deg: Annotated[float, Meta(ge=-90, le=90)] | None = None
    longitude_deg: Annotated[float, Meta(ge=-180, le=180)] | None = None
    clock: Literal["counter", "day"] = "counter"
    utc_offset_s: Annotated[int, Meta(gt=-86_400, lt=86_400)] = 0
    simulated: bool = False
    queue_octets: Annotated[int, Meta(ge=65_536, le=1 << 30)] = 1 << 23

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        if self.format is not None and self.format not in FORMATS:
            raise FieldError(f"no format {self.format!r}", "format", hint=f"one of {', '.join(FORMATS)}")
        if (self.latitude_deg is None) != (self.longitude_deg is None):
            raise FieldError("latitude without longitude", "latitude_deg", hint="give both or none")
        for category in self.editions:
            if not category.isdecimal():
                raise FieldError(f"no category {category!r}", "editions", hint='write { 62 = "1.18" }')
        if self.scheme:
            try:
                host, port = urlsplit(self.address).hostname, urlsplit(self.address).port
            except ValueError:
                host = port = None
            if not host or port is None:
                raise FieldError(f"{self.address}: no address", "from", hint=f"write {self.scheme}://HOST:PORT")

    @property
    def scheme(self) -> str:
        """``"udp"``, ``"tcp"`` or, for a recording, nothing."""
        return next((s for s in ("udp", "tcp") if self.address.startswith(f"{s}://")), "")

    @property
    def host(self) -> str:
        """The host of a network address."""
        return urlsplit(self.address).hostname or ""

    @property
    def port(self) -> int:
        """The port of a network address."""
        return urlsplit(self.address).port or 0

    @property
    def reading(self) -> dict[str, Any]:
        """How its messages are read: what `formats.intake.intake` and a `Recording` take beside the format."""
        return {
            "sensor": self.name,
            "date": self.date,
            "editions": {int(category): edition for category, edition in self.editions.items()},
            "reference": self.place,
            "clock": self.clock,
            "utc_offset_s": self.utc_offset_s,
            "simulated": self.simulated,
        }

    @property
    def place(self) -> tuple[float, float] | None:
        """Where a receiver stands."""
        if self.latitude_deg is None or self.longitude_deg is None:
            return None
        return self.latitude_deg, self.longitude_deg


class Air(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The atmosphere, that turns pressure altitudes into heights.

    Attributes
    ----------
    qnh_hpa : float or None
        Sea-level pressure.
    isa_deviation_k : float or None
        Temperature above the standard atmosphere.
    """

    qnh_hpa: Annotated[float, Meta(ge=850, le=1100)] | None = None
    isa_deviation_k: Annotated[float, Meta(ge=-60, le=60)] | None = None


class NodeConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A node.

    Attributes
    ----------
    node, party : str
    sensors : str or None
        Path of the catalogue, from the folder of the file.
    journal : str or None
        Folder of the journal; without one nothing is kept.
    exercise : bool
        Whether simulated and live plots may be mixed.
    clock : {"wall", "data"} or None
        Whether the present is the wall clock's, or that of the newest plot, as for feeds replayed faster than they
        were; the wall clock's if not given, unless there are recordings, which are in a time of their own.
    speed : float or "max"
        Pace of recordings: 1 is as it happened.
    step_s : float
        Length of a step.
    snapshot_s : float
        How often the state is written into the journal: a node that starts again replays what came since.
    http : str or None
        ``HOST:PORT`` of metrics and health, on loopback.
    first_track : int
        First of the block of track numbers.
    air : Air
    sources : tuple of Source
    """

    node: _Name
    party: _Name
    sensors: str | None = None
    journal: str | None = None
    exercise: bool = False
    clock: Literal["wall", "data"] | None = None
    speed: Annotated[float, Meta(gt=0, le=1e6)] | Literal["max"] = 1.0
    step_s: Annotated[float, Meta(ge=0.05, le=10)] = 0.5
    snapshot_s: Annotated[float, Meta(ge=1, le=86_400)] = 300.0
    http: str | None = None
    first_track: Annotated[int, Meta(ge=1, le=2**32 - 1)] = 1
    air: Air = Air()
    sources: Annotated[tuple[Source, ...], Meta(min_length=1)] = msgspec.field(name="source")

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        names = [s.name for s in self.sources]
        for i, name in enumerate(names):
            if name in names[:i]:
                raise FieldError(f"a second source {name!r}", "source", i, "name", hint="rename one")
        if self.http is not None:
            host_port(self.http)
        played = [s for s in self.sources if not s.scheme]
        if played and self.clock == "wall":
            raise FieldError("a recording is not in the time of the wall clock", "clock", hint='write clock = "data"')
        if played and len(played) < len(self.sources) and self.speed == "max":
            hint = "give the speed at which the lines send"
            raise FieldError("a recording beside network lines needs a pace", "speed", hint=hint)

    @property
    def in_data_time(self) -> bool:
        """Whether the present is that of the newest plot."""
        return self.clock == "data" or any(not s.scheme for s in self.sources)

    @property
    def tracker(self) -> TrackerSettings:
        """The tracker's settings."""
        return TrackerSettings(
            node=self.node,
            party=self.party,
            first_track=self.first_track,
            qnh_hpa=self.air.qnh_hpa,
            isa_deviation_k=self.air.isa_deviation_k,
        )


LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def host_port(text: str) -> tuple[str, int]:
    """Return host and port of a listening address, which must be on loopback.

    Raises
    ------
    FieldError
        Another form, or an address that others could reach: there is no sign-in yet.
    """
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or port is None:
        raise FieldError(f"{text}: no address", "http", hint='write http = "127.0.0.1:9100"')
    if host not in LOOPBACK:
        raise FieldError(f"{host} can be reached by others", "http", hint="bind 127.0.0.1 and put a proxy in front")
    return host, port


def read(path: str | PathLike[str]) -> NodeConfig:
    """Return a node's configuration; paths in it count from its folder.

    Raises
    ------
    ConfigError
        The file cannot be read or does not follow the schema, with its line.
    """
    config = configfile.read(path, NodeConfig, SCHEMA)
    folder = Path(path).parent

    def from_here(name: str | None) -> str | None:
        return None if name is None else str(folder / name)

    sources = tuple(
        s if s.scheme else msgspec.structs.replace(s, address=str(folder / s.address)) for s in config.sources
    )
    return msgspec.structs.replace(
        config, sensors=from_here(config.sensors), journal=from_here(config.journal), sources=sources
    )
