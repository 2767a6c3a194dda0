"""Loops of this room over positions: elevation and line of sight."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from skypact.compiled import inlined, kernel
from skypact.earth._formulas import ECCENTRICITY_2, SEMI_MAJOR_M
from skypact.earth.kernels import ecef_to_geodetic, geodetic_to_ecef, uvw_to_enu

Array = NDArray[np.float64]
Layers = tuple[NDArray[np.float32], Array, NDArray[np.int64]]
"""Elevation models, finest first, as `skypact.earth.terrain.Terrain` packs them.

Cells of all layers end to end; (lat, lon, cells per degree of lat, of lon) and (start, rows, columns) of each layer.
Longitudes of layers, and all that are looked up, lie in a turn around zero, or little beyond."""

EDGE = 0.5 + 1e-6
"""How far from the centre of a cell its edge is, with room for rounding, in cells."""

SEGMENT_M = 5000.0
"""A path is exact at its nodes, this far apart at most, and straight in latitude and longitude between them: that is
off the geodesic by SEGMENT_M^2 tan(latitude) / 8 R, 0.5 m at 45 degrees and 28 m at 89 degrees."""

SAMPLES_PER_CELL = 2
"""Samples along a path per cell; in mountains at 15 arc-seconds they miss 2 m of a ridge in the median, 40 m at worst
(one a cell: 7 m and 70 m)."""

SAMPLES_WITHOUT_CELLS = 4
"""Samples a segment over sea or unknown ground: the lowest point of a ray is met within 0.03 m."""

END_REFINEMENT = 2
"""How much denser the samples are in the first and the last segment, where little ground hides much sky."""

POLE_NARROWING = 0.05
"""Cells are not taken to be narrower than this share of their width at the equator, as they are beyond 87 degrees."""

MAST_M = 30.0
"""How far below an end that itself lies below sea level the ground is believed to be land and not sea bed."""

FAR_SIDE_M = 1.985 * SEMI_MAJOR_M
FAR_SIDE_RAD = 3.0
"""Beyond this chord, or this angle at the centre, two points are on opposite sides of the earth, and none sees far."""


# Inlined, and with plain numbers for the layer: passing arrays on costs more than the interpolation itself.
@inlined
def bilinear(
    lat_deg: float,
    lon_deg: float,
    cells: NDArray[np.float32],
    start: int,
    rows: int,
    columns: int,
    lat0: float,
    lon0: float,
    per_lat: float,
    per_lon: float,
) -> float:
    """Return the elevation in one layer, NaN beyond its edge or beside a void."""
    row = (lat0 - lat_deg) * per_lat
    column = (lon_deg - lon0) * per_lon
    turn = 360.0 * per_lon
    if column < -EDGE:
        column += turn
    elif column >= turn - EDGE:
        column -= turn
    round_earth = columns > turn - 0.5
    if not (-EDGE <= row <= rows - 1 + EDGE and (-EDGE <= column <= columns - 1 + EDGE or round_earth)):
        return math.nan
    r0 = int(row + 1.0) - 1
    c0 = int(column + 1.0) - 1
    south_share = row - r0
    east_share = column - c0
    r1 = min(r0 + 1, rows - 1)
    r0 = max(r0, 0)
    c1 = c0 + 1
    if round_earth:
        c0 %= columns
        c1 %= columns
    else:
        c0 = max(c0, 0)
        c1 = min(c1, columns - 1)
    upper = start + r0 * columns
    lower = start + r1 * columns
    return (1.0 - south_share) * ((1.0 - east_share) * cells[upper + c0] + east_share * cells[upper + c1]) + (
        south_share * ((1.0 - east_share) * cells[lower + c0] + east_share * cells[lower + c1])
    )


@kernel
def point_elevation(lat_deg: float, lon_deg: float, layers: Layers) -> float:
    """Return the elevation in the finest layer that knows it."""
    cells, grids, shapes = layers
    for i in range(len(shapes)):
        start, rows, columns = shapes[i, 0], shapes[i, 1], shapes[i, 2]
        elevation = bilinear(
            lat_deg, lon_deg, cells, start, rows, columns, grids[i, 0], grids[i, 1], grids[i, 2], grids[i, 3]
        )
        if not math.isnan(elevation):
            return elevation
    return math.nan


@kernel
def elevations(lat_deg: Array, lon_deg: Array, layers: Layers) -> Array:
    """Return the elevation at each position."""
    out = np.empty(len(lat_deg))
    for i in range(len(lat_deg)):
        out[i] = point_elevation(lat_deg[i], lon_deg[i], layers)
    return out


@kernel
def finest_layer(lat1: float, lon1: float, lat2: float, lon2: float, layers: Layers) -> int:
    """Return the finest layer that a short segment (degrees) may touch, -1 if there is none."""
    _, grids, shapes = layers
    for i in range(len(shapes)):
        half_row = 0.5 / grids[i, 2]
        north = grids[i, 0] + half_row
        west = grids[i, 1] - 0.5 / grids[i, 3]
        if min(lat1, lat2) > north or max(lat1, lat2) < north - 2.0 * half_row * shapes[i, 1]:
            continue
        first = min(lon1, lon2)
        first -= 360.0 * math.floor((first - west) / 360.0)
        if first <= west + shapes[i, 2] / grids[i, 3] or first + abs(lon2 - lon1) >= west + 360.0:
            return i
    return -1


@kernel
def ray_clearance(
    lat1: float, lon1: float, alt1: float, lat2: float, lon2: float, alt2: float, k: float, layers: Layers
) -> float:
    """Return the least height of the ray between two positions (radians, metres) above the terrain.

    The path over ground is the vertical projection of the chord between the two surface points, which runs within
    0.5 m of the geodesic up to 500 km and 4 m up to 1,000 km. The ray is a straight line over a sphere of k times the
    radius of curvature that the ellipsoid has at the middle of the path along it.
    """
    x1, y1, z1 = geodetic_to_ecef(lat1, lon1, 0.0)
    x2, y2, z2 = geodetic_to_ecef(lat2, lon2, 0.0)
    dx, dy, dz = x2 - x1, y2 - y1, z2 - z1
    chord = math.sqrt(dx * dx + dy * dy + dz * dz)
    if not (chord + abs(alt1) + abs(alt2) < math.inf):
        return math.nan
    sea = min(0.0, min(alt1, alt2) - MAST_M) if min(alt1, alt2) < 0.0 else 0.0
    if chord < 1.0:
        ground = point_elevation(math.degrees(lat1), math.degrees(lon1), layers)
        return min(alt1, alt2) - (max(sea, ground) if not math.isnan(ground) else sea)

    if chord > FAR_SIDE_M:
        return -SEMI_MAJOR_M
    radius = radius_along(x1 + 0.5 * dx, y1 + 0.5 * dy, z1 + 0.5 * dz, dx, dy, dz)
    angle = 2.0 * math.asin(min(1.0, 0.5 * chord / radius))
    ray_angle = angle / k
    if ray_angle > FAR_SIDE_RAD:
        return -SEMI_MAJOR_M
    ray_radius = k * radius
    length = angle * radius
    segments = max(1, math.ceil(length / SEGMENT_M))
    cells, grids, shapes = layers
    segment = length / segments
    u1 = 1.0 / (math.sin(ray_angle) * (ray_radius + alt1))
    u2 = 1.0 / (math.sin(ray_angle) * (ray_radius + alt2))
    half_chord = math.tan(0.5 * angle)

    least = math.inf
    lat_a = math.degrees(lat1)
    lon_a = math.degrees(lon1)
    ray_a = alt1
    for i in range(1, segments + 1):
        share = i / segments
        if i < segments:
            along = 0.5 + 0.5 * math.tan((share - 0.5) * angle) / half_chord
            lat, lon, _ = ecef_to_geodetic(x1 + along * dx, y1 + along * dy, z1 + along * dz)
            ray_b = 1.0 / (math.sin((1.0 - share) * ray_angle) * u1 + math.sin(share * ray_angle) * u2) - ray_radius
        else:
            lat, lon, ray_b = lat2, lon2, alt2
        lat_b = math.degrees(lat)
        lon_b = math.degrees(lon)
        lon_b -= 360.0 * round((lon_b - lon_a) / 360.0)
        steps, start, rows, columns = SAMPLES_WITHOUT_CELLS, 0, 0, 0
        lat0, lon0, per_lat, per_lon = math.nan, 0.0, 1.0, 1.0  # no layer: not a number everywhere
        layer = finest_layer(lat_a, lon_a, lat_b, lon_b, layers)
        if layer >= 0:
            start, rows, columns = shapes[layer, 0], shapes[layer, 1], shapes[layer, 2]
            lat0, lon0, per_lat, per_lon = grids[layer, 0], grids[layer, 1], grids[layer, 2], grids[layer, 3]
            narrowing = max(math.cos(0.5 * math.radians(lat_a + lat_b)), POLE_NARROWING)
            cells_long = math.degrees(segment / SEMI_MAJOR_M) * max(per_lat, per_lon / narrowing)
            steps = math.ceil(SAMPLES_PER_CELL * cells_long)
        if i == 1 or i == segments:
            steps *= END_REFINEMENT
        for j in range(steps if i < segments else steps + 1):
            f = j / steps
            lat = lat_a + f * (lat_b - lat_a)
            lon = lon_a + f * (lon_b - lon_a)
            ground = bilinear(lat, lon, cells, start, rows, columns, lat0, lon0, per_lat, per_lon)
            if math.isnan(ground):
                ground = point_elevation(lat, lon, layers)
                if math.isnan(ground):
                    ground = sea
            sag = f * (1.0 - f) * segment * segment / (2.0 * ray_radius)
            least = min(least, ray_a + f * (ray_b - ray_a) - sag - max(sea, ground))
        lat_a, lon_a, ray_a = lat_b, lon_b - 360.0 * math.floor((lon_b + 180.0) / 360.0), ray_b
    return least


@kernel
def radius_along(x: float, y: float, z: float, dx: float, dy: float, dz: float) -> float:
    """Return the radius of curvature of the ellipsoid below a point in a direction (Euler's theorem)."""
    lat, lon, _ = ecef_to_geodetic(x, y, z)
    east, north, _ = uvw_to_enu(dx, dy, dz, lat, lon)
    w2 = 1.0 - ECCENTRICITY_2 * math.sin(lat) ** 2
    across = SEMI_MAJOR_M / math.sqrt(w2)
    meridian = across * (1.0 - ECCENTRICITY_2) / w2
    return (east * east + north * north) / (north * north / meridian + east * east / across)


@kernel
def ray_clearances(
    lat1: Array, lon1: Array, alt1: Array, lat2: Array, lon2: Array, alt2: Array, k: float, layers: Layers
) -> Array:
    """Return the clearance of each pair of positions (radians, metres)."""
    out = np.empty(len(lat1))
    for i in range(len(lat1)):
        out[i] = ray_clearance(lat1[i], lon1[i], alt1[i], lat2[i], lon2[i], alt2[i], k, layers)
    return out


@kernel
def areas_at(
    lat_deg: Array,
    lon_deg: Array,
    edges: Array,
    area_of: NDArray[np.int32],
    band_start: NDArray[np.int64],
    bands_per_degree: int,
    areas: int,
) -> NDArray[np.int64]:
    """Return the area each position lies in by the even-odd rule, -1 for none.

    `edges` (lat, lon, lat, lon) are repeated in every band of latitude they touch; a ray runs east from the position.
    """
    out = np.full(len(lat_deg), -1, np.int64)
    odd = np.zeros(areas, np.bool_)
    for i in range(len(lat_deg)):
        lat, lon = lat_deg[i], lon_deg[i]
        if math.isnan(lat):
            continue
        band = min(int((lat + 90.0) * bands_per_degree), len(band_start) - 2)
        odd[:] = False
        for e in range(band_start[band], band_start[band + 1]):
            lat1, lat2 = edges[e, 0], edges[e, 2]
            if (lat1 > lat) != (lat2 > lat):
                crossing = edges[e, 1] + (lat - lat1) / (lat2 - lat1) * (edges[e, 3] - edges[e, 1])
                if lon < crossing:
                    odd[area_of[e]] = not odd[area_of[e]]
        for area in range(areas):
            if odd[area]:
                out[i] = area
                break
    return out
