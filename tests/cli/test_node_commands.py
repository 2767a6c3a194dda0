"""Nodes, journals and exercises as a user runs them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from test_commands import refused, skypact

from skypact.exercise import read

SHORT = """
schema = "scenario/1"
id = "short"
title = "Two minutes of two flights"
start = 2026-06-01T02:00:00Z
duration_s = 120
seed = 5

[[sensor]]
id = "manas-radar"
party = "KG"
kind = "psr_mode_s"
sac = 251
sic = 1
latitude_deg = 43.0613
longitude_deg = 74.4776
altitude_m = 652
range_m = 250000
rotation_s = 4
pd = 0.95
site = "hypothetical"

[[sensor]]
id = "almaty-receiver"
party = "KZ"
kind = "adsb"
latitude_deg = 43.3521
longitude_deg = 77.0405
altitude_m = 701
range_m = 400000
pd = 0.9
site = "hypothetical"

[[flight]]
id = "one"
icao24 = "601001"
mode_3a = "2101"
callsign = "EXR101"
adsb = true
altitude_m = 9000
route = [{ latitude_deg = 43.2, longitude_deg = 74.0 }, { latitude_deg = 43.4, longitude_deg = 77.5 }]

[[flight]]
id = "two"
icao24 = "601002"
mode_3a = "2102"
callsign = "EXR102"
adsb = true
altitude_m = 10000
route = [{ latitude_deg = 43.6, longitude_deg = 77.5 }, { latitude_deg = 43.3, longitude_deg = 74.0 }]
"""


@pytest.fixture
def short(tmp_path: Path) -> Path:
    path = tmp_path / "short.toml"
    path.write_text(SHORT)
    return path


def test_an_exercise_is_run_kept_scored_replayed_and_exported(
    short: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    code, text, err = skypact(capsys, "exercise", "run", short, "-o", out, "--json")
    assert code == 0, err
    scores = json.loads(text)
    assert set(scores) == {"KG", "KZ"}
    assert scores["KG"]["completeness"] > 0.9
    assert json.loads((out / "score.json").read_text())["KZ"]["tracks"] == 2
    names = {p.name for p in out.iterdir()}
    assert names == {"KG", "KZ", "truth.parquet", "sensors.toml", "radars.pcap", "almaty-receiver.beast", "score.json"}

    code, text, err = skypact(capsys, "replay", out / "KG", "-o", tmp_path / "again", "--json")
    assert code == 0, err
    assert json.loads(text) | {"track_rows": 0} == {
        "steps": 241, "track_rows": 0, "differ": 0, "missing": 0, "same": True,
    }  # fmt: skip
    code, text, _ = skypact(capsys, "replay", out / "KG", "--from", "2026-06-01T02:01:00Z", "--speed", "max")
    assert code == 0
    assert "all to the same bytes" in text

    instant = "2026-06-01T02:01:30Z"
    target = tmp_path / "picture.geojson"
    code, _, err = skypact(capsys, "export", out / "KG", "--at", instant, "--to", "geojson", "-o", target)
    assert code == 0, err
    features = json.loads(target.read_text())["features"]
    assert {f["properties"]["callsign"] for f in features} == {"EXR101", "EXR102"}
    code, text, _ = skypact(capsys, "export", out / "KG", "--to", "parquet", "-o", tmp_path / "t.parquet", "--json")
    assert code == 0
    assert json.loads(text)["rows"] == pq.read_table(tmp_path / "t.parquet").num_rows > 40
    code, text, _ = skypact(capsys, "score", tmp_path / "t.parquet", "--truth", out / "truth.parquet", "--json")
    assert code == 0
    assert json.loads(text)["objects"] == 2
    code, _, _ = skypact(
        capsys, "export", out / "KG", "--table", "plots", "--to", "csv", "-o", tmp_path / "p.csv", "--until", instant
    )
    assert code == 0
    assert 10 < len((tmp_path / "p.csv").read_text().splitlines()) < 100

    assert "is there already" in refused(capsys, 2, "exercise", "run", short, "-o", out)
    assert "holds plots" in refused(capsys, 1, "export", out / "KG", "--table", "warnings", "--to", "csv")
    assert "no time" in refused(capsys, 2, "export", out / "KG", "--at", "noon", "--to", "csv")
    assert "for journals" in refused(capsys, 2, "export", tmp_path / "t.parquet", "--at", instant, "--to", "csv")
    assert "journal" in refused(capsys, 1, "replay", tmp_path / "nowhere")
    assert "neither" in refused(capsys, 1, "replay", out / "KG", "-o", tmp_path)


def test_the_seed_decides_and_the_sensors_bytes_give_the_same_picture(
    short: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was written as bytes and read by `run` is what the exercise's own centre had."""
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert skypact(capsys, "exercise", "run", short, "-o", tmp_path / name, "--seed", str(seed))[0] == 0
    octets = [(tmp_path / name / "radars.pcap").read_bytes() for name in "abc"]
    assert octets[0] == octets[1] != octets[2]
    a, b = (sorted((tmp_path / n / "KG" / "tracks").iterdir()) for n in "ab")
    assert a[0].read_bytes() == b[0].read_bytes()
    code, text, err = skypact(
        capsys, "run", "--input", tmp_path / "a" / "radars.pcap", "--sensors", tmp_path / "a" / "sensors.toml",
        "--speed", "max", "--journal", tmp_path / "j",
    )  # fmt: skip
    assert code == 0, err
    assert "2 tracks" in " ".join(text.split())
    columns = ["time", "track", "status", "latitude_deg", "longitude_deg"]
    found = [
        pq.read_table(next(iter(sorted(p.iterdir()))), columns=columns) for p in (a[0].parent, tmp_path / "j/tracks")
    ]
    assert found[0].equals(found[1])


