"""What tools check: style, types, layers."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


def run(*command: str) -> None:
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"{' '.join(command)}\n{ended.stdout}\n{ended.stderr}"


def test_style() -> None:
    run(str(BIN / "ruff"), "check", ".")


def test_format() -> None:
    run(str(BIN / "ruff"), "format", "--check", ".")


def test_types_with_mypy() -> None:
    run(str(BIN / "mypy"))


def test_types_with_pyright() -> None:
    if shutil.which("node") is None:
        pytest.skip("pyright needs Node.js: apt-get install nodejs npm")
    run(str(BIN / "pyright"))


def test_layers() -> None:
    run(str(BIN / "lint-imports"), "--no-cache")
