"""How every kernel is compiled: once, kept on the disk, and again when any kernel has changed.

Numba keeps a compiled function until its own file changes. A kernel that another file's kernel calls is compiled into
that one, so a checkout in which one file was edited would go on running the old code. Therefore compiled functions are
thrown away when any file with kernels is not what it was.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from numba import njit

PACKAGE = Path(__file__).parent
STAMP = PACKAGE / "__pycache__" / "kernels.stamp"
MARKS = (b"import kernel", b"numba", b"_formulas")
"""What the files that are compiled, or say how, have in them or in their name."""


def fingerprint() -> str:
    """Return a hash of all files with kernels."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_bytes()
        if any(mark in text or mark in path.name.encode() for mark in MARKS):
            digest.update(str(path.relative_to(PACKAGE)).encode() + b"\0" + text + b"\0")
    return digest.hexdigest()


def discard_stale() -> None:
    """Throw away what was compiled of other sources; where nothing can be written, nothing was kept either."""
    now = fingerprint()
    with contextlib.suppress(OSError):
        if STAMP.read_text() == now:
            return
    with contextlib.suppress(OSError):
        STAMP.parent.mkdir(exist_ok=True)
        for kind in ("nbi", "nbc"):
            for path in PACKAGE.rglob(f"__pycache__/*.{kind}"):
                path.unlink(missing_ok=True)
        part = STAMP.with_suffix(f".{os.getpid()}")
        part.write_text(now)
        part.replace(STAMP)


discard_stale()

kernel = njit(cache=True, nogil=True, error_model="numpy")
"""Cached on disk, free of the interpreter's lock; a division by zero gives infinity or NaN as in NumPy, and raises
nothing, whatever a hostile table holds."""

inlined = njit(cache=True, nogil=True, error_model="numpy", inline="always")
"""The same, written out in place wherever it is called: for what costs less than handing it its arguments."""