def test_scenarios_are_sent_to_a_live_node(short: Path, tmp_path: Path) -> None:
    """A node on a multicast group and a receiver's port, ended by SIGTERM in an orderly way."""
    (tmp_path / "sensors.toml").write_text(read(short).catalogue.to_toml())
    (tmp_path / "node.toml").write_text(
        """
schema = "node/1"
node = "bishkek"
party = "KG"
exercise = true
sensors = "sensors.toml"
journal = "journal"
http = "127.0.0.1:39180"

[[source]]
name = "radars"
from = "udp://239.0.7.7:38600"
interface = "127.0.0.1"

[[source]]
name = "almaty-receiver"
from = "tcp://127.0.0.1:38601"
format = "beast"
clock = "day"
simulated = true
"""
    )
    run = [sys.executable, "-m", "skypact.cli"]
    node = subprocess.Popen(
        [*run, "run", tmp_path / "node.toml", "--log", "json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"COLUMNS": "120"},
    )  # fmt: skip
    sender = subprocess.Popen(
        [*run, "exercise", "send", short, "--to", "udp://239.0.7.7:38600", "--serve", "38601", "--now"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        health: dict[str, object] = {}
        end = time.monotonic() + 60
        while health.get("tracks") != 2 and time.monotonic() < end:
            time.sleep(0.5)
            try:
                with urllib.request.urlopen("http://127.0.0.1:39180/healthz", timeout=2) as answer:
                    health = json.load(answer)
            except OSError:
                continue
        with urllib.request.urlopen("http://127.0.0.1:39180/metrics", timeout=2) as answer:
            figures = answer.read().decode()
    finally:
        node.send_signal(signal.SIGTERM)
        sender.send_signal(signal.SIGINT)
        out, err = node.communicate(timeout=30)
        said, _ = sender.communicate(timeout=30)
    assert node.returncode == 0, err
    assert health["tracks"] == 2
    assert health["ok"]
    assert 'skypact_source_up{source="radars"} 1.0' in figures
    assert "2 tracks" in out
    assert "EXERCISE: simulated" in out
    assert "datagrams and" in said
    events = [json.loads(line) for line in err.splitlines()]
    assert {"source radars: receiving", "source almaty-receiver: receiving"} <= {e["message"] for e in events}
    assert all({"time", "level", "logger", "message"} <= set(e) for e in events)
    done = subprocess.run([*run, "replay", tmp_path / "journal", "--json"], capture_output=True, text=True, check=False)
    assert json.loads(done.stdout)["same"], done.stderr


def test_misuse_of_exercises_is_one_clear_line(short: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "does not exist" in refused(capsys, 1, "exercise", "run", tmp_path / "none.toml", "-o", tmp_path / "x")
    assert "say where to send" in refused(capsys, 2, "exercise", "send", short)
    assert "loopback" in refused(capsys, 2, "exercise", "send", short, "--to", "udp://192.0.2.1:8600")
    assert "udp://ADDRESS:PORT" in refused(capsys, 2, "exercise", "send", short, "--to", "nowhere")
    short.write_text(SHORT.replace("rotation_s = 4", "rotation = 4"))
    assert "short.toml:19" in refused(capsys, 1, "exercise", "run", short, "-o", tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_a_line_that_brings_nothing_is_said_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # not listening: connections are refused
        port = taken.getsockname()[1]
        code, _, err = skypact(capsys, "run", "--connect", f"tcp://127.0.0.1:{port}", "--seconds", "2")
    assert code == 1
    last = err.strip().splitlines()[-1]
    assert last == "skypact: nothing came from receiver: not connected (connection refused)"
    for seconds in ("-1", "nan", "0"):
        assert "--seconds" in refused(capsys, 2, "demo", "--seconds", seconds)
    assert "850 to 1100" in refused(capsys, 2, "run", "--connect", "tcp://127.0.0.1:1", "--qnh", "0")


def test_a_run_can_be_summed_up_for_machines(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording = shared / "modes" / "sample_dump1090.bin"
    code, out, _ = skypact(capsys, "run", "--input", recording, "--speed", "max", "--json")
    assert code == 0
    found = json.loads(out)
    assert found["plots"]["plots"] > 100
    assert found["confirmed"] == 1
