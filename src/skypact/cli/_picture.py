"""The air picture on a terminal: a small map with borders beside a list of tracks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from skypact.earth.borders import Borders
from skypact.earth.places import towns
from skypact.units import FLIGHT_LEVEL_M, KNOT_M_S, SECOND_NS, from_ns

if TYPE_CHECKING:
    from skypact.sensors import Sensor

KEPT = (
    *("track", "status", "latitude_deg", "longitude_deg", "altitude_m", "pressure_altitude_m"),
    *("velocity_east_m_s", "velocity_north_m_s", "icao24", "mode_3a", "callsign", "sensors", "last_plot", "simulated"),
)
MARK = {"tentative": ("·", "bright_black"), "confirmed": ("●", "bright_green"), "coasting": ("○", "yellow")}
"""How a track is drawn by its status: by shape first, by colour besides."""
BRAILLE = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])
"""Bit of each dot of a braille character, by row and column."""
COLUMNS = {"": 1, "track": 5, "callsign": 8, "address": 7, "code": 4, "FL": 4, "kt": 4, "course": 6, "age": 4}
"""Columns of the list and their widths; the sensors have what is left."""
NUMBERS = frozenset({"track", "FL", "kt", "course", "age"})
TOWNS = 12
"""Most towns named on the map."""
FADE_S = 20.0
"""How long an ended track stays in the list."""


@dataclass(slots=True)
class Track:
    """What is shown of one track."""

    row: dict[str, Any]
    ended_ns: int | None = None


class Picture:
    """The tracks of one or more nodes as they are now, for the eye.

    Parameters
    ----------
    title : str
    sensors : sequence of Sensor
        Those with a position are drawn.
    """

    def __init__(self, title: str, sensors: Sequence[Sensor] = ()) -> None:
        self.title = title
        self.sensors = [s for s in sensors if s.has_position]
        self.tracks: dict[tuple[str, int], Track] = {}
        self.confirmed: set[tuple[str, int]] = set()
        self.now_ns = 0
        self.footer = ""
        self._box: tuple[float, float, float, float] | None = None

    def update(self, now_ns: int, tracks: pa.Table) -> None:
        """Take in what changed."""
        self.now_ns = now_ns
        nodes = tracks["node"].to_pylist()
        # Python's own times end at microseconds, and Arrow gives nanoseconds only where pandas is installed.
        kept = tracks.select(KEPT)
        place = kept.column_names.index("last_plot")
        kept = kept.set_column(place, "last_plot", kept["last_plot"].cast(pa.int64()))
        for node, row in zip(nodes, kept.to_pylist(), strict=True):
            key = (node or "", row["track"] or 0)
            if row["status"] == "ended":
                if key in self.tracks:
                    self.tracks[key].ended_ns = now_ns
            else:
                self.tracks[key] = Track(row)
                if row["status"] == "confirmed":
                    self.confirmed.add(key)
        over = now_ns - int(FADE_S * SECOND_NS)
        for key in [k for k, t in self.tracks.items() if t.ended_ns is not None and t.ended_ns < over]:
            del self.tracks[key]

    @property
    def alive(self) -> list[Track]:
        """The confirmed and coasting tracks."""
        return [t for t in self.tracks.values() if t.ended_ns is None and t.row["status"] != "tentative"]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        height = options.height or console.height
        wide = options.max_width >= 110
        body = Layout()
        table_width = 74 if wide else options.max_width
        panel = Panel(_Map(self), title="map: ▲ sensor  + town", title_align="left", border_style="blue")
        marks = "  ".join(f"{mark} {status}" for status, (mark, _) in MARK.items())
        listing = Panel(
            self._listing(height - 5), title=f"tracks: {marks}  x ended", title_align="left", border_style="blue"
        )
        if wide:
            body.split_row(Layout(panel), Layout(listing, size=table_width))
        else:
            body.split_column(Layout(panel), Layout(listing))
        whole = Layout(size=height)
        whole.split_column(
            Layout(self._head(options.max_width), size=1), body, Layout(Text(self.footer, style="dim"), size=1)
        )
        yield from console.render(whole, options.update(height=height))

    def _head(self, width: int | None = None) -> Text:
        """Return the first line; where it has no room for all, the title gives way and never the word EXERCISE."""
        stamp = from_ns(self.now_ns).strftime("%Y-%m-%d %H:%M:%S UTC")
        alive = len(self.alive)
        said = Text(f"   {stamp}   {alive} track{'' if alive == 1 else 's'}", style="not bold")
        if any(t.row["simulated"] for t in self.tracks.values()):
            said = Text("   EXERCISE: simulated", style="bold magenta").append_text(said)
        head = Text(f" {self.title}", style="bold")
        if width is not None:
            room = width - said.cell_len
            if room < 2:
                return said
            head.truncate(room, overflow="ellipsis")
        return head.append_text(said)

    def _listing(self, rows: int) -> Table:
        return listing(sorted(self.tracks.values(), key=_order)[: max(rows, 1)], self.now_ns)

    def summary(self) -> Group:
        """Return the list of confirmed tracks for the end of a run."""
        shown = [t for t in sorted(self.tracks.values(), key=_order) if t.row["status"] != "tentative"]
        return Group(self._head(), listing(shown, self.now_ns))


def _order(track: Track) -> tuple[bool, bool, int]:
    return track.ended_ns is not None, track.row["status"] == "tentative", track.row["track"] or 0


def listing(tracks: Sequence[Track], now_ns: int) -> Table:
    """Return tracks as a table."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="dim", expand=True)
    for name, width in COLUMNS.items():
        table.add_column(name, width=width, no_wrap=True, justify="right" if name in NUMBERS else "left")
    table.add_column("sensors", no_wrap=True, ratio=1)
    for track in tracks:
        row = track.row
        mark, style = ("x", "red") if track.ended_ns is not None else MARK[row["status"]]
        pressure = row["pressure_altitude_m"] if row["pressure_altitude_m"] is not None else row["altitude_m"]
        east, north = row["velocity_east_m_s"], row["velocity_north_m_s"]
        speed = None if east is None or north is None else float(np.hypot(east, north))
        course = None if speed is None else float(np.degrees(np.arctan2(east, north)) % 360)
        seen = row["last_plot"]
        age = "" if seen is None else f"{max(0.0, (now_ns - seen) / SECOND_NS):.0f} s"
        table.add_row(
            Text(mark, style=style),
            str(row["track"]),
            row["callsign"] or "",
            "" if row["icao24"] is None else f"{row['icao24']:06x}",
            "" if row["mode_3a"] is None else f"{row['mode_3a']:04o}",
            "?" if pressure is None else f"{pressure / FLIGHT_LEVEL_M:.0f}",
            "" if speed is None else f"{speed / KNOT_M_S:.0f}",
            "" if course is None else f"{course:03.0f}",
            age,
            " ".join(row["sensors"] or ()),
            style="dim" if track.ended_ns is not None else None,
        )
    return table


