"""Kills a journal's writer with SIGKILL at random moments and looks whether anything acknowledged is lost.

    python tests/journal/kill9.py [--seconds 60] [--seed 0]

A process that has imported everything forks a writer for each round. The writer opens the journal as the last one left
it, appends entries that follow from their sequence alone, and says the sequence of each that is acknowledged. It is
killed while it recovers, appends or seals; then the journal is read.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from skypact.errors import JournalError
from skypact.journal import Journal, Snapshot, Step, Writer
from skypact.tables import PLOTS, build, times, words

SEGMENT_BYTES = 100_000
"""Small, so that a writer is often killed while it seals."""
ROUNDS_A_FOLDER = 100
LARGE = 30_000
"""Rows of some batches, for kills in the middle of a write."""


@dataclass(slots=True)
class Killed:
    """What came of it: acknowledged entries that were lost or changed, and what else there was to count."""

    kills: int = 0
    acknowledged: int = 0
    lost: int = 0
    unacknowledged: int = 0
    """Entries found whole whose acknowledgement the kill cut off."""
    torn: int = 0
    """Writers that left a torn tail."""


def content(sequence: int, large: int = 100) -> pa.Table | Step | Snapshot:
    """Return the entry that belongs at a sequence; some have a `large` number of rows."""
    if sequence % 5 == 0:
        return Step(sequence * 1_000_000_000, (sequence - 2, sequence - 1))
    if sequence % 31 == 0:
        return Snapshot(sequence * 1_000_000_000, sequence - 1, sequence.to_bytes(8, "big") * (sequence % 97))
    rows = large if sequence % 13 == 0 else sequence * 7919 % 100
    row = np.arange(rows)
    sensors = pa.array([f"25/{(sequence + i) % 11}" for i in range(1 + sequence % 3)])
    columns = {
        "time": times(sequence * 1_000_000_000 + row),
        "sensor": pa.DictionaryArray.from_arrays(pa.array(row % len(sensors), pa.int32()), sensors),
        "kind": words("kind", (row % 9).astype(np.int8)),
        "range_m": row * 7.234375 + sequence,
        "icao24": pa.array((row + sequence).astype(np.uint32)),
    }
    return build(PLOTS, rows, columns)


def equal(found: object, expected: object) -> bool:
    """Whether two entries are the same."""
    if isinstance(expected, pa.Table):
        return isinstance(found, pa.Table) and found.equals(expected, check_metadata=True)
    return found == expected


def rounds(path: str, seed: int) -> None:
    """Fork a writer for each line that comes in; say its process, and then that it has ended."""
    number = 0
    while line := sys.stdin.readline():
        number += 1
        pid = os.fork()
        if not pid:
            _write(Path(path) / line.strip(), random.Random(f"{seed}/{number}"))
        os.write(1, f"pid {pid}\n".encode())
        _, status = os.waitpid(pid, 0)
        os.write(1, f"end {os.waitstatus_to_exitcode(status)}\n".encode())


def _write(path: Path, generator: random.Random) -> None:
    writer = Writer(path, node="centre", party="P", segment_bytes=SEGMENT_BYTES)
    os.write(1, f"torn {writer.recovery.torn_bytes}\n".encode())
    while True:
        first = writer.last_sequence + 1
        batch = [content(sequence, LARGE) for sequence in range(first, first + generator.choice((1, 1, 1, 4)))]
        acknowledged = writer.append_many(batch)
        os.write(1, "".join(f"ack {sequence}\n" for sequence in acknowledged).encode())


def kill9(seconds: float, seed: int = 0, kills: int | None = None) -> Killed:
    """Kill writers for some seconds, or so many of them.

    Parameters
    ----------
    seconds : float
    seed : int
        Of the moments and of what is appended together.
    kills : int, optional
        Most writers to kill.
    """
    generator = random.Random(seed)
    counts = Killed()
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--rounds", folder, "--seed", str(seed)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as zygote:
            last = 0
            while time.monotonic() < end and (kills is None or counts.kills < kills):
                journal = Path(folder) / str(counts.kills // ROUNDS_A_FOLDER)
                if counts.kills % ROUNDS_A_FOLDER == 0:
                    last = 0
                last = _round(zygote, journal, generator, counts, last)
            assert zygote.stdin is not None
            zygote.stdin.close()
    return counts


def _round(zygote: subprocess.Popen[str], path: Path, generator: random.Random, counts: Killed, before: int) -> int:
    """Let one writer live for a while; return the last sequence found."""
    assert zygote.stdin is not None
    assert zygote.stdout is not None
    zygote.stdin.write(f"{path.name}\n")
    pid = int(_said(zygote)[1])
    time.sleep(generator.choice((0.0, 0.01, 0.1, 0.3)) * generator.random())
    os.kill(pid, signal.SIGKILL)
    acknowledged = before
    while (said := _said(zygote))[0] != "end":
        if said[0] == "ack":
            acknowledged = int(said[1])
        elif said[0] == "torn":
            counts.torn += said[1] != "0"
    assert said[1] == str(-signal.SIGKILL), f"a writer failed: {said}"
    counts.kills += 1
    counts.acknowledged += acknowledged - before
    if not (path / "meta.json").exists():
        counts.lost += acknowledged
        return acknowledged
    # What was read after the last kill must be there still, so all of the journal is read now and then.
    begin = 1 if counts.kills % 10 == 0 else before + 1
    last = begin - 1
    with contextlib.suppress(JournalError):
        for entry in Journal.open(path).entries(from_sequence=begin):
            if entry.sequence <= acknowledged and not equal(entry.content, content(entry.sequence, LARGE)):
                counts.lost += 1
            last = entry.sequence
    counts.lost += max(0, acknowledged - last)
    counts.unacknowledged += max(0, last - acknowledged)
    return last


def _said(zygote: subprocess.Popen[str]) -> list[str]:
    assert zygote.stdout is not None
    line = zygote.stdout.readline()
    assert line, "the process that forks writers has ended"
    return line.split()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rounds", metavar="FOLDER", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.rounds:
        rounds(options.rounds, options.seed)
    else:
        print(kill9(options.seconds, options.seed))


if __name__ == "__main__":
    main()
