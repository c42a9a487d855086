"""The project's own modules and what each imports, read from the source without importing it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CODE = ("include", "dags", "plugins")


@dataclass(frozen=True)
class Module:
    """One source file: its dotted name, and the dotted names that it imports."""

    name: str
    path: Path
    at_import: frozenset[str]
    """Imported when the module is imported."""
    anywhere: frozenset[str] = field(repr=False)
    """The same and what its functions import when called."""
    for_types: frozenset[str] = field(repr=False)
    """What it imports for a type checker alone."""


def _names(node: ast.stmt, package: str) -> Iterator[str]:
    """`import a.b` as a.b; `from a import b` as a and a.b (b may be a module or a name)."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        origin = node.module or ""
        if node.level:
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            origin = ".".join([*above, origin] if origin else above)
        yield origin
        yield from (f"{origin}.{alias.name}" for alias in node.names)


def _is_typing(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def _type_statements(tree: ast.AST) -> Iterator[ast.stmt]:
    for node in ast.walk(tree):
        if _is_typing(node):
            yield from (n for n in ast.walk(node) if isinstance(n, ast.Import | ast.ImportFrom))


def _statements(tree: ast.AST, *, lazy: bool) -> Iterator[ast.stmt]:
    for node in ast.iter_child_nodes(tree):
        if _is_typing(node):
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif lazy or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _statements(node, lazy=lazy)


def read_module(path: Path) -> Module:
    """The module at `path`; its name is dotted from the project's root."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    is_package = parts[-1] == "__init__"
    name = ".".join(parts[:-1] if is_package else parts)
    package = name if is_package else name.rpartition(".")[0]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = [
        frozenset(n for s in _statements(tree, lazy=lazy) for n in _names(s, package))
        for lazy in (False, True)
    ]
    types = frozenset(n for s in _type_statements(tree) for n in _names(s, package))
    return Module(name, path, *found, types)


@pytest.fixture(scope="session")
def modules() -> dict[str, Module]:
    """Every module of include/, dags/ and plugins/ by its dotted name."""
    files = [path for folder in CODE for path in sorted((ROOT / folder).rglob("*.py"))]
    found = {module.name: module for module in map(read_module, files)}
    assert "include.entra_logs.api" in found
    return found
