"""Streams of blocks: chunking, garbage, trailers, recorder headers, and batches of any size."""

from __future__ import annotations

import json
import tracemalloc
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from asterix_bytes import RECORDINGS, blocks, recording, rows
from hypothesis import given, settings
from hypothesis import strategies as st

from skypact.formats.asterix import AsterixDecoder, BlockStream, encode
from skypact.formats.datagrams import Datagrams
from skypact.formats.decoded import Decoded


def block(category: int, content: bytes) -> bytes:
    return bytes([category]) + (len(content) + 3).to_bytes(2, "big") + content


def cut(stream: bytes, at: list[int]) -> tuple[list[bytes], dict[str, int]]:
    """Return the blocks of a stream fed in chunks cut at some places, and what was counted."""
    cutter = BlockStream()
    edges = [0, *sorted(at), len(stream)]
    found: list[bytes] = []
    for begin, end in pairwise(edges):
        found += [b for run in each(cutter.feed(stream[begin:end])) for b in blocks(run)]
    found += [b for run in each(cutter.finish()) for b in blocks(run)]
    return found, dict(cutter.counts)


def each(datagrams: Datagrams) -> list[bytes]:
    return [datagrams[k] for k in range(len(datagrams))]


def follows(stream: bytes, at: int, known: set[int], category: int | None) -> bool:
    """Whether a header that may be believed stands at `at`."""
    head = stream[at : at + 3]
    return len(head) == 3 and int.from_bytes(head[1:], "big") >= 3 and (head[0] in known or head[0] == category)


def plain_cut(stream: bytes, known: set[int]) -> tuple[list[bytes], int, int]:
    """Return blocks, octets skipped and blocks cut at the end: the rule in plain Python over a whole stream."""
    found, skipped, lost, torn, p = [], 0, False, None, 0
    while p < len(stream):
        size = int.from_bytes(stream[p + 1 : p + 3], "big") if p + 3 <= len(stream) else 0
        q, category = p + size, stream[p]
        good = size >= 3 and category != 0 and q <= len(stream) and (category in known or not lost)
        if good and (lost or category not in known):
            good = q == len(stream) or follows(stream, q, known, None if lost else category)
        if good:
            found.append(stream[p:q])
            p, lost, torn = q, False, None
            continue
        if not lost and (p + 3 > len(stream) or (category in known and size >= 3)):
            torn = skipped
        lost = True
        p, skipped = p + 1, skipped + 1
    return (found, skipped, 0) if torn is None else (found, torn, 1)


KNOWN = {1, 2, 10, 20, 21, 34, 48, 62, 65}
CONTENT = st.binary(max_size=12)
PIECE = st.one_of(
    st.builds(block, st.sampled_from(sorted(KNOWN)), CONTENT),
    st.builds(block, st.sampled_from((0, 19, 63, 240)), CONTENT),
    st.binary(max_size=9),
    st.sampled_from((b"\x30", b"\x30\x00", b"\x30\x00\x00", b"\x30\x00\x02", b"\x30\xff\xff", b"\xa5" * 4)),
)


