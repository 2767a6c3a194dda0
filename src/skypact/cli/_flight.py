"""A scenario's bytes as steps of input: what its radars send to one group, and each receiver on its own line."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING

import pyarrow as pa

from skypact.earth.terrain import Terrain
from skypact.exercise import Message, messages
from skypact.formats.asterix import AsterixDecoder
from skypact.formats.datagrams import Datagrams
from skypact.formats.decoded import Decoded
from skypact.formats.intake import Intake, intake
from skypact.node import Step

if TYPE_CHECKING:
    from skypact.exercise import Scenario

STEP_NS = 500_000_000


def steps(scenario: Scenario) -> Iterator[Step]:
    """Yield a scenario as steps of decoded input."""
    asterix = AsterixDecoder()
    receivers: dict[str, Intake] = {}
    for number, sent in groupby(messages(scenario, Terrain.shipped()), key=lambda m: m.time_ns // STEP_NS):
        yield Step((number + 1) * STEP_NS, _decode(list(sent), asterix, receivers))


def _decode(sent: list[Message], asterix: AsterixDecoder, receivers: dict[str, Intake]) -> Decoded:
    radar = [m for m in sent if m.wire == "asterix"]
    decoded = asterix.decode(Datagrams.of([m.octets for m in radar], [m.time_ns for m in radar]))
    plots = [decoded.plots]
    for m in sent:
        if m.wire != "asterix":
            line = receivers.setdefault(m.sensor, intake(m.wire, sensor=m.sensor, simulated=True))
            plots.append(line.feed(m.octets, m.time_ns).plots)
    return Decoded(plots=pa.concat_tables(plots), services=decoded.services)


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
