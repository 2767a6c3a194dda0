"""Kernels: the one-to-one pairs of greatest total gain."""

from __future__ import annotations

import numpy as np

from skypact.compiled import kernel
from skypact.scoring._kernels import Flags, Floats, Longs


@kernel
def solve(cost: Floats) -> Longs:
    """Return for each row the column of its own that makes the sum of costs least.

    Successive shortest paths with prices, a row at a time (Kuhn 1955, Naval Research Logistics Quarterly 2, 83-97; in
    this form Jonker and Volgenant 1987, Computing 38, 325-340).

    Parameters
    ----------
    cost : float64 array, shape (n, m), n <= m
        Finite.

    Returns
    -------
    int64 array, shape (n,)
    """
    n, m = cost.shape
    row_price, column_price = np.zeros(n), np.zeros(m + 1)
    row_of = np.full(m + 1, -1, np.int64)  # the last column is a stand-in from which each search begins
    column_of = np.empty(n, np.int64)
    for new in range(n):
        reach, way = np.full(m, np.inf), np.full(m, m, np.int64)
        done = np.zeros(m + 1, np.bool_)
        here = m
        row_of[m] = new
        while row_of[here] >= 0:
            done[here] = True
            row, best = row_of[here], -1
            for j in range(m):
                if not done[j]:
                    length = cost[row, j] - row_price[row] - column_price[j]
                    if length < reach[j]:
                        reach[j], way[j] = length, here
                    if best < 0 or reach[j] < reach[best]:
                        best = j
            step = reach[best]
            for j in range(m + 1):
                if done[j]:
                    row_price[row_of[j]] += step
                    column_price[j] -= step
                elif j < m:
                    reach[j] -= step
            here = best
        while here != m:
            row_of[here] = row_of[way[here]]
            here = way[here]
    for j in range(m):
        if row_of[j] >= 0:
            column_of[row_of[j]] = j
    return column_of


@kernel
def root(parent: Longs, node: int) -> int:
    """Return the representative of a node's cluster, halving the way there."""
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@kernel
def assign(n: int, m: int, i: Longs, j: Longs, gain: Floats) -> Longs:
    """Return which of the possible pairs are chosen, so that their total gain is greatest, rising.

    Clusters of pairs that share nothing are solved apart.

    Parameters
    ----------
    n, m : int
        How many there are on either side.
    i, j : int64 arrays, shape (p,)
        The possible pairs, each at most once.
    gain : float64 array, shape (p,)
        Above zero.
    """
    count = len(i)
    parent = np.arange(n + m)
    for k in range(count):
        a, b = root(parent, i[k]), root(parent, n + j[k])
        parent[max(a, b)] = min(a, b)
    cluster = np.empty(count, np.int64)
    for k in range(count):
        cluster[k] = root(parent, i[k])
    order = np.argsort(cluster, kind="mergesort")
    place = np.full(n + m, -1, np.int64)
    chosen = np.zeros(count, np.bool_)
    first = 0
    while first < count:
        last = first + 1
        while last < count and cluster[order[last]] == cluster[order[first]]:
            last += 1
        if last - first == 1:
            chosen[order[first]] = True
        else:
            choose(n, i, j, gain, order[first:last], place, chosen)
        first = last
    return np.flatnonzero(chosen)


@kernel
def choose(n: int, i: Longs, j: Longs, gain: Floats, members: Longs, place: Longs, chosen: Flags) -> None:
    """Mark the best pairs among the `members` of one cluster; `place` is -1 everywhere before and after."""
    rows = columns = 0
    for k in members:
        if place[i[k]] < 0:
            place[i[k]] = rows
            rows += 1
        if place[n + j[k]] < 0:
            place[n + j[k]] = columns
            columns += 1
    # A column of its own, free of cost, lets each row stay alone.
    cost = np.zeros((rows, columns + rows))
    for k in members:
        cost[place[i[k]], place[n + j[k]]] = -gain[k]
    column_of = solve(cost)
    for k in members:
        chosen[k] = column_of[place[i[k]]] == place[n + j[k]]
    for k in members:
        place[i[k]] = -1
        place[n + j[k]] = -1
