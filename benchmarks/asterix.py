"""ASTERIX: decoding to PLOTS and to every item, and encoding CAT062, against asterix-decoder and libasterix.

    python benchmarks/asterix.py [--seed N] [--quick] [--json]

The stream is a generated hour of six rotating radars (CAT048 and CAT034, see `_radars.py`) and, where the real
recording is there, its datagrams repeated to a quarter of it. Everybody reads the same bytes: we all of them, the
slower peers every n-th datagram. Seconds are CPU time on one core, after a first run that warms caches; figures are
medians.
asterix-decoder runs in its faster mode, which leaves out descriptions.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import _peers

os.environ |= _peers.ONE_CORE

import numpy as np
import pyarrow as pa

import _radars
from skypact.formats.asterix import AsterixDecoder, encode
from skypact.formats.datagrams import Datagrams
from skypact.formats.pcap import PcapReader

RECORDING = _peers.ROOT.parent / "shared/data/asterix/cat_034_048.pcap"
EDITIONS = {21: "2.6", 34: "1.27", 48: "1.27", 62: "1.18"}

ASTERIX_DECODER = """
import json, sys, time, statistics
import asterix
messages = [bytes.fromhex(line) for line in open(sys.argv[1])]
figures = []
for _ in range(int(sys.argv[2])):
    start = time.process_time()
    records = sum(len(asterix.parse(m, verbose=False)) for m in messages)
    figures.append(records / (time.process_time() - start))
print(json.dumps({"records": records, "records_s": statistics.median(figures)}))
"""

LIBASTERIX_DECODE = """
import json, sys, time, statistics
from asterix.base import Bits, RawDatablock
from asterix import generated
editions = json.loads(sys.argv[3]).items()
specs = {int(c): getattr(generated, f"Cat_{int(c):03d}_" + e.replace(".", "_")) for c, e in editions}
messages = [bytes.fromhex(line) for line in open(sys.argv[1])]
figures = []
for _ in range(int(sys.argv[2])):
    start, records = time.process_time(), 0
    for m in messages:
        for block in RawDatablock.parse(Bits.from_bytes(m)):
            found = specs[block.get_category()].cv_uap.parse(block.get_raw_records())
            assert isinstance(found, list), found
            records += len(found)
    figures.append(records / (time.process_time() - start))
print(json.dumps({"records": records, "records_s": statistics.median(figures)}))
"""

LIBASTERIX_ENCODE = """
import json, sys, time, statistics
from asterix import generated
Category = getattr(generated, "Cat_062_" + sys.argv[3].replace(".", "_"))
create = Category.cv_uap.cv_record.create
tracks = json.load(open(sys.argv[1]))
figures = []
for _ in range(int(sys.argv[2])):
    start = time.process_time()
    records = [
        create({
            "010": (("SAC", t["010/SAC"]), ("SIC", t["010/SIC"])),
            "070": t["070"],
            "105": (("LAT", (t["105/LAT"], "°")), ("LON", (t["105/LON"], "°"))),
            "185": (("VX", (t["185/VX"], "m/s")), ("VY", (t["185/VY"], "m/s"))),
            "060": (0, 0, 0, 0, t["060/MODE3A"]),
            "380": {"ADR": t["380/ADR"], "ID": t["380/ID"]},
            "040": t["040"],
            "080": ((0, 0, 0, 0, t["080/CNF"], None),),
            "290": {"PSR": (t["290/PSR"], "s")},
            "136": (t["136"], "FL"),
            "130": (t["130"], "ft"),
            "220": (t["220"], "ft/min"),
        })
        for t in tracks
    ]
    blocks = [Category.create(records[k : k + 20]).unparse().to_bytes() for k in range(0, len(records), 20)]
    figures.append(len(records) / (time.process_time() - start))
