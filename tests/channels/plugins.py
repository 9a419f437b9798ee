"""Installs an example package the way pip would, as far as importlib.metadata can tell."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

PLUGINS = Path(__file__).resolve().parents[1] / "plugins"


def install(monkeypatch: pytest.MonkeyPatch, site: Path, source: Path) -> None:
    """Put the package in `source` on the path, and what its pyproject.toml says of it into `site`."""
    project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declare(site, project["name"], project["entry-points"]["todoke.channels"])
    monkeypatch.syspath_prepend(source)
    monkeypatch.syspath_prepend(site)


def declare(site: Path, package: str, channels: dict[str, str]) -> None:
    """A distribution that claims to have these channels."""
    info = site / f"{package.replace('-', '_')}-1.0.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0.0\n", encoding="utf-8")
    lines = "".join(f"{name} = {value}\n" for name, value in channels.items())
    (info / "entry_points.txt").write_text(f"[todoke.channels]\n{lines}", encoding="utf-8")
