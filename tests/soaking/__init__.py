"""The long promise of the formats: hostile bytes raise nothing, hang nothing, grow nothing, and all are accounted for.

`tools/soak.py` feeds each a million messages; the tests feed it some thousands by the same code.
"""

from __future__ import annotations

import gc
import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from fuzzing import mutate
from skypact.formats.datagrams import Datagrams
from skypact.formats.detect import detect
from skypact.formats.intake import FORMATS, intake
from soaking.accounts import BrokenPromiseError, agree
from soaking.readers import SOAKED
from soaking.soaked import every, sound

__all__ = ["SOAKED", "BrokenPromiseError", "Soak", "single", "soak"]

BATCH = 10_000
SINGLES = 200
"""One message in so many also goes alone through readers made for it."""
DAMAGES = 3


@dataclass(frozen=True, slots=True)
class Soak:
    """What came of feeding one format.

    Attributes
    ----------
    messages, singles : int
        Messages fed, and those of them that went alone through new readers too.
    unit : str
        What the reader counts.
    read, refused : int
        So many units.
    cpu_s : float
    grown_mb : float
        Resident memory at the end less that after a tenth of the messages.
    """

    name: str
    messages: int
    singles: int
    unit: str
    read: int
    refused: int
    cpu_s: float
    grown_mb: float


def soak(
    name: str,
    messages: int,
    seed: int,
    shared: Path | None,
    *,
    batch: int = BATCH,
    singles: int = SINGLES,
    before_batch: Callable[[int], object] = lambda fed: None,
) -> Soak:
    """Feed a format so many mutants; raise where one raises or where the account of a batch does not balance.

    Parameters
    ----------
    name : str
        One of `SOAKED`.
    messages, seed : int
    shared : Path, optional
        The folder of recordings; without it messages of our encoders are damaged.
    batch, singles : int
    before_batch : callable
        Called with the number of messages fed before each batch, for a watchdog.
    """
    generator = np.random.default_rng([seed, *name.encode()])
    soaked = SOAKED[name](shared, generator)
    begun = time.process_time()
    fed = alone = read = refused = 0
    settled = None
    while fed < messages:
        before_batch(fed)
        mutants = mutate(soaked.seeds, min(batch, messages - fed), generator, DAMAGES)
        chosen = every(mutants)[::singles] if singles else []
        try:
            a, b = soaked.take(mutants)
        except Exception as err:
            err.add_note(f"{name}: in the batch behind message {fed} of seed {seed}")
            raise
        read, refused = read + a, refused + b
        for message in chosen:
            single(name, message, generator, shared)
        fed, alone = fed + len(mutants), alone + len(chosen)
        if settled is None and 10 * fed >= messages:
            settled = resident_mb()
    return Soak(
        name,
        fed,
        alone,
        soaked.unit,
        read,
        refused,
        time.process_time() - begun,
        resident_mb() - (settled or 0.0),
    )


def single(name: str, message: bytes, generator: np.random.Generator, shared: Path | None) -> None:
    """Read one message alone by readers made for it, whole and in pieces: of Mode S and text the same must come out.

    Datagrams of ASTERIX are read as such, and frames without a framing in one of text.
    """
    wire = SOAKED[name].wire
    agree("formats told apart", detect(message) in {None, *FORMATS}, True)
    if name == "asterix":
        sound(intake("asterix").take(Datagrams.of([message], 10**18)))
        return
    if wire is None:
        wire, message = "avr", b"*" + message.hex().encode() + b";"
    cut = int(generator.integers(len(message) + 1))
    found = []
    for pieces in ([message], [message[:cut], message[cut:]]):
        reader = intake(wire)
        parts = [reader.feed(piece, 10**18) for piece in pieces]
        parts.append(reader.finish())
        plots = pa.concat_tables([sound(part).plots for part in parts])
        found.append((plots.to_pylist(), dict(reader.problems), reader.ended))
    if wire not in {"asterix", "pcap"}:  # there the edition is guessed from what has come so far
        agree("one message in two pieces", found[1], found[0])


def resident_mb() -> float:
    """Return the memory of this process that is resident, in MB."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
