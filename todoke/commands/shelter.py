"""`todoke shelter`: say which shelters are open, crowded, full or closed."""

from __future__ import annotations

from collections.abc import Callable

import click

from dispatcher.gazetteer import ListedShelter, set_all_statuses, set_statuses, shelters
from geo.shelters import HAZARDS, ShelterStatus
from todoke.cli import Context, common_options

Command = Callable[..., None]


@click.group("shelter")
def command() -> None:
    """Say which shelters are open, crowded, full or closed.

    People are sent to the nearest one that is open or crowded and designated for the hazard.

    \b
    Example:
      todoke shelter open E3320200280201 E3320200299201
      todoke shelter full E3320200280201
      todoke shelter list
    """


def _setting(name: str, status: ShelterStatus, purpose: str, example: str) -> None:
    """Add the command `name`, which gives shelters one status."""

    @click.argument("ids", nargs=-1, metavar="ID...")
    @click.option("--all", "everything", is_flag=True, help="Every shelter.")
    @click.option("--fit", type=click.Choice(HAZARDS), help="Every site designated for this hazard.")
    @common_options
    def run(ctx: Context, ids: tuple[str, ...], everything: bool, fit: str | None) -> None:
        if (len(ids) > 0) + everything + (fit is not None) != 1:
            raise click.UsageError("Name the shelters by their ids, or use --all or --fit HAZARD: one of the three.")
        _tell(ctx, ctx.run(_set(ctx, ids, fit, status)))

    command.command(name, help=f"{purpose}\n\n\b\nExample:\n  {example}")(run)


async def _set(ctx: Context, ids: tuple[str, ...], fit: str | None, status: ShelterStatus) -> list[ListedShelter]:
    async with ctx.database() as pool:
        if ids:
            return await set_statuses(pool, ids, status)
        return await set_all_statuses(pool, status, hazard=fit)


_setting("open", ShelterStatus.OPEN, "People may come.", "todoke shelter open --fit flood")
_setting("crowded", ShelterStatus.CROWDED, "There is little room left.", "todoke shelter crowded E3320200280201")
_setting("full", ShelterStatus.FULL, "Nobody more is sent there.", "todoke shelter full E3320200280201")
_setting("close", ShelterStatus.CLOSED, "Nobody is sent there.", "todoke shelter close --all")


@command.command("list")
@click.option("--status", type=click.Choice([status.value for status in ShelterStatus]), help="Only those.")
@common_options
def list_(ctx: Context, status: str | None) -> None:
    """List the shelters and their status.

    \b
    Example:
      todoke shelter list --status open
    """
    _tell(ctx, [each for each in ctx.run(_list(ctx)) if status in {None, each.status.value}])


async def _list(ctx: Context) -> list[ListedShelter]:
    async with ctx.database() as pool:
        return await shelters(pool)


def _tell(ctx: Context, listed: list[ListedShelter]) -> None:
    ctx.emit({"shelters": [_for_machines(each) for each in listed]})
    for each in listed:
        shelter = each.shelter
        ctx.say(
            ja=f"{shelter.id} {each.status.ja} {shelter.name}",
            en=f"{shelter.id} {each.status.value:9} {shelter.name}",
        )
    if not listed:
        ctx.say(ja="当てはまる避難所はありません。", en="There is no such shelter.")


def _for_machines(each: ListedShelter) -> dict[str, object]:
    shelter = each.shelter
    return {
        "id": shelter.id,
        "name": shelter.name,
        "address": shelter.address,
        "status": each.status.value,
        "hazards": [hazard for bit, hazard in enumerate(HAZARDS) if shelter.hazards >> bit & 1],
        "stay": shelter.stay,
        "lon": shelter.lon,
        "lat": shelter.lat,
        "capacity": shelter.capacity,
    }
