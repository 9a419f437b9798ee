"""A channel of our own, and a place for its secrets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from config import Configuration, load


class Letter(BaseModel):
    """A channel with a required secret, a number and a table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token: SecretStr
    rate: float = Field(default=200, gt=0)
    domains: dict[str, int] = Field(default_factory=dict)


Load = Callable[..., Configuration]


@pytest.fixture
def loaded(tmp_path: Path) -> Load:
    """`load` with a data directory of its own, and one channel called letter."""

    def run(
        command_line: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        file: Path | None = None,
    ) -> Configuration:
        return load(
            command_line={"data": str(tmp_path)} | dict(command_line or {}),
            environment=environment or {},
            file=file,
            channels={"letter": Letter},
        )

    return run


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    """Write the data directory's own file, readable by its owner only."""

    def write(text: str) -> Path:
        path = tmp_path / "todoke.toml"
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        return path

    return write
