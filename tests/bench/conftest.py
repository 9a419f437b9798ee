"""Benchmarks at toy size: what is tested is that they run, and that their check can say no."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from bench import town

Bench = Callable[..., dict[str, Any]]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Runs a benchmark as its command line would, with its town in a directory of the test's own."""
    monkeypatch.setattr(town, "ROOT", tmp_path)

    def run(name: str, *words: str) -> dict[str, Any]:
        module: Any = import_module(f"bench.{name}")
        parser = ArgumentParser()
        module.add_arguments(parser)
        arguments: Namespace = parser.parse_args(words)
        result: dict[str, Any] = module.run(arguments)
        return result

    return run
