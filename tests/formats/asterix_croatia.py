"""What asterix-decoder makes of ASTERIX blocks: run in the environment of that peer.

    python asterix_croatia.py FILE     of lines, each the hex of a block

Prints a JSON list with a list of records a block; a record is a dict of item to its values in order, without FX and
spare bits; a repeated item is a list of such lists.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import asterix


def flat(item):
    """Return the values of an item in their order."""
    if isinstance(item, list):
        return [flat(i) for i in item]
    out = []
    for name, inner in item.items():
        if name.lower() in {"fx", "spare"} or name.startswith("spare"):
            continue
        if isinstance(inner, list):
            out.append(flat(inner))
        elif "val" in inner:
            out.append(inner["val"])
        else:
            out += flat(inner)
    return out


def records(block):
    try:
        found = asterix.parse(block, verbose=False)
    except Exception as error:
        return str(error)
    return [{k.removeprefix("I"): flat(v) for k, v in r.items() if isinstance(v, dict | list)} for r in found]


print(json.dumps([records(bytes.fromhex(line)) for line in Path(sys.argv[1]).read_text().split()]))
