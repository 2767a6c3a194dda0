"""How every kernel of the tracker is compiled."""

from __future__ import annotations

from numba import njit

kernel = njit(cache=True, nogil=True, error_model="numpy")
"""Cached on disk, free of the interpreter's lock; a division by zero gives infinity or NaN as in NumPy, and raises
nothing, whatever a hostile table holds."""
