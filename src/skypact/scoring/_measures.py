"""From matches to measures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from skypact.scoring._kernels import fewest_runs
from skypact.scoring.result import Gospa, Siap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skypact.scoring._matching import Matches
    from skypact.scoring.settings import ScoringSettings


def gospa(matches: Matches, settings: ScoringSettings) -> tuple[Gospa, NDArray[np.float64]]:
    """Return GOSPA and its value at each time.

    Rahmathullah, Garcia-Fernandez and Svensson 2017 (FUSION, doi 10.23919/ICIF.2017.8009645), definition 1: objects and
    tracks without a partner nearer than c are paired at c^p as far as they go, the rest costs c^p / alpha each. At
    alpha = 2 this is proposition 1, a sum over objects missed and tracks false.
    """
    epochs, due = matches.epochs, matches.pairs[matches.pairs["due"]]
    p, penalty = settings.order, settings.cutoff_m**settings.order
    near = np.bincount(due["epoch"], due["distance_m"] ** p, len(epochs))
    paired = 0.5 * np.minimum(epochs["missed"], epochs["false"])
    missed = penalty * (paired + np.maximum(epochs["missed"] - epochs["false"], 0) / settings.alpha)
    false = penalty * (paired + np.maximum(epochs["false"] - epochs["missed"], 0) / settings.alpha)
    at_times = (near + missed + false) ** (1.0 / p)
    objects = max(1, epochs["objects"].sum())
    sums = [float((part.sum() / objects) ** (1.0 / p)) for part in (near + missed + false, near, missed, false)]
    return Gospa(float(at_times.mean()), *sums), at_times


def siap(matches: Matches, every_s: float) -> Siap:
    """Return the SIAP attributes.

    Votruba, Nisley, Rothrock and Zombro 2001, Single Integrated Air Picture (SIAP) Metrics Implementation, SIAP System
    Engineering Task Force, Technical Report 2001-003, 29 October 2001. Times are counted in evaluations.
    """
    epochs, claims = matches.epochs, matches.claims
    seen, claiming, stray = (int(epochs[name].sum()) for name in ("seen", "claims", "stray"))
    owner, _, first, last = runs(claims)
    longest = np.zeros(len(matches.counted), np.int64)
    np.maximum.at(longest, owner, last - first + 1)
    needed = fewest_runs(owner, first, last, len(matches.counted))
    changes = np.maximum(needed - 1, 0).sum()
    counted = matches.counted.sum()
    return Siap(
        completeness=seen / max(1, int(epochs["objects"].sum())),
        ambiguity=claiming / seen if seen else None,
        spuriousness=stray / (claiming + stray) if claiming + stray else None,
        position_m=mean(claims["distance_m"]),
        velocity_m_s=mean(claims["speed_m_s"]),
        longest_segment=float(longest.sum() / max(1, counted)),
        number_changes_per_hour=float(changes / (seen * every_s / 3600.0)) if seen else None,
    )


def runs(
    pairs: NDArray[np.void],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the unbroken runs of an object being held by a track, in turns of the object.

    Parameters
    ----------
    pairs : array of `PAIR`
        Of objects that count.

    Returns
    -------
    object, track, first, last : int64 arrays
        In the order of object and first turn; both ends included.
    """
    # Turns of an object rise already: pairs stand in the order of time.
    key = pairs["object"] * (pairs["track"].max(initial=0) + 1) + pairs["track"]
    order = np.argsort(key, kind="stable")
    key, turn = key[order], pairs["turn"][order]
    new = np.ones(len(pairs), np.bool_)
    new[1:] = (np.diff(key) != 0) | (np.diff(turn) != 1)
    begin = np.flatnonzero(new)
    first, last = turn[begin], turn[np.roll(new, -1)]
    owner, track = pairs["object"][order[begin]], pairs["track"][order[begin]]
    order = np.lexsort((first, owner))
    return owner[order], track[order], first[order], last[order]


def swaps(pairs: NDArray[np.void]) -> int:
    """Return how often an object's track is another than the one it had before."""
    order = np.argsort(pairs["object"], kind="stable")
    who, track = pairs["object"][order], pairs["track"][order]
    return int(np.count_nonzero((np.diff(who) == 0) & (np.diff(track) != 0)))


def partners(pairs: NDArray[np.void]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return each object and track that were ever matched, and at how many times."""
    size = pairs["track"].max(initial=0) + 1
    both, times = np.unique(pairs["object"] * size + pairs["track"], return_counts=True)
    return both // size, both % size, times


def purity(pairs: NDArray[np.void]) -> tuple[float | None, float | None]:
    """Return the share of matches that are with a track's most frequent object, and the numbers per object."""
    if not len(pairs):
        return None, None
    who, track, times = partners(pairs)
    most = np.zeros(track.max() + 1, np.int64)
    np.maximum.at(most, track, times)
    return float(most.sum() / len(pairs)), len(who) / len(np.unique(who))


def mean(values: NDArray[np.float64]) -> float | None:
    """Return the mean of values, NaN left out; None where nothing is left."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else None
