"""Good messages of every format: real ones where the recordings are there, and always some that our encoders make."""

from __future__ import annotations

import gzip
import json
import re
import struct
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from skypact.formats.asterix import CATEGORIES, editions, encode
from skypact.formats.asterix.spec import EXTENDED, FIXED, edition
from skypact.formats.datagrams import Datagrams
from skypact.formats.modes import BeastReader, Frames, ModesDecoder, encode_adsb, encode_avr, encode_beast
from skypact.formats.pcap import PcapReader, write_pcap
from skypact.formats.sbs import encode_sbs
from skypact.units import SECOND_NS

START = 1_700_000_000 * SECOND_NS
ONE_PROFILE = tuple(c for c in CATEGORIES if len(edition(c).uaps) == 1)
"""Categories whose records we encode: in the others, CAT 001, the profile depends on the record."""
CAT001 = "01000df00f6420123456780321", "01000df00f64a0000112345678", "010015f00f6420123456780321e00f642087654321"
BEAST = re.compile(rb"\x1a(?:1(?:[^\x1a]|\x1a\x1a){9}|2(?:[^\x1a]|\x1a\x1a){14}|3(?:[^\x1a]|\x1a\x1a){21})", re.DOTALL)
POINTS = b"""[0.0,16.777359,-88.036868,32000,478.6,327.8,1,0,null,"adsb_icao",33825,32,280,0.0]
[8.96,16.795,-88.0455,"ground",14.5,90,0,-640,{"type":"adsb_icao","flight":"KGZ101  ","squawk":"1275"},"adsb_icao"]
[20.1,43.06,74.48,41025,410.0,271.25,8,null,{"emergency":"nordo","nac_p":10,"nac_v":2,"alt_geom":42000},"mlat"]
[21,43.07,74.49,null,null,null,0,64,null]
[22.5,43.08,74.5,1200,100.0,10.0,2,64,{"type":"tisb_icao"},"tisb_icao",null,null,null,null]
""".splitlines()
SBS = b"""MSG,8,111,11111,4CA2D6,111111,2008/11/28,14:53:50.594,2008/11/28,14:58:51.153,,,,,,,,,,,,0
MSG,2,496,603,400CB6,13168,2008/10/13,12:24:32.414,2008/10/13,12:28:52.074,,0,76.4,258.3,54.05735,-4.38826,,,,,,-1
MSG,6,1,1,~4CA215,1,2010/02/19,17:58:12.846,2010/02/19,17:58:13.368,,,,,,,,7600,-1,-1,0,0
MSG,5,1,1,4ca215,1,,,,,,-250,,,,,,,,,,
SEL,,496,2286,4CA4E5,27215,2010/02/19,18:06:07.710,2010/02/19,18:06:07.710,RYR1427""".splitlines()


@cache
def frames(shared: Path | None) -> Frames:
    """Return squitters that we encode, behind real frames of every kind."""
    rng = np.random.default_rng(1)
    n = 100
    ours = encode_adsb(
        START + np.arange(n) * SECOND_NS // 4,
        rng.integers(1, 1 << 24, 7).astype(np.uint32)[np.arange(n) % 7],
        43.0 + rng.random(n) * 0.01,
        74.0 + rng.random(n) * 0.01,
        rng.uniform(0, 12_000, n),
        *rng.uniform(-250, 250, (2, n)),
        rng.uniform(-20, 20, n),
        rng.random(n) < 0.1,
        np.arange(n) % 2 == 1,
    )
    if shared is None:
        return ours
    lines = gzip.decompress((shared / "modes" / "rs1090_full_flight_short.jsonl.gz").read_bytes()).splitlines()[:20_000]
    read = [json.loads(line) for line in lines[::20]]
    hexes = ours.hex() + [r["frame"] for r in read]
    times = [*ours.clock_ns.tolist(), *(int(r["timestamp"] * 1e6) * 1000 for r in read)]
    return Frames.of_hex(hexes, times)


@cache
def beast(shared: Path | None) -> list[bytes]:
    """Return frames in Beast framing, stamped by a counter where a receiver did it."""
    ours = BEAST.finditer(encode_beast(frames(shared)))
    real = BEAST.finditer((shared / "modes" / "sample_dump1090.bin").read_bytes()) if shared else ()
    return [match.group() for match in (*ours, *real)]


def avr(shared: Path | None) -> list[bytes]:
    """Return frames as AVR text, with and without a stamp and a level."""
    stamped = encode_avr(BeastReader().feed(b"".join(beast(shared)))).splitlines(keepends=True)
    plain = [b"*" + line[13:] for line in stamped[::3]]
    return [*stamped, *plain, *(b"<" + line[1:13] + b"C4" + line[13:] for line in stamped[::5])]