class _Map:
    """The map, drawn to whatever room there is."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, height = options.max_width, options.height or 20
        box = self._fit(width, height)
        if box is None:
            yield Text("no position yet: nothing heard so far tells one", style="dim")
            return
        frame = Frame(box, width, height)
        cells = frame.lines()
        styles: dict[tuple[int, int], str] = {}
        for sensor in self._picture.sensors:
            frame.put(cells, styles, sensor.latitude_deg, sensor.longitude_deg, "▲", "cyan")
        tracks = [t for t in self._picture.tracks.values() if t.ended_ns is None]
        for track in tracks:
            mark, style = MARK[track.row["status"]]
            frame.put(cells, styles, track.row["latitude_deg"], track.row["longitude_deg"], mark, style)
        for track in tracks:
            if track.row["status"] != "tentative":
                name = track.row["callsign"] or str(track.row["track"])
                frame.label(cells, styles, track.row["latitude_deg"], track.row["longitude_deg"], name, "bold")
        for name, latitude, longitude in frame.towns():
            if frame.cell(latitude, longitude) not in styles:
                frame.put(cells, styles, latitude, longitude, "+", "blue")
                frame.label(cells, styles, latitude, longitude, name, "blue")
        for y, line in enumerate(cells):
            text = Text("".join(line), style="bright_black", no_wrap=True, end="\n" if y < height - 1 else "")
            for (row, column), style in styles.items():
                if row == y:
                    text.stylize(style, column, column + 1)
            yield text

    def _fit(self, width: int, height: int) -> tuple[float, float, float, float] | None:
        """Return south, west, north, east of what to show: it grows with the tracks and is never jumpy."""
        rows = [t.row for t in self._picture.tracks.values() if t.row["status"] != "tentative"] or [
            t.row for t in self._picture.tracks.values()
        ]
        latitudes = [r["latitude_deg"] for r in rows if r["latitude_deg"] is not None]
        longitudes = [r["longitude_deg"] for r in rows if r["longitude_deg"] is not None]
        latitudes += [float(s.latitude_deg or 0) for s in self._picture.sensors]
        longitudes += [float(s.longitude_deg or 0) for s in self._picture.sensors]
        if not latitudes:
            return None
        south, north = min(latitudes) - 0.3, max(latitudes) + 0.3
        west, east = min(longitudes) - 0.3, max(longitudes) + 0.3
        old = self._picture._box
        if old is not None:
            south, west, north, east = min(south, old[0]), min(west, old[1]), max(north, old[2]), max(east, old[3])
        self._picture._box = south, west, north, east
        # A character is about twice as high as wide: widen what is too narrow for the room.
        stretch = float(np.cos(np.radians((south + north) / 2)))
        tall, broad = north - south, (east - west) * stretch
        wanted = tall * width / (2 * height)
        if broad < wanted:
            more = (wanted - broad) / stretch / 2
            west, east = west - more, east + more
        else:
            more = (broad * 2 * height / width - tall) / 2
            south, north = south - more, north + more
        return max(south, -90.0), west, min(north, 90.0), east


class Frame:
    """Where places fall on a grid of characters.

    Parameters
    ----------
    box : (south, west, north, east)
        Degrees.
    width, height : int
        Characters.
    """

    def __init__(self, box: tuple[float, float, float, float], width: int, height: int) -> None:
        self.box, self.width, self.height = box, width, height

    def lines(self) -> list[list[str]]:
        """Return the grid with the borders of countries as dots."""
        south, west, north, east = self.box
        dots = np.zeros((self.height * 4, self.width * 2), bool)
        for line in Borders.shipped().lines_in(self.box):
            x = (line[:, 1] - west) / (east - west) * (self.width * 2)
            y = (north - line[:, 0]) / (north - south) * (self.height * 4)
            for x0, y0, x1, y1 in zip(x[:-1], y[:-1], x[1:], y[1:], strict=True):
                count = int(max(abs(x1 - x0), abs(y1 - y0))) + 2
                xs = np.linspace(x0, x1, min(count, 4096)).astype(int)
                ys = np.linspace(y0, y1, min(count, 4096)).astype(int)
                inside = (xs >= 0) & (xs < dots.shape[1]) & (ys >= 0) & (ys < dots.shape[0])
                dots[ys[inside], xs[inside]] = True
        codes = (dots.reshape(self.height, 4, self.width, 2) * BRAILLE[None, :, None, :]).sum(axis=(1, 3))
        return [[chr(0x2800 + int(c)) if c else " " for c in row] for row in codes]

    def towns(self) -> list[tuple[str, float, float]]:
        """Return the largest towns in the box: name, latitude and longitude."""
        south, west, north, east = self.box
        inside = pc.and_(
            pc.and_(pc.greater(towns()["latitude_deg"], south), pc.less(towns()["latitude_deg"], north)),
            pc.and_(pc.greater(towns()["longitude_deg"], west), pc.less(towns()["longitude_deg"], east)),
        )
        found = towns().filter(inside).sort_by([("population", "descending")]).slice(0, TOWNS)
        columns = (found[n].to_pylist() for n in ("name", "latitude_deg", "longitude_deg"))
        return list(zip(*columns, strict=True))

    def cell(self, latitude: float | None, longitude: float | None) -> tuple[int, int] | None:
        """Return row and column of a place, none if it is outside."""
        if latitude is None or longitude is None:
            return None
        south, west, north, east = self.box
        column = int((longitude - west) / (east - west) * self.width)
        row = int((north - latitude) / (north - south) * self.height)
        inside = 0 <= row < self.height and 0 <= column < self.width
        return (row, column) if inside else None

    def put(
        self,
        cells: list[list[str]],
        styles: dict[tuple[int, int], str],
        latitude: float | None,
        longitude: float | None,
        mark: str,
        style: str,
    ) -> None:
        """Draw a mark."""
        place = self.cell(latitude, longitude)
        if place is not None:
            cells[place[0]][place[1]] = mark
            styles[place] = style

    def label(
        self,
        cells: list[list[str]],
        styles: dict[tuple[int, int], str],
        latitude: float | None,
        longitude: float | None,
        text: str,
        style: str,
    ) -> None:
        """Write a label right of a mark, else left of it, where it covers no other mark or label."""
        place = self.cell(latitude, longitude)
        if place is None:
            return
        row, mark = place
        for column in (mark + 1, mark - len(text)):
            room = [(row, column + i) for i in range(len(text))]
            if column < 0 or column + len(text) > self.width or any(p in styles for p in room):
                continue
            for (r, c), letter in zip(room, text, strict=True):
                cells[r][c] = letter
                styles[r, c] = style
            return
