"""The peers of the tracker on a plane scenario, and ours on the same laid onto the earth."""

from __future__ import annotations

import dataclasses
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pyarrow as pa

import _bench
import _peers
from _bench import evaluate, scenario
from _laid import Laid
from skypact.centre import Centre, CentreConfig

PEER = """
import contextlib, io, json, re, sys
bench, name, *arguments = sys.argv[1:]
sys.path.insert(0, bench)
module = __import__(name)
kept, inner = {}, module.score
module.score = lambda *a, **k: kept.update(inner(*a, **k)) or kept
sys.argv = [name, *arguments]
out = io.StringIO()
with contextlib.redirect_stdout(out):
    module.main()
said = r"(\\d+) plots, (\\d+) s of scenario in [\\d.]+ s: ([\\d.]+) plots/s .*?machine (\\d+)"
found = re.search(said, out.getvalue())
plots, until, rate, machine = map(float, found.groups())
print(json.dumps({"plots": plots, "until_s": until, "plots_s": rate, "machine": machine, "score": kept}))
"""
"""Runs a script of the bench as it is, and keeps its score before it is rounded for people."""


@dataclass(frozen=True)
class Run:
    """What a tracker did with a scenario.

    Attributes
    ----------
    plots_s : float
        Plots per CPU second of one core.
    machine : float
        `evaluate.machine_speed` beside it: rates measured at different times are compared after division by it.
    until_s : float
        How much of the scenario was done.
    score : dict
        What the bench's scorer says of it; empty where too little was done.
    """

    plots_s: float
    machine: float
    until_s: float
    score: dict[str, float]

    def ratio(self, other: Run) -> float:
        """Return how many times faster than another."""
        return (self.plots_s / self.machine) / (other.plots_s / other.machine)


def peer(config: scenario.Config, name: str, arguments: list[str]) -> Run:
    """Return what a peer does, from the cache where it was measured with the same files, scenario and version.

    Raises
    ------
    PeerMissingError
    """
    script = {"stonesoup": "run_stonesoup", "filterpy": "run_others"}[name]
    key = [_bench.fingerprint(), dataclasses.asdict(config), name, _peers.version(name), arguments]

    def measure() -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            scenario.save(Path(folder), config, *scenario.generate(config))
            more = ["filterpy"] if name == "filterpy" else []
            return _peers.run(name, PEER, _bench.FOLDER, script, folder, *more, *arguments)

    found = _peers.cached(name, key, measure)
    return Run(found["plots_s"], found["machine"], found["until_s"], found["score"])


def filterpy(config: scenario.Config, keep_s: float, limit_s: float) -> Run:
    """Return what the loop of FilterPy and SciPy does; it takes whole scans of one time."""
    misses = round(keep_s / config.radars[0].period)
    return peer(config, "filterpy", ["--misses", str(misses), "--limit", f"{limit_s:g}"])


def stonesoup(config: scenario.Config, keep_s: float, limit_s: float) -> Run:
    """Return what Stone Soup does in its fastest setting for the scenario."""
    fastest = "--driver stock --tree tpr" if config.synchronous else "--driver sector --tree none"
    options = f"{fastest} --assoc gnn --filter ekf --keep {keep_s:g} --limit {limit_s:g}"
    return peer(config, "stonesoup", options.split())


@dataclass(frozen=True)
class Ours:
    """What skypact did with a scenario.

    Attributes
    ----------
    tracks : Table of `tables.TRACKS`
    reports, ends
        The same for the bench's scorer.
    plots_s, machine : float
        As in `Run`.
    step_ms : float64 array
        CPU milliseconds of each step.
    """

    laid: Laid
    tracks: pa.Table
    reports: np.ndarray
    ends: dict[int, float]
    plots_s: float
    machine: float
    step_ms: np.ndarray

    def until(self, stop_s: float | None = None) -> Run:
        """Return the run, scored up to a time."""
        config = self.laid.config
        stop = config.seconds if stop_s is None else min(stop_s, config.seconds)
        found = evaluate.score(self.reports, self.ends, self.laid.truth, config, stop=stop)
        return Run(self.plots_s, self.machine, stop, found)


def skypact(laid: Laid, step_s: float | None) -> Ours:
    """Track a scenario with a centre, step by step."""
    batches = laid.batches(step_s)
    centre = Centre(CentreConfig(catalogue=laid.catalogue))
    tracks, spent = [], np.empty(len(batches))
    machine = evaluate.machine_speed()
    for k, (now_ns, plots) in enumerate(batches):
        start = process_time()
        found = centre.step(now_ns, plots).tracks
        spent[k] = process_time() - start
        tracks.append(found)
    machine = (machine + evaluate.machine_speed()) / 2
    table = pa.concat_tables(tracks).unify_dictionaries()
    reports, ends = laid.reports(table)
    return Ours(laid, table, reports, ends, len(laid.flat) / spent.sum(), machine, spent * 1e3)
