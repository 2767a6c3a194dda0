"""What libasterix makes of ASTERIX bytes, and random records it makes itself: run in the environment of that peer.

    python asterix_libasterix.py generate SEED RECORDS [CATEGORY]    records of every edition of every category
    python asterix_libasterix.py decode FILE                         of JSON lines [category, edition, hex of a block]

Prints one JSON value. A record's values are a dict of element path to number, string, bytes (hex) or a list of them;
a block that libasterix refuses is its error's text.
"""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

from asterix import base, generated

CATEGORIES = ("001", "002", "010", "020", "021", "034", "048", "062", "065")


def specification(category, edition):
    return getattr(generated, f"Cat_{int(category):03d}_{edition.replace('.', '_')}")


def editions(category):
    """Return the editions of a category, as text."""
    prefix = f"Cat_{category}_"
    return [name.removeprefix(prefix).replace("_", ".") for name in dir(generated) if name.startswith(prefix)]


# --- values -----------------------------------------------------------------------------------------------------------


def text(kind, bits, number):
    """Return a packed string as a reader of the table sees it: no padding, a question mark for what is no character."""
    width = kind.cv_bits_per_char
    codes = [number >> width * k & (1 << width) - 1 for k in reversed(range(bits // width))]
    if kind is base.StringAscii:
        letters = [" " if c == 0 else chr(c) if 32 <= c < 127 else "?" for c in codes]
    else:
        letters = [" " if c == 0 and kind is base.StringICAO else kind.to_char(c) or "?" for c in codes]
    return "".join(letters).rstrip(" ")


def content_value(content, bits):
    number, size = content.as_uint(), len(bits)
    if isinstance(content, base.ContentString):
        return text(content.cv_string_type, size, number)
    if isinstance(content, base.ContentQuantity):
        return content._as_quantity()
    if isinstance(content, base.ContentInteger):
        return content.as_integer()
    if isinstance(content, base.ContentBds) or (isinstance(content, base.ContentRaw) and size > 32):
        return number.to_bytes(size // 8, "big").hex()
    return number


def values(variation, path, look_up):
    """Yield (path, value) of the elements of a variation; `look_up` finds the number of a neighbour by its path."""
    if isinstance(variation, base.Element):
        rule = variation._get_rule()
        if isinstance(rule, base.RuleContentDependent):
            key = [look_up("/".join(p)) for p in rule.cv_depends_on]
            known = any(case == key for case, _ in rule.cv_cases)
            content = rule._get_content(key if known and None not in key else None)
        else:
            content = rule._get_content()
        yield path, content_value(content, variation.bs)
    elif isinstance(variation, base.Group):
        yield from item_values(variation.arg, path, look_up)
    elif isinstance(variation, base.Extended):
        for part in variation.arg:
            yield from item_values([i for i in part if i is not None], path, look_up)
    elif isinstance(variation, base.Repetitive):
        names = [name for name, _ in values(empty(variation.cv_variation), path, lambda _: None)]
        columns = {name: [] for name in names}
        for repeated in variation.arg:
            numbers = dict(plain(repeated, path))
            for name, value in values(repeated, path, numbers.get):
                columns[name].append(value)
        yield from columns.items()
    elif isinstance(variation, base.Explicit):
        yield path, variation.get_bytes().hex()
    elif isinstance(variation, base.Compound):
        for name, item in variation.arg.items():
            yield from values(concrete(item), f"{path}/{name}", look_up)
    else:
        raise TypeError(variation)


def item_values(items, path, look_up):
    for item in items:
        if isinstance(item, base.Item):
            non_spare = item.arg
            yield from values(concrete(non_spare), f"{path}/{non_spare.cv_name}", look_up)


def concrete(non_spare):
    """Return the variation of an item; of those that depend on others the default."""
    rule = non_spare.arg
    if isinstance(rule, base.RuleVariationDependent):
        return rule.cv_default_variation._parse(rule.bs)[0]
    return rule.arg


def plain(variation, path):
    """Yield (path, number) of the elements of a variation that is not repeated."""
    if isinstance(variation, base.Element):
        yield path, variation.as_uint()
    elif isinstance(variation, base.Group):
        for item in variation.arg:
            if isinstance(item, base.Item):
                yield from plain(concrete(item.arg), f"{path}/{item.arg.cv_name}")
    elif isinstance(variation, base.Extended):
        for part in variation.arg:
            for item in part:
                if isinstance(item, base.Item):
                    yield from plain(concrete(item.arg), f"{path}/{item.arg.cv_name}")
    elif isinstance(variation, base.Compound):
        for name, item in variation.arg.items():
            yield from plain(concrete(item), f"{path}/{name}")


def empty(variation):
    return variation.create(0)


def record_values(record):
    items = list(record.items_regular.items())
    for sequence in record.items_rfs:
        items += sequence or []
    numbers = {}
    for name, item in items:
        numbers.update(plain(concrete(item), name))
    found = {}
    for name, item in items:
        found.update(values(concrete(item), name, numbers.get))
    return found


# --- random records ---------------------------------------------------------------------------------------------------


def random_bits(rng, bits):
    """Return a number of some bits: often random, sometimes with all bits equal, as fields at their limits are."""
    return rng.choice((rng.getrandbits(bits), rng.getrandbits(bits), 0, (1 << bits) - 1)) if bits else 0


def random_argument(rng, rule):
    """Return something that libasterix can create an item from."""
    variation = rule.cv_default_variation if issubclass(rule, base.RuleVariationDependent) else rule.cv_variation
    return random_variation(rng, variation)


def random_variation(rng, variation):
    if issubclass(variation, base.Element | base.Group):
        return random_bits(rng, variation.cv_bit_size)
    if issubclass(variation, base.Extended):
        parts = variation.cv_items_list
        parts = parts[: rng.choice((rng.randint(1, len(parts)), len(parts)))]
        return tuple(random_bits(rng, sum(i[1] for i in part if i is not None)) for part in parts)
    if issubclass(variation, base.Repetitive):
        least = 1 if variation.cv_rep_bytes is None else 0
        return [random_variation(rng, variation.cv_variation) for _ in range(rng.choice((least, 1, 1, 2, 3, 9)))]
    if issubclass(variation, base.Explicit):
        return rng.randbytes(rng.choice((0, 1, 2, 7, 30)))
    if issubclass(variation, base.Compound):
        known = [i for i in variation.cv_items_list if i is not None]
        share = rng.choice((0.1, 0.5, 1.0))
        return {i.cv_name: random_argument(rng, i.cv_rule) for i in known if rng.random() < share}
    raise TypeError(variation)


def random_record(rng, record, selector=None, first=True):
    """Return a record; `selector` is (item, element, number) that must say which profile it has."""
    share = rng.choice((0.05, 0.3, 0.6, 1.0))
    items = [i.cv_non_spare for i in record.cv_items_list if issubclass(i, base.UapItem)]
    chosen = [i for i in items if rng.random() < share] or [rng.choice(items)]
    arguments = {i.cv_name: random_argument(rng, i.cv_rule) for i in chosen}
    sequences = []
    for _ in [i for i in record.cv_items_list if issubclass(i, base.UapItemRFS)]:
        if rng.random() < 0.3:
            loose = [i for i in items if i not in chosen and (selector is None or i.cv_name != selector[0])]
            picked = rng.sample(loose, min(len(loose), rng.randint(1, 4)))
            sequences.append([(i.cv_name, random_argument(rng, i.cv_rule)) for i in picked])
    if selector is not None:
        item, number = selector
        if first or item in arguments:
            parts = list(arguments.get(item) or random_argument(rng, record._spec(item).cv_rule))
            parts[0] = parts[0] & 0x3F | number << 6
            arguments[item] = tuple(parts)
    return record.create(arguments, *sequences)


def random_block(rng, category):
    """Return the bytes of a block and the values of its records."""
    uap = category.cv_uap
    count = rng.choice((1, 1, 2, 5))
    if issubclass(uap, base.UapSingle):
        records = [random_record(rng, uap.cv_record) for _ in range(count)]
    else:
        path, cases = uap.cv_selector
        number, name = rng.choice(list(cases.items()))
        # The element that selects the profile stands in the first bit of its item; the other bits are free.
        assert path == ["020", "TYP"]
        records = [random_record(rng, uap.cv_uaps[name], (path[0], number), k == 0) for k in range(count)]
    octets = b"".join(r.unparse().to_bytes() for r in records)
    header = category.cv_category.to_bytes(1, "big") + (len(octets) + 3).to_bytes(2, "big")
    return header + octets, [record_values(r) for r in records]


def generate(seed, records, only=None):
    out = []
    for number in CATEGORIES if only is None else (f"{int(only):03d}",):
        for name in editions(number):
            rng = random.Random(f"{seed} {number} {name}")
            category = specification(number, name)
            made = 0
            while made < records:
                octets, found = random_block(rng, category)
                made += len(found)
                out.append([int(number), name, octets.hex(), found])
    return out


def decode(lines):
    out = []
    for line in lines:
        category, name, octets = json.loads(line)
        uap = specification(category, name).cv_uap
        blocks = base.RawDatablock.parse(base.Bits.from_bytes(bytes.fromhex(octets)))
        if isinstance(blocks, ValueError):
            out.append(str(blocks))
            continue
        records = blocks[0].get_raw_records()
        if issubclass(uap, base.UapSingle):
            found = uap.parse(records)
        else:
            found = uap._parse_any_uap(records, 64)
            if not isinstance(found, ValueError):
                found = next((way for way in found if told(way)), ValueError("no profile fits"))
        out.append(str(found) if isinstance(found, ValueError) else [record_values(r) for r in found])
    return out


def told(records):
    """Whether each record of CAT001 that says its profile (020/TYP, plot 0 or track 1) was read with it."""
    for record in records:
        said = record.items_regular.get("020")
        if said is not None:
            typ = dict(plain(concrete(said), "020"))["020/TYP"]
            if ("161" in record.cv_items_dict) != bool(typ):
                return False
    return True


if __name__ == "__main__":
    verb, *arguments = sys.argv[1:]
    if verb == "generate":
        result = generate(int(arguments[0]), int(arguments[1]), *arguments[2:])
    else:
        result = decode(Path(arguments[0]).read_text().splitlines())
    print(json.dumps(result))
