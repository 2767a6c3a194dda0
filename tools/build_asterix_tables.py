"""Build the ASTERIX category tables from the specifications that the PyPI package libasterix carries.

    python tools/build_asterix_tables.py [WHEEL]

Without a wheel the pinned release is fetched with pip. The output is one JSON file a category, with every edition the
package knows; equal items are written once. Nothing of the package's code is kept, only what the standard says.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import subprocess
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

VERSION = "0.36.3"
CATEGORIES = ("001", "002", "010", "020", "021", "034", "048", "062", "065")
OUT = Path(__file__).resolve().parent.parent / "src/skypact/formats/asterix/tables"


def content(base, rule):
    """Return what the bits of an element mean."""
    if issubclass(rule, base.RuleContentDependent):
        return {
            "on": ["/".join(path) for path in rule.cv_depends_on],
            "default": plain(base, rule.cv_default_content),
            "cases": [[list(key), plain(base, value)] for key, value in rule.cv_cases],
        }
    return plain(base, rule.cv_content)


def plain(base, kind):
    if issubclass(kind, base.ContentTable):
        return {"table": {str(k): v for k, v in kind.cv_values.items()}}
    if issubclass(kind, base.ContentString):
        return {"string": kind.cv_string_type.__name__.removeprefix("String").lower()}
    if issubclass(kind, base.ContentInteger):
        return {"integer": kind.cv_signedness is base.Signed}
    if issubclass(kind, base.ContentQuantity):
        # Steps are binary fractions of round numbers (180/2^25 deg); the shortest decimal of the float is exact enough
        # only because it is the same float again.
        return {"lsb": kind.cv_lsb, "unit": kind.cv_unit, "signed": kind.cv_signedness is base.Signed}
    if issubclass(kind, base.ContentBds):
        return {"bds": True}
    return {}


def elements(base, items, prefix=""):
    """Return [name, title, bits, content] of each element in a row of items; a spare has name null."""
    out = []
    for item, size in items:
        if issubclass(item, base.Spare):
            out.append([None, "", size, {}])
            continue
        non_spare = item.cv_non_spare
        out += variation_elements(
            base, context_free(base, non_spare.cv_rule), prefix + non_spare.cv_name, non_spare.cv_title
        )
    return out


def context_free(base, rule):
    return rule.cv_default_variation if issubclass(rule, base.RuleVariationDependent) else rule.cv_variation


def variation_elements(base, variation, name, title):
    if issubclass(variation, base.Element):
        return [[name, title, variation.cv_bit_size, content(base, variation.cv_rule)]]
    if issubclass(variation, base.Group):
        return elements(base, variation.cv_items_list, f"{name}/" if name else "")
    raise TypeError(f"{name}: {variation.__mro__} inside a group")


def structure(base, variation):
    """Return the layout of an item."""
    if issubclass(variation, base.Element | base.Group):
        return {"kind": "fixed", "elements": variation_elements(base, variation, "", "")}
    if issubclass(variation, base.Extended):
        parts = []
        for part in variation.cv_items_list:
            closed = part[-1] is None
            parts.append({"fx": closed, "elements": elements(base, [x for x in part if x is not None])})
        return {"kind": "extended", "parts": parts}
    if issubclass(variation, base.Repetitive):
        inner = variation_elements(base, variation.cv_variation, "", "")
        return {"kind": "repetitive", "count_bytes": variation.cv_rep_bytes or 0, "elements": inner}
    if issubclass(variation, base.Explicit):
        return {"kind": "explicit"}
    if issubclass(variation, base.Compound):
        return {"kind": "compound", "items": [None if i is None else entry(base, i) for i in variation.cv_items_list]}
    raise TypeError(variation)


def entry(base, non_spare):
    return {"name": non_spare.cv_name, "title": non_spare.cv_title} | structure(
        base, context_free(base, non_spare.cv_rule)
    )


def category(base, generated, number):
    """Return the tables of one category: items written once, editions that point at them."""
    pool, index, editions, expansions = [], {}, [], []

    def intern(item):
        key = json.dumps(item, sort_keys=True)
        if key not in index:
            index[key] = len(pool)
            pool.append(item)
        return index[key]

    def uap(record):
        frns = []
        for item in record.cv_items_list:
            if issubclass(item, base.UapItem):
                frns.append(intern(entry(base, item.cv_non_spare)))
            else:
                frns.append("rfs" if issubclass(item, base.UapItemRFS) else None)
        return frns

    for name in dir(generated):
        if name.startswith(f"Cat_{number}_"):
            spec = getattr(generated, name)
            edition = {"edition": ".".join(map(str, spec.cv_edition))}
            if issubclass(spec.cv_uap, base.UapSingle):
                edition["uaps"] = {"": uap(spec.cv_uap.cv_record)}
            else:
                path, cases = spec.cv_uap.cv_selector
                edition["selector"] = {"path": path, "cases": {str(k): v for k, v in cases.items()}}
                edition["uaps"] = {k: uap(r) for k, r in spec.cv_uap.cv_uaps.items()}
            editions.append(edition)
        elif name.startswith(f"Ref_{number}_"):
            spec = getattr(generated, name)
            kind, size = spec.cv_expansion.cv_type
            expansions.append(
                {
                    "edition": ".".join(map(str, spec.cv_edition)),
                    "fspec_bytes": size if kind is base.FspecFixed else 0,
                    "items": [None if i is None else intern(entry(base, i)) for i in spec.cv_expansion.cv_items_list],
                }
            )
    order = lambda e: tuple(int(Fraction(x)) for x in e["edition"].split("."))  # noqa: E731
    return {
        "schema": "asterix/1",
        "category": int(number),
        "editions": sorted(editions, key=order),
        "expansions": sorted(expansions, key=order),
        "items": pool,
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        if len(sys.argv) > 1:
            wheel = Path(sys.argv[1])
        else:
            subprocess.run(
                [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder, f"libasterix=={VERSION}"],
                check=True,
            )
            wheel = next(Path(folder).glob("*.whl"))
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        sys.path.insert(0, str(wheel))
        base, generated = importlib.import_module("asterix.base"), importlib.import_module("asterix.generated")
    OUT.mkdir(exist_ok=True)
    source = {
        "package": f"libasterix {VERSION}",
        "licence": "MIT",
        "sha256": digest,
        "specifications": generated.asterix_specs_ref,
        "date": generated.asterix_specs_date,
    }
    for number in CATEGORIES:
        table = category(base, generated, number) | {"source": source}
        path = OUT / f"cat{number}.json"
        path.write_text(json.dumps(table, ensure_ascii=False, separators=(",", ":")) + "\n")
        print(path.name, path.stat().st_size, [e["edition"] for e in table["editions"]])


if __name__ == "__main__":
    main()
