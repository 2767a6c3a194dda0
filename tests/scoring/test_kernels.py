"""Each kernel beside a plain twin or SciPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

from skypact.scoring._assignment import assign, solve
from skypact.scoring._kernels import bracket, fewest_runs, near, squared_errors

seeds = st.integers(0, 2**32 - 1)


@given(seeds, st.integers(1, 8), st.integers(0, 5))
def test_solve_finds_the_least_cost(seed: int, n: int, more: int) -> None:
    cost = np.random.default_rng(seed).choice([0.0, -1.0, -2.5, 3.0, 7.0], (n, n + more))
    column = solve(cost)
    assert len(set(column.tolist())) == n
    assert cost[np.arange(n), column].sum() == pytest.approx(cost[linear_sum_assignment(cost)].sum())


@given(seeds, st.integers(0, 40), st.integers(0, 40), st.floats(0.01, 0.4))
def test_assign_chooses_pairs_of_greatest_gain(seed: int, n: int, m: int, density: float) -> None:
    rng = np.random.default_rng(seed)
    gain = np.where(rng.random((n, m)) < density, rng.integers(1, 6, (n, m)), 0).astype(float)
    i, j = np.nonzero(gain)
    chosen = assign(n, m, i, j, gain[i, j])
    assert len(set(i[chosen].tolist())) == len(set(j[chosen].tolist())) == len(chosen)
    assert gain[i, j][chosen].sum() == gain[linear_sum_assignment(-gain)].sum()


def test_a_long_chain_is_one_cluster() -> None:
    n = 400
    i, j = np.repeat(np.arange(n), 2)[1:], np.repeat(np.arange(n), 2)[:-1]
    gain = np.random.default_rng(1).uniform(1, 2, len(i))
    full = np.zeros((n, n))
    full[i, j] = gain
    chosen = assign(n, n, i, j, gain)
    assert gain[chosen].sum() == pytest.approx(full[linear_sum_assignment(-full)].sum())


@given(seeds, st.integers(0, 60), st.integers(0, 60), st.sampled_from([(1, 1, 1), (0, 1, 0), (1, 0, 0), (0, 0, 0)]))
def test_near_finds_every_pair(seed: int, n: int, m: int, spread: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(seed)
    a, b = (rng.uniform(0, 10, (count, 3)) * spread for count in (n, m))
    i, j, distance = near(a, b, 2.0)
    found = {(int(p), int(q)): d for p, q, d in zip(i, j, distance, strict=True)}
    assert len(found) == len(i)
    assert (np.diff(i) >= 0).all()
    expected = {}
    if n and m:
        pairs = cKDTree(a).sparse_distance_matrix(cKDTree(b), 2.0, output_type="ndarray")
        expected = {(int(p), int(q)): float(d) for p, q, d in pairs}
    assert found == pytest.approx(expected)


@given(seeds)
def test_bracket_finds_the_rows_around_a_time(seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 6, 4)
    start = np.concatenate(([0], np.cumsum(counts)))
    time = np.concatenate([np.sort(rng.integers(0, 8, n)) for n in counts])
    who, when = rng.integers(0, 4, 30), rng.integers(-2, 10, 30)
    before, after = bracket(start, time, who, when)
    for k in range(30):
        rows = range(start[who[k]], start[who[k] + 1])
        earlier = [r for r in rows if time[r] <= when[k]]
        later = [r for r in rows if time[r] > when[k]]
        assert before[k] == (earlier[-1] if earlier else -1)
        exact = bool(earlier) and time[earlier[-1]] == when[k]
        assert after[k] == (earlier[-1] if exact else later[0] if later else -1)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9), st.integers(0, 4)), max_size=9))
def test_fewest_runs_cover_all(spans: list[tuple[int, int, int]]) -> None:
    runs = sorted((owner, first, first + length) for owner, first, length in spans)
    columns = np.array(runs, np.int64).reshape(-1, 3).T.copy()
    found = fewest_runs(*columns, 3)
    for owner in range(3):
        own = [set(range(first, last + 1)) for who, first, last in runs if who == owner]
        whole = set().union(*own)
        least = next(
            size for size in range(len(own) + 1)
            if any(set().union(*some) == whole for some in itertools.combinations(own, size))
        )  # fmt: skip
        assert found[owner] == least


@given(seeds, st.integers(1, 5))
def test_squared_errors_are_those_of_the_inverse(seed: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(4, d, d))
    covariance = factor @ factor.transpose(0, 2, 1) + 0.1 * np.eye(d)
    error = rng.normal(size=(4, d))
    expected = [e @ np.linalg.solve(c, e) for e, c in zip(error, covariance, strict=True)]
    assert squared_errors(error.copy(), covariance.copy()) == pytest.approx(expected)


def test_a_covariance_that_is_none_gives_no_number() -> None:
    covariance = np.array([[[1.0, 2.0], [2.0, 1.0]], [[0.0, 0.0], [0.0, 1.0]], [[1.0, np.nan], [np.nan, 1.0]]])
    assert np.isnan(squared_errors(np.ones((3, 2)), covariance)).all()
