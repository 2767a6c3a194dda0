"""What the tracker's kernels work on: arrays of records.

One record holds one track, plot or sensor, so that the fields a kernel reads together lie together in memory, and a
call hands over a handful of arrays: a call with a column for each field costs 0.2 ms in unpacking alone, more than the
kernels need for a hundred plots. The arrays are the tracker's whole memory; they are grown, copied and saved as they
are.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from skypact import tables

Record: TypeAlias = Any
"""One element of an array of records, as a kernel sees it: fields are attributes."""
Records: TypeAlias = NDArray[np.void]
Floats: TypeAlias = NDArray[np.float64]
Longs: TypeAlias = NDArray[np.int64]
Ints: TypeAlias = NDArray[np.int32]
Bytes: TypeAlias = NDArray[np.int8]
Flags: TypeAlias = NDArray[np.bool_]

SECOND_NS = 1_000_000_000
SECOND_S = 1e-9
"""Seconds in a nanosecond."""

EMPTY = -2
SEED = -1
"""An object seen once: no number yet, not reported."""
TENTATIVE, CONFIRMED, COASTING, ENDED = 0, 1, 2, 3
"""Indices into `tables.STATUSES`."""

HEIGHT_UNKNOWN = 0
HEIGHT_PRESSURE = 1
"""The height follows a pressure altitude and the settings' atmosphere."""
HEIGHT_LEVELLED = 2
"""The height follows a pressure altitude whose offset geometric altitudes of the same object have measured."""
HEIGHT_GEOMETRIC = 3

NO_POSITION, POLAR, POSITION = 0, 1, 2
"""Form of a plot: says only who it is or how high; slant range and azimuth from a known site; a position."""

SLOTS = 8
"""Most sensors whose looks are followed per track; a ninth takes the place of the one heard longest ago."""

TRACK = np.dtype(
    [
        ("number", "u4"),  # 0 for a seed
        ("status", "i1"),  # EMPTY, SEED or an index into tables.STATUSES
        ("height_source", "i1"),  # one of HEIGHT_*
        ("on_ground", "?"),  # as last said
        ("simulated", "?"),  # whether any plot was
        ("changed", "?"),  # whether there is something to report
        ("looks", "i2"),  # how many there were, up to 16
        ("history", "i4"),  # a bit a look, the latest lowest, 1 for a hit
        ("mode_3a", "i4"),  # last seen, -1 for none
        ("icao24", "i8"),  # last seen, -1 for none
        ("callsign", "u8"),  # last seen: eight bytes padded with spaces, 0 for none
        ("time_ns", "i8"),  # validity of the state
        ("plot_ns", "i8"),  # last plot with a position
        ("direct_ns", "i8"),  # last self-reported position that entered the filter
        ("look_ns", "i8"),  # last self-reported position that counted as a look
        ("report_ns", "i8"),  # last row given out
        ("due_ns", "i8"),  # when next a look counts as missed, or the track coasts or ends
        ("position", "f8", (3,)),  # earth-centred x, y, z
        # Sine and cosine of latitude, sine and cosine of longitude, height: the local axes stand at the track itself.
        ("frame", "f8", (5,)),
        ("velocity", "f8", (3,)),  # east, north, up
        # Upper triangle, row by row, of east, north, up, v_east, v_north, v_up. Where the height follows a pressure
        # altitude the error of the offset is not in it.
        ("covariance", "f8", (21,)),
        ("offset", "f8"),  # geometric minus pressure altitude
        ("offset_var", "f8"),
        ("existence", "f8"),  # probability that there is an object
        ("missed", "f8"),  # looks missed since the last hit, each by its weight
        ("slot_ns", "i8", (SLOTS,)),  # last plot of each sensor that updates the track
        ("slot_sensor", "i4", (SLOTS,)),  # which, -1 for none
        ("slot_missed", "i4", (SLOTS,)),  # looks missed since
    ],
    align=True,
)
"""A track."""

