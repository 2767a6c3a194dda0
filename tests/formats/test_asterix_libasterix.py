"""Every edition of every category, both ways, against libasterix on random records."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from asterix_bytes import decode, items, rows

from skypact.formats.asterix import encode, spec

ORACLE = Path(__file__).parent / "asterix_libasterix.py"
RECORDS = 60
"""Of each edition; the soak makes many more."""

Generated = dict[tuple[int, str], list[tuple[str, list[dict[str, Any]]]]]


@pytest.fixture(scope="module")
def generated(peer: Callable[..., Any]) -> Generated:
    """Return blocks of random records made by libasterix, with its values, by category and edition."""
    out = defaultdict(list)
    for category, edition, octets, values in peer("libasterix", ORACLE, "generate", "7", str(RECORDS)):
        out[category, edition].append((octets, values))
    return out


def test_every_edition_is_known_to_both(generated: Generated) -> None:
    assert generated.keys() == {(c, e) for c in spec.CATEGORIES for e in spec.editions(c)}


@pytest.mark.parametrize("category", spec.CATEGORIES)
def test_decodes_what_libasterix_encodes(generated: Generated, category: int) -> None:
    met = set()
    for edition in spec.editions(category):
        blocks = generated[category, edition]
        found, decoder = decode([bytes.fromhex(b) for b, _ in blocks], editions={category: edition}, raw=True)
        expected = [record for _, records in blocks for record in records]
        assert decoder.counts["records"] == len(expected) >= RECORDS
        assert decoder.counts["blocks"] == len(blocks)
        for ours, theirs in zip(rows(found.raw[category]), expected, strict=True):
            assert ours == theirs, edition
            met |= {(edition, name) for name in ours}
    # The records are random, but none of the elements may go untried.
    assert met == {(e, x.name) for e in spec.editions(category) for _, x in spec.edition(category, e).elements()}


def test_encodes_what_libasterix_decodes(generated: Generated, peer: Callable[..., Any], tmp_path: Path) -> None:
    lines, expected = [], []
    for category in (21, 34, 48, 62, 65):
        for edition in spec.editions(category):
            blocks = [bytes.fromhex(b) for b, _ in generated[category, edition]]
            found, _ = decode(blocks, editions={category: edition}, raw=True)
            # A compound item without subitems has no element, so that it is not sent again; alone it would be nothing.
            table = found.raw[category]
            known = np.array([bool(r) for r in rows(table)])
            table = items(table.filter(pa.array(known)))
            messages = encode(category, table, edition=edition, group=np.arange(len(table)))
            lines += [json.dumps([category, edition, messages[k].hex()]) for k in range(len(messages))]
            expected += [[r] for r in rows(table)]
    path = tmp_path / "blocks.jsonl"
    path.write_text("\n".join(lines))
    theirs = peer("libasterix", ORACLE, "decode", path)
    assert len(theirs) == len(expected) > 5 * RECORDS
    for they, record in zip(theirs, expected, strict=True):
        assert they == record
