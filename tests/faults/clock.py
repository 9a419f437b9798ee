"""A wall clock that is wrong: libfaketime between a process and its system, with the monotonic clock left alone."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.faults.stage import LeftOut

LIBRARIES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib*/faketime/libfaketimeMT.so.1")


class WallClock:
    """What processes with `environment` are told of the time: `step` it while they run."""

    def __init__(self, library: Path, file: Path) -> None:
        self._file = file
        self.environment: Mapping[str, str] = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }
        self.step("+0")

    def step(self, by: str) -> None:
        """Away from the true time: `+1d`, `-1h`, `+10m`; `+0` sets it right."""
        new = self._file.with_suffix(".new")
        new.write_text(by, encoding="ascii")
        new.chmod(0o644)
        new.replace(self._file)


@contextmanager
def wall_clock() -> Iterator[WallClock]:
    """Its file is where whoever runs PostgreSQL can read it. Raises LeftOut where libfaketime is not installed."""
    found = [path for pattern in LIBRARIES for path in Path("/").glob(pattern.lstrip("/"))]
    if not found:
        raise LeftOut("libfaketime is not installed: apt-get install libfaketime")
    with tempfile.TemporaryDirectory(prefix="todoke-clock-") as folder:
        os.chmod(folder, 0o755)  # noqa: S103, PTH101 nothing is in it but the time
        yield WallClock(found[0], Path(folder) / "offset")
