"""The tracker's bench beside the checkout, `../shared/bench`: its generators and its scorer, used unchanged."""

from __future__ import annotations

import hashlib
import sys

import _peers

FOLDER = _peers.ROOT.parent / "shared" / "bench"
if not FOLDER.is_dir():
    sys.exit("tracker: the bench is not at ../shared/bench: get it, or run a script that needs none")
sys.path.append(str(FOLDER))

import evaluate  # noqa: E402
import scenario  # noqa: E402

__all__ = ["FOLDER", "evaluate", "fingerprint", "scenario"]


def fingerprint() -> str:
    """Return a hash of the bench's files: what was measured with others is not kept."""
    texts = (path.read_bytes() for path in sorted(FOLDER.glob("*.py")))
    return hashlib.sha256(b"\0".join(texts)).hexdigest()