def jsonl(shared: Path | None) -> list[bytes]:
    """Return frames in lines of JSON."""
    mine = frames(shared)
    made = [
        json.dumps({"timestamp": t / 1e9, "frame": f, "df": "17"}).encode()
        for f, t in zip(mine.hex(), mine.clock_ns.tolist(), strict=True)
    ]
    if shared:
        made += gzip.decompress((shared / "modes" / "rs1090_full_flight_short.jsonl.gz").read_bytes()).splitlines()[
            :500
        ]
    return made


def csv(shared: Path | None) -> list[bytes]:
    """Return frames in separated values of several kinds."""
    mine = frames(shared)
    rows = list(zip(mine.hex(), (mine.clock_ns // SECOND_NS).tolist(), strict=True))
    made = [f'{t},"{f.upper()}","{f[2:8].upper()}",11'.encode() for f, t in rows]
    made += [f"{f};{t}.25;x".encode() for f, t in rows[::3]]
    for name in ("adsb", "commb_df20", "commb_df21") if shared else ():
        made += (shared / "modes" / f"sample_data_{name}.csv").read_bytes().splitlines()[1:300]
    return made


def sbs(shared: Path | None) -> list[bytes]:
    """Return lines of BaseStation text."""
    plots = ModesDecoder("here", reference=(43.0, 74.0)).decode(frames(shared)).plots
    return [*encode_sbs(plots).splitlines(), *SBS]


def points(shared: Path | None) -> list[bytes]:
    """Return points of traces as JSON."""
    made = list(POINTS)
    if shared:
        trace = json.loads((shared / "modes" / "readsb_trace_full_ac671b.json").read_bytes())["trace"]
        made += [json.dumps(point, separators=(",", ":")).encode() for point in trace[:600:2]]
    return made


@cache
def asterix(shared: Path | None) -> list[bytes]:
    """Return datagrams of every category: random records that we encode, captures, records made up by others."""
    rng = np.random.default_rng(2)
    made = [m for category in ONE_PROFILE for name in editions(category) for m in _encoded(category, name, rng)]
    made += [bytes.fromhex(message) for message in CAT001]
    for name in ("asterix", "cat_001_002", "cat_034_048", "cat_062_065") if shared else ():
        packets = PcapReader().feed((shared / "asterix" / f"{name}.pcap").read_bytes()).payload
        made += [packets[i] for i in range(len(packets))]
    if shared:
        with zipfile.ZipFile(shared / "asterix" / "fixmpts_testdata.zip") as archive:
            made += [bytes.fromhex(archive.read(n).decode()) for n in archive.namelist() if n.endswith(".raw")]
    return made


def _encoded(category: int, name: str, rng: np.random.Generator, records: int = 6) -> list[bytes]:
    """Return blocks of records with random numbers in random items."""
    columns: dict[str, Any] = {}
    for number, unit in enumerate(edition(category, name).units):
        if unit.kind not in (FIXED, EXTENDED):
            continue
        absent = (rng.random(records) < 0.7) & (number > 0)
        for e in unit.elements:
            if e.bits > 40 or not {"string", "bytes", "cases"}.isdisjoint(e.content):
                continue
            signed = bool(e.content.get("signed") or e.content.get("integer"))
            value = rng.integers(-(1 << e.bits - 1) if signed else 0, 1 << e.bits - signed, records)
            scaled = value * e.content["lsb"] if "lsb" in e.content else value
            columns[e.name] = pa.array(scaled, mask=absent)
    found = encode(category, columns, edition=name, longest=120)
    return [found[i] for i in range(len(found))]


def packets(shared: Path | None) -> list[tuple[int, bytes]]:
    """Return packets with their link type: UDP over Ethernet, VLAN, Linux cooked, raw IPv4 and IPv6; TCP."""
    messages = asterix(shared)[::4]
    written = write_pcap(Datagrams.of(messages, START))
    found, at = [], 24
    while at < len(written):
        size = struct.unpack_from(">I", written, at + 8)[0]
        found.append(written[at + 16 : at + 16 + size])
        at += 16 + size
    made = [(1, p) for p in found]
    made += [(1, p[:12] + b"\x81\x00\x00\x05" + p[12:]) for p in found[::3]]
    made += [(113, bytes(14) + p[12:]) for p in found[::3]]
    made += [(101, p[14:]) for p in found[::3]]
    made += [(101, struct.pack(">IHBB", 6 << 28, len(p) - 34, 17, 1) + bytes(32) + p[34:]) for p in found[::3]]
    made += [(1, p[:23] + b"\x06" + p[24:]) for p in found[::9]]
    return made
