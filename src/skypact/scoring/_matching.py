"""Which track is of which object, at every time of evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skypact.errors import MisuseError
from skypact.scoring._assignment import assign
from skypact.scoring._kernels import near
from skypact.units import SECOND_NS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skypact.scoring._picture import Picture
    from skypact.scoring._truth import Truth
    from skypact.scoring.settings import ScoringSettings

MOST_TIMES = 1_000_000
"""Times of evaluation: 46 days at one in four seconds."""

PAIR = np.dtype(
    [
        ("epoch", "i8"),
        ("object", "i8"),
        ("track", "i8"),
        ("row", "i8"),  # of the tracks, from which the estimate was carried forward
        ("due", "?"),  # whether the object counts, and not only may be matched
        ("turn", "i8"),  # how many times the object counted before
        ("distance_m", "f8"),
        ("speed_m_s", "f8"),  # size of the difference of horizontal velocities, NaN where unknown
        ("height_m", "f8"),  # track above object, NaN where unknown
    ]
)
"""A track and the object it is taken to be of."""

EPOCH = np.dtype(
    [
        ("time_ns", "i8"),
        ("objects", "i8"),  # that count
        ("missed", "i8"),  # of these, those without a track of their own
        ("tracks", "i8"),  # shown
        ("false", "i8"),  # of these, those without an object of their own
        ("seen", "i8"),  # objects that count and are the nearest of a track or more
        ("claims", "i8"),  # tracks whose nearest object counts
        ("stray", "i8"),  # tracks without an object in reach
    ]
)
"""Counts at one time of evaluation; the last three by nearest object, as SIAP has it."""


@dataclass(frozen=True, slots=True)
class Matches:
    """What was found.

    Attributes
    ----------
    epochs : array of `EPOCH`
    pairs : array of `PAIR`
        One-to-one, of least total cost.
    claims : array of `PAIR`
        Each track with its nearest object in reach, where that object counts.
    counted : int64 array, shape (objects,)
        At how many times each object counted.
    """

    epochs: NDArray[np.void]
    pairs: NDArray[np.void]
    claims: NDArray[np.void]
    counted: NDArray[np.int64]


def match(picture: Picture, truth: Truth, settings: ScoringSettings) -> Matches:
    """Compare the picture with truth at every time of evaluation.

    Raises
    ------
    MisuseError
        Truth ends before the warm-up does.
    """
    times = evaluation_times(truth, settings)
    everybody = np.arange(len(truth.objects))
    counted = np.zeros(len(everybody), np.int64)
    epochs = np.zeros(len(times), EPOCH)
    pairs, claims = [], []
    cut, order = settings.cutoff_m, settings.order
    for n, when in enumerate(times.tolist()):
        rows = picture.at(when)
        estimates = picture.states(rows).carried((when - picture.time_ns[rows]) / SECOND_NS)
        exists, there, trackable = truth.at(everybody, np.full(len(everybody), when))
        who = everybody[exists]
        due = trackable & truth.alive(when - int(settings.settle_s * SECOND_NS))[who]

        i, j, distance = near(estimates.place, there.place, cut)
        every = np.zeros(len(i), PAIR)
        every["epoch"], every["object"], every["track"], every["row"] = n, who[j], picture.track[rows[i]], rows[i]
        every["due"], every["turn"], every["distance_m"] = due[j], counted[who[j]], distance
        own, other = there.take(j), estimates.take(i)
        every["speed_m_s"] = own.speed_difference(other)
        height = other.altitude_m - own.altitude_m
        every["height_m"] = np.where(picture.has_altitude[rows[i]], height, np.nan)

        best = assign(len(rows), len(who), i, j, cut**order - distance**order)
        nearest = np.lexsort((distance, i))
        nearest = nearest[np.flatnonzero(np.diff(i[nearest], prepend=-1))]  # of each track, its first
        claiming = nearest[due[j[nearest]]]
        pairs.append(every[best])
        claims.append(every[claiming])
        objects = np.count_nonzero(due)
        epochs[n] = (
            when,
            objects,
            objects - np.count_nonzero(due[j[best]]),
            len(rows),
            len(rows) - len(best),
            len(np.unique(j[claiming])),
            len(claiming),
            len(rows) - len(nearest),
        )
        counted[who[due]] += 1
    return Matches(epochs, np.concatenate(pairs), np.concatenate(claims), counted)


def evaluation_times(truth: Truth, settings: ScoringSettings) -> NDArray[np.int64]:
    """Return the times of evaluation, UTC nanoseconds.

    Raises
    ------
    MisuseError
        There are none, or so many that truth must hold a row of another age.
    """
    start = truth.first_ns if settings.start_ns is None else settings.start_ns
    stop = truth.last_ns if settings.stop_ns is None else settings.stop_ns
    first = start + round(settings.warm_up_s * SECOND_NS)
    step = max(1, round(settings.every_s * SECOND_NS))
    if (stop - first) // step > MOST_TIMES:
        raise MisuseError(
            f"truth lasts {(stop - start) / SECOND_NS / 86_400:,.0f} days, more than {MOST_TIMES:,} times of "
            "evaluation; is a row of another date in it? Else evaluate less often"
        )
    times = np.arange(first, stop, step)
    if not len(times):
        raise MisuseError(
            f"truth lasts {(stop - start) / SECOND_NS:.0f} s and the first {settings.warm_up_s:.0f} s are not "
            "evaluated; give a longer one or a shorter warm-up"
        )
    return times