print(json.dumps({"records_s": statistics.median(figures), "blocks": b"".join(blocks).hex()}))
"""

Messages = list[tuple[int, bytes]]


# --- what is read -----------------------------------------------------------------------------------------------------


def radars(seed: int, seconds: float) -> Messages:
    """Return the generated stream and, to a quarter of it, the real recording."""
    stream = _radars.stream(seed, seconds)
    if not RECORDING.exists():
        print("the real recording is not there: the stream is generated alone", file=sys.stderr)
        return stream
    packets = PcapReader().feed(RECORDING.read_bytes()).payload
    real = [(int(t), packets[k]) for k, t in enumerate(packets.received_ns)]
    length = sum(len(m) for _, m in real)
    times = sum(len(m) for _, m in stream) // 3 // length
    # After the generated day, half a second a copy.
    return stream + [(t + k * 500_000_000, m) for k in range(times) for t, m in real]


def tracks(seed: int, count: int) -> pa.Table:
    """Return system tracks as elements of CAT062."""
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "010/SAC": np.full(count, 25),
            "010/SIC": np.full(count, 100),
            "070": np.sort(rng.integers(0, 86_400 * 128, count)) / 128,
            "105/LAT": rng.uniform(36, 45, count),
            "105/LON": rng.uniform(66, 84, count),
            "185/VX": rng.uniform(-300, 300, count),
            "185/VY": rng.uniform(-300, 300, count),
            "060/MODE3A": [f"{c:04o}" for c in rng.integers(0, 4096, count)],
            "380/ADR": rng.integers(1, 1 << 24, count),
            "380/ID": [f"KGA{c:04d}" for c in rng.integers(0, 9999, count)],
            "040": rng.integers(0, 65_536, count),
            "080/CNF": rng.integers(0, 2, count),
            "290/PSR": rng.integers(0, 80, count) / 4,
            "136": rng.integers(0, 1800, count) / 4,
            "130": rng.integers(0, 6000, count) * 6.25,
            "220": rng.integers(-300, 300, count) * 6.25,
        }
    )


def adsb(seed: int, count: int) -> pa.Table:
    """Return ADS-B reports as elements of CAT021."""
    rng = np.random.default_rng(seed)
    time = np.sort(rng.integers(0, 86_400 * 128, count)) / 128
    return pa.table(
        {
            "010/SAC": np.full(count, 25),
            "010/SIC": np.full(count, 50),
            "040/ATP": np.zeros(count, np.int64),
            "040/GBS": np.zeros(count, np.int64),
            "161/TRNUM": rng.integers(0, 4096, count),
            "071": time,
            "073": time,
            "131/LAT": rng.uniform(36, 45, count),
            "131/LON": rng.uniform(66, 84, count),
            "080": rng.integers(1, 1 << 24, count),
            "140": rng.integers(0, 6000, count) * 6.25,
            "090/NUCPNIC": np.full(count, 8),
            "090/NACP": np.full(count, 9),
            "210/VN": np.full(count, 2),
            "145": rng.integers(0, 1800, count) / 4,
            "157/GVR": rng.integers(-300, 300, count) * 6.25,
            "160/GS": rng.uniform(0.03, 0.14, count),
            "160/TA": rng.uniform(0, 359, count),
            "170": [f"KGA{c:04d}" for c in rng.integers(0, 9999, count)],
            "200/PS": np.zeros(count, np.int64),
        }
    )


def datagrams(messages: Messages) -> Datagrams:
    return Datagrams.of([m for _, m in messages], [t for t, _ in messages])


def encoded(category: int, table: pa.Table) -> Messages:
    found = encode(category, table, edition=EDITIONS[category])
    return [(_radars.NOON, found[k]) for k in range(len(found))]


# --- how fast ---------------------------------------------------------------------------------------------------------


def seconds_of(work: Callable[[], Any], runs: int) -> float:
    """Return the median CPU time of a piece of work, after one run that does not count."""
    figures = []
    for _ in range(runs + 1):
        start = time.process_time()
        work()
        figures.append(time.process_time() - start)
    return statistics.median(figures[1:])


def ours(batch: Datagrams, runs: int, raw: bool = False) -> float:
    """Return records a second."""
    decoder = AsterixDecoder(raw=raw)
    decoder.decode(batch)
    refused = [reason for reason in decoder.counts if reason not in {"blocks", "records"}]
    assert not refused, refused
    return decoder.counts["records"] / seconds_of(lambda: AsterixDecoder(raw=raw).decode(batch), runs)


def sample(messages: Messages, count: int) -> Messages:
    """Return about `count` messages evenly spread over all."""
    return messages[:: max(1, len(messages) // count)]


def peer(name: str, script: str, messages: Messages, runs: int) -> float:
    """Return records a second of a peer."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(m.hex() for _, m in messages))
        file.flush()
        found = _peers.run(name, script, file.name, str(runs), json.dumps(EDITIONS))
    return float(found["records_s"])


