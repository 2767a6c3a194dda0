"""Run a peer in its own environment, `.peers/NAME`, and keep what it measured; `make peers` builds them.

A peer's script measures its own CPU time with `time.process_time` around the work alone, so that start and imports
stay out, and prints one JSON object as its last line.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / ".peers"
CACHE = PEERS / "cache"
ONE_CORE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")


class PeerMissingError(Exception):
    """A peer is not installed: its figures are left out, never invented."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the peer {name} is not installed: make peers")
        self.name = name


def python(name: str) -> Path:
    """Return the interpreter of a peer's environment."""
    path = PEERS / name / "bin" / "python"
    if not path.exists():
        raise PeerMissingError(name)
    return path


def run(name: str, script: str | Path, *arguments: str | Path, timeout_s: float = 3600.0) -> dict[str, Any]:
    """Run a script, a file or its text, in a peer's environment on one core; return what it printed last."""
    what = [str(script)] if isinstance(script, Path) else ["-c", script]
    done = subprocess.run(
        [str(python(name)), *what, *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        stdin=subprocess.DEVNULL,
        env=os.environ | ONE_CORE,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{name} ended with {done.returncode}:\n{done.stderr[-4000:]}")
    result: dict[str, Any] = json.loads(done.stdout.rstrip().rpartition("\n")[2])
    return result


def version(name: str, distribution: str | None = None) -> str:
    """Return the version of a peer's distribution, named as the peer unless said otherwise."""
    script = "import importlib.metadata as m, json, sys; print(json.dumps({'version': m.version(sys.argv[1])}))"
    return str(run(name, script, distribution or name)["version"])


def cached(name: str, key: object, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return the kept result of a measurement, or measure and keep it.

    Parameters
    ----------
    name : str
        What is measured; names the file.
    key : object
        Everything the result depends on, such as the hash of a scenario and the peer's version; JSON-able.
    measure : callable
    """
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    path = CACHE / f"{name}-{digest}.json"
    if path.exists():
        kept: dict[str, Any] = json.loads(path.read_text())
        return kept
    result = measure()
    CACHE.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}")
    part.write_text(json.dumps(result))
    part.replace(path)
    return result
