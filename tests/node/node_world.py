"""A small exercise whose bytes nodes take in: flights seen by radars and a receiver."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import cache
from pathlib import Path

import msgspec

from skypact.exercise import Flight, Message, Scenario, SimulatedSensor, Simulation, Waypoint
from skypact.formats.datagrams import Datagrams
from skypact.formats.pcap import write_pcap
from skypact.node import Moment, Node, NodeConfig, Source

START = dt.datetime(2026, 6, 1, 2, 0, tzinfo=dt.UTC)


def _flight(name: str, latitude: float, icao24: str) -> Flight:
    route = tuple(Waypoint(latitude_deg=latitude, longitude_deg=east) for east in (73.5, 77.5))
    return Flight(
        id=name, route=route, altitude_m=9_000.0, icao24=icao24, mode_3a="2101", callsign=name.upper(), adsb=True
    )


SCENARIO = Scenario(
    id="small",
    title="Small",
    start=START,
    duration_s=120.0,
    seed=3,
    sensors=(
        SimulatedSensor(
            id="east", party="KG", kind="psr_mode_s", sac=251, sic=1, latitude_deg=43.06, longitude_deg=74.48,
            altitude_m=652.0, range_m=250e3, rotation_s=5.0, pd=0.95,
        ),
        SimulatedSensor(
            id="ear", party="KG", kind="adsb", latitude_deg=43.06, longitude_deg=74.48, altitude_m=652.0, range_m=400e3,
            pd=0.9,
        ),
    ),
    flights=(_flight("exr1", 43.2, "601001"), _flight("exr2", 43.6, "601002")),
)  # fmt: skip


@cache
def sent() -> list[Message]:
    """Return what the sensors send."""
    return list(Simulation(SCENARIO).messages())


def now_at(start: dt.datetime) -> list[Message]:
    """Return the same with another beginning."""
    return list(Simulation(msgspec.structs.replace(SCENARIO, start=start)).messages())


def radar_pcap(path: Path) -> Path:
    """Write what the radar sends as a capture."""
    radars = [m for m in sent() if m.wire == "asterix"]
    path.write_bytes(write_pcap(Datagrams.of([m.octets for m in radars], [m.time_ns for m in radars])))
    return path


def beast_file(path: Path) -> Path:
    """Write what the receiver sends as a stream."""
    path.write_bytes(b"".join(m.octets for m in sent() if m.wire == "beast"))
    return path


def sensors_file(path: Path) -> Path:
    path.write_text(SCENARIO.catalogue.to_toml())
    return path


def config(tmp_path: Path, *sources: Source, **more: object) -> NodeConfig:
    """Return a node's configuration, with the catalogue of the small exercise."""
    told: dict[str, object] = {
        "node": "one",
        "party": "KG",
        "exercise": True,
        "sensors": str(sensors_file(tmp_path / "sensors.toml")),
        "sources": sources,
        "speed": "max",
    }
    return NodeConfig(**told | more)  # type: ignore[arg-type]


def recordings(tmp_path: Path) -> tuple[Source, Source]:
    return (
        Source(name="radars", address=str(radar_pcap(tmp_path / "radars.pcap"))),
        Source(
            name="ear", address=str(beast_file(tmp_path / "ear.beast")), format="beast", clock="day", simulated=True,
            date=START.date(), latitude_deg=43.06, longitude_deg=74.48,
        ),
    )  # fmt: skip


def until(node: Node, enough: Callable[[list[Moment]], bool], most: int = 400) -> list[Moment]:
    """Run a node until there is enough, and end it."""
    found: list[Moment] = []
    moments = node.moments()
    for moment in moments:
        found.append(moment)
        if enough(found) or len(found) >= most:
            break
    moments.close()  # type: ignore[attr-defined]
    return found


def plots(moments: list[Moment]) -> int:
    return sum(m.arrived.plots.num_rows for m in moments)
