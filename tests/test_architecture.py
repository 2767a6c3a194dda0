"""The house of docs/design: which room may import which, through its one door, and which rooms touch the world."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "skypact"

ROOT = "skypact"
"""The modules beside the rooms: floor 0."""
FACADE = "skypact/__init__"
"""`import skypact as sp`: over all rooms, and lazy."""

FLOORS = {
    ROOT: 0,
    "earth": 1,
    "sensors": 2,
    "formats": 2,
    "pact": 2,
    "coverage": 3,
    "tracking": 3,
    "picture": 3,
    "warning": 3,
    "scoring": 3,
    "journal": 3,
    "centre": 4,
    "link": 4,
    "node": 5,
    "exercise": 5,
    "console": 5,
    "cli": 6,
    FACADE: 7,
}
SIDEWAYS = {("tracking", "coverage")}
"""Who may import from its own floor."""
HIGHEST = {"journal": 0, "console": 3}
"""The highest floor a room may import, where that is not the one below its own."""

SANS_IO = {"formats", "pact", "coverage", "tracking", "picture", "warning", "centre"}
WORLD_MODULES = {
    "asyncio", "fcntl", "ftplib", "http", "httpx", "mmap", "multiprocessing", "nats", "requests", "select", "selectors",
    "shutil", "signal", "smtplib", "socket", "socketserver", "ssl", "subprocess", "tempfile", "threading", "time",
    "urllib",
}  # fmt: skip
WORLD_CALLS = {"open", "now", "utcnow", "today", "fromfile", "memmap", "write_bytes", "write_text"}
"""Functions and methods by which a file or the clock would come in."""
RANDOM = {"random", "secrets", "uuid", "default_rng"}
"""Randomness, which only exercises have."""


@dataclass(frozen=True)
class Module:
    """One file: its dotted name, its room and its syntax tree."""

    name: str
    room: str
    tree: ast.Module
    is_package: bool

    def imports(self) -> Iterator[tuple[str, str | None, int]]:
        """Yield module, imported name (None for the module itself) and line of every import."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, None, node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                module = node.module or ""
                if node.level:
                    parts = self.name.split(".")
                    parents = parts[: len(parts) - node.level + self.is_package]
                    module = ".".join([*parents, *module.split(".")] if module else parents)
                yield from ((module, alias.name, node.lineno) for alias in node.names)


def read(package: Path) -> dict[str, Module]:
    """Return the modules of a package by dotted name."""
    modules = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        room = parts[0] if len(parts) > 1 else FACADE if parts == ("__init__",) else ROOT
        is_package = parts[-1] == "__init__"
        name = ".".join([package.name, *(parts[:-1] if is_package else parts)])
        modules[name] = Module(name, room, ast.parse(path.read_text(encoding="utf-8"), str(path)), is_package)
    return modules


def ours(module: Module, modules: dict[str, Module]) -> Iterator[tuple[Module, str | None, int]]:
    """Yield each import from our own package: the module it leads to, the name taken from it, the line."""
    for target, name, line in module.imports():
        if name is not None and f"{target}.{name}" in modules:
            yield modules[f"{target}.{name}"], None, line
        elif target in modules:
            yield modules[target], name, line


def may_import(room: str, other: str) -> bool:
    """Whether the floors allow an import between two rooms."""
    if room == other or (room, other) in SIDEWAYS:
        return True
    return FLOORS[other] <= HIGHEST.get(room, FLOORS[room] - 1)


def floor_faults(modules: dict[str, Module]) -> Iterator[str]:
    for module in modules.values():
        if module.room not in FLOORS:
            yield f"{module.name}: {module.room} is no room of the house"
            continue
        for target, name, line in ours(module, modules):
            if target.room in FLOORS and not may_import(module.room, target.room):
                yield f"{module.name}:{line}: {module.room} may not import {target.room}"
            if target.room == module.room:
                continue
            private = [part for part in [*target.name.split("."), name or ""] if part.startswith("_")]
            if private:
                yield f"{module.name}:{line}: {private[0]} is private to {target.room}"


def door_faults(modules: dict[str, Module]) -> Iterator[str]:
    for room in sorted({module.room for module in modules.values()} - {ROOT, FACADE}):
        door = next((m for m in modules.values() if m.room == room and m.is_package and m.name.count(".") == 1), None)
        names = [] if door is None else [t.id for a in door.tree.body for t in assigned(a) if isinstance(t, ast.Name)]
        if "__all__" not in names:
            yield f"{room}: its __init__.py has no __all__"


def assigned(statement: ast.stmt) -> list[ast.expr]:
    if isinstance(statement, ast.Assign):
        return statement.targets
    return [statement.target] if isinstance(statement, ast.AnnAssign) else []


