"""What sensors send, as bytes: ASTERIX from radars, Beast from ADS-B receivers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skypact.exercise.radar import antenna, plots_table
from skypact.exercise.sight import blind
from skypact.formats.asterix import antenna_messages, radar_reports
from skypact.formats.modes import encode_beast
from skypact.units import SECOND_NS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from skypact.exercise.instruments import SimulatedSensor
    from skypact.exercise.radar import Beam, Echoes
    from skypact.formats.modes import Frames

LINE_NS = SECOND_NS // 4
"""How long a receiver gathers frames before it sends them."""


@dataclass(frozen=True, slots=True)
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


def asterix(
    sensor: SimulatedSensor,
    beam: Beam,
    echoes: Echoes,
    callsigns: Sequence[str | None],
    start_ns: int,
    duration_s: float,
) -> Iterator[Message]:
    """Yield what a radar sends whenever its beam enters a sector: the plots of the one it left, and the sector's name.

    A message is one or two data blocks, CAT048 and CAT034.
    """
    sector, passed = beam.crossings(duration_s)
    announced = ~blind(sensor, passed)
    services = antenna(sensor, sector[announced], passed[announced], start_ns)
    names = iter(antenna_messages(services, batch=np.arange(len(services))))
    left = np.searchsorted(passed, echoes.time_s, side="right").clip(max=len(passed) - 1)
    plots: Iterator[bytes] = iter(())
    if len(left):
        plots = iter(radar_reports(plots_table(sensor, echoes, callsigns, start_ns), batch=left))
    full = np.zeros(len(passed), bool)
    full[left] = True
    time = start_ns + np.rint(passed * SECOND_NS).astype(np.int64)
    for at, has, names_it in zip(time.tolist(), full.tolist(), announced.tolist(), strict=True):
        octets = (next(plots) if has else b"") + (next(names) if names_it else b"")
        if octets:
            yield Message(at, sensor.id, "asterix", octets)


def beast(sensor: SimulatedSensor, frames: Frames, time_ns: NDArray[np.int64]) -> Iterator[Message]:
    """Yield what a receiver sends: every quarter of a second the frames heard, stamped with the time of day."""
    part = time_ns // LINE_NS
    cuts = np.flatnonzero(np.diff(part)) + 1
    begin, end = [0, *cuts.tolist()], [*cuts.tolist(), len(part)]
    for a, b in zip(begin, end, strict=True):
        if b > a:
            yield Message(int(time_ns[b - 1]), sensor.id, "beast", encode_beast(frames[a:b]))
