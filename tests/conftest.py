"""What every test may use: the folder of real recordings, and the peers in environments of their own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# Kernels compile on first use, so no example can have a deadline; in continuous integration examples do not change.
settings.register_profile("skypact", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "skypact")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real recordings and references beside the checkout."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("real recordings are not at ../shared/data")
    return folder


@pytest.fixture(scope="session")
def peer() -> Callable[..., Any]:
    """Return ``run(name, script, *arguments)``: run a Python script in a peer's environment.

    The script's last line of output is read as JSON. Where ``make peers`` has not built the peer the test is skipped.
    """

    def run(name: str, script: str | Path, *arguments: str | Path, timeout_s: float = 300.0) -> Any:
        python = ROOT / ".peers" / name / "bin" / "python"
        if not python.exists():
            pytest.skip(f"the peer {name} is not installed: make peers")
        where = [str(script)] if isinstance(script, Path) else ["-c", script]
        done = subprocess.run(
            [str(python), *where, *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, f"{name} failed:\n{done.stderr[-4000:]}"
        return json.loads(done.stdout.rstrip().rpartition("\n")[2])

    return run
