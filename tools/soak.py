"""Run the long promises: a million hostile messages through every reader of bytes, and minutes of kill -9.

    python tools/soak.py [--messages N] [--seed N] [--minutes M] [--only FORMAT] [--json]

Each format runs in a process of its own, whose memory is watched and which is ended with a traceback when one batch
takes too long. A run of everything with the full number of messages that keeps every promise rewrites
docs/reliability.md; any other run leaves the page as it is. Exit code 1: a promise was broken, and how is said.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import faulthandler
import json
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "journal")]

from kill9 import kill9  # noqa: E402

from soaking import SOAKED, soak  # noqa: E402

MESSAGES = 1_000_000
MINUTES = 3.0
BATCH_S = 120
"""A batch of ten thousand messages takes a second or two; one that takes this long hangs."""
GROWTH_MB = 32.0
"""What buffers that fit the largest batch so far and the allocator may add: 32 octets a message."""
KILL9 = "kill9"
PAGE = ROOT / "docs" / "reliability.md"
SHARED = ROOT.parent / "shared" / "data"


def feed(name: str, messages: int, seed: int) -> dict[str, Any]:
    """Run one format in this process; a hang ends it."""

    def watched(fed: int) -> None:
        faulthandler.dump_traceback_later(BATCH_S, exit=True)

    done = soak(name, messages, seed, SHARED if SHARED.is_dir() else None, before_batch=watched)
    faulthandler.cancel_dump_traceback_later()
    return dataclasses.asdict(done)


def kill(minutes: float, seed: int) -> dict[str, Any]:
    """Kill writers of journals for some minutes."""
    begun = time.process_time()
    return dataclasses.asdict(kill9(60 * minutes, seed)) | {"cpu_s": time.process_time() - begun}


def promised(name: str, done: dict[str, Any]) -> str | None:
    """Return what a run that ended by itself did not keep."""
    if name == KILL9:
        return f"{done['lost']} acknowledged entries were lost or changed" if done["lost"] else None
    grown = done["grown_mb"]
    return f"memory grew by {grown:.0f} MB" if grown > GROWTH_MB else None


def separate(name: str, options: argparse.Namespace) -> tuple[dict[str, Any] | None, str | None]:
    """Run one part in a process of its own; return what it did, and what was not kept."""
    command = [sys.executable, __file__, "--part", name, "--messages", str(options.messages)]
    command += ["--seed", str(options.seed), "--minutes", str(options.minutes)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if ended.returncode:
        return None, f"ended with {ended.returncode}:\n{ended.stderr[-6000:]}"
    done = json.loads(ended.stdout)
    return done, promised(name, done)


ACCOUNTS = {
    "asterix": "datagrams: blocks, other categories, cut messages, trailers and recorder headers as plain Python finds "
    "them; a row for each record counted, with and without its items, in random editions",
    "asterix stream": "octets in blocks, octets skipped, and those in recorder headers or a cut block make all octets; "
    "pieces give the same blocks as the whole",
    "pcap": "damaged packets in sound captures of six kinds: payloads and packets refused make all packets; damaged "
    "captures: as many packets as a walk in plain Python finds, and the same end",
    "beast, avr": "the same frames and the same counts as by a regular expression",
    "jsonl, csv, sbs": "lines read and lines refused make all lines that are not blank",
    "readsb": "points read and refused make all points of a document, or the document is refused as a whole",
    "mode s": "damaged frames whose parity was made whole again: rows, refusals and the messages that only complete "
    "others make all frames",
}
"""What must balance after each batch."""
PAGE_TEXT = """# Reliability

`make soak` runs the long promises and writes this page. `make test` runs a short form of the same code.

## What is promised

Whatever bytes a peer sends, the readers of `skypact.formats`

- raise no exception and do not hang,
- keep their memory flat,
- count every refusal, so that what was read and what was refused accounts for all that came.

What an append to the journal has acknowledged is still there after the writer was killed with SIGKILL at any moment.

## How it is tested

