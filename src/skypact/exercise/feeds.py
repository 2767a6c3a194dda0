"""A scenario as the bytes its sensors would send: ASTERIX from radars, Beast from ADS-B receivers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from skypact.exercise import sensing
from skypact.exercise.motion import Path
from skypact.formats.asterix import antenna_messages, radar_reports
from skypact.formats.modes import encode_beast
from skypact.units import SECOND_NS, to_ns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skypact.earth.terrain import Terrain
    from skypact.exercise.scenario import Flight, Scenario
    from skypact.formats.datagrams import Datagrams
    from skypact.sensors import Sensor


@dataclass(frozen=True, slots=True, order=True)
class Message:
    """What a sensor sends at one time.

    Attributes
    ----------
    time_ns : int
        When it arrives, UTC nanoseconds.
    sensor : str
        Id of the sensor.
    wire : str
        ``"asterix"`` or ``"beast"``.
    octets : bytes
    """

    time_ns: int
    sensor: str
    wire: str
    octets: bytes


def messages(scenario: Scenario, terrain: Terrain) -> Iterator[Message]:
    """Yield what all sensors of a scenario send, in the order of time; the same scenario gives the same bytes."""
    flights = [(flight, Path(flight)) for flight in scenario.flights]
    feeds = [_feed(sensor, scenario, flights, terrain) for sensor in scenario.sensors]
    return merge(*feeds)


def _feed(sensor: Sensor, scenario: Scenario, flights: list[tuple[Flight, Path]], terrain: Terrain) -> list[Message]:
    start = to_ns(scenario.start)
    if sensor.kind == "adsb":
        frames, time = sensing.squitters(sensor, flights, start, scenario.duration_s, scenario.seed, terrain)
        edges = np.arange(0, scenario.duration_s + 1, 0.25) * SECOND_NS + start
        cut = np.searchsorted(time, edges)
        return [
            Message(int(time[b - 1]), sensor.id, "beast", encode_beast(frames[a:b]))
            for a, b in zip(cut[:-1].tolist(), cut[1:].tolist(), strict=True)
            if b > a
        ]
    plots = sensing.radar_plots(sensor, flights, start, scenario.duration_s, scenario.seed, terrain)
    antenna = sensing.antenna(sensor, start, scenario.duration_s)
    crossing = _times(antenna)
    made = _messages(sensor, antenna_messages(antenna, batch=np.arange(len(antenna))), crossing)
    if len(plots):
        # A radar sends the plots of a sector when the beam has left it.
        sector = np.searchsorted(crossing, _times(plots), side="right")
        left = np.append(crossing, crossing[-1])[np.unique(sector)]
        made += _messages(sensor, radar_reports(plots, batch=sector), left)
    return sorted(made)


def _times(table: pa.Table) -> NDArray[np.int64]:
    return np.asarray(table["time"].cast(pa.int64()).to_numpy())


def _messages(sensor: Sensor, blocks: Datagrams, time_ns: NDArray[np.int64]) -> list[Message]:
    """Return blocks, one a message, with the time each is sent."""
    return [Message(t, sensor.id, "asterix", blocks[i]) for i, t in enumerate(time_ns.tolist())]
