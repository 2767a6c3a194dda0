"""``skypact exercise``: scenarios run through a centre of each party, or sent to nodes as if they were live."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from skypact.cli import _options as options
from skypact.errors import MisuseError

if TYPE_CHECKING:
    import pyarrow as pa

    from skypact.exercise import Scenario, SimulatedSensor, Simulation

app = typer.Typer(help="Exercises in simulation: run a scenario, or send it to nodes.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(help="A shipped scenario, or a file.")]
Seed = Annotated[int | None, typer.Option("--seed", help="Of everything left to chance; else the scenario's.")]


@app.command()
def run(
    scenario: Which,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for what comes of it.")],
    seed: Seed = None,
    as_json: options.Json = False,
) -> None:
    """Run a scenario as fast as possible: a centre and a journal for each party, truth, and how good the tracks are.

    Example: skypact exercise run joint-sky -o out
    """
    import json

    from skypact.cli import _say
    from skypact.exercise import Simulation

    flown = _scenario(scenario, seed)
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise MisuseError(f"{output} is there already; name a new folder with -o")
    output.mkdir(parents=True, exist_ok=True)
    _say.note(f"making what the sensors of {flown.id!r} see ...")
    simulation = Simulation(flown)
    _keep(simulation, output)
    scores: dict[str, Any] = {}
    texts = []
    for party, sensors in flown.parties.items():
        name = party or "nobody"
        _say.note(f"running the centre of {name} ...")
        scores[name], text = _run(simulation, name, sensors, output)
        texts.append(f"{name}\n{text}")
    (output / "score.json").write_text(json.dumps(scores, indent=2, default=str) + "\n", encoding="utf-8")
    _say.result(scores, "\n\n".join(texts), as_json)


@app.command()
def send(
    scenario: Which,
    to: Annotated[
        str | None, typer.Option("--to", metavar="udp://ADDRESS:PORT", help="Where radars send, on this machine.")
    ] = None,
    serve: Annotated[
        int | None,
        typer.Option("--serve", metavar="PORT", help="First port on which receivers serve Beast, one each."),
    ] = None,
    speed: Annotated[float, typer.Option("--speed", metavar="N", help="Times real time.")] = 1.0,
    now: Annotated[bool, typer.Option("--now", help="Begin the scenario at the present time.")] = False,
    seconds: options.Seconds = None,
    seed: Seed = None,
) -> None:
    """Send what a scenario's sensors see to nodes on this machine: CAT048 and CAT034 as datagrams, Beast over TCP.

    Example: skypact exercise send joint-sky --to udp://239.0.0.1:8600 --serve 30005 --now
    """
    import datetime as dt

    import msgspec

    from skypact.cli import _say
    from skypact.cli._send import sending
    from skypact.exercise import Simulation

    if to is None and serve is None:
        raise MisuseError("say where to send: --to udp://ADDRESS:PORT, --serve PORT, or both")
    if not 0 < speed <= 1_000:
        raise MisuseError(f"--speed {speed:g}: write a number above zero, up to 1000")
    limit_s = options.duration(seconds)
    flown = _scenario(scenario, seed)
    if now:
        flown = msgspec.structs.replace(flown, start=dt.datetime.now(dt.UTC) + dt.timedelta(seconds=5))
    _say.note(f"making what the sensors of {flown.id!r} see ...")
    simulation = Simulation(flown)
    sent = sending(simulation, to, serve, speed, limit_s)
    print(f"{sent.datagrams:,} datagrams and {sent.pieces:,} pieces of streams sent, {sent.octets:,} octets")


def _scenario(name: str, seed: int | None) -> Scenario:
    import msgspec

    from skypact.exercise import read

    flown = read(name)
    return flown if seed is None else msgspec.structs.replace(flown, seed=seed)


def _keep(simulation: Simulation, output: Path) -> None:
    """Write truth, the catalogue, and the bytes that the sensors sent."""
    import pyarrow.parquet as pq

    from skypact.formats.datagrams import Datagrams
    from skypact.formats.pcap import write_pcap

    pq.write_table(simulation.truth(), output / "truth.parquet", compression="zstd")
    (output / "sensors.toml").write_text(simulation.scenario.catalogue.to_toml(), encoding="utf-8")
    sent = list(simulation.messages())
    radars = [m for m in sent if m.wire == "asterix"]
    if radars:
        datagrams = Datagrams.of([m.octets for m in radars], [m.time_ns for m in radars])
        (output / "radars.pcap").write_bytes(write_pcap(datagrams))
    for sensor in simulation.scenario.sensors:
        if not sensor.is_radar:
            octets = b"".join(m.octets for m in sent if m.sensor == sensor.id)
            (output / f"{sensor.id}.beast").write_bytes(octets)


def _run(
    simulation: Simulation, party: str, sensors: Sequence[SimulatedSensor], output: Path
) -> tuple[dict[str, Any], str]:
    """Run the centre of one party and return how good its tracks are, for machines and for people."""
    import pyarrow as pa

    from skypact.cli import _flight
    from skypact.journal import Journal
    from skypact.node import Node, NodeConfig, PlayedFeed
    from skypact.scoring import score
    from skypact.sensors import Catalogue
    from skypact.tables import TRACKS, empty

    folder = output / party
    config = NodeConfig(node=party.lower(), party=party, exercise=True, speed="max", sources=(), journal=str(folder))
    steps = _flight.steps_of(simulation.messages(sensors), _flight.Decoder(sensors))
    node = Node(config, Catalogue(sensor.told for sensor in sensors), [PlayedFeed(party, steps)])
    for _ in node.moments():
        pass
    tracks = pa.concat_tables([empty(TRACKS), *_tracks(Journal.open(folder))])
    found = score(tracks, simulation.truth(sensors))
    return {"plots": node.status.plots, **found.to_dict()}, str(found)


def _tracks(journal: Any) -> list[pa.Table]:
    return list(journal.read("tracks"))
