"""Whether the covariances of rows fit their errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from skypact.earth import frames
from skypact.scoring._kernels import squared_errors
from skypact.scoring._surface import EARTH_RADIUS_M
from skypact.scoring.result import Consistency
from skypact.tables import COVARIANCE_SIZE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skypact.scoring._picture import Picture
    from skypact.scoring._truth import Truth

HORIZONTAL = (0, 1, 3, 4)
"""East, north and their rates among the six states."""
CHI_SQUARE_95 = {2: 5.991464547107979, 4: 9.487729036781154}
"""The 95 % point of the chi-square distribution, by degrees of freedom."""


def consistency(
    table: pa.Table, picture: Picture, truth: Truth, pairs: NDArray[np.void]
) -> tuple[Consistency | None, Consistency | None]:
    """Return the consistency of horizontal position, and of horizontal position and velocity.

    Each row is compared once, at its own time, with the object that it was matched with (normalised estimation error
    squared: Bar-Shalom, Li and Kirubarajan 2001, Estimation with Applications to Tracking and Navigation, 5.4.2).
    """
    rows, first = np.unique(pairs["row"], return_index=True)
    who = pairs["object"][first]
    exists, there, _ = truth.at(who, picture.time_ns[rows])
    rows = rows[exists]
    column = table["covariance"].combine_chunks()
    known = column.is_valid().to_numpy(zero_copy_only=False)[rows]
    rows, there = rows[known], there.take(np.flatnonzero(known))
    own = picture.states(rows)
    lat, lon = picture.degrees(rows)
    error = np.empty((len(rows), 4))
    # Errors over the ellipsoid, scaled to the height at which the row's velocity and covariance are meant.
    scale = 1.0 + np.nan_to_num(own.altitude_m) / EARTH_RADIUS_M
    for place, difference in ((0, own.place - there.place), (2, own.ground - there.ground)):
        u, v, w = difference.T
        east, north, _ = frames.uvw2enu(u, v, w, lat, lon)
        error[:, place], error[:, place + 1] = east * scale, north * scale
    covariance = _square(column, rows)
    return tuple(  # type: ignore[return-value]
        _summary(squared_errors(error[:, :n].copy(), covariance[:, :n, :n].copy()), n) for n in (2, 4)
    )


def _square(column: pa.FixedSizeListArray, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the horizontal part of the covariances of rows, shape (n, 4, 4)."""
    values = column.values.slice(column.offset * COVARIANCE_SIZE)
    triangle = values.to_numpy(zero_copy_only=False).reshape(-1, COVARIANCE_SIZE)
    out = np.empty((len(rows), 4, 4))
    for a, i in enumerate(HORIZONTAL):
        for b, j in enumerate(HORIZONTAL):
            low, high = min(i, j), max(i, j)
            out[:, a, b] = triangle[rows, low * (11 - low) // 2 + high]
    return out


def _summary(squared: NDArray[np.float64], freedom: int) -> Consistency | None:
    known = squared[np.isfinite(squared)]
    if not len(known):
        return None
    return Consistency(len(known), float(known.mean() / freedom), float((known < CHI_SQUARE_95[freedom]).mean()))
