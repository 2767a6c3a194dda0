"""What radars tell of themselves: rotation and north crossings (CAT 034, 002), position (I034/120).

What a person wrote in the catalogue is never overwritten; learning fills what it leaves open.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np
import pyarrow as pa

from skypact import tables
from skypact.earth import frames
from skypact.errors import FormatError
from skypact.sensors.catalogue import POSITION, Catalogue, Kind, Sensor, Site, labels_and_rows
from skypact.units import SECOND_NS

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAME_PLACE_M = 300.0
"""Positions nearer than this are one: I034/120 has a step of 2.4 m and heights of either datum, up to 110 m apart."""
MIN_ROTATION_S, MAX_ROTATION_S = 0.5, 60.0
"""Turns outside are no turns: a repeated message, or a gap."""
_MEDIAN_OF = 31

_NORTH = tables.SERVICE_MESSAGES.index("north")
_SECTOR = tables.SERVICE_MESSAGES.index("sector")
_OCTET = r"(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_SAC_SIC = re.compile(f"{_OCTET}/{_OCTET}", re.ASCII)
_NOT_IN_ID = re.compile(r"[^\w.-]")
_POSITION_LINES = "latitude_deg = \nlongitude_deg = \naltitude_m = \n"

CROSSINGS = pa.schema([("sensor", tables.NAME), ("time", tables.TIME), ("azimuth_deg", pa.float64())])
"""When a sensor's beam passed which azimuth."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a person should know of a sensor, said once.

    Attributes
    ----------
    sensor : str
        Label as in the plots.
    problem : {"unknown", "no_position", "two_positions"}
        What it is about.
    text : str
        One line: what is wrong and the next step.
    lines : str
        What to write into the catalogue, empty where nothing.
    """

    sensor: str
    problem: Literal["unknown", "no_position", "two_positions"]
    text: str
    lines: str = ""


class _Heard(msgspec.Struct):
    """What one sensor has told so far."""

    position: tuple[float, float, float] | None = None
    stated_rotation_s: float | None = None
    last_north_ns: int | None = None
    turns_s: list[float] = []
    kinds: int = 0

    @property
    def rotation_s(self) -> float | None:
        """Stated rotation, else the median turn."""
        if self.stated_rotation_s is not None or not self.turns_s:
            return self.stated_rotation_s
        return round(float(np.median(self.turns_s)), 4)


class _State(msgspec.Struct):
    """All there is to know of a learner beside the catalogue it began with."""

    heard: dict[str, _Heard] = {}
    said: list[tuple[str, str]] = []


class Learner:
    """Completes a catalogue from tables of SERVICES and PLOTS as they come.

    Parameters
    ----------
    catalogue : Catalogue
        What people wrote.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._written = catalogue
        self._heard: dict[str, _Heard] = {}
        self._said: set[tuple[str, str]] = set()
        self._noted: set[tuple[str, int]] = set()
        self._complete: Catalogue | None = catalogue

    def snapshot(self) -> bytes:
        """Return all that was learned and said, to be given to `resume`."""
        return msgspec.msgpack.encode(_State(self._heard, sorted(self._said)))

    @classmethod
    def resume(cls, snapshot: bytes, catalogue: Catalogue) -> Learner:
        """Return the learner that made a snapshot, given the same catalogue.

        Raises
        ------
        FormatError
            The bytes are no snapshot.
        """
        try:
            state = msgspec.msgpack.decode(snapshot, type=_State)
        except msgspec.MsgspecError as err:
            raise FormatError(f"no snapshot of a learner: {err}", hint="start without it") from None
        learner = cls(catalogue)
        learner._heard, learner._said = state.heard, set(state.said)
        learner._complete = None
        return learner

    @property
    def catalogue(self) -> Catalogue:
        """What people wrote, completed by what was learned, and with the radars nobody wrote down."""
        if self._complete is None:
            sensors = [self._completed(sensor) for sensor in self._written]
            new = [self._new(*item) for item in self._heard.items() if self._written.get(item[0]) is None]
            self._complete = Catalogue([*sensors, *filter(None, new)])
        return self._complete

    def services(self, services: pa.Table) -> list[Notice]:
        """Learn from a table of `tables.SERVICES`; return what a person should know and was not told yet."""
        labels, row = labels_and_rows(services["sensor"])
        message = tables.codes(services["message"], "message")
        time = _time_ns(services["time"])
        rotation = services["rotation_s"].to_numpy()
        place = np.stack([services[name].to_numpy() for name in POSITION], axis=1)
        notices: list[Notice] = []
        for index, label in enumerate(labels):
            own = row == index
            if not own.any():
                continue
            heard = self._heard.setdefault(label, _Heard())
            before = heard.rotation_s, heard.position
            stated = rotation[own & (rotation >= MIN_ROTATION_S) & (rotation <= MAX_ROTATION_S)]
            if len(stated):
                heard.stated_rotation_s = float(stated[-1])
            self._turns(heard, time[own & (message == _NORTH) & (time != tables.NO_TIME)])
            notices += self._place(label, heard, place[own & ~np.isnan(place).any(axis=1)])
            if before != (heard.rotation_s, heard.position):
                self._complete = None
        return notices

    def plots(self, plots: pa.Table) -> list[Notice]:
        """Note the sensors of a table of `tables.PLOTS`; return what a person should know and was not told yet."""
        labels, row = labels_and_rows(plots["sensor"])
        kind = tables.codes(plots["kind"], "kind")
        polar = _without_position(plots)
        # What a sensor has sent before tells nothing new.
        sorts = np.unique(row.astype(np.int64) * _SORTS + 2 * (kind + 1) + polar)
        found = {(labels[sort // _SORTS], sort % _SORTS) for sort in sorts[sorts >= 0].tolist()}
        if found <= self._noted:
            return []
        self._noted |= found
        notices: list[Notice] = []
        for index, label in enumerate(labels):
            own = row == index
            if not own.any():
                continue
            kinds = sum(1 << int(code) for code in np.unique(kind[own & (kind >= 0)]))
            heard = self._heard.setdefault(label, _Heard())
            if kinds & ~heard.kinds:
                heard.kinds |= kinds
                self._complete = None
            notices += self._missing(label, bool((own & polar).any()))
        return notices

    def _turns(self, heard: _Heard, north_ns: NDArray[np.int64]) -> None:
        """Take in times at which the beam passed north."""
        if not len(north_ns):
            return
        last_ns = heard.last_north_ns
        heard.last_north_ns = int(north_ns[-1])  # as it came, so that a clock set back is followed
        north_ns = np.unique(north_ns if last_ns is None else np.append(north_ns, last_ns))
        turns = np.diff(north_ns) / SECOND_NS
        fresh = turns[(turns >= MIN_ROTATION_S) & (turns <= MAX_ROTATION_S)].tolist()
        heard.turns_s = [*heard.turns_s, *fresh][-_MEDIAN_OF:]

    def _place(self, label: str, heard: _Heard, claims: NDArray[np.float64]) -> list[Notice]:
        """Take in positions a radar states; where two are apart the first stays, and a person is told."""
        if not len(claims):
            return []
        if heard.position is None:
            # I034/120 has steps of 2.4 m: more digits would only look exact.
            heard.position = round(float(claims[0, 0]), 6), round(float(claims[0, 1]), 6), round(float(claims[0, 2]), 1)
        written = self._written.get(label)
        if written is not None and written.has_position:
            where, whose = np.array([getattr(written, name) for name in POSITION]), "in the catalogue"
        else:
            where, whose = np.array(heard.position), "it stated first"
        apart_m = np.linalg.norm(_ecef_m(claims) - _ecef_m(where[None]), axis=1)
        far = int(np.argmax(apart_m))
        if apart_m[far] <= SAME_PLACE_M or not self._first_time(label, "two_positions"):
            return []
        text = (
            f"sensor {label} states the position {claims[far, 0]:.5f} {claims[far, 1]:.5f}, "
            f"{apart_m[far] / 1000:.1f} km from the one {whose}, which is used; check its catalogue entry"
        )
        return [Notice(label, "two_positions", text)]

    def _missing(self, label: str, polar: bool) -> list[Notice]:
        """Say what the catalogue lacks for the plots of a sensor, `polar` where they need its position."""
        heard = self._heard[label]
        written = self._written.get(label)
        placed = heard.position is not None or (written is not None and written.has_position)
        without = "its plots stay without a position" if polar and not placed else ""
        if written is None and (polar or _SAC_SIC.fullmatch(label)) and self._first_time(label, "unknown"):
            text = f"sensor {label} is not in the catalogue{without and f' and {without}'}; add its [[sensor]] lines"
            return [Notice(label, "unknown", text, self._lines(label, heard, placed or not polar))]
        if written is not None and without and self._first_time(label, "no_position"):
            text = (
                f"sensor {label} has no known position, {without}; "
                f"add latitude_deg, longitude_deg and altitude_m to [[sensor]] {written.id}"
            )
            return [Notice(label, "no_position", text, _POSITION_LINES)]
        return []

    def _first_time(self, label: str, problem: str) -> bool:
        first = (label, problem) not in self._said
        self._said.add((label, problem))
        return first

    def _completed(self, sensor: Sensor) -> Sensor:
        """Return a written sensor with what was learned where the catalogue says nothing."""
        heard = self._heard.get(sensor.label) or self._heard.get(sensor.id) or _Heard()
        learned: dict[str, float] = {}
        if sensor.rotation_s is None and heard.rotation_s is not None:
            learned["rotation_s"] = heard.rotation_s
        if not sensor.has_position and heard.position is not None:
            learned |= dict(zip(POSITION, heard.position, strict=True))
        return msgspec.structs.replace(sensor, **learned) if learned else sensor

    def _new(self, label: str, heard: _Heard) -> Sensor | None:
        """Return the entry of a sensor that only its messages tell of, None before its first plot."""
        kind = _kind(heard.kinds)
        code = _SAC_SIC.fullmatch(label)
        if kind is None or code is None:
            return None
        name = f"radar-{code[1]}-{code[2]}"
        while self._written.get(name) is not None:
            name += "_"
        site: Site = "hypothetical" if heard.position is None else "known"
        sensor = Sensor(id=name, kind=kind, sac=int(code[1]), sic=int(code[2]), site=site)
        return self._completed(sensor)

    def _lines(self, label: str, heard: _Heard, placed: bool) -> str:
        """Return the entry of an unknown sensor for a person to add, its position left open where it is needed."""
        sensor = self._new(label, heard)
        lines = f'[[sensor]]\nid = "{_NOT_IN_ID.sub("-", label)}"\nkind = \n' if sensor is None else sensor.to_toml()
        return lines if placed else lines + _POSITION_LINES


def crossings(services: pa.Table) -> pa.Table:
    """Return when each sensor's beam passed which azimuth, from which a plot's azimuth gives its time.

    Parameters
    ----------
    services : Table of `tables.SERVICES`

    Returns
    -------
    Table of `CROSSINGS`
        North and sector messages that carry a time, by sensor (in order of first mention), then time; north is 0
        degrees. Repeated messages stand once.
    """
    labels, row = labels_and_rows(services["sensor"])
    message = tables.codes(services["message"], "message")
    time = _time_ns(services["time"])
    azimuth = np.where(message == _NORTH, 0.0, services["azimuth_deg"].to_numpy())
    keep = (row >= 0) & (time != tables.NO_TIME) & np.isin(message, (_NORTH, _SECTOR)) & ~np.isnan(azimuth)
    row, time, azimuth = row[keep], time[keep], azimuth[keep]
    order = np.lexsort((azimuth, time, row))
    row, time, azimuth = row[order], time[order], azimuth[order]
    again = np.zeros(len(row), np.bool_)
    again[1:] = (np.diff(row) == 0) & (np.diff(time) == 0) & (np.diff(azimuth) == 0)
    names = pa.DictionaryArray.from_arrays(pa.array(row[~again], pa.int32()), pa.array(labels, pa.string()))
    return pa.table([names, tables.times(time[~again]), azimuth[~again]], schema=CROSSINGS)


_SORTS = 2 * (len(tables.KINDS) + 1)
"""Sorts of plots: the kinds and none, with a position of their own and without."""


def _without_position(plots: pa.Table) -> NDArray[np.bool_]:
    """Return which plots have a range and no position of their own."""
    ranges, places = plots["range_m"], plots["latitude_deg"]
    if not ranges.null_count and places.null_count == len(places):
        return np.ones(len(plots), np.bool_)
    return np.asarray(ranges.is_valid().to_numpy() & places.is_null().to_numpy())


def _time_ns(column: pa.ChunkedArray) -> NDArray[np.int64]:
    return column.cast(pa.int64()).fill_null(tables.NO_TIME).to_numpy()


def _ecef_m(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return earth-centred positions, shape (n, 3), of latitudes, longitudes and heights; for distances only."""
    return np.stack(frames.geodetic2ecef(places[:, 0], places[:, 1], places[:, 2]), axis=1)


def _kind(bits: int) -> Kind | None:
    """Return the kind of the sensor whose plots are of these kinds, one bit per word of `tables.KINDS`."""
    primary = bits & _bits("psr", "psr_ssr", "psr_mode_s")
    if bits & _bits("mode_s", "psr_mode_s"):
        return "psr_mode_s" if primary else "mode_s"
    if bits & _bits("ssr", "psr_ssr"):
        return "psr_ssr" if primary else "ssr"
    if primary:
        return "psr"
    others: tuple[Kind, ...] = ("adsb", "mlat", "passive", "infrared")
    return next((word for word in others if bits & _bits(word)), None)


def _bits(*words: str) -> int:
    return sum(1 << tables.KINDS.index(word) for word in words)
