"""The short form of `make soak`: the same messages, readers and accounts as in tools/soak.py, some thousands each."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fuzzing import mutants, mutate
from skypact.formats.asterix import AsterixDecoder
from skypact.formats.modes import BeastReader, JsonlReader
from skypact.formats.sbs import SbsReader
from soaking import SOAKED, BrokenPromiseError, accounts, soak

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"


@pytest.mark.parametrize("name", SOAKED)
def test_hostile_bytes_are_accounted_for(name: str) -> None:
    done = soak(name, 4000, 1, DATA if DATA.is_dir() else None, batch=1000, singles=200)
    assert done.messages == 4000
    assert done.singles >= 20
    assert done.read > 100
    assert done.refused > 100


def test_messages_of_our_encoders_do_without_recordings() -> None:
    for name in SOAKED:
        done = soak(name, 200, 1, None, batch=100, singles=0)
        assert done.read > 0
        assert done.refused > 0


def test_the_same_seed_gives_the_same_run() -> None:
    first, second = (soak("avr", 500, 7, None, batch=250) for _ in range(2))
    assert (first.read, first.refused) == (second.read, second.refused)


@pytest.mark.parametrize(
    ("name", "reader", "method"),
    [("jsonl", JsonlReader, "_reject"), ("sbs", SbsReader, "rejects"), ("beast", BeastReader, "rejects")],
)
def test_a_refusal_not_counted_is_found(name: str, reader: Any, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = property(lambda self: {}) if method == "rejects" else (lambda self, reason, count=1: None)
    monkeypatch.setattr(reader, method, hidden)
    with pytest.raises(BrokenPromiseError):
        soak(name, 500, 1, None, batch=500, singles=0)


def test_an_exception_names_the_batch_and_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise IndexError("out of bounds")

    monkeypatch.setattr(AsterixDecoder, "decode", fail)
    with pytest.raises(IndexError) as info:
        soak("asterix", 100, 5, None)
    assert info.value.__notes__ == ["asterix: in the batch behind message 0 of seed 5"]


def test_mutants_are_what_they_are_said_to_be() -> None:
    seed = bytes(range(100))
    found = list(mutants(seed, 600, 3))
    assert found == list(mutants(seed, 600, 3))
    assert len(set(found)) > 590
    assert seed not in found
    batch = mutate([seed, b"abc"], 2000, np.random.default_rng(1), 1)
    single = [batch[i] for i in range(len(batch)) if len(batch[i]) > 50]
    flipped = [m for m in single if len(m) == 100 and sum(a != b for a, b in zip(m, seed, strict=True)) == 1]
    assert len(flipped) > 100
    assert any(len(m) > 100 and set(m) == set(seed) for m in single)  # doubled
    assert any(len(m) < 100 and seed.startswith(m) for m in single)  # cut
    assert any(len(m) < 100 and m.endswith(seed[-1:]) and set(m) < set(seed) for m in single)  # removed


def test_the_parity_by_bits_is_that_of_a_known_squitter() -> None:
    frame = np.frombuffer(bytes.fromhex("8d406b902015a678d4d220aa4bda"), np.uint8)[None]
    assert accounts.parity(frame).tolist() == [0]
    assert accounts.parity(frame ^ np.uint8(1)).tolist() != [0]


def test_the_tool_runs_a_part_in_a_process_of_its_own_and_leaves_the_page_alone() -> None:
    before = (ROOT / "docs" / "reliability.md").read_bytes()
    command = [sys.executable, str(ROOT / "tools" / "soak.py"), "--only", "mode s", "--messages", "2000", "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    done = json.loads(ended.stdout)
    assert done["broken"] == {}
    assert done["results"]["mode s"]["messages"] == 2000
    assert (ROOT / "docs" / "reliability.md").read_bytes() == before


def test_a_batch_that_hangs_ends_with_a_traceback() -> None:
    hang = (
        "import time; soak.SOAKED['avr'].take = lambda *_: time.sleep(60); soak.BATCH_S = 0.2; soak.feed('avr', 9, 1)"
    )
    script = f"import sys; sys.path.insert(0, {str(ROOT / 'tools')!r}); import soak; {hang}"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=50)
    assert ended.returncode != 0
    assert "Timeout" in ended.stderr
    assert "in take" in ended.stderr or "<lambda>" in ended.stderr
