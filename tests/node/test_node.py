"""A node: what comes in comes out, is kept, resumed and replayed to the same bytes, whatever happens to it."""

from __future__ import annotations

import errno
import filecmp
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import node_world as world
import pyarrow as pa
import pytest

from skypact.centre import CentreConfig
from skypact.errors import ConfigError, JournalError
from skypact.journal import Journal, Writer, picture
from skypact.node import Node, Replay, Source, history, read, rewritten
from skypact.sensors import Catalogue
from skypact.tables import TRACKS, empty


def all_tracks(path: Path) -> pa.Table:
    return pa.concat_tables([empty(TRACKS), *Journal.open(path).read("tracks")])


def rewrite(path: Path, to: Path) -> None:
    journal = Journal.open(path)
    again = Replay(journal)
    with Writer(to, node=journal.node, party=journal.party) as writer:
        for entries in again.groups():
            made = again.repeat(entries)
            writer.append_many(rewritten(entries, made, again.centre))


def same_files(a: Path, b: Path) -> None:
    files = sorted(str(p.relative_to(a)) for p in a.rglob("*") if p.is_file() and p.name != "lock")
    assert files == sorted(str(p.relative_to(b)) for p in b.rglob("*") if p.is_file() and p.name != "lock")
    assert filecmp.cmpfiles(a, b, files, shallow=False)[0] == files


