"""What surrounds the code: the interpreter the Makefile picks, the locks, and statements that must agree."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = sorted((ROOT / "requirements").glob("[!u]*.txt"))


def pick(*pythons: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "tools/python.sh", *map(str, pythons)], check=False, capture_output=True, text=True, cwd=ROOT
    )


def python(folder: Path, *, version: str = "3.12", able: bool = True) -> Path:
    """Return a stand-in for an interpreter: it answers what the script asks."""
    path = folder / f"python{version}{'' if able else '-bare'}"
    supported = 0 if version in {"3.11", "3.12", "3.13"} else 1
    path.write_text(
        f'#!/bin/sh\ncase "$2" in *version_info*) exit {supported};; *ensurepip*) exit {0 if able else 1};; esac\n'
    )
    path.chmod(0o755)
    return path


def test_the_first_python_that_will_do_is_picked(tmp_path: Path) -> None:
    bare, old, good = python(tmp_path, able=False), python(tmp_path, version="3.10"), python(tmp_path)
    assert pick("/nowhere/python", old, bare, good, sys.executable).stdout.strip() == str(good)


def test_this_very_python_will_do() -> None:
    assert pick(sys.executable).stdout.strip() == sys.executable


def test_a_python_without_venv_is_told_what_to_install(tmp_path: Path) -> None:
    done = pick(python(tmp_path, able=False))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "apt install python3-venv" in done.stderr


def test_no_python_is_told_how_to_name_one(tmp_path: Path) -> None:
    done = pick("/nowhere/python", python(tmp_path, version="3.10"))
    assert done.returncode == 1
    assert "make PYTHON=" in done.stderr


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_a_lock_has_versions_and_hashes_and_no_addresses(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    entries = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).strip())
    assert len(entries) > 20
    for entry in entries:
        assert re.match(r"[\w.-]+==\S+( ; .*)? \\\n( +--hash=sha256:[0-9a-f]{64}( \\\n|$))+$", entry), entry


def test_the_locks_hold_what_the_project_names() -> None:
    core, extra = PYPROJECT["project"]["dependencies"], PYPROJECT["project"]["optional-dependencies"]

    def names(requirements: list[str]) -> set[str]:
        return {re.match(r"[\w.-]+", line)[0] for line in requirements} - {"skypact"}

    def locked(stem: str) -> set[str]:
        return set(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / f"requirements/{stem}.txt").read_text(), re.MULTILINE))

    assert names(core) <= {name for name, _ in locked("core")}
    assert names([line for lines in extra.values() for line in lines]) <= {name for name, _ in locked("all")}
    assert locked("core") <= locked("all")


def test_versions_agree() -> None:
    version = PYPROJECT["project"]["version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()


def test_continuous_integration_runs_the_readmes_test_command() -> None:
    assert "\nmake test " in (ROOT / "README.md").read_text()
    assert "\nmake test " in (ROOT / ".ci/run").read_text()
