"""A node's status in the text format of Prometheus."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from skypact.units import SECOND_NS

if TYPE_CHECKING:
    from skypact.node.feeds import FeedStatus
    from skypact.node.status import Status


def metrics(status: Status) -> bytes:
    """Return a status as Prometheus reads it, in its text format 0.0.4."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(status))
    return generate_latest(registry)


class _Collector:
    def __init__(self, status: Status) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        """Yield every figure."""
        status = self._status
        left_out = {reason: n for reason, n in status.plots.items() if reason not in {"plots", "used"}}
        yield _count("skypact_steps", "Steps of the centre.", status.steps)
        yield _count("skypact_busy_seconds", "Time spent on steps.", status.busy_s)
        yield _count("skypact_plots", "Plots taken in.", status.plots.get("plots", 0))
        yield _count("skypact_plots_used", "Plots that tracks were made of.", status.plots.get("used", 0))
        yield _counts("skypact_plots_left_out", "Plots not used.", "reason", left_out)
        yield _gauges("skypact_tracks", "Tracks alive.", "status", status.tracks)
        if status.now_ns is not None:
            late = time.time() - status.now_ns / SECOND_NS
            yield GaugeMetricFamily("skypact_lag_seconds", "The wall clock less the present of the last step.", late)
        age = time.monotonic() - status.stepped_s
        yield GaugeMetricFamily("skypact_step_age_seconds", "Time since the last step.", age)
        yield from self._feeds(status.feeds)
        refused = CounterMetricFamily("skypact_refused", "Refused or skipped, by kind.", labels=["source", "kind"])
        for source, kinds in status.problems.items():
            for kind, count in kinds.items():
                refused.add_metric([source, kind], count)
        yield refused
        if status.sequence is not None:
            yield GaugeMetricFamily("skypact_journal_sequence", "Last entry that is on the disk.", status.sequence)
            failing = float(bool(status.journal_failing))
            yield GaugeMetricFamily("skypact_journal_failing", "Whether the disk refuses to be written.", failing)
            yield _count("skypact_journal_lost_steps", "Steps that are not in the journal.", status.lost_steps)

    @staticmethod
    def _feeds(feeds: tuple[FeedStatus, ...]) -> Iterator[Metric]:
        label = ["source"]
        up = GaugeMetricFamily("skypact_source_up", "Whether a source brings something.", labels=label)
        octets = CounterMetricFamily("skypact_source_octets", "Octets received.", labels=label)
        dropped = CounterMetricFamily("skypact_source_dropped_octets", "Octets that came too fast.", labels=label)
        lost = CounterMetricFamily("skypact_source_connections_lost", "Connections that broke or failed.", labels=label)
        quiet = GaugeMetricFamily("skypact_source_quiet_seconds", "Time since the last octet.", labels=label)
        for one in feeds:
            up.add_metric([one.name], float(one.healthy))
            octets.add_metric([one.name], one.octets)
            dropped.add_metric([one.name], one.dropped_octets)
            lost.add_metric([one.name], one.lost_connections)
            if one.quiet_s is not None:
                quiet.add_metric([one.name], one.quiet_s)
        yield from (up, octets, dropped, lost, quiet)


def _count(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value)


def _counts(name: str, text: str, label: str, values: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(name, text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _gauges(name: str, text: str, label: str, values: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