def encoders(table: pa.Table, count: int, runs: int) -> tuple[float, float]:
    """Return records a second of our encoder on a table and of libasterix on its first rows, having compared both."""
    rate = len(table) / seconds_of(lambda: encode(62, table, edition=EDITIONS[62]), runs)
    few = table.slice(0, count)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(few.to_pylist(), file)
        file.flush()
        found = _peers.run("libasterix", LIBASTERIX_ENCODE, file.name, str(runs), EDITIONS[62])
    mine = encode(62, few, edition=EDITIONS[62], group=np.arange(count) // 20, longest=65_535)
    assert mine.data.tobytes() == bytes.fromhex(found["blocks"]), "both encode the same tracks to the same octets"
    return rate, float(found["records_s"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="ten minutes instead of an hour, fewer runs")
    parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")
    options = parser.parse_args()
    seconds, runs, count = (600, 5, 100_000) if options.quick else (3600, 9, 400_000)
    croatian, libasterix = (5000, 500) if options.quick else (20_000, 2000)

    stream = radars(options.seed, seconds)
    tracked = tracks(options.seed, count)
    streams = {
        "radars": stream,
        "CAT034": [(t, m) for t, m in stream if m[0] == 34],
        "CAT048": [(t, m) for t, m in stream if m[0] == 48],
        "CAT021": encoded(21, adsb(options.seed, count)),
        "CAT062": encoded(62, tracked),
    }
    rates: dict[tuple[str, str], float] = {}
    for name, messages in streams.items():
        batch = datagrams(messages)
        rates[name, "skypact"] = ours(batch, runs)
        rates[name, "skypact, every item"] = ours(batch, runs, raw=True)
    for who, script, size in (
        ("asterix-decoder", ASTERIX_DECODER, croatian),
        ("libasterix", LIBASTERIX_DECODE, libasterix),
    ):
        try:
            for name, messages in streams.items():
                rates[name, who] = peer(who, script, sample(messages, size), 3)
        except _peers.PeerMissingError as missing:
            print(missing, file=sys.stderr)

    result = {"decode_records_s": rates["radars", "skypact"]}
    for who, key in (("asterix-decoder", "ratio_asterix_decoder"), ("libasterix", "ratio_libasterix")):
        if ("radars", who) in rates:
            result[key] = rates["radars", "skypact"] / rates["radars", who]
    if ("radars", "asterix-decoder") in rates:
        result["raw_ratio_asterix_decoder"] = (
            rates["radars", "skypact, every item"] / rates["radars", "asterix-decoder"]
        )
    if ("radars", "libasterix") in rates:
        mine, theirs = encoders(tracked, libasterix, runs)
        rates["encode CAT062", "skypact"], rates["encode CAT062", "libasterix"] = mine, theirs
        result["encode_ratio_libasterix"] = mine / theirs
    report(rates)
    if options.json:
        print(json.dumps({key: round(value, 1) for key, value in result.items()}))
    else:
        for key, value in result.items():
            print(f"{key:26} {value:,.1f}")


def report(rates: dict[tuple[str, str], float]) -> None:
    """Print records a second of everybody, and versions."""
    whom = ("skypact", "skypact, every item", "asterix-decoder", "libasterix")
    print(f"{'records/s':14}", *(f"{who:>20}" for who in whom))
    for name in dict.fromkeys(name for name, _ in rates):
        cells = (f"{rates[name, who]:,.0f}" if (name, who) in rates else "" for who in whom)
        print(f"{name:14}", *(f"{cell:>20}" for cell in cells))
    installed = {name: version(name) for name in ("skypact", "numpy", "numba", "pyarrow")}
    installed |= {who: _peers.version(who) for who in whom[2:] if any(other == who for _, other in rates)}
    print(", ".join(f"{name} {number}" for name, number in {"Python": sys.version.split()[0], **installed}.items()))


if __name__ == "__main__":
    main()
