"""The earth: frames, geodesics, terrain, geoid, borders, places, facilities.

Import the module that is needed, as in ``from skypact.earth import frames``: nothing is loaded before it is asked for,
and only `kernels` and `terrain` bring in numba.
"""

__all__ = ["borders", "facilities", "frames", "geodesic", "geoid", "kernels", "places", "refraction", "terrain"]