def test_recordings_become_one_picture_that_is_kept_and_replayed_to_the_same_bytes(tmp_path: Path) -> None:
    sources = world.recordings(tmp_path)
    node = Node(world.config(tmp_path, *sources, journal=str(tmp_path / "j"), snapshot_s=30.0))
    moments = list(node.moments())
    rows = pa.concat_tables([m.output.tracks for m in moments])
    kept = all_tracks(tmp_path / "j")
    assert kept.num_rows == rows.num_rows > 200
    confirmed = rows.filter(pa.compute.equal(rows["status"].cast(pa.string()), "confirmed"))
    assert len(set(confirmed["track"].to_pylist())) == 2
    assert {tuple(sorted(s)) for s in confirmed["sensors"].to_pylist()} >= {("east", "ear")[::-1]}
    usage = Journal.open(tmp_path / "j").usage()
    assert usage.rows["steps"] == len(moments)
    assert usage.rows["snapshots"] >= 4
    assert all(step.same for step in Replay(Journal.open(tmp_path / "j")).steps())
    middle = moments[len(moments) // 2]
    part = list(Replay.at(Journal.open(tmp_path / "j"), middle.now_ns).steps())
    assert part[0].now_ns <= middle.now_ns
    assert len(part) < len(moments)
    assert all(step.same for step in part)
    rewrite(tmp_path / "j", tmp_path / "again")
    same_files(tmp_path / "j", tmp_path / "again")


def test_the_picture_of_an_instant_is_that_of_the_replay(tmp_path: Path) -> None:
    node = Node(world.config(tmp_path, *world.recordings(tmp_path), journal=str(tmp_path / "j")))
    moments = list(node.moments())
    for moment in (moments[40], moments[120], moments[-1]):
        alive: dict[int, dict[str, object]] = {}
        for one in moments:
            if one.now_ns <= moment.now_ns:
                for row in one.output.tracks.to_pylist():
                    alive[row["track"]] = row
        expected = [row for _, row in sorted(alive.items()) if row["status"] != "ended"]
        assert picture(Journal.open(tmp_path / "j"), moment.now_ns).to_pylist() == expected
    assert picture(Journal.open(tmp_path / "j"), moments[0].now_ns - 10**12).num_rows == 0


def test_a_node_that_starts_again_goes_on_where_it_was(tmp_path: Path) -> None:
    """Ended cleanly in the middle, or killed: the journal is that of a node that was never interrupted."""
    sources = world.recordings(tmp_path)
    whole = Node(world.config(tmp_path, *sources, journal=str(tmp_path / "whole"), snapshot_s=30.0))
    steps = [(m.now_ns, m.arrived, m.output.tracks) for m in whole.moments()]
    told = world.config(tmp_path, *sources)
    config = CentreConfig(Catalogue.read(str(told.sensors)), told.tracker, True)
    at = 0
    for stop in (50, 51, 130, len(steps)):
        keeper = history.History(tmp_path / "parts", config, 30.0)
        for now_ns, arrived, expected in steps[at:stop]:
            output = keeper.centre.step(now_ns, arrived.plots, services=arrived.services, partners=arrived.tracks)
            assert output.tracks.equals(expected)
            keeper.record(now_ns, [], arrived, output)
        at = stop
        if stop == 130:
            keeper._writer._unlock()  # as when the process is killed: nothing is sealed, no snapshot taken
        else:
            keeper.close()
    assert all_tracks(tmp_path / "parts").equals(all_tracks(tmp_path / "whole"))
    assert all(step.same for step in Replay(Journal.open(tmp_path / "parts")).steps())


def test_a_configuration_that_changed_is_used_from_then_on(tmp_path: Path) -> None:
    sources = world.recordings(tmp_path)
    list(Node(world.config(tmp_path, *sources, journal=str(tmp_path / "j"))).moments())
    from skypact.node import Air

    later = world.config(tmp_path, *sources, journal=str(tmp_path / "j"), air=Air(qnh_hpa=1030.0))
    node = Node(later)
    assert node.centre.config.tracker.qnh_hpa == 1030.0
    list(node.moments())
    again = Replay(Journal.open(tmp_path / "j"))
    assert all(step.same for step in again.steps())
    assert again.centre.config.tracker.qnh_hpa == 1030.0
    with pytest.raises(JournalError, match="the journal of node 'one' of 'KG', not of 'two'"):
        Node(world.config(tmp_path, *sources, journal=str(tmp_path / "j"), node="two"))


NODE = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
import node_world as world
from skypact.node import Node
from skypact import node
folder = Path({folder!r})
config = world.config(folder, *world.recordings(folder), journal=str(folder / "j"), speed=60.0)
for moment in Node(config).moments():
    print(moment.now_ns, flush=True)
"""


def test_kill_9_loses_nothing_that_was_given_out(tmp_path: Path) -> None:
    script = NODE.format(tests=str(Path(__file__).parent), folder=str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = [int(process.stdout.readline()) for _ in range(60)]
    os.kill(process.pid, signal.SIGKILL)
    said += [int(line) for line in process.stdout.read().split()]
    process.wait(10)
    process.stdout.close()
    journal = Journal.open(tmp_path / "j")
    kept = [entry.content.now_ns for entry in journal.entries(tables={"steps"})]  # type: ignore[union-attr]
    assert kept[: len(said)] == said
    assert len(kept) <= len(said) + 1
    assert all(step.same for step in Replay(journal).steps())
    node = Node(world.config(tmp_path, *world.recordings(tmp_path), journal=str(tmp_path / "j")))
    assert sum(node.centre.alive.values()) == 2
    node.close()


class Disk:
    """A disk that can be full."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = False
        self._fsync = os.fsync
        monkeypatch.setattr(os, "fsync", self.fsync)

    def fsync(self, fd: int) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._fsync(fd)


def test_a_full_disk_is_said_waited_for_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    disk = Disk(monkeypatch)
    sources = world.recordings(tmp_path)
    node = Node(world.config(tmp_path, *sources, journal=str(tmp_path / "j")))
    rows = []
    for number, moment in enumerate(node.moments()):
        rows.append(moment.output.tracks)
        disk.full = 60 <= number < 120
        if number == 100:
            node._watch.look(moment.now_ns)
            assert "No space left on device" in node.status.journal_failing
            assert not node.status.health()["ok"]
    assert caplog.text.count("No space left") == 1
    assert "is written again" in caplog.text
    assert all_tracks(tmp_path / "j").equals(pa.concat_tables(rows))
    assert all(step.same for step in Replay(Journal.open(tmp_path / "j")).steps())


def test_what_a_disk_refuses_for_too_long_is_given_up_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    disk = Disk(monkeypatch)
    monkeypatch.setattr(history, "BACKLOG_OCTETS", 20_000)
    node = Node(world.config(tmp_path, *world.recordings(tmp_path), journal=str(tmp_path / "j")))
    count = 0
    for number, _ in enumerate(node.moments()):
        disk.full = 60 <= number < 120
        count += 1
    again = Replay(Journal.open(tmp_path / "j"))
    steps = list(again.steps())
    assert all(step.same for step in steps)
    assert again.missing > 20
    assert len(steps) + again.missing == count
    assert f"{again.missing} steps are missing from it" in caplog.text
    rewrite(tmp_path / "j", tmp_path / "again")
    entries = [list(Journal.open(tmp_path / name).entries()) for name in ("j", "again")]
    assert entries[0] == entries[1]


def test_a_clock_that_is_set_is_said(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    from skypact.node.node import _WallClock

    clock = _WallClock()
    clock.now_ns()
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() - 3_600 * 10**9)
    clock.now_ns()
    clock.now_ns()
    assert caplog.text.count("the clock of this machine was set back by 3600.0 s") == 1


def test_simulated_and_live_are_not_mixed(tmp_path: Path, shared: Path, caplog: pytest.LogCaptureFixture) -> None:
    sources = [
        world.recordings(tmp_path)[0],
        Source(name="live", address=str(shared / "asterix" / "cat_034_048.pcap")),
    ]
    node = Node(world.config(tmp_path, *sources, exercise=False))
    list(node.moments())
    left = node.status.plots
    assert left.get("simulated among live", 0) > 40
    assert caplog.text.count("plots refused: simulated among live; set exercise = true to mix them") == 1


CONFIG = """schema = "node/1"

node = "bishkek"
party = "KG"
sensors = "sensors.toml"
journal = "journal"
speed = "max"

[air]
qnh_hpa = 1018.5

[[source]]
name = "radars"
from = "radars.pcap"

[[source]]
name = "ear"
from = "ear.beast"
format = "beast"
clock = "day"
date = 2026-06-01
latitude_deg = 43.06
longitude_deg = 74.48
simulated = true
"""


def test_a_configuration_is_read_with_paths_from_its_folder(tmp_path: Path) -> None:
    world.recordings(tmp_path)
    world.sensors_file(tmp_path / "sensors.toml")
    (tmp_path / "node.toml").write_text(CONFIG)
    found = read(tmp_path / "node.toml")
    assert found.journal == str(tmp_path / "journal")
    assert found.sources[0].address == str(tmp_path / "radars.pcap")
    assert found.tracker.qnh_hpa == 1018.5
    assert found.in_data_time
    node = Node(found)
    moments = list(node.moments())
    assert any(m.output.tracks["altitude_m"].null_count < m.output.tracks.num_rows for m in moments)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('party = "KG"', 'partie = "KG"', r"node.toml:4: .*partie"),
        ("qnh_hpa = 1018.5", "qnh_hpa = 2000", r"node.toml:10: .*1100"),
        ('from = "radars.pcap"', "from = 5", r"node.toml:14"),
        ('name = "ear"', 'name = "radars"', r"node.toml:17: a second source 'radars'"),
        ('from = "radars.pcap"', 'from = "udp://nowhere"', r"node.toml:14: udp://nowhere: no address"),
        ('format = "beast"', 'format = "best"', r"node.toml:19: no format 'best'"),
        ('speed = "max"', 'speed = "max"\nclock = "wall"', r"node.toml:8: a recording is not in the time of the wall"),
        ('speed = "max"', 'speed = "max"\nhttp = "0.0.0.0:80"', r"node.toml:8: 0.0.0.0 can be reached by others"),
        ("longitude_deg = 74.48\n", "", r"node.toml:22: latitude without longitude"),
        ('clock = "day"', 'clock = "dya"', r"node.toml:20"),
        ('from = "ear.beast"', 'from = "tcp://127.0.0.1:30005"', r"node.toml:7: a recording beside network lines"),
        ("[[source]]", "[[source]", r"node.toml:12"),
    ],
)
def test_a_typo_is_one_line_with_its_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    (tmp_path / "node.toml").write_text(CONFIG.replace(old, new, 1))
    with pytest.raises(ConfigError, match=said) as caught:
        read(tmp_path / "node.toml")
    assert "\n" not in str(caught.value)
