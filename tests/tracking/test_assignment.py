"""The assignment against SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from skypact.tracking import _assignment
from skypact.tracking._assignment import assign, solve


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (3, 3), (5, 8), (30, 60), (80, 80)])
def test_solve_equals_scipy(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(shape[0])
    for draw in range(20):
        cost = rng.normal(0, 10, shape)
        if draw % 2:
            cost = np.round(cost)  # many ties
        columns = solve(cost)
        assert len(set(columns.tolist())) == shape[0]
        row, column = linear_sum_assignment(cost)
        assert cost[np.arange(shape[0]), columns].sum() == pytest.approx(cost[row, column].sum(), abs=1e-9)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 12), st.floats(0.05, 1.0))
def test_assign_is_the_best_of_all_pairs(seed: int, plots: int, tracks: int, density: float) -> None:
    rng = np.random.default_rng(seed)
    plot, track = np.nonzero(rng.random((plots, tracks)) < density)
    gain = rng.uniform(0.1, 20, len(plot))
    chosen = np.empty(plots, np.int64)
    assign(plots, tracks, plot, track, gain, chosen)
    pairs = chosen[chosen >= 0]
    assert (plot[pairs] == np.flatnonzero(chosen >= 0)).all()
    assert len(np.unique(track[pairs])) == len(pairs)
    dense = np.zeros((plots, tracks + plots))
    dense[plot, track] = -gain
    row, column = linear_sum_assignment(dense)
    assert gain[pairs].sum() == pytest.approx(-dense[row, column].sum())


def test_assign_of_a_huge_cluster_is_greedy_and_legal() -> None:
    n = _assignment.LARGEST_CLUSTER + 20
    rng = np.random.default_rng(1)
    plot, track = (a.ravel() for a in np.meshgrid(np.arange(n), np.arange(n), indexing="ij"))
    gain = rng.uniform(0, 1, len(plot))
    chosen = np.empty(n, np.int64)
    assign(n, n, plot, track, gain, chosen)
    assert (chosen >= 0).all()
    assert len(np.unique(track[chosen])) == n
    assert chosen[0] == gain[:n].argmax()  # the first plot had its pick
