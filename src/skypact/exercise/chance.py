"""Streams of random numbers: one for every purpose, sensor and object, so that none depends on another being drawn."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np


def stream(seed: int, purpose: str, *names: str) -> np.random.Generator:
    """Return the stream of a purpose: the same in every process, whatever else is simulated and in which order.

    Parameters
    ----------
    seed : int
        The scenario's.
    purpose : str
        What the numbers are for.
    *names : str
        Whose they are, such as the ids of a sensor and an object.
    """
    key = [int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big") for name in (purpose, *names)]
    return np.random.default_rng([seed, *key])