PLOT = np.dtype(
    [
        ("time_ns", "i8"),
        ("icao24", "i8"),  # -1 for none, as in TRACK
        ("callsign", "u8"),
        ("mode_3a", "i4"),
        ("sensor", "i4"),  # index into the sensors
        ("form", "i1"),  # NO_POSITION, POLAR or POSITION
        ("direct", "?"),  # a position self-reported or computed: many a second, no scan
        ("on_ground", "i1"),  # 1, 0, or -1 for unknown
        ("simulated", "?"),
        ("slant", "f8"),
        ("azimuth", "f8"),  # radians, as all angles; NaN where unknown, as everywhere here
        ("elevation", "f8"),
        ("latitude", "f8"),
        ("longitude", "f8"),
        ("altitude", "f8"),  # geometric
        ("pressure", "f8"),  # pressure altitude
        ("velocity", "f8", (3,)),  # self-reported: east, north, up
        ("var_polar", "f8", (3,)),  # of slant range, azimuth, elevation
        ("var_position", "f8"),
        ("var_altitude", "f8"),
        ("var_velocity", "f8"),
        ("log_clutter", "f8"),  # logarithm of the density of false plots in the space of the measurement
        ("site", "f8", (3,)),  # earth-centred position of the radar
        ("site_frame", "f8", (5,)),
        ("place", "f8", (3,)),  # earth-centred position of the plot, at its height or the middle of possible ones
        ("ground", "f8", (3,)),  # the point of the ellipsoid below
        ("height", "f8"),  # the height used
        ("radius", "f8"),  # of the area searched for tracks; covers every height it can have
    ],
    align=True,
)
"""A plot, ready for association."""

DIRECT_KINDS = tuple(tables.KINDS.index(word) for word in ("adsb", "mlat"))
"""Kinds of self-reported or computed positions: many a second, no scan."""
KINDS = len(tables.KINDS) + 1
"""Rows of a sensor's accuracy: the words of `tables.KINDS`, then none."""

SENSOR = np.dtype(
    [
        ("period_s", "f8"),  # between two looks
        ("detection", "f8"),  # probability of
        ("weight", "f8"),  # of a missed look, 1 at a probability of 0.9
        ("range_m", "f8"),  # instrumented
        ("site", "f8", (3,)),  # NaN where unknown
        ("site_frame", "f8", (5,)),
        ("accuracy", "f8", (KINDS, 4)),  # sigma of slant range, azimuth, elevation (radians), position by kind of plot
        ("last_ns", "i8"),  # measured time of its last plot
        ("stated", "?"),  # whether somebody said the period; else it is learned from the plots of tracks
        ("turns", "?"),  # whether that is the time of a turn
        ("kind", "i1"),  # index into tables.KINDS, -1 for unknown
    ],
    align=True,
)
"""A sensor."""

RULES = np.dtype(
    [
        ("noise", "f8"),
        ("climb_noise", "f8"),
        ("max_speed", "f8"),
        ("max_acceleration", "f8"),
        ("start_var", "f8"),
        ("false_plots", "f8"),
        ("gates", "f8", (5,)),  # largest squared normalised innovation, by number of rows
        ("atmosphere", "f8", (4,)),  # offset at sea level, offset per metre, variances of both
        ("group_ns", "i8"),
        ("delay_ns", "i8"),
        ("end_min_ns", "i8"),
        ("end_max_ns", "i8"),
        ("last_number", "i8"),
        ("hits", "i8"),
        ("looks", "i8"),
        ("end_looks", "f8"),
    ],
    align=True,
)
"""The settings as the kernels want them; units as in `TrackerSettings`."""

COUNTS = (
    "plots",  # taken in
    "used",
    "no_time",
    "future",
    "late",
    "too_many_sensors",
    "no_position",  # nor an address that a track has
    "repeated",
    "nobodys",  # replies without a position of an address that no track has
    "full",  # starts refused for want of places
    "numbers_used_up",
    "crowded",  # plots compared with the first thousands of tracks only
    "inconsistent",  # altitudes that the track of the address cannot have
    "diverged",  # tracks ended because their numbers broke down
)
"""What happened to plots and tracks, counted."""

BOOK = np.dtype(
    [
        ("clock_ns", "i8"),  # measured time of the last plot processed
        ("free", "i8"),  # length of the stack of free places
        ("used", "i8"),  # places ever used
        ("next_number", "i8"),
        *((f"n_{name}", "i8") for name in COUNTS),
    ]
)
"""What the tracker keeps beside its tracks."""

ROOM = np.dtype(
    [
        ("block", "f8", (6,)),
        ("shift", "f8", (3,)),
        ("rows", "f8", (4, 5)),
        ("row", "f8", (5,)),
        ("covariance", "f8", (21,)),
        ("delta", "f8", (6,)),
        ("h", "f8", (6,)),
        ("ph", "f8", (6,)),
        ("variance", "f8", (3,)),
        ("frame", "f8", (5,)),
    ]
)
"""Scratch numbers of the kernels, in one place so that none of them allocates."""
