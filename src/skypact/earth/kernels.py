"""Frame conversions as numba scalar functions, for the kernels of every room: radians and metres, WGS84.

``from skypact.earth import kernels`` and call them inside any kernel; they are inlined there. For arrays in
degrees use `skypact.earth.frames`, which holds the same formulas.
"""

from __future__ import annotations

from skypact.compiled import kernel
from skypact.earth import _formulas
from skypact.earth._formulas import Real

__all__ = [
    "aer_to_enu",
    "ecef_from_enu",
    "ecef_to_geodetic",
    "enu_from_ecef",
    "enu_to_aer",
    "enu_to_uvw",
    "geodetic_to_ecef",
    "uvw_to_enu",
]

geodetic_to_ecef = kernel(_formulas.geodetic_to_ecef)
ecef_to_geodetic = kernel(_formulas.ecef_to_geodetic)
uvw_to_enu = kernel(_formulas.uvw_to_enu)
enu_to_uvw = kernel(_formulas.enu_to_uvw)
enu_to_aer = kernel(_formulas.enu_to_aer)
aer_to_enu = kernel(_formulas.aer_to_enu)


@kernel
def enu_from_ecef(x: Real, y: Real, z: Real, lat0: Real, lon0: Real, h0: Real) -> tuple[Real, Real, Real]:
    """Return east, north, up of a point seen from a reference position."""
    x0, y0, z0 = geodetic_to_ecef(lat0, lon0, h0)
    return uvw_to_enu(x - x0, y - y0, z - z0, lat0, lon0)


@kernel
def ecef_from_enu(east: Real, north: Real, up: Real, lat0: Real, lon0: Real, h0: Real) -> tuple[Real, Real, Real]:
    """Return earth-centred x, y, z of a point given east, north, up of a reference position."""
    x0, y0, z0 = geodetic_to_ecef(lat0, lon0, h0)
    u, v, w = enu_to_uvw(east, north, up, lat0, lon0)
    return x0 + u, y0 + v, z0 + w
