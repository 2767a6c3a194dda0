"""``skypact track``: recordings to tracks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from skypact.cli import _options as options

REASONS = {
    "no_time": "without a time",
    "future": "with a time that is still to come",
    "late": "too late",
    "too_many_sensors": "of more sensors than are kept",
    "no_position": "without a position",
    "repeated": "that repeat others",
    "nobodys": "without a position and of an address that no track has",
    "full": "for which no more tracks could be begun",
    "numbers_used_up": "for which no track numbers are left",
    "crowded": "in a crowd, compared with the nearest tracks only",
    "inconsistent": "with an altitude that the track of their address cannot have",
    "diverged": "of tracks that broke down",
}
"""What the reasons of `Centre.counts` mean."""


def track(
    files: options.Files,
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="Tracks as Parquet.")] = None,
    sensors: options.Sensors = None,
    qnh: Annotated[
        float | None, typer.Option("--qnh", metavar="HPA", help="Sea-level pressure, for true heights.")
    ] = None,
    date: options.Date = None,
    edition: options.Editions = None,
    wire: options.Wire = None,
    at: options.Reference = None,
    clock: options.Stamps = options.Clock.COUNTER,
    utc_offset: options.UtcOffset = 0.0,
    as_json: options.Json = False,
) -> None:
    """Track recordings, or plots as Parquet; several files are taken as feeds of one centre.

    Example: skypact track radar.pcap receiver.beast --sensors sensors.toml -o tracks.parquet
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    from skypact.cli import _say
    from skypact.cli._files import TableWriter
    from skypact.node import merged, steps
    from skypact.tables import TRACKS
    from skypact.units import SECOND_NS

    centre = options.centre(sensors, qnh)
    played = options.recordings(
        files, wire=wire, date=date, editions=edition, at=at, clock=clock, utc_offset=utc_offset
    )
    rows = 0
    confirmed: set[int] = set()
    said = _say.Notices()
    with TableWriter(output, TRACKS) as to:
        for step in merged([steps(one, SECOND_NS) for one in played]):
            found = centre.step(step.now_ns, step.arrived.plots, services=step.arrived.services)
            said.say(found.notices)
            to.write(found.tracks)
            rows += found.tracks.num_rows
            sure = found.tracks.filter(pc.equal(found.tracks["status"].cast(pa.string()), "confirmed"))
            confirmed.update(sure["track"].to_pylist())
    left = {reason: count for reason, count in centre.counts.items() if reason not in {"plots", "used"}}
    if left:
        _say.warn("plots not used: " + ", ".join(f"{count:,} {REASONS.get(r, r)}" for r, count in sorted(left.items())))
    result = {"plots": centre.counts.get("plots", 0), "used": centre.counts.get("used", 0)}
    result |= {"tracks": len(confirmed), "rows": rows}
    text = f"{result['plots']:,} plots, {result['used']:,} used; {len(confirmed):,} confirmed tracks in {rows:,} rows"
    _say.result(result, text, as_json)
    options.complain(played, taken=result["plots"] > 0)
