"""Commands as a user types them: exit codes, one clear line for each error, results that can be read again."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from pyproj import Geod
from scipy.spatial import cKDTree

from skypact.cli import execute
from skypact.exercise import shipped
from skypact.node import Recording


def skypact(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    code = execute([str(a) for a in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def refused(capsys: pytest.CaptureFixture[str], code: int, *arguments: str | Path) -> str:
    """Run a command that must fail with one line; return the line."""
    found, _, err = skypact(capsys, *arguments)
    lines = [line for line in err.splitlines() if line]
    assert found == code, err
    assert len(lines) == 1, err
    assert lines[0].startswith("skypact: ")
    return lines[0]


def test_help_names_every_command_and_answers_without_heavy_imports(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = skypact(capsys, "--help")
    assert code == 0
    names = ("demo", "run", "replay", "decode", "track", "score", "export", "doctor", "exercise run", "exercise send")
    for name in names:
        assert f"  {name.partition(' ')[0]} " in out
        code, text, _ = skypact(capsys, *name.split(), "--help")
        assert code == 0
        assert "Example: skypact " in text
    script = "import sys; from skypact.cli import execute; execute(['--help']); print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"numpy", "pyarrow", "numba", "rasterio", "pandas"} & set(loaded)


def test_one_flight_is_one_track_near_its_positions(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = shared / "modes" / "rs1090_full_flight_short.jsonl.gz"
    code, out, _ = skypact(capsys, "track", recording, "-o", tmp_path / "tracks.parquet", "--json")
    assert code == 0
    assert json.loads(out)["tracks"] == 1
    tracks = pq.read_table(tmp_path / "tracks.parquet").to_pandas()
    assert set(tracks["track"]) == {1}
    assert set(tracks["icao24"].dropna()) == {0x393322}
    plots = [d.plots for d in Recording(recording)]
    placed = np.concatenate(
        [np.column_stack([p["time"].cast("int64"), p["latitude_deg"], p["longitude_deg"]]) for p in plots if len(p)]
    )
    placed = placed[~np.isnan(placed[:, 1])]
    begin, end = (tracks["time"].astype("int64").iloc[i] for i in (0, -1))
    assert begin - placed[0, 0] < 5e9
    assert placed[-1, 0] - end < 5e9
    inside = placed[(placed[:, 0] >= begin) & (placed[:, 0] <= end)]
    at = [np.interp(inside[:, 0], tracks["time"].astype("int64"), tracks[n]) for n in ("latitude_deg", "longitude_deg")]
    _, _, away = Geod(ellps="WGS84").inv(at[1], at[0], inside[:, 2], inside[:, 1])
    # The aircraft's own positions jump along its way, by up to 200 m every 47 s, which no track should follow.
    assert np.median(away) < 15
    assert np.percentile(away, 98) < 100
    # Beside its way none lies far: the path between the rows of the track in steps of 10 m or so.
    dense = np.arange(begin, end, 50_000_000)
    path = [np.interp(dense, tracks["time"].astype("int64"), tracks[n]) for n in ("latitude_deg", "longitude_deg")]
    scale = 111_195 * np.array([1.0, np.cos(np.radians(46.3))])
    aside, _ = cKDTree(np.column_stack(path) * scale).query(inside[:, 1:] * scale)
    assert aside.max() < 100


def test_demo_tracks_every_flight_and_says_that_it_is_an_exercise(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = skypact(capsys, "demo")
    assert code == 0
    assert err == ""
    assert "EXERCISE: simulated" in out
    for callsign in ("EXR101", "EXR202", "EXR303", "EXR404", "EXR505", "EXR606"):
        assert callsign in out
    assert "7 tracks" in out
    assert "first-light" in shipped()


def test_exports_can_be_read_again(shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tracks = tmp_path / "tracks.parquet"
    recording = shared / "asterix" / "cat_062_065.pcap"
    assert skypact(capsys, "decode", recording, "--tracks", tracks)[0] == 0
    code, out, _ = skypact(capsys, "export", tracks, "--to", "geojson", "--json")
    assert code == 0
    assert json.loads(out)["rows"] == 2
    features = json.loads((tmp_path / "tracks.geojson").read_text())["features"]
    assert features[0]["geometry"]["coordinates"][:2] == pytest.approx([15.7088667, 41.1671233])
    assert features[0]["properties"]["icao24"] == "4ca7a8"
    assert features[0]["properties"]["mode_3a"] == "1275"
    assert skypact(capsys, "export", tracks, "--to", "csv")[0] == 0
    lines = (tmp_path / "tracks.csv").read_text().splitlines()
    assert len(lines) == 3
    assert "RYR174C" in lines[1]
    plots = tmp_path / "plots.csv"
    assert skypact(capsys, "export", shared / "asterix" / "cat_034_048.pcap", "--to", "csv", "-o", plots)[0] == 0
    assert len(plots.read_text().splitlines()) == 129


def test_bad_input_is_one_clear_line(shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording = shared / "asterix" / "cat_034_048.pcap"
    assert "is a directory" in refused(capsys, 1, "track", tmp_path)
    assert "does not exist" in refused(capsys, 1, "run", "--input", tmp_path / "none.pcap")
    catalogue = tmp_path / "sensors.toml"
    catalogue.write_text('schema = "sensors/1"\n\n[[sensor]]\nid = "a"\nkind = "ssr"\nlatitud_deg = 1.0\n')
    line = refused(capsys, 1, "track", recording, "--sensors", catalogue)
    assert "sensors.toml:6" in line
    assert "latitude_deg" in line
    assert "--date" in refused(capsys, 2, "track", recording, "--date", "yesterday")
    assert "--speed" in refused(capsys, 2, "run", "--input", recording, "--speed", "fast")
    assert "NODE.toml" in refused(capsys, 2, "run")
    assert "tcp://HOST:PORT" in refused(capsys, 2, "run", "--connect", "localhost")
    assert "no address" in refused(capsys, 2, "run", "--listen", "udp://somewhere")
    assert "--http: 0.0.0.0 can be" in refused(capsys, 2, "run", "--input", recording, "--http", "0.0.0.0:80")
    assert "no edition" in refused(capsys, 2, "track", recording, "--edition", "48=9.9")
    assert "850 to 1100" in refused(capsys, 2, "track", recording, "--qnh", "3")
    (tmp_path / "table.parquet").write_bytes(b"PAR1" + bytes(50))
    assert "damaged" in refused(capsys, 1, "export", tmp_path / "table.parquet", "--to", "csv")
    assert "input itself" in refused(capsys, 2, "export", recording, "--to", "csv", "-o", recording)
    assert "see skypact track --help" in refused(capsys, 2, "track")
    assert "no such option: --nope" in refused(capsys, 2, "decode", "--nope", recording)
    assert "'counter', 'day'" in refused(capsys, 2, "decode", recording, "--clock", "sun")
    assert "'nonsense'" in refused(capsys, 2, "nonsense")
    assert "no format 'foo'" in refused(capsys, 2, "run", "--connect", "tcp://127.0.0.1:9", "--format", "foo")
    assert "--speed" in refused(capsys, 2, "demo", "--speed", "-3")


def test_the_core_dependencies_are_enough(shared: Path, tmp_path: Path) -> None:
    recording, tracks = str(shared / "asterix" / "cat_062_065.pcap"), str(tmp_path / "t.parquet")
    commands = [
        [
            "decode",
            recording,
            "--tracks",
            tracks,
            "-o",
            str(tmp_path / "p.parquet"),
            "--raw",
            str(tmp_path / "r.parquet"),
        ],
        ["export", tracks, "--to", "geojson"],
        ["export", tracks, "--to", "csv"],
        ["track", str(shared / "modes" / "sample_dump1090.bin"), "-o", str(tmp_path / "u.parquet")],
        ["run", "--input", recording, "--speed", "max"],
        ["doctor"],
    ]
    script = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name in {{"pandas", "scipy", "polars", "pytest", "hypothesis"}}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
from skypact.cli import execute
print(*[execute(c) for c in {commands!r}])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "0 0 0 0 0 0", done.stderr


def test_unknown_sensors_are_told_once_with_the_lines_to_add(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = skypact(capsys, "track", shared / "asterix" / "cat_034_048.pcap")
    assert code == 0
    assert err.count("25/201") >= 1
    assert err.count("[[sensor]]") >= 7
    assert "latitude_deg" in err


def test_doctor_finds_everything_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = skypact(capsys, "doctor", "--json")
    assert code == 0
    assert all(c["good"] for c in json.loads(out)["checks"])


def test_a_receiver_is_read_live_until_ctrl_c(shared: Path) -> None:
    octets = (shared / "modes" / "sample_dump1090.bin").read_bytes()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            line, _ = listener.accept()
            with line:
                line.sendall(octets)
                time.sleep(30)

        threading.Thread(target=serve, daemon=True).start()
        port = listener.getsockname()[1]
        command = [sys.executable, "-m", "skypact.cli", "run", "--connect", f"tcp://127.0.0.1:{port}"]
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"COLUMNS": "120"},
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
        )
        time.sleep(8)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
    assert "tracks" in out
    assert "Traceback" not in err
