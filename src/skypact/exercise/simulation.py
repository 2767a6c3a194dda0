"""A scenario run: where everything truly was, what each sensor detected, and the bytes it sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from heapq import merge
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from skypact.earth.terrain import Terrain
from skypact.exercise import feeds, radar, receiver
from skypact.exercise.feeds import Message
from skypact.exercise.merging import merged
from skypact.exercise.movers import movers
from skypact.exercise.radar import Beam, Echoes
from skypact.exercise.sight import Sight, sight
from skypact.tables import IDENTITIES, TRUTH, build, times, words
from skypact.units import SECOND_NS, to_ns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skypact.exercise.instruments import SimulatedSensor
    from skypact.exercise.motion import State
    from skypact.exercise.scenario import Scenario
    from skypact.formats.modes import Frames

GRID_S = 1.0
"""How often truth is told, and how finely objects are followed to find when a beam meets them."""
LISTEN = 2
"""A receiver's line of sight is worked out at every so manieth time of the grid: every 2 s, within 500 m of flight."""


@dataclass(frozen=True, slots=True, eq=False)
class Watch:
    """What a radar saw: its sight of each object that it can see at all, by index, and what it detected."""

    beam: Beam
    sights: dict[int, Sight]
    echoes: Echoes


@dataclass(frozen=True, slots=True, eq=False)
class Listening:
    """What a receiver heard: its sight of each object that sends, by index, the frames and when they arrived."""

    sights: dict[int, Sight]
    frames: Frames
    time_ns: NDArray[np.int64]


