"""Imports run one way: todoke → console → subscribers → dispatcher → channels | geo."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
MAY_IMPORT: dict[str, set[str]] = {
    "words": set(),
    "config": {"words"},
    "geo": {"words"},
    "channels": {"words"},
    "dispatcher": {"channels", "geo", "words"},
    "subscribers": {"dispatcher", "channels", "geo", "words"},
    "console": {"subscribers", "dispatcher", "channels", "geo", "words"},
    "todoke": {"config", "console", "subscribers", "dispatcher", "channels", "geo", "words"},
}
INSIDE = set(MAY_IMPORT) - {"channels", "config", "todoke", "words"}
CONTRACT = {"channels.contract", "channels.lanes"}
"""What the inner packages may know of channels: the protocol, and which mail domains share a provider."""
ELSEWHERE = {"bench", "tests"}


def modules(package: str) -> Iterator[tuple[Path, set[str]]]:
    """Every module of a package, and the dotted names it imports, wherever in it."""
    for path in sorted((CHECKOUT / package).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        yield path.relative_to(CHECKOUT), set(_imported(tree, path))


def _imported(tree: ast.AST, path: Path) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            assert node.module is not None
            yield node.module if node.module not in MAY_IMPORT else f"{node.module}.{node.names[0].name}"


def ours(names: set[str]) -> set[str]:
    return {name for name in names if name.split(".")[0] in MAY_IMPORT.keys() | ELSEWHERE}


def test_every_package_has_its_direction() -> None:
    found = {path.parent.name for path in CHECKOUT.glob("*/__init__.py")} - ELSEWHERE
    assert found <= set(MAY_IMPORT)


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_what_stands_below_it(package: str) -> None:
    allowed = MAY_IMPORT[package] | {package}
    wrong = {
        str(path): bad
        for path, names in modules(package)
        if (bad := {n for n in ours(names) if n.split(".")[0] not in allowed})
    }
    assert wrong == {}


@pytest.mark.parametrize("package", sorted(INSIDE))
def test_inner_packages_know_the_contract_and_no_channel(package: str) -> None:
    wrong = {
        str(path): bad
        for path, names in modules(package)
        if (bad := {name for name in names if name.startswith("channels") and name not in CONTRACT})
    }
    assert wrong == {}


def test_a_wrong_direction_would_be_seen() -> None:
    tree = ast.parse(
        "def later():\n    from channels.line import LineChannel\n    import todoke.cli\n    from channels import line"
    )
    assert set(_imported(tree, Path("probe.py"))) == {"channels.line", "todoke.cli"}
