"""Real input, live: the frames of a real flight as Beast over TCP, and real flights seen by simulated radars as ASTERIX
to a multicast group, both on loopback, at their pace and faster: one picture, recorded, replayed to the same bytes."""

from __future__ import annotations

import datetime as dt
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from test_network import free_port
from test_node import all_tracks, rewrite, same_files

from skypact.earth import geodesic
from skypact.exercise import Place, Recorded, Scenario, SimulatedSensor, Simulation
from skypact.exercise.sending import DatagramSender, StreamServer
from skypact.formats.modes import JsonlReader, encode_beast
from skypact.journal import Journal
from skypact.node import Node, NodeConfig, Pace, Recording, Replay, Source
from skypact.units import SECOND_NS, to_ns

BEGIN = dt.datetime(2024, 7, 6, 7, 20, tzinfo=dt.UTC)
"""In the middle of the flight, which went from Paris to Toulouse."""
SITES = ((48.7, 2.1), (47.4, 0.7), (45.8, 1.2), (44.9, 2.4))


def radar(number: int, latitude: float, longitude: float) -> SimulatedSensor:
    return SimulatedSensor(
        id=f"radar-{number}", kind="psr_mode_s", sac=254, sic=number, latitude_deg=latitude, longitude_deg=longitude,
        altitude_m=350.0, range_m=300e3, rotation_s=4.0 + number, pd=0.95,
    )  # fmt: skip


def scenario(shared: Path, seconds: float) -> Scenario:
    """Return four radars in France and real flights that were moved there."""
    flown = [("border_control", (46.3, 1.0)), ("zero_gravity", (46.8, 1.6)), ("inflight_refuelling", (47.2, 0.4))]
    return Scenario(
        id="france",
        title="Real flights over France",
        start=BEGIN,
        duration_s=seconds,
        sensors=tuple(radar(n + 1, *site) for n, site in enumerate(SITES)),
        recordings=tuple(
            Recorded(
                id=name, file=str(shared / "tracks" / f"{name}.json.gz"), start_s=-600.0, adsb=False,
                move_to=Place(latitude_deg=at[0], longitude_deg=at[1]),
            )
            for name, at in flown
        ),
    )  # fmt: skip


@pytest.mark.parametrize(("speed", "seconds"), [(1.0, 20.0), (20.0, 120.0)])
def test_a_real_flight_and_simulated_radars_make_one_picture(
    shared: Path, tmp_path: Path, speed: float, seconds: float
) -> None:
    recording = shared / "modes" / "rs1090_full_flight_short.jsonl.gz"
    import gzip

    frames = JsonlReader().feed(gzip.decompress(recording.read_bytes()))
    begin_ns = to_ns(BEGIN)
    frames = frames[(frames.clock_ns >= begin_ns) & (frames.clock_ns < begin_ns + int(seconds * SECOND_NS))]
    flown = scenario(shared, seconds)
    part = (frames.clock_ns - begin_ns) // (SECOND_NS // 4)
    beast = [(begin_ns + int(k + 1) * SECOND_NS // 4, encode_beast(frames[part == k])) for k in np.unique(part)]
    radars = [(m.time_ns, m.octets) for m in Simulation(flown).messages()]
    timeline = sorted([*((t, False, o) for t, o in beast), *((t, True, o) for t, o in radars)])
    group_port = free_port()
    datagrams, stream = DatagramSender("239.2.3.4", group_port), StreamServer(0)
    config = NodeConfig(
        node="paris",
        party="FR",
        exercise=True,
        clock="data",
        step_s=0.25 if speed == 1.0 else 0.05,
        journal=str(tmp_path / "j"),
        sources=(
            Source(name="radars", address=f"udp://239.2.3.4:{group_port}", interface="127.0.0.1", date=BEGIN.date()),
            Source(
                name="receiver", address=f"tcp://127.0.0.1:{stream.port}", format="beast", clock="day",
                date=BEGIN.date(),
            ),
        ),
    )  # fmt: skip
    node = Node(config, flown.catalogue)
    stop = threading.Event()

    def send() -> None:
        while not stream.clients:
            time.sleep(0.02)
        pace = Pace(speed)
        for at, is_radar, octets in timeline:
            stop.wait(max(pace.wait_s(at), 0.0))
            (datagrams if is_radar else stream).send(octets)
        time.sleep(0.5)
        stop.set()

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    moments = list(node.moments(stop))
    sender.join(5)
    datagrams.close()
    stream.close()

    tracks = all_tracks(tmp_path / "j")
    assert tracks.equals(pa.concat_tables([m.output.tracks for m in moments]))
    plots = pa.concat_tables([m.arrived.plots for m in moments])
    assert len(plots.filter(pc.equal(plots["kind"].cast(pa.string()), "adsb"))) > 0.9 * count_adsb(recording, seconds)
    own = tracks.filter(pc.equal(tracks["icao24"], 0x393322))
    sure = own.filter(pc.equal(own["status"].cast(pa.string()), "confirmed"))
    assert set(sure["track"].to_pylist()) == {sure["track"][0].as_py()}
    assert near(sure, recording)
    steps = list(Replay(Journal.open(tmp_path / "j")).steps())
    assert len(steps) == len(moments)
    assert all(step.same for step in steps)
    rewrite(tmp_path / "j", tmp_path / "again")
    same_files(tmp_path / "j", tmp_path / "again")
    if speed > 1:
        confirmed = tracks.filter(pc.equal(tracks["status"].cast(pa.string()), "confirmed"))
        addresses = {a for a in confirmed["icao24"].to_pylist() if a is not None}
        assert len(addresses) >= 4
        assert len(set(confirmed["track"].to_pylist())) <= 1.5 * len(addresses)


def placed(recording: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    found = pa.concat_tables([d.plots for d in Recording(recording)])
    found = found.filter(found["latitude_deg"].is_valid())
    return (
        found["time"].cast(pa.int64()).to_numpy(),
        found["latitude_deg"].to_numpy(),
        found["longitude_deg"].to_numpy(),
    )


def count_adsb(recording: Path, seconds: float) -> int:
    time_ns, _, _ = placed(recording)
    begin_ns = to_ns(BEGIN)
    return int(((time_ns >= begin_ns) & (time_ns < begin_ns + int(seconds * SECOND_NS))).sum())


def near(tracks: pa.Table, recording: Path) -> bool:
    """Whether a track follows the positions that the flight's own messages tell."""
    time_ns, latitude, longitude = placed(recording)
    at = tracks["time"].cast(pa.int64()).to_numpy()
    expected = np.interp(at, time_ns, latitude), np.interp(at, time_ns, longitude)
    away, _, _ = geodesic.inverse(
        tracks["latitude_deg"].to_numpy(), tracks["longitude_deg"].to_numpy(), expected[0], expected[1]
    )
    return bool(np.percentile(away, 95) < 150)


def test_what_is_simulated_does_not_leave_the_machine() -> None:
    from skypact.errors import MisuseError

    for host in ("192.0.2.7", "8.8.8.8", "0.0.0.0", "::1", "example.org"):
        with pytest.raises(MisuseError):
            DatagramSender(host, 8600)
