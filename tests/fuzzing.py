"""Hostile bytes from good ones: seeded mutants and truncations for every reader of bytes."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from skypact.formats.datagrams import Datagrams

TELLING = np.array([0x00, 0x01, 0x1A, 0x7F, 0x80, 0xFE, 0xFF, 0x0A, 0x2A, 0x3B], np.uint8)
"""Bytes that mean something to some format."""
LONGEST = 40
"""A stretch that is damaged is shorter than this."""
GROUP = 256
FLIP, TELL, COPY, REMOVE, DOUBLE, NOISE, CUT, KINDS = range(8)


def mutate(seeds: Sequence[bytes], n: int, generator: np.random.Generator, most: int = 8) -> Datagrams:
    """Return `n` damaged copies of messages drawn from `seeds`, made together so that a million take seconds.

    Each suffers one to `most` of: a bit flipped, bytes set to a telling value or to those of another place, a stretch
    removed, doubled or replaced by noise, the end cut off. Some end up empty.
    """
    pool = Datagrams.of(seeds)
    drawn = generator.integers(len(pool), size=n)
    data, start, length = _gather(pool.data, pool.start[drawn], pool.length[drawn])
    damages = generator.integers(1, most + 1, n)
    for turn in range(most):
        hit = np.flatnonzero((damages > turn) & (length > 0))
        at = (generator.random(len(hit)) * length[hit]).astype(np.int64)
        longest = generator.choice((5, LONGEST), len(hit))
        end = np.minimum(length[hit], at + generator.integers(1, longest))
        kind = generator.integers(KINDS, size=len(hit))
        first, last = start[hit] + at, start[hit] + end
        data[first[kind == FLIP]] ^= np.left_shift(1, generator.integers(8, size=(kind == FLIP).sum())).astype(np.uint8)
        few = np.minimum(last, first + generator.integers(1, 5, len(hit))) - first
        places = _places(first[kind == TELL], few[kind == TELL])
        data[places] = np.repeat(generator.choice(TELLING, len(few)), few * (kind == TELL))
        other = start[hit] + (generator.random(len(hit)) * (length[hit] - few + 1)).astype(np.int64)
        data[_places(first[kind == COPY], few[kind == COPY])] = data[_places(other[kind == COPY], few[kind == COPY])]
        places = _places(first[kind == NOISE], (last - first)[kind == NOISE])
        data[places] = generator.integers(0, 256, len(places), np.uint8)
        # What changes the length is put together again from pieces: before, between and behind the stretch.
        begins, ends = np.tile(start[:, None], 3), np.tile(start[:, None], 3)
        ends[:, 0] += length
        for damage, pieces in (
            (REMOVE, (start[hit], first, last, start[hit] + length[hit], last, last)),
            (DOUBLE, (start[hit], last, first, last, last, start[hit] + length[hit])),
            (CUT, (start[hit], last, last, last, last, last)),
        ):
            mine = kind == damage
            begins[hit[mine]] = np.column_stack(pieces[0::2])[mine]
            ends[hit[mine]] = np.column_stack(pieces[1::2])[mine]
        sizes = (ends - begins).sum(axis=1)
        data, _, _ = _gather(data, begins.ravel(), (ends - begins).ravel())
        start, length = np.cumsum(sizes) - sizes, sizes
    return Datagrams(data, start, length, np.full(n, 10**18, np.int64))


def mutants(seed_bytes: bytes, n: int, seed: int) -> Iterator[bytes]:
    """Yield `n` damaged copies of `seed_bytes` with one to eight damages: the same ones for the same arguments."""
    generator = np.random.default_rng(seed)
    for begun in range(0, n, GROUP):
        group = mutate([seed_bytes], GROUP, generator)
        yield from (group[i] for i in range(min(GROUP, n - begun)))


def batched(items: Iterable[bytes], size: int) -> Iterator[list[bytes]]:
    """Yield lists of `size` items, the last perhaps shorter (`itertools.batched` of Python 3.12)."""
    source = iter(items)
    while group := list(itertools.islice(source, size)):
        yield group


def _places(start: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Return the index of every byte of some stretches, one behind the other."""
    return np.repeat(start - np.cumsum(length) + length, length) + np.arange(length.sum())


def _gather(data: np.ndarray, start: np.ndarray, length: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return stretches of a buffer copied one behind the other, and where each lies."""
    return data[_places(start, length)], np.cumsum(length) - length, length
