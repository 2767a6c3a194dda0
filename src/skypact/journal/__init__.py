"""The append-only log of a node: everything that came in, what was made of it, and when; all is replayed from here.

A journal is a folder. `Writer` appends tables to it and returns when they are safe on the disk; `Journal` reads it,
also while it is written. See `docs/journal.md` for what lies in the folder.
"""

from skypact.journal._recovery import Recovery
from skypact.journal.contents import RAW, SCHEMA, Snapshot, Step, raw
from skypact.journal.picture import picture
from skypact.journal.reader import Entry, Journal, Usage
from skypact.journal.writer import Writer

__all__ = ["RAW", "SCHEMA", "Entry", "Journal", "Recovery", "Snapshot", "Step", "Usage", "Writer", "picture", "raw"]