class Simulation:
    """One run of a scenario; everything in it is worked out when first asked for, and always the same.

    Every sensor and every object has its own stream of chance: taking one away or adding one leaves what all others
    do, and what others see of them, as it was, except where echoes merge.

    Parameters
    ----------
    scenario : Scenario
    terrain : Terrain, optional
        The shipped one if not given.

    Attributes
    ----------
    scenario : Scenario
    movers : tuple of Mover
        What moves.

    Raises
    ------
    InputError, FormatError
        A recording of the scenario that cannot be read.
    """

    def __init__(self, scenario: Scenario, terrain: Terrain | None = None) -> None:
        self.scenario = scenario
        self.movers = movers(scenario)
        self._terrain = Terrain.shipped() if terrain is None else terrain
        self._start_ns = to_ns(scenario.start)
        self._grid_s = np.arange(0.0, scenario.duration_s + GRID_S, GRID_S)
        self._watched: dict[str, Watch] = {}
        self._heard: dict[str, Listening] = {}

    @cached_property
    def _grid(self) -> list[State]:
        return [mover.motion.at(self._grid_s) for mover in self.movers]

    @cached_property
    def _squitters(self) -> dict[int, receiver.Squitters]:
        scenario = self.scenario
        sending = [(i, m) for i, m in enumerate(self.movers) if m.adsb]
        return {i: receiver.squitters(mover, scenario.duration_s, scenario.seed) for i, mover in sending}

    def watch(self, sensor: SimulatedSensor) -> Watch:
        """Return what a radar of the scenario saw."""
        if sensor.id not in self._watched:
            self._watched[sensor.id] = self._watch(sensor)
        return self._watched[sensor.id]

    def listen(self, sensor: SimulatedSensor) -> Listening:
        """Return what an ADS-B receiver of the scenario heard."""
        if sensor.id not in self._heard:
            self._heard[sensor.id] = self._listen(sensor)
        return self._heard[sensor.id]

    def _watch(self, sensor: SimulatedSensor) -> Watch:
        seed, duration = self.scenario.seed, self.scenario.duration_s
        beam = Beam.of(sensor, seed)
        parts = [radar.clutter(sensor, beam, duration, seed)]
        sights = {}
        for i, mover in enumerate(self.movers):
            if not (sensor.has_primary or mover.answers):
                continue
            met = beam.meets(sensor, mover, self._grid_s, self._grid[i])
            sights[i], found = radar.look(sensor, mover, i, met[(met >= 0) & (met < duration)], seed, self._terrain)
            parts.append(found)
        return Watch(beam, sights, merged(Echoes.joined(parts), sensor, beam.turn_s))

    def _listen(self, sensor: SimulatedSensor) -> Listening:
        sights, heard = {}, []
        for i, sent in self._squitters.items():
            grid = self._grid[i][::LISTEN]
            sights[i] = sight(sensor, grid, self._grid_s[::LISTEN], self._terrain)
            heard.append(receiver.hear(sensor, self.movers[i], sent, sights[i], self.scenario.seed))
        return Listening(sights, *receiver.stamped(sensor, heard, self._start_ns))

    def plots(self, sensor: SimulatedSensor) -> pa.Table:
        """Return what a radar detected as PLOTS, before it is rounded to what its messages hold."""
        return radar.plots_table(sensor, self.watch(sensor).echoes, self._callsigns, self._start_ns)

    @property
    def _callsigns(self) -> list[str | None]:
        return [mover.callsign for mover in self.movers]

    def messages(self, sensors: Iterable[SimulatedSensor] | None = None) -> Iterator[Message]:
        """Yield what sensors, or all of them, send, in the order of time, then of the sensors' ids."""
        sending = sorted(self.scenario.sensors if sensors is None else sensors, key=attrgetter("id"))
        return merge(*(self._send(sensor) for sensor in sending), key=attrgetter("time_ns"))

    def _send(self, sensor: SimulatedSensor) -> Iterator[Message]:
        if not sensor.is_radar:
            heard = self.listen(sensor)
            return feeds.beast(sensor, heard.frames, heard.time_ns)
        seen = self.watch(sensor)
        duration = self.scenario.duration_s
        return feeds.asterix(sensor, seen.beam, seen.echoes, self._callsigns, self._start_ns, duration)

    def truth(self, sensors: Iterable[SimulatedSensor] | None = None) -> pa.Table:
        """Return where everything truly was, every second while it existed, in the order of time.

        Parameters
        ----------
        sensors : iterable of SimulatedSensor, optional
            Those that decide what is trackable; all of the scenario if not given.
        """
        watching = tuple(self.scenario.sensors if sensors is None else sensors)
        time = np.arange(len(self._grid_s))[self._grid_s <= self.scenario.duration_s]
        object_, at = [], []
        for i, grid in enumerate(self._grid):
            exists = time[grid.exists[time]]
            object_.append(np.full(len(exists), i))
            at.append(exists)
        which, when = np.concatenate(object_), np.concatenate(at)
        order = np.lexsort((which, when))
        which, when = which[order], when[order]
        trackable = np.stack([self._trackable(i, watching) for i in range(len(self.movers))])[which, when]

        def state(name: str) -> NDArray[np.float64]:
            return np.stack([getattr(grid, name) for grid in self._grid])[which, when]

        def said(name: str, kind: pa.DataType) -> pa.Array:
            return pa.array([getattr(mover, name) for mover in self.movers], kind).take(pa.array(which))

        identity = np.array([-1 if m.identity is None else IDENTITIES.index(m.identity) for m in self.movers], np.int8)
        ids = pa.array([mover.id for mover in self.movers], pa.string())
        columns = {
            "time": times(self._start_ns + np.rint(self._grid_s[when] * SECOND_NS).astype(np.int64)),
            "object": pa.DictionaryArray.from_arrays(pa.array(which.astype(np.int32)), ids),
            **{name: state(name) for name in ("latitude_deg", "longitude_deg", "altitude_m")},
            **{f"velocity_{name}": state(name) for name in ("east_m_s", "north_m_s", "up_m_s")},
            "icao24": said("icao24", pa.uint32()),
            "mode_3a": said("mode_3a", pa.uint16()),
            "callsign": said("callsign", pa.string()),
            "identity": words("identity", identity[which]),
            "trackable": pa.array(trackable),
        }
        return build(TRUTH, len(which), columns)

    def _trackable(self, mover: int, sensors: Iterable[SimulatedSensor]) -> NDArray[np.bool_]:
        """Return whether any of some sensors could see an object, at each time of the grid."""
        seen = np.zeros(len(self._grid_s), bool)
        for sensor in sensors:
            sights = self.watch(sensor).sights if sensor.is_radar else self.listen(sensor).sights
            if mover in sights:
                seen |= sights[mover].at(self._grid_s)
        return seen


def messages(scenario: Scenario, terrain: Terrain | None = None) -> Iterator[Message]:
    """Yield what all sensors of a scenario send, in the order of time; the same scenario gives the same bytes."""
    return Simulation(scenario, terrain).messages()
