"""What stands in a sensor's sight: reach, beam, terrain, outages.

The geometry is that of the trackers, exact on the ellipsoid; altitudes stand above mean sea level for both ends, whose
difference from the ellipsoid cancels to a few metres over a radar's range. The atmosphere is the standard one, so that
pressure altitude equals altitude.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from skypact.earth import frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from skypact.earth.terrain import Terrain
    from skypact.exercise.instruments import SimulatedSensor
    from skypact.exercise.motion import State

STANDS_M = 5.0
"""How high above the model's ground an object is taken to be at least: its antenna, and the error of the model."""


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """One sensor's sight of one object; arrays of one shape.

    Attributes
    ----------
    time_s : float array
        Seconds after the scenario's start, ascending.
    azimuth_deg, elevation_deg, range_m : float arrays
        NaN while the object does not exist.
    visible : bool array
        Whether it is in reach, in the beam, in line of sight, and in no outage.
    """

    time_s: NDArray[np.float64]
    azimuth_deg: NDArray[np.float64]
    elevation_deg: NDArray[np.float64]
    range_m: NDArray[np.float64]
    visible: NDArray[np.bool_]

    def at(self, time_s: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return whether the object is visible at times, as at the nearest time of this sight."""
        if not len(self.time_s):
            return np.zeros(len(time_s), bool)
        return np.interp(time_s, self.time_s, self.visible) > 0.5


def sight(sensor: SimulatedSensor, state: State, time_s: NDArray[np.float64], terrain: Terrain) -> Sight:
    """Return how a sensor sees states at their times."""
    site = sensor.site_geodetic
    azimuth, elevation, slant = frames.geodetic2aer(state.latitude_deg, state.longitude_deg, state.altitude_m, *site)
    visible = slant <= (sensor.range_m or 0.0)  # false for NaN
    visible &= ~blind(sensor, time_s, azimuth)
    if sensor.is_radar:
        # Moving-target indication suppresses what stands, and transponders on the ground do not answer to all.
        visible &= (elevation <= sensor.elevation_max_deg) & ~state.on_ground
    if visible.any():
        latitude, longitude = state.latitude_deg[visible], state.longitude_deg[visible]
        ground = np.nan_to_num(terrain.elevation(latitude, longitude), nan=-np.inf)
        altitude = np.maximum(state.altitude_m[visible], ground + STANDS_M)
        visible[visible] = terrain.line_of_sight(*site, latitude, longitude, altitude).visible
    return Sight(time_s, azimuth, elevation, slant, visible)


def blind(
    sensor: SimulatedSensor, time_s: NDArray[np.float64], azimuth_deg: NDArray[np.float64] | None = None
) -> NDArray[np.bool_]:
    """Return whether a sensor is blind at times: towards azimuths if these are given, altogether if not."""
    out = np.zeros(len(time_s), bool)
    for outage in sensor.outages:
        during = (time_s >= outage.from_s) & (time_s < outage.to_s)
        if outage.azimuth_deg is None:
            out |= during
        elif azimuth_deg is not None:
            begin, end = outage.azimuth_deg
            out |= during & ((azimuth_deg - begin) % 360 <= (end - begin) % 360)
    return out
