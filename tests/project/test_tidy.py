"""Style that a reader relies on: small functions, short files, documented names, no dead modules."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tenure.cli.root import COMMANDS

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src" / "tenure").rglob("*.py"))
OURS = [
    path
    for folder in ("src", "tests", "examples", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
LONGEST_FUNCTION, LONGEST_FILE = 60, 500
# Modules that nothing imports because something else starts them.
ENTRIES = {
    "tenure",
    "tenure.__main__",
    "tenure.blocking",
    "tenure.fencing.asgi",
    "tenure.fencing.httpx",
    "tenure.fencing.kubernetes",
    "tenure.fencing.memory",
    "tenure.fencing.postgres",
    "tenure.fencing.redis",
    "tenure.fencing.requests",
    "tenure.fencing.s3",
    "tenure.fencing.sqlite",
    "tenure.fencing.wsgi",
    "tenure.guard.__main__",
    "tenure.peer.democracy.unsafe",
    "tenure.testing.faulty_lock",
    "tenure.testing.search",
    "tenure.testing.pytest_plugin",
    *(f"tenure.cli.{command}" for command in COMMANDS),
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT / "src").with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def lines_without_docstring(function: Function) -> int:
    length = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        length -= (first.end_lineno or first.lineno) - first.lineno + 1
    return length


@pytest.mark.parametrize("path", OURS, ids=name_of)
def test_files_and_functions_are_small(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= LONGEST_FILE, f"{name_of(path)} is longer than {LONGEST_FILE} lines"
    long = [
        f"{name_of(path)}:{node.lineno} {node.name}: {lines_without_docstring(node)} lines"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, Function) and lines_without_docstring(node) > LONGEST_FUNCTION
    ]
    assert not long


def public_names(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """Yield what somebody outside the module may use: its public classes and functions, and their methods."""
    for node in tree.body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node.name, node
            if isinstance(node, ast.ClassDef):
                attributes = ast.get_docstring(node) or ""
                for member in node.body:
                    if not isinstance(member, Function) or member.name.startswith("_"):
                        continue
                    if not (is_property(member) and f"{member.name}:" in attributes):
                        yield f"{node.name}.{member.name}", member


def is_property(function: Function) -> bool:
    return any(isinstance(found, ast.Name) and found.id == "property" for found in function.decorator_list)


@cache
def documented_methods() -> set[str]:
    """Return the methods that some class documents: those who implement its protocol need not repeat it."""
    return {
        name.rpartition(".")[2]
        for path in SOURCES
        for name, node in public_names(ast.parse(path.read_text()))
        if "." in name and ast.get_docstring(node)  # type: ignore[arg-type]
    }


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_modules_and_public_names_have_docstrings(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), f"{name_of(path)} says not what it is for"
    documented = documented_methods()
    bare = [
        name
        for name, node in public_names(tree)
        if not ast.get_docstring(node)  # type: ignore[arg-type]
        and not ("." in name and name.rpartition(".")[2] in documented)
    ]
    assert not bare, f"{name_of(path)}: without a docstring: {', '.join(bare)}"


def imported_modules() -> set[str]:
    found: set[str] = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module)
                found.update(f"{node.module}.{alias.name}" for alias in node.names)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)  # loaded lazily, by name
    return found


def test_no_module_is_dead() -> None:
    imported = imported_modules()
    dead = [module for path in SOURCES if (module := module_of(path)) not in imported | ENTRIES]
    # A package is alive if something in it is.
    alive = [m for m in dead if any(name.startswith(f"{m}.") for name in imported | ENTRIES)]
    assert sorted(set(dead) - set(alive)) == []


def test_every_public_name_can_be_had_and_costs_nothing_before() -> None:
    code = (
        "import sys, tenure\n"
        "assert 'asyncio' not in sys.modules, 'importing tenure loads asyncio'\n"
        "assert all(getattr(tenure, name) for name in tenure.__all__)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
