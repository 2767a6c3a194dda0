"""What skypact weighs: seconds until `skypact --help` answers, megabytes of the wheel and of an installation.

    python benchmarks/package.py [--quick] [--json]

The size of an installation is measured once per lock and kept under `.peers/cache`. `--quick` times fewer starts.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import Any

import _peers

ROOT = _peers.ROOT
LOCK = ROOT / "requirements" / "core.txt"
MB = 1e6


def help_s(runs: int) -> float | None:
    """Return the median wall time of `skypact --help`, None where it fails."""
    command = [str(Path(sys.executable).with_name("skypact")), "--help"]
    times = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        try:
            done = subprocess.run(command, check=False, capture_output=True, stdin=subprocess.DEVNULL)
        except FileNotFoundError:
            return None
        times.append(time.perf_counter() - start)
        if done.returncode != 0:
            return None
    return statistics.median(times[1:])  # the first start reads the disk


def wheel() -> tuple[dict[str, Any], float]:
    """Build the wheel; return its figures and the megabytes it unpacks to."""
    with tempfile.TemporaryDirectory() as folder:
        build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder]
        subprocess.run(build, check=True, capture_output=True, cwd=ROOT, stdin=subprocess.DEVNULL)
        (path,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            metadata = next(e for e in entries if e.filename.endswith(".dist-info/METADATA"))
            requires = Parser().parsestr(archive.read(metadata).decode()).get_all("Requires-Dist", [])
        terrain = sum(e.compress_size for e in entries if e.filename.endswith(".tif"))
        figures = {
            "wheel_mb": round((path.stat().st_size - terrain) / MB, 3),
            "terrain_mb": round(terrain / MB, 3),
            "core_dependencies": sum("extra ==" not in line for line in requires),
        }
        return figures, sum(e.file_size for e in entries) / MB


def dependencies() -> dict[str, Any]:
    """Install the core dependencies of the lock into a fresh environment; return its megabytes."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [f"{folder}/bin/python", "-m", "pip", "--disable-pip-version-check", "--quiet"]
        subprocess.run([*pip, "install", "--require-hashes", "--no-deps", "--requirement", str(LOCK)], check=True)
        files = [f for f in Path(folder).rglob("*") if f.is_file() and not f.is_symlink()]
        return {"mb": sum(f.stat().st_size for f in files) / MB}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0, help="taken for the sake of uniformity: nothing here is random")
    parser.add_argument("--quick", action="store_true", help="time fewer starts")
    parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")
    options = parser.parse_args()

    result: dict[str, Any] = {}
    seconds = help_s(5 if options.quick else 21)
    if seconds is None:
        print("skypact --help does not answer: help_s is left out", file=sys.stderr)
    else:
        result["help_s"] = round(seconds, 3)
    figures, own_mb = wheel()
    result |= figures
    key = [hashlib.sha256(LOCK.read_bytes()).hexdigest(), sys.version, sys.platform]
    kept = _peers.cached("core", key, dependencies)
    result["install_mb"] = round(kept["mb"] + own_mb, 1)
    if options.json:
        print(json.dumps(result))
    else:
        for name, value in result.items():
            print(f"{name:18} {value}")


if __name__ == "__main__":
    main()
