"""Hostile bytes from real ones: seeded mutants and truncations for every reader of bytes."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

import numpy as np


def mutants(seed_bytes: bytes, n: int, seed: int) -> Iterator[bytes]:
    """Yield `n` damaged copies of `seed_bytes`: the same ones for the same arguments.

    Each copy suffers one to eight of: bits flipped, bytes set to a telling value, a stretch removed, doubled or
    replaced by noise, the end cut off.
    """
    rng = np.random.default_rng(seed)
    telling = np.array([0x00, 0x01, 0x1A, 0x7F, 0x80, 0xFE, 0xFF, 0x0A, 0x2A, 0x3B], np.uint8)
    original = np.frombuffer(seed_bytes, np.uint8)
    for _ in range(n):
        data = original.copy()
        for _ in range(rng.integers(1, 9)):
            if not len(data):
                break
            at = int(rng.integers(len(data)))
            end = min(len(data), at + int(rng.integers(1, 40)))
            match rng.integers(6):
                case 0:
                    data[at] ^= np.uint8(1 << rng.integers(8))
                case 1:
                    data[at:end][: rng.integers(1, 5)] = rng.choice(telling)
                case 2:
                    data = np.delete(data, slice(at, end))
                case 3:
                    data = np.insert(data, at, data[at:end])
                case 4:
                    data[at:end] = rng.integers(0, 256, end - at, np.uint8)
                case _:
                    data = data[:end].copy()
        yield data.tobytes()


def batched(items: Iterable[bytes], size: int) -> Iterator[list[bytes]]:
    """Yield lists of `size` items, the last perhaps shorter (`itertools.batched` of Python 3.12)."""
    source = iter(items)
    while group := list(itertools.islice(source, size)):
        yield group
