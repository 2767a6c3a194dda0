"""Kernels: which plot goes to which track, exactly, cluster by cluster."""

from __future__ import annotations

import numpy as np

from skypact.compiled import kernel
from skypact.tracking._records import Floats, Longs

LARGEST_CLUSTER = 300
"""In clusters with more tracks or plots than this each plot in turn takes the best track left: no real sector is so."""


@kernel
def solve(cost: Floats) -> Longs:
    """Return for each row the column that minimises the sum of costs, every row getting one column of its own.

    Shortest augmenting paths with potentials (Jonker and Volgenant 1987, Computing 38, 325-340), rows one at a time.

    Parameters
    ----------
    cost : float64 array, shape (n, m), n <= m
        Finite.

    Returns
    -------
    int64 array, shape (n,)
    """
    n, m = cost.shape
    row_price = np.zeros(n)
    column_price = np.zeros(m)
    row_of = np.full(m, -1, np.int64)
    way = np.empty(m, np.int64)
    distance = np.empty(m)
    done = np.empty(m, np.bool_)
    for start in range(n):
        distance[:] = np.inf
        done[:] = False
        row = start
        reached = 0.0
        came_from = -1
        while True:
            nearest = -1
            for j in range(m):
                if not done[j]:
                    length = reached + cost[row, j] - row_price[row] - column_price[j]
                    if length < distance[j]:
                        distance[j] = length
                        way[j] = came_from
                    if nearest < 0 or distance[j] < distance[nearest]:
                        nearest = j
            reached = distance[nearest]
            done[nearest] = True
            came_from = nearest
            if row_of[nearest] < 0:
                break
            row = row_of[nearest]
        row_price[start] += reached
        for j in range(m):
            if done[j] and j != came_from:
                row_price[row_of[j]] += reached - distance[j]
                column_price[j] -= reached - distance[j]
        j = came_from
        while way[j] >= 0:
            row_of[j] = row_of[way[j]]
            j = way[j]
        row_of[j] = start
    column_of = np.empty(n, np.int64)
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
def assign(plots: int, tracks: int, pair_plot: Longs, pair_track: Longs, gain: Floats, chosen: Longs) -> None:
    """Choose pairs of greatest total gain, each plot and each track in one pair at most.

    Parameters
    ----------
    plots, tracks : int
        How many there are.
    pair_plot, pair_track : int64 arrays, shape (p,)
        The possible pairs, each at most once, those of one plot together.
    gain : float64 array, shape (p,)
        Above zero: what a pair is better than leaving both alone.
    chosen : int64 array, shape (plots,)
        Filled with the pair of each plot, -1 for none.
    """
    chosen[:] = -1
    count = len(gain)
    parent = np.arange(plots + tracks)
    for q in range(count):
        a, b = root(parent, pair_plot[q]), root(parent, plots + pair_track[q])
        parent[max(a, b)] = min(a, b)
    # Pairs in the order of their cluster, by counting.
    start = np.zeros(plots + 1, np.int64)  # the root of a cluster is its first plot
    for q in range(count):
        start[root(parent, pair_plot[q]) + 1] += 1
    for k in range(plots):
        start[k + 1] += start[k]
    order = np.empty(count, np.int64)
    fill = start.copy()
    for q in range(count):
        cluster = root(parent, pair_plot[q])
        order[fill[cluster]] = q
        fill[cluster] += 1
    place = np.full(plots + tracks, -1, np.int64)
    for cluster in range(plots):
        first, last = start[cluster], start[cluster + 1]
        if last - first == 1:
            chosen[pair_plot[order[first]]] = order[first]
        elif last > first:
            _assign_cluster(plots, pair_plot, pair_track, gain, order[first:last], place, chosen)


@kernel
def _assign_cluster(
    plots: int, pair_plot: Longs, pair_track: Longs, gain: Floats, members: Longs, place: Longs, chosen: Longs
) -> None:
    """Assign the pairs `members` of one cluster; `place` is -1 everywhere before and after."""
    rows = columns = 0
    for q in members:
        if place[plots + pair_track[q]] < 0:
            place[plots + pair_track[q]] = rows
            rows += 1
        if place[pair_plot[q]] < 0:
            place[pair_plot[q]] = columns
            columns += 1
    if rows > LARGEST_CLUSTER or columns > LARGEST_CLUSTER:
        taken = np.zeros(rows, np.bool_)
        first = 0
        while first < len(members):  # the pairs of one plot stand together
            plot, best = pair_plot[members[first]], -1
            while first < len(members) and pair_plot[members[first]] == plot:
                q = members[first]
                if not taken[place[plots + pair_track[q]]] and (best < 0 or gain[q] > gain[best]):
                    best = q
                first += 1
            if best >= 0:
                chosen[plot] = best
                taken[place[plots + pair_track[best]]] = True
    else:
        # A column of its own, free of cost, lets each track go without a plot.
        cost = np.full((rows, columns + rows), 1e12)
        pair = np.full((rows, columns), -1, np.int64)
        for row in range(rows):
            cost[row, columns + row] = 0.0
        for q in members:
            row, column = place[plots + pair_track[q]], place[pair_plot[q]]
            cost[row, column] = -gain[q]
            pair[row, column] = q
        column_of = solve(cost)
        for row in range(rows):
            if column_of[row] < columns:
                q = pair[row, column_of[row]]
                chosen[pair_plot[q]] = q
    for q in members:
        place[plots + pair_track[q]] = -1
        place[pair_plot[q]] = -1