@settings(max_examples=400, deadline=None)
@given(pieces=st.lists(PIECE, max_size=12), data=st.data())
def test_chunks_do_not_matter(pieces: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(pieces)
    at = data.draw(st.lists(st.integers(0, len(stream)), max_size=8))
    found, counts = cut(stream, at)
    expected, skipped, torn = plain_cut(stream, KNOWN)
    assert found == expected
    assert counts.get("octets skipped between blocks", 0) == skipped
    assert counts.get("blocks cut or of impossible length", 0) == torn
    assert (found, counts) == cut(stream, []) == cut(stream, list(range(len(stream))))


def test_a_clean_stream_loses_nothing(shared: Path) -> None:
    datagrams = recording(shared, "cat_034_048")
    every = [b for m in each(datagrams) for b in blocks(m)]
    stream = b"".join(every)
    for size in (1, 2, 3, 7, 100, 5000, 100_000):
        found, counts = cut(stream, list(range(0, len(stream), size)))
        assert (found, counts) == (every, {}), size


def test_a_whole_block_of_a_known_category_waits_for_nothing() -> None:
    cutter = BlockStream()
    one = block(48, bytes(10))
    assert each(cutter.feed(one[:5])) == []
    assert each(cutter.feed(one[5:])) == [one]


def test_other_categories_run_along() -> None:
    stream = [block(48, b"a"), block(240, b"video"), block(240, b"more"), block(63, b"x"), block(48, b"b")]
    # What stands between two other categories cannot be told from garbage: the known block behind it is found again.
    assert cut(b"".join(stream[:3] + stream[4:]), [])[0] == [*stream[:3], stream[4]]
    found, counts = cut(b"".join(stream), [])
    assert (found[0], found[-1]) == (stream[0], stream[-1])
    assert counts["octets skipped between blocks"] == sum(map(len, stream)) - sum(map(len, found))


@settings(max_examples=100, deadline=None)
@given(garbage=st.lists(st.lists(st.integers(0xF0, 0xFF), max_size=40).map(bytes), min_size=1, max_size=6))
def test_blocks_are_found_again_behind_garbage(garbage: list[bytes]) -> None:
    """Octets that can begin no block cost only themselves, where two good blocks follow."""
    pair = [block(48, b"\x80\x01\x02"), block(34, b"\x80\x01\x02")]
    found, counts = cut(b"".join(g + pair[0] + pair[1] for g in garbage), [])
    assert found == pair * len(garbage)
    assert counts.get("octets skipped between blocks", 0) == sum(map(len, garbage))


def test_noise_takes_no_memory() -> None:
    rng = np.random.default_rng(5)
    cutter, decoder = BlockStream(), AsterixDecoder()
    for category in sorted(KNOWN):
        # The working tables grow to what the longest block needs.
        decoder.decode(cutter.feed(block(category, bytes(65_532))))
    noise = rng.integers(0, 256, 200_000, np.uint8).tobytes()
    decoder.decode(cutter.feed(noise))
    tracemalloc.start()
    peaks = []
    for _ in range(6):
        tracemalloc.reset_peak()
        for at in range(0, len(noise), 4096):
            decoder.decode(cutter.feed(noise[at : at + 4096]))
        peaks.append(tracemalloc.get_traced_memory()[1])
        noise = rng.integers(0, 256, 200_000, np.uint8).tobytes()
    tracemalloc.stop()
    assert max(peaks) < 80_000_000
    assert len(decoder.counts) < 60
    assert len(decoder.samples) < 60


# --- datagrams --------------------------------------------------------------------------------------------------------


def decode(messages: list[bytes], **options: bool) -> tuple[Decoded, Counter[str]]:
    decoder = AsterixDecoder(**options)
    return decoder.decode(Datagrams.of(messages, 10**18)), decoder.counts


GOOD = block(48, bytes.fromhex("a0" + "19c9" + "a0"))  # a record of two items: 010, 020


def test_trailers_are_skipped_and_counted() -> None:
    found, counts = decode([GOOD + b"\xa5" * 4, GOOD + GOOD + b"\x01", GOOD])
    assert len(found.plots) == 4
    assert counts == {"blocks": 4, "records": 4, "trailers behind blocks": 2, "octets in trailers": 5}


def test_a_block_cut_short_behind_another_of_its_category_is_no_trailer() -> None:
    found, counts = decode([GOOD + GOOD[:-1]])
    assert len(found.plots) == 1
    assert counts == {"blocks": 1, "records": 1, "blocks cut or of impossible length": 1}


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"\x30", "messages cut in a header"),
        (b"\x30\x00", "messages cut in a header"),
        (b"\x30\x00\x02\x00", "blocks cut or of impossible length"),
        (GOOD[:-1], "blocks cut or of impossible length"),
        (b"\x30\xff\xff" + bytes(10), "blocks cut or of impossible length"),
    ],
)
def test_messages_without_a_whole_block_are_counted(message: bytes, reason: str) -> None:
    found, counts = decode([message])
    assert len(found.plots) == 0
    assert counts == {reason: 1}


def test_empty_messages_and_blocks() -> None:
    found, counts = decode([b"", block(48, b""), GOOD])
    assert len(found.plots) == 1
    assert counts == {"blocks": 2, "records": 1}


