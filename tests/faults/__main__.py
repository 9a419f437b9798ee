"""`python -m tests.faults`: run rows of the fault matrix and print their figures beside the targets."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import shutil
import signal
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from tests.faults.process import ROOT
from tests.faults.row import Figure, Row, load_rows
from tests.faults.stage import Broken, LeftOut, set_up

SHORT_CYCLES, LONG_CYCLES = 40, 500
DATA = ROOT / "fault-data"


@dataclass(frozen=True)
class Result:
    row: Row
    figures: list[Figure]
    seconds: float
    trouble: str = ""
    """Why it failed, for people; empty when nothing but a figure missed its target."""
    left_out: str = ""
    """Why it was not played at all."""

    @property
    def held(self) -> bool:
        return not self.trouble and all(figure.held for figure in self.figures)


@click.command()
@click.option(
    "--cycles", type=click.IntRange(1), help=f"Kills of the rows that repeat; {SHORT_CYCLES}, or {LONG_CYCLES}."
)
@click.option("--seed", type=int, help="Of the schedule; printed, and by chance unless given.")
@click.option("--only", help="The rows to run, as 1,4,33.")
@click.option("--long", is_flag=True, help="Also the rows that take long, and long runs of those that repeat.")
@click.option("--data", type=click.Path(path_type=Path), default=DATA, help="Where servers keep their files meanwhile.")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def main(cycles: int | None, seed: int | None, only: str | None, *, long: bool, data: Path, as_json: bool) -> None:
    """Break things on purpose, and check that nobody was lost and nobody was told twice.

    \b
    Examples:
      python -m tests.faults --only 1 --cycles 5
      python -m tests.faults --only 24 --seed 7
    """
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    _end_in_good_order()
    seed = secrets.randbelow(10**9) if seed is None else seed
    cycles = cycles or (LONG_CYCLES if long else SHORT_CYCLES)
    rows = _chosen(only, long=long)
    data.mkdir(mode=0o711, exist_ok=True)
    results = [_run(row, data, seed=seed, cycles=cycles) for row in rows]
    if not any(data.iterdir()):
        data.rmdir()
    played = [result for result in results if not result.left_out]
    held = all(result.held for result in played)
    left_out = f", {len(results) - len(played)} left out" if len(played) < len(results) else ""
    click.echo(f"{sum(result.held for result in played)} of {len(played)} scenarios held{left_out}; seed {seed}")
    if as_json:
        click.echo(json.dumps(summary_of(results, seed=seed, cycles=cycles), ensure_ascii=False))
    sys.exit(not held)


def _end_in_good_order() -> None:
    """SIGTERM as Ctrl-C, which a shell's background job would not even hear: whatever runs is ended first."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))


def _chosen(only: str | None, *, long: bool) -> list[Row]:
    rows = load_rows()
    if only is None:
        return [row for row in rows if long or not row.long]
    wanted = {int(number) for number in only.split(",")}
    if missing := wanted - {row.number for row in rows}:
        raise click.UsageError(f"there is no row {', '.join(map(str, sorted(missing)))}")
    return [row for row in rows if row.number in wanted]


def _run(row: Row, data: Path, *, seed: int, cycles: int) -> Result:
    click.echo(f"row {row.number:2}  {row.title}")
    began = time.monotonic()
    folder = data / f"{row.run.__name__}"
    figures: list[Figure] = []
    trouble = left_out = ""
    try:
        figures = asyncio.run(_played(row, folder, seed=seed, cycles=cycles))
    except KeyboardInterrupt:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    except LeftOut as reason:
        left_out = str(reason)
        shutil.rmtree(folder, ignore_errors=True)
    except Broken as broken:
        trouble = str(broken)
    except Exception:  # noqa: BLE001 its trace is printed, and the other rows still run
        trouble = traceback.format_exc()
    result = Result(row, figures, time.monotonic() - began, trouble, left_out)
    _tell(result, folder, seed=seed, cycles=cycles)
    return result


async def _played(row: Row, folder: Path, *, seed: int, cycles: int) -> list[Figure]:
    async with set_up(folder, number=row.number, seed=seed, cycles=cycles) as stage:
        return await row.run(stage)


def _tell(result: Result, folder: Path, *, seed: int, cycles: int) -> None:
    for figure in result.figures:
        click.echo(f"        {'held  ' if figure.held else 'MISSED'}  {figure}")
    if result.trouble:
        click.echo(result.trouble)
    if result.left_out:
        click.echo(f"        left out: {result.left_out}")
        return
    if result.held:
        click.echo(f"        held in {result.seconds:.0f} s")
        return
    click.echo(f"        FAILED after {result.seconds:.0f} s; again with")
    click.echo(f"        make faults ONLY={result.row.number} SEED={seed} CYCLES={cycles}")
    if folder.exists():
        click.echo(f"        logs and providers' files are left in {folder}")
        _keep_only_the_log(folder / "server")


def _keep_only_the_log(server: Path) -> None:
    """PostgreSQL's last words, not its files."""
    with suppress(FileNotFoundError):
        (server / "postgres" / "log").rename(server.with_name("postgresql.log"))
    shutil.rmtree(server, ignore_errors=True)


def summary_of(results: list[Result], *, seed: int, cycles: int) -> dict[str, Any]:
    """What `--json` ends with."""
    return {
        "held": all(result.held for result in results if not result.left_out),
        "seed": seed,
        "cycles": cycles,
        "rows": [
            {
                "row": result.row.number,
                "title": result.row.title,
                "held": result.held,
                "seconds": round(result.seconds, 1),
                "figures": [asdict(figure) for figure in result.figures],
                "trouble": result.trouble,
                "left_out": result.left_out,
            }
            for result in results
        ],
    }


if __name__ == "__main__":
    main()
