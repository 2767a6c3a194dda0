"""How good and how fast the tracker is, against Stone Soup and a loop of FilterPy and SciPy.

    python benchmarks/tracker.py [--seed N] [--quick] [--json] [SCENARIO...]

Scenarios of `../shared/bench` fly on a plane for the peers, which run there as they are, and are laid onto WGS84 about
two centres for skypact, with the same aircraft, detections and errors; the bench's scorer scores all on the plane.

    synN    N aircraft, one staring radar that gives whole scans of one time: the peers' best case
    netN    N aircraft, four rotating radars; FilterPy's loop does not take it

Rates are plots per CPU second of one core. skypact takes a scan a step (syn) or a second a step (net); `sector_p99_ms`
is the 99th percentile of a step that holds a scan (syn) or a sector of 1/32 turn (net). The deletion time of the peers
is swept and their best GOSPA taken; skypact runs as it comes. Where a peer does not finish within its time, both are
scored on what it did. Without `--quick`: three seeds, all sizes, five minutes of flight. With it: one seed, peers'
accuracy on 100 aircraft only, speed on a prefix. A figure that was not measured is absent.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

import _peers
from _bench import scenario
from _laid import lay
from _trackers import Run, filterpy, skypact, stonesoup

CENTRES = {"chu": (43.06, 74.48), "svalbard": (78.25, 15.5)}
"""Where scenarios are laid: near the Chu valley, and where meridians converge by 15 degrees across the area."""
KEPT_S = {True: (16.0, 12.0, 20.0), False: (20.0, 16.0, 25.0)}
"""Deletion times tried for the peers with a staring radar, and with rotating ones, the likeliest first."""
PAGE = (100, 500, 2000)
CLUTTER = {100: 50.0, 500: 100.0, 2000: 200.0}
"""False plots a turn and radar, by number of aircraft."""


@dataclass(frozen=True)
class Case:
    """A scenario of the table.

    Attributes
    ----------
    aircraft : int
    staring : bool
        One radar that gives whole scans, else four that rotate.
    """

    aircraft: int
    staring: bool

    def config(self, seed: int, seconds: float) -> scenario.Config:
        """Return the scenario of a seed."""
        radars = scenario.default_radars(1 if self.staring else 4, CLUTTER[self.aircraft])
        return scenario.Config(
            aircraft=self.aircraft, seconds=seconds, seed=seed, radars=radars, synchronous=self.staring
        )

    @property
    def peers(self) -> dict[str, Callable[[scenario.Config, float, float], Run]]:
        """The peers that take it."""
        return {"filterpy": filterpy, "stonesoup": stonesoup} if self.staring else {"stonesoup": stonesoup}


CASES = {f"{kind}{n}": Case(n, kind == "syn") for kind in ("syn", "net") for n in PAGE}


@dataclass(frozen=True)
class Effort:
    """How much is done.

    Attributes
    ----------
    seeds : int
    seconds : float
        Of flight.
    accuracy_up_to : int
        Most aircraft with which peers are scored.
    kept : int
        How many deletion times are tried.
    limit_s : float
        CPU seconds for a peer to be scored.
    speed_limit_s : float
        CPU seconds for a peer that is only timed.
    prefix_s : float
        Of flight, for Stone Soup where it is only timed.
    """

    seeds: int
    seconds: float
    accuracy_up_to: int
    kept: int
    limit_s: float
    speed_limit_s: float
    prefix_s: float


FULL = Effort(3, 300.0, 2000, 3, 900.0, 60.0, 300.0)
QUICK = Effort(1, 180.0, 100, 2, 90.0, 15.0, 60.0)


def measure(case: Case, seed: int, effort: Effort) -> dict[str, list[float]]:
    """Return the figures of a scenario, one or several values each."""
    config = case.config(seed, effort.seconds)
    scored = case.aircraft <= effort.accuracy_up_to
    runs: dict[str, list[Run]] = {}
    for name, run in case.peers.items():
        try:
            if scored:
                runs[name] = [run(config, kept, effort.limit_s) for kept in KEPT_S[case.staring][: effort.kept]]
            else:
                # Stone Soup makes its detections before it begins, which takes longer than a prefix of the rest.
                part = case.config(seed, effort.prefix_s) if name == "stonesoup" else config
                runs[name] = [run(part, KEPT_S[case.staring][0], effort.speed_limit_s)]
        except _peers.PeerMissingError as missing:
            print(missing, file=sys.stderr)
    found: dict[str, list[float]] = {}
    for place in CENTRES.values():
        laid = lay(config, *place)
        ours = skypact(laid, 1.0)
        sectors = ours if case.staring else skypact(laid, None)
        whole = ours.until()
        figures = {
            "plots_s": ours.plots_s,
            "sector_p99_ms": float(np.percentile(sectors.step_ms, 99)),
            "gospa_m": whole.score["gospa_per_target"],
            "rms_m": whole.score["rms"],
            "completeness": whole.score["completeness"],
            "swaps_per_hour": whole.score["swaps_per_hour"],
            "numbers_per_object": whole.score["numbers_per_truth"],
            "false_percent": 100.0 * whole.score["false_share"],
        }
        for name, tried in runs.items():
            figures[f"ratio_{name}"] = statistics.median(whole.ratio(one) for one in tried)
        if scored and runs:
            figures |= against(ours.until, runs)
        for name, value in figures.items():
            found.setdefault(name, []).append(value)
    return found


def against(until: Callable[[float], Run], runs: dict[str, list[Run]]) -> Iterator[tuple[str, float]]:
    """Yield our accuracy over that of the peer whose deletion time suits it best, on what that peer did."""
    peers = {name: [one for one in tried if one.score] for name, tried in runs.items()}
    best = [min(tried, key=lambda one: one.score["gospa_per_target"]) for tried in peers.values() if tried]
    pairs = [(one, until(one.until_s)) for one in best]
    if pairs:
        peer, own = max(pairs, key=lambda pair: pair[1].score["gospa_per_target"] / pair[0].score["gospa_per_target"])
        yield "gospa_ratio", own.score["gospa_per_target"] / peer.score["gospa_per_target"]
        yield "rms_ratio", own.score["rms"] / peer.score["rms"]


def summary(table: dict[str, dict[str, float]]) -> dict[str, float]:
    """Return the figures over all scenarios."""
    wanted = {
        "gospa_ratio_median": ("gospa_ratio", statistics.median),
        "gospa_ratio_max": ("gospa_ratio", max),
        "rms_ratio_median": ("rms_ratio", statistics.median),
        "numbers_per_object_max": ("numbers_per_object", max),
        "false_percent_max": ("false_percent", max),
    }
    found = {}
    for name, (column, over) in wanted.items():
        values = [row[column] for row in table.values() if column in row]
        if values:
            found[name] = over(values)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", nargs="*", metavar="SCENARIO", help=f"of {', '.join(CASES)}; else all")
    parser.add_argument("--seed", type=int, default=1, help="the first of the seeds")
    parser.add_argument("--quick", action="store_true", help="within eight minutes")
    parser.add_argument("--json", action="store_true", help="print one JSON object on the last line")
    options = parser.parse_args()
    unknown = sorted(set(options.scenario) - CASES.keys())
    if unknown:
        parser.error(f"no scenario {', '.join(unknown)}")
    effort = QUICK if options.quick else FULL

    pa.set_cpu_count(1)
    skypact(lay(Case(100, False).config(0, 20.0), *CENTRES["chu"]), 1.0)  # compile
    table: dict[str, dict[str, float]] = {}
    for name in options.scenario or CASES:
        values: dict[str, list[float]] = {}
        for seed in range(options.seed, options.seed + effort.seeds):
            for key, some in measure(CASES[name], seed, effort).items():
                values.setdefault(key, []).extend(some)
        table[name] = {key: statistics.median(some) for key, some in values.items()}
        print(f"{name:8}", "  ".join(f"{key} {value:.4g}" for key, value in table[name].items()), file=sys.stderr)
    result: dict[str, Any] = table | summary(table)
    if options.json:
        print(json.dumps(result))
    else:
        for key, value in result.items():
            if not isinstance(value, dict):
                print(f"{key:24} {value:.3f}")


if __name__ == "__main__":
    main()
