"""Compiled kernels follow their sources, also where one file's kernel is compiled into another's."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import skypact.compiled

SOURCE = Path(skypact.compiled.__file__)


def test_a_kernel_in_another_file_that_changed_is_compiled_anew(tmp_path: Path) -> None:
    package = tmp_path / "skypact"
    package.mkdir()
    shutil.copy(SOURCE, package / "compiled.py")
    (package / "__init__.py").touch()
    (package / "inner.py").write_text("from skypact.compiled import kernel\n\n@kernel\ndef f(x):\n    return x + 1\n")
    (package / "outer.py").write_text(
        "from skypact.compiled import kernel\nfrom skypact.inner import f\n\n@kernel\ndef g(x):\n    return f(x) * 10\n"
    )

    def run() -> str:
        code = "from skypact.outer import g; print(g(1))"
        done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    assert run() == "20"
    assert run() == "20"
    assert list(package.glob("__pycache__/*.nbc"))
    (package / "inner.py").write_text("from skypact.compiled import kernel\n\n@kernel\ndef f(x):\n    return x + 2\n")
    assert run() == "30"