def circle_faults(modules: dict[str, Module]) -> Iterator[str]:
    graph = {m.name: {target.name for target, _, _ in ours(m, modules)} - {m.name} for m in modules.values()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as err:
        yield f"circle: {' -> '.join(err.args[1])}"


def world_faults(modules: dict[str, Module]) -> Iterator[str]:
    for module in modules.values():
        banned = WORLD_MODULES if module.room in SANS_IO else set()
        calls = WORLD_CALLS if module.room in SANS_IO else set()
        if module.room != "exercise":
            banned, calls = banned | RANDOM, calls | RANDOM
        for target, name, line in module.imports():
            for part in {target.split(".")[0], *(f"{target}.{name or ''}".split(".")[:2] if "numpy" in target else ())}:
                if part in banned:
                    yield f"{module.name}:{line}: {module.room} may not import {part}"
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if called in calls:
                    yield f"{module.name}:{node.lineno}: {module.room} may not call {called}()"


def faults(package: Path) -> list[str]:
    """Return what is wrong with a tree, one line each."""
    modules = read(package)
    return [fault for find in (floor_faults, door_faults, circle_faults, world_faults) for fault in find(modules)]


def test_the_house_stands() -> None:
    assert faults(PACKAGE) == []


def test_the_table_has_every_room_once_and_exercise_is_nobodys_floor() -> None:
    assert {room for room in FLOORS if may_import(room, "exercise")} == {"exercise", "cli", FACADE}
    assert not any(may_import(a, b) for a in FLOORS for b in FLOORS if FLOORS[b] > FLOORS[a])
    assert not any(may_import(a, b) and may_import(b, a) for a in FLOORS for b in FLOORS if a != b)
    assert {room for room in FLOORS if may_import("journal", room)} == {"journal", ROOT}


GOOD = {
    "__init__.py": "",
    "tables.py": "import numpy as np",
    "earth/__init__.py": "__all__ = ['frames']",
    "earth/frames.py": "from skypact.earth._kernels import f\nfrom skypact import tables",
    "earth/_kernels.py": "f = 1",
    "sensors/__init__.py": "from skypact.sensors.a import A\n__all__: list[str] = []",
    "sensors/a.py": "from ..earth import frames\nfrom . import b\nA = 1",
    "sensors/b.py": "from datetime import datetime\nprint(datetime.now(), open('x'))",
    "formats/__init__.py": "__all__ = []",
    "formats/asterix/__init__.py": "from skypact.formats import units",
    "formats/units.py": "from skypact.tables import X",
    "coverage/__init__.py": "__all__ = []",
    "tracking/__init__.py": "from skypact.coverage import pd\n__all__ = []",
    "journal/__init__.py": "import time\n__all__ = []",
    "exercise/__init__.py": "import random\nfrom skypact.tracking import t\n__all__ = []",
    "cli/__init__.py": "from skypact.exercise import run\n__all__ = []",
}


def tree(folder: Path, files: dict[str, str]) -> Path:
    for name, text in (GOOD | files).items():
        path = folder / "skypact" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder / "skypact"


def test_a_good_tree_has_no_fault(tmp_path: Path) -> None:
    assert faults(tree(tmp_path, {})) == []


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        ({"units.py": "import skypact.earth"}, "skypact.units:1: skypact may not import earth"),
        (
            {"earth/x.py": "def f():\n    from skypact.sensors import A"},
            "skypact.earth.x:2: earth may not import sensors",
        ),
        ({"formats/x.py": "from skypact import sensors"}, "skypact.formats.x:1: formats may not import sensors"),
        ({"coverage/x.py": "from skypact.tracking import t"}, "skypact.coverage.x:1: coverage may not import tracking"),
        ({"journal/x.py": "import skypact.earth.frames"}, "skypact.journal.x:1: journal may not import earth"),
        (
            {"centre/__init__.py": "__all__ = []", "console/__init__.py": "from ..centre import c\n__all__ = []"},
            "skypact.console:1: console may not import centre",
        ),
        (
            {"node/__init__.py": "from skypact.exercise import e\n__all__ = []"},
            "skypact.node:1: node may not import exercise",
        ),
        ({"sensors/x.py": "from skypact.earth._kernels import f"}, "skypact.sensors.x:1: _kernels is private to earth"),
        ({"sensors/x.py": "from skypact.earth import _kernels"}, "skypact.sensors.x:1: _kernels is private to earth"),
        ({"sensors/x.py": "from skypact.earth.frames import _g"}, "skypact.sensors.x:1: _g is private to earth"),
        ({"sensors/x.py": "from ..earth.frames import _g"}, "skypact.sensors.x:1: _g is private to earth"),
        ({"earth/__init__.py": "x = 1"}, "earth: its __init__.py has no __all__"),
        ({"pact/rules.py": ""}, "pact: its __init__.py has no __all__"),
        ({"attic/__init__.py": "__all__ = []"}, "skypact.attic: attic is no room of the house"),
        (
            {"sensors/b.py": "from skypact.sensors.a import A"},
            "circle: skypact.sensors.a -> skypact.sensors.b -> skypact.sensors.a",
        ),
        ({"formats/x.py": "from time import monotonic"}, "skypact.formats.x:1: formats may not import time"),
        ({"formats/x.py": "import urllib.request"}, "skypact.formats.x:1: formats may not import urllib"),
        ({"tracking/x.py": "open('x')"}, "skypact.tracking.x:1: tracking may not call open()"),
        ({"tracking/x.py": "datetime.now()"}, "skypact.tracking.x:1: tracking may not call now()"),
        ({"earth/x.py": "import random"}, "skypact.earth.x:1: earth may not import random"),
        ({"earth/x.py": "from numpy import random"}, "skypact.earth.x:1: earth may not import random"),
        (
            {"earth/x.py": "import numpy as np\nnp.random.default_rng()"},
            "skypact.earth.x:2: earth may not call default_rng()",
        ),
    ],
)
def test_a_bad_tree_has_its_fault_found(tmp_path: Path, files: dict[str, str], fault: str) -> None:
    assert faults(tree(tmp_path, files)) == [fault]


@pytest.mark.parametrize("module", ["skypact", "skypact.cli"])
def test_what_every_command_imports_is_light(module: str) -> None:
    if not (PACKAGE.parent / module.replace(".", "/") / "__init__.py").exists():
        pytest.skip(f"{module} is not there yet")
    heavy = "{'numba', 'numpy', 'pyarrow', 'pyproj', 'rasterio', 'rs1090'}"
    script = f"import sys, {module}; print(*({heavy} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""
