"""The filter's kernels against plain matrices, closed forms and geodesics."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import solve_discrete_are
from tracking_world import GEOD, ecef

from skypact.tracking import _filter, _geometry
from skypact.tracking._records import HEIGHT_GEOMETRIC, HEIGHT_UNKNOWN

UPPER = np.triu_indices(6)


def full(c: np.ndarray) -> np.ndarray:
    matrix = np.zeros((6, 6))
    matrix[UPPER] = c
    return matrix + np.triu(matrix, 1).T


def random_covariance(seed: int) -> np.ndarray:
    root = np.random.default_rng(seed).normal(size=(6, 6)) * (100, 100, 50, 10, 10, 5)
    return (root.T @ root)[UPPER]


def motion(dt: float, noise: float, climb: float) -> tuple[np.ndarray, np.ndarray]:
    f = np.eye(6)
    f[:3, 3:] = dt * np.eye(3)
    q = np.zeros((6, 6))
    for axis, density in enumerate((noise, noise, climb)):
        q[axis, axis] = density * abs(dt) ** 3 / 3
        q[axis, axis + 3] = q[axis + 3, axis] = density * dt * abs(dt) / 2
        q[axis + 3, axis + 3] = density * abs(dt)
    return f, q


def test_triangle_is_row_by_row() -> None:
    assert _geometry.TRIANGLE[UPPER].tolist() == list(range(21))
    assert (_geometry.TRIANGLE == _geometry.TRIANGLE.T).all()


@settings(deadline=None)
@given(st.integers(0, 1000), st.floats(0, 60))
def test_prediction_equals_matrices(seed: int, dt: float) -> None:
    c = random_covariance(seed)
    f, q = motion(dt, 200.0, 4.0)
    wanted = f @ full(c) @ f.T + q
    block = np.zeros(6)
    _filter.predicted_block(c, dt, 200.0, 4.0, HEIGHT_GEOMETRIC, block)
    _filter.predict_covariance(c, dt, 200.0, 4.0, HEIGHT_GEOMETRIC)
    assert np.allclose(full(c), wanted, rtol=1e-9)
    assert np.allclose(block, wanted[:3, :3][np.triu_indices(3)], rtol=1e-9)


@settings(deadline=None)
@given(st.integers(0, 1000), st.floats(-3, 0))
def test_earlier_positions_equal_matrices(seed: int, dt: float) -> None:
    c = random_covariance(seed)
    f, q = motion(dt, 200.0, 4.0)
    wanted = (f @ full(c) @ f.T + q)[:3, :3]
    block = np.zeros(6)
    _filter.predicted_block(c, dt, 200.0, 4.0, HEIGHT_GEOMETRIC, block)
    assert np.allclose(block, wanted[np.triu_indices(3)], rtol=1e-9)


def test_unknown_height_returns_to_its_prior_and_stays_legal() -> None:
    c = random_covariance(1)
    c[[5, 10, 14, 17, 19]] = 0.0
    one = c.copy()
    block = np.zeros(6)
    _filter.predicted_block(c, 37.0, 200.0, 4.0, HEIGHT_UNKNOWN, block)
    _filter.predict_covariance(one, 37.0, 200.0, 4.0, HEIGHT_UNKNOWN)
    assert np.allclose(block, full(one)[:3, :3][np.triu_indices(3)])
    for _ in range(2000):
        _filter.predict_covariance(c, 60.0, 1.0, 4.0, HEIGHT_UNKNOWN)
    assert c[11] == pytest.approx(15_000**2 / 12)
    assert np.linalg.eigvalsh(full(c)).min() > 0


@settings(deadline=None)
@given(st.integers(0, 1000))
def test_scalar_updates_equal_the_joint_update(seed: int) -> None:
    rng = np.random.default_rng(seed)
    c = random_covariance(seed)
    p = full(c)
    h = rng.normal(size=(3, 6))
    r = np.diag(rng.uniform(10, 1000, 3))
    z = rng.normal(size=3) * 100
    s = h @ p @ h.T + r
    gain = p @ h.T @ np.linalg.inv(s)
    delta = np.zeros(6)
    squared = sum(_filter.scalar_update(c, delta, h[k], z[k], r[k, k], np.zeros(6)) for k in range(3))
    assert np.allclose(delta, gain @ z)
    assert np.allclose(full(c), p - gain @ s @ gain.T)
    assert squared == pytest.approx(z @ np.linalg.solve(s, z))


@settings(deadline=None)
@given(st.integers(0, 1000))
def test_block_updates_equal_the_joint_update(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = full(random_covariance(seed))[:3, :3]
    rows = np.column_stack([rng.normal(size=(3, 4)) * (1, 1, 1, 100), rng.uniform(10, 1000, 3)])
    h, z, r = rows[:, :3], rows[:, 3], np.diag(rows[:, 4])
    s = h @ p @ h.T + r
    block, delta = p[np.triu_indices(3)].copy(), np.zeros(3)
    parts = np.array([_filter.block_update(block, delta, row) for row in rows])
    assert parts[:, 0].sum() == pytest.approx(z @ np.linalg.solve(s, z))
    assert parts[:, 1].prod() == pytest.approx(np.linalg.det(s))
    assert np.allclose(delta, p @ h.T @ np.linalg.solve(s, z))


def test_steady_state_is_the_riccati_equations() -> None:
    dt, noise, variance = 4.0, 200.0, 80.0**2
    c = random_covariance(3)
    h = np.zeros(6)
    h[0] = 1.0
    for _ in range(200):
        _filter.predict_covariance(c, dt, noise, 4.0, HEIGHT_GEOMETRIC)
        before = full(c)[np.ix_([0, 3], [0, 3])]
        _filter.scalar_update(c, np.zeros(6), h, 0.0, variance, np.zeros(6))
    f, q = motion(dt, noise, 4.0)
    pick = np.ix_([0, 3], [0, 3])
    wanted = solve_discrete_are(f[pick].T, np.array([[1.0], [0.0]]), q[pick], np.array([[variance]]))
    assert np.allclose(before, wanted, rtol=1e-6)


def test_a_hundred_thousand_updates_stay_legal() -> None:
    rng = np.random.default_rng(5)
    c = random_covariance(5) * 1e6
    h = np.zeros(6)
    for step in range(100_000):
        _filter.predict_covariance(c, 0.5, 200.0, 4.0, HEIGHT_GEOMETRIC)
        h[:] = 0.0
        h[:3] = rng.normal(size=3)
        _filter.scalar_update(c, np.zeros(6), h, 0.0, 10.0 ** rng.uniform(-2, 6), np.zeros(6))
        if step % 1000 == 0:
            assert np.linalg.eigvalsh(full(c)).min() > 0


@pytest.mark.parametrize(
    ("lat", "lon", "course"), [(43.0, 74.0, 75.0), (66.0, 179.0, 80.0), (88.5, 10.0, 20.0), (-89.0, 0.0, 180.0)]
)
def test_level_flight_is_a_geodesic_across_antimeridian_and_poles(lat: float, lon: float, course: float) -> None:
    speed, height, step = 250.0, 10_000.0, 4.0
    position = ecef(np.array([lat]), np.array([lon]), np.array([height]))[0]
    frame = np.zeros(5)
    _geometry.set_frame(*position, frame)
    scale = (6_371_000.0 + height) / 6_371_000.0
    velocity = speed * scale * np.array([math.sin(math.radians(course)), math.cos(math.radians(course)), 0.0])
    c = np.zeros(21)
    c[[0, 6, 11, 15, 18, 20]] = 400.0, 100.0, 25.0, 16.0, 4.0, 1.0
    for _ in range(300):
        c_size = np.trace(full(c))
        _filter.move(position, frame, velocity, c, *_filter.travel(velocity, frame, step, HEIGHT_GEOMETRIC))
        assert np.trace(full(c)) == pytest.approx(c_size)
    east, north, back = GEOD.fwd(lon, lat, course, speed * step * 300)
    final = math.degrees(math.atan2(frame[2], frame[3])), math.degrees(math.atan2(frame[0], frame[1]))
    assert GEOD.inv(*final, east, north)[2] < 1_000.0  # of 300 km: the earth is no sphere
    assert abs(frame[4] - height) < 2.0
    assert np.hypot(*velocity[:2]) == pytest.approx(speed * scale)
    heading = math.degrees(math.atan2(velocity[0], velocity[1]))
    assert (heading - back - 180 + 540) % 360 - 180 == pytest.approx(0.0, abs=0.2)
    # The covariance turned with it: its long axis still lies across the flight where it did at the start.
    along = np.array([math.sin(math.radians(heading)), math.cos(math.radians(heading))])
    start = np.array([math.sin(math.radians(course)), math.cos(math.radians(course))])
    assert along @ full(c)[:2, :2] @ along == pytest.approx(start @ np.diag([400.0, 100.0]) @ start, rel=0.02)
