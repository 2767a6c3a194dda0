"""Kernels: rows around a time, pairs within reach, runs of epochs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from skypact.compiled import kernel

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Flags = NDArray[np.bool_]


@kernel
def bracket(start: Longs, time: Longs, who: Longs, when: Longs) -> tuple[Longs, Longs]:
    """Return the last row at or before a time, and the first at or after it, of each object asked for.

    Parameters
    ----------
    start : int64 array, shape (objects + 1,)
        The rows of object k are ``start[k]`` to ``start[k + 1] - 1``.
    time : int64 array, shape (rows,)
        Increasing within an object.
    who, when : int64 arrays, shape (n,)
        Objects and times asked for.

    Returns
    -------
    before, after : int64 arrays, shape (n,)
        Rows, -1 for none; the same row where there is one at the time itself.
    """
    before = np.empty(len(who), np.int64)
    after = np.empty(len(who), np.int64)
    for i in range(len(who)):
        first, end = start[who[i]], start[who[i] + 1]
        low, high = first, end  # the first row later than the time is in [low, high]
        while low < high:
            middle = (low + high) // 2
            if time[middle] <= when[i]:
                low = middle + 1
            else:
                high = middle
        before[i] = low - 1 if low > first else -1
        if before[i] >= 0 and time[before[i]] == when[i]:
            after[i] = before[i]
        else:
            after[i] = low if low < end else -1
    return before, after


@kernel
def near(a: Floats, b: Floats, cut: float) -> tuple[Longs, Longs, Floats]:
    """Return all pairs of points nearer than `cut`: their indices, those of `a` rising, and their distances.

    A sweep along the axis on which `b` is spread widest.

    Parameters
    ----------
    a, b : float64 arrays, shapes (n, 3) and (m, 3)
    cut : float
    """
    axis, widest = 0, -1.0
    for k in range(3):
        if len(b):
            spread = b[:, k].max() - b[:, k].min()
            if spread > widest:
                axis, widest = k, spread
    order = np.argsort(b[:, axis])
    along = b[:, axis][order]
    first = np.searchsorted(along, a[:, axis] - cut)
    room = 16 + 2 * len(a)
    i, j, distance = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room)
    count = 0
    for p in range(len(a)):
        q = first[p]
        while q < len(along) and along[q] <= a[p, axis] + cut:
            r = order[q]
            x, y, z = a[p, 0] - b[r, 0], a[p, 1] - b[r, 1], a[p, 2] - b[r, 2]
            d = np.sqrt(x * x + y * y + z * z)
            if d < cut:
                if count == room:
                    room *= 2
                    i = np.concatenate((i, np.empty(count, np.int64)))
                    j = np.concatenate((j, np.empty(count, np.int64)))
                    distance = np.concatenate((distance, np.empty(count)))
                i[count], j[count], distance[count] = p, r, d
                count += 1
            q += 1
    return i[:count].copy(), j[:count].copy(), distance[:count].copy()


@kernel
def fewest_runs(owner: Longs, first: Longs, last: Longs, owners: int) -> Longs:
    """Return how many runs are needed to cover all that the runs of each owner cover.

    Parameters
    ----------
    owner, first, last : int64 arrays, shape (n,)
        Runs of epochs, both ends included, in the order of owner and `first`.
    owners : int

    Returns
    -------
    int64 array, shape (owners,)
    """
    needed = np.zeros(owners, np.int64)
    k = 0
    while k < len(owner):
        who = owner[k]
        covered = -1  # the last epoch covered
        best = -1  # the farthest end of runs that begin within reach
        while k < len(owner) and owner[k] == who:
            if first[k] > covered + 1 and best > covered:
                covered = best
                needed[who] += 1
            if first[k] > covered + 1:
                covered = first[k] - 1
            best = max(best, last[k])
            k += 1
        if best > covered:
            needed[who] += 1
    return needed


@kernel
def squared_errors(error: Floats, covariance: Floats) -> Floats:
    """Return errors squared and normalised by their covariances, NaN where one is not positive definite or not known.

    Parameters
    ----------
    error : float64 array, shape (n, d)
    covariance : float64 array, shape (n, d, d)
        Symmetric; destroyed.

    Returns
    -------
    float64 array, shape (n,)
    """
    n, d = error.shape
    out = np.zeros(n)
    for k in range(n):
        c = covariance[k]
        # Cholesky's lower factor takes the place of the covariance; forward substitution goes along.
        for row in range(d):
            for column in range(row + 1):
                rest = c[row, column]
                for m in range(column):
                    rest -= c[row, m] * c[column, m]
                if row == column:
                    c[row, row] = np.sqrt(rest) if rest > 0.0 else np.nan
                else:
                    c[row, column] = rest / c[column, column]
            part = error[k, row]
            for m in range(row):
                part -= c[row, m] * error[k, m]
            error[k, row] = part / c[row, row]
            out[k] += error[k, row] ** 2
    return out
