"""A scenario's bytes as steps of input: what its radars send to one group, and each receiver on its own line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from skypact.exercise import Message, Simulation
from skypact.formats.asterix import AsterixDecoder
from skypact.formats.datagrams import Datagrams
from skypact.formats.decoded import Decoded, joined
from skypact.formats.intake import Intake, intake
from skypact.node import Step
from skypact.node import steps as cut

if TYPE_CHECKING:
    from skypact.exercise import Scenario, SimulatedSensor

WINDOW_NS = 10_000_000_000
"""How much is decoded at once: the more, the less a message costs."""


class Decoder:
    """Decodes what the sensors of a scenario send, each receiver's line by itself.

    Parameters
    ----------
    sensors : iterable of SimulatedSensor
    """

    def __init__(self, sensors: Iterable[SimulatedSensor]) -> None:
        self._asterix = AsterixDecoder()
        self._lines = {s.id: _line(s) for s in sensors if not s.is_radar}

    def decode(self, sent: Iterable[Message]) -> Decoded:
        """Return what messages say."""
        lines: dict[str, list[Message]] = {}
        for m in sent:
            lines.setdefault("" if m.wire == "asterix" else m.sensor, []).append(m)
        radar = lines.pop("", [])
        decoded = self._asterix.decode(Datagrams.of([m.octets for m in radar], [m.time_ns for m in radar]))
        heard = [
            self._lines[sensor].pieces([m.octets for m in sent], [m.time_ns for m in sent])
            for sensor, sent in lines.items()
        ]
        return joined([decoded, *heard])


def _line(sensor: SimulatedSensor) -> Intake:
    latitude, longitude, _ = sensor.site_geodetic
    return intake("beast", sensor=sensor.id, reference=(latitude, longitude), clock="day", simulated=True)


def steps(scenario: Scenario) -> Iterator[Step]:
    """Yield a scenario as steps of decoded input."""
    yield from steps_of(Simulation(scenario).messages(), Decoder(scenario.sensors))


def steps_of(messages: Iterable[Message], decoder: Decoder) -> Iterator[Step]:
    """Yield messages, in the order of time, as steps of decoded input."""
    windows = groupby(messages, key=lambda m: m.time_ns // WINDOW_NS)
    return cut(decoder.decode(sent) for _, sent in windows)


def rehearse() -> None:
    """Run everything a first use would compile, on the shipped scenario."""
    from io import StringIO

    from rich.console import Console

    from skypact.centre import Centre, CentreConfig
    from skypact.cli._picture import Picture
    from skypact.exercise import read

    flown = read("first-light")
    centre = Centre(CentreConfig(catalogue=flown.catalogue, exercise=True))
    picture = Picture(flown.title, flown.sensors)
    for step in steps(flown):
        output = centre.step(step.now_ns, step.arrived.plots, services=step.arrived.services)
        picture.update(step.now_ns, output.tracks)
    Console(file=StringIO(), width=120, height=40, force_terminal=True).print(picture)
