"""The tracker's bench: its scenario generator and its scorer, which needs SciPy."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCH = Path(__file__).resolve().parents[2].parent / "shared" / "bench"


@pytest.fixture(scope="session")
def bench() -> tuple[ModuleType, ModuleType]:
    """Return the modules ``scenario`` and ``evaluate`` of the bench beside the checkout."""
    if not BENCH.is_dir():
        pytest.skip("the tracker's bench is not at ../shared/bench")
    sys.path.insert(0, str(BENCH))
    try:
        import evaluate
        import scenario
    finally:
        sys.path.remove(str(BENCH))
    return scenario, evaluate