def test_padding_and_records_without_a_field_are_passed_over() -> None:
    padded = block(48, GOOD[3:] + b"\x00\x00" + GOOD[3:] + b"\x01\x00")
    found, counts = decode([padded])
    assert len(found.plots) == 2
    assert counts == {"blocks": 1, "records": 2, "records without a field in category 048": 3}


def test_a_recorders_header_is_taken_off() -> None:
    wrapped = b"".join((len(b) + 6).to_bytes(2, "big") + b"\x01\x02\x03\x04" + b for b in (GOOD, GOOD))
    found, counts = decode([wrapped])
    assert len(found.plots) == 2
    assert counts == {"blocks": 2, "records": 2, "blocks in recorder headers": 2}


def test_a_message_of_64_kilobytes() -> None:
    records = 65_000 // 4
    found, counts = decode([block(48, GOOD[3:] * records)])
    assert len(found.plots) == counts["records"] == records


def test_more_blocks_than_one_looks_for_at_first() -> None:
    """Short blocks outnumber what a message of that length is expected to hold; nothing is counted twice."""
    tiny = block(63, b"")
    found, counts = decode([tiny * 5000 + GOOD, b"\x30"])
    assert len(found.plots) == 1
    expected = {"blocks of category 063, not decoded": 5000, "blocks": 1, "records": 1, "messages cut in a header": 1}
    assert counts == expected


def test_every_octet_may_be_a_category() -> None:
    messages = [block(c, b"\x80\x01") for c in range(256)]
    _, counts = decode(messages)
    others = [k for k in counts if k.endswith("not decoded")]
    assert len(others) == 256 - len(KNOWN)
    assert counts["blocks"] == len(KNOWN)


# --- batches ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [n for n in RECORDINGS if n != "asterix"])
@pytest.mark.parametrize("size", [1, 3, 17])
def test_small_batches_give_the_same_tables(shared: Path, name: str, size: int) -> None:
    datagrams = recording(shared, name)
    whole_decoder = AsterixDecoder(raw=True)
    whole = whole_decoder.decode(datagrams)
    decoder, parts = AsterixDecoder(raw=True), []
    for at in range(0, len(datagrams), size):
        part = slice(at, at + size)
        columns = datagrams.start[part], datagrams.length[part], datagrams.received_ns[part]
        parts.append(decoder.decode(Datagrams(datagrams.data, *columns)))
    for table in ("plots", "tracks", "services"):
        joined = pa.concat_tables([getattr(p, table) for p in parts])
        assert joined.to_pylist() == getattr(whole, table).to_pylist()
    for category, table in whole.raw.items():
        mine = [r for p in parts if category in p.raw for r in p.raw[category].to_pylist()]
        known = [{k: v for k, v in r.items() if v is not None} for r in mine]
        assert known == [{k: v for k, v in r.items() if v is not None} for r in table.to_pylist()]
    assert decoder.counts == whole_decoder.counts
    assert decoder.editions == whole_decoder.editions


def test_tables_outlive_the_next_batch() -> None:
    """The decoder uses its working tables again; what it returned before must not change."""
    rng = np.random.default_rng(3)
    decoder, kept = AsterixDecoder(raw=True), []
    for _ in range(5):
        n = int(rng.integers(10, 200))
        columns = {"161/TRN": pa.array(rng.integers(0, 4096, n)), "040/RHO": pa.array(rng.integers(0, 256, n) * 1.0)}
        found = decoder.decode(encode(48, columns))
        kept.append((found, json.dumps([found.plots.to_pylist(), rows(found.raw[48])], default=str)))
    for found, then in kept:
        assert json.dumps([found.plots.to_pylist(), rows(found.raw[48])], default=str) == then


def test_categories_keep_the_order_of_the_stream() -> None:
    """Rows of one table come in the order of the records, whatever their categories."""
    messages, expected = [], []
    for k in range(300):
        category, item = ((48, "161/TRN"), (21, "161/TRNUM"), (20, "161/TRN"))[k % 7 % 3]
        blocks_ = encode(category, {item: pa.array([k])})
        messages.append(blocks_[0])
        expected.append(k)
    found, _ = decode(messages)
    assert found.plots["sensor_track"].to_pylist() == expected