Messages are made from {origin}. One to three times a bit is flipped, some bytes are set to telling
values or copied from elsewhere, a stretch is removed, doubled or replaced by noise, or the end is cut off. They go
through readers in batches of ten thousand, streams in pieces of random sizes, and one in two hundred also alone through
new readers. After each batch an account has to balance that is worked out beside the reader:

| reader | account |
|---|---|
{accounts}

The frames that beast, avr, jsonl and csv give are decoded too, under the account of the last line. No position may lie
off the globe. A batch that takes longer than {batch_s} s counts as a hang. Memory is what is resident at the end of a
format's run, in a process of its own, less what was resident after the first tenth; more than {growth_mb:.0f} MB breaks
the promise.

## The last run

Seed {seed}, {date}; Python {python}, {versions}; {system}.

| reader | messages | of these alone too | read | refused | CPU s | memory MB | exceptions |
|---|---|---|---|---|---|---|---|
{rows}

The share refused is of what the reader counts: blocks, octets, packets, frames, lines or points.

Journal: {kills:,} writers were killed in {minutes:g} minutes, while they recovered, appended or sealed; {torn:,} left a
torn tail. Of {acknowledged:,} acknowledged entries {lost} were lost or changed. {unacknowledged:,} more were found
whole whose acknowledgement the kill had cut off.
"""


def page(done: dict[str, dict[str, Any]], seed: int, minutes: float) -> str:
    """Return docs/reliability.md."""
    rows = [
        f"| {name} | {r['messages']:,} | {r['singles']:,} | {r['read']:,} {r['unit']} | {share(r)} | {r['cpu_s']:.0f} "
        f"| {r['grown_mb']:+.1f} | 0 |"
        for name, r in done.items()
        if name != KILL9
    ]
    real = "real recordings and from messages that our encoders write"
    return PAGE_TEXT.format(
        **done[KILL9],
        origin=real if SHARED.is_dir() else "messages that our encoders write",
        accounts="\n".join(f"| {name} | {account} |" for name, account in ACCOUNTS.items()),
        batch_s=BATCH_S,
        growth_mb=GROWTH_MB,
        seed=seed,
        date=f"{dt.datetime.now(dt.UTC):%Y-%m-%d}",
        python=platform.python_version(),
        versions=", ".join(f"{name} {version(name)}" for name in ("skypact", "numpy", "numba", "pyarrow", "msgspec")),
        system=f"{platform.system()} {platform.machine()}",
        rows="\n".join(rows),
        minutes=minutes,
    )


def share(done: dict[str, Any]) -> str:
    """Return the share that was refused."""
    return f"{100 * done['refused'] / max(done['read'] + done['refused'], 1):.1f} %"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=MESSAGES, metavar="N", help="of each format")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=MINUTES, help="of killing writers of journals")
    parser.add_argument("--only", choices=[*SOAKED, KILL9], metavar="FORMAT", help=", ".join([*SOAKED, KILL9]))
    parser.add_argument("--json", action="store_true", help="print one object on the last line")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        part = options.part
        done = kill(options.minutes, options.seed) if part == KILL9 else feed(part, options.messages, options.seed)
        print(json.dumps(done))
        return 0
    results: dict[str, dict[str, Any]] = {}
    broken: dict[str, str] = {}
    for name in [options.only] if options.only else [*SOAKED, KILL9]:
        found, fault = separate(name, options)
        if found is not None:
            results[name] = found
        if fault is not None:
            broken[name] = fault
        told = " ".join(f"{k} {v:.1f}" if isinstance(v, float) else f"{k} {v}" for k, v in (found or {}).items())
        print(f"{name}: {fault or 'kept'}  {told}", file=sys.stderr, flush=True)
    if not broken and not options.only and options.messages >= MESSAGES and options.minutes >= MINUTES:
        PAGE.write_text(page(results, options.seed, options.minutes), encoding="utf-8")
        print(f"{PAGE.relative_to(ROOT)} is written", file=sys.stderr)
    if options.json:
        print(json.dumps({"results": results, "broken": broken}))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
