"""`todoke match`: how many people an event or an area concerns, without sending anything."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from channels.registry import channel_types
from console.report import labels
from dispatcher.counting import Count, Counter, count
from dispatcher.dispatches import check_reference
from dispatcher.drafting import Drafter
from dispatcher.gazetteer import boundary
from dispatcher.model import Standing
from geo.area import Area, parse_geojson
from geo.around import area_in_metres, is_in_metres
from subscribers.columns import open_audience
from todoke.cli import Context, common_options
from todoke.reading import Reader, read_bytes, town_of
from todoke.working import configured_channels
from words.problem import Problem, Refused

if TYPE_CHECKING:
    from asyncpg import Pool

_SHELTERS_SHOWN = 15
_PEOPLE_CHANNELS = ("line", "sms", "email")


@click.command("match")
@click.argument("event_or_area", metavar="EVENT_OR_AREA")
@common_options
def command(ctx: Context, event_or_area: str) -> None:
    """Count whom EVENT_OR_AREA concerns: an event document, a file with an area, or a municipality's code.

    An area is GeoJSON, {"point": [133.7, 34.6], "radius_m": 800}, or
    {"line": [[133.7, 34.6], [133.8, 34.6]], "width_m": 100}.

    \b
    Examples:
      todoke match evacuation.json
      todoke match west.geojson --json
      todoke match 33202
    """
    ctx.run(_match(ctx, event_or_area))


async def _match(ctx: Context, subject: str) -> None:
    async with ctx.database() as pool:
        found, digest = await _count(ctx, pool, subject)
    ctx.emit(_as_json(found, digest))
    if not ctx.json:
        _tell(ctx, found)
        if digest is not None:
            ctx.say(ja=f"ダイジェスト: {digest}", en=f"Digest: {digest}")


def _as_json(found: Count, digest: str | None) -> dict[str, Any]:
    """Audiences are of an update only; a digest of an event only."""
    counts = {key: value for key, value in asdict(found).items() if key != "audiences" or value}
    return counts | ({"digest": digest} if digest is not None else {})


async def _count(ctx: Context, pool: Pool, subject: str) -> tuple[Count, str | None]:
    """With the digest of an event."""
    area = await _area(pool, subject)
    if area is not None:
        types = channel_types()
        kinds = {name: str(types[name].contact) for name in _PEOPLE_CHANNELS}
        return (await Counter(pool, await open_audience(pool), kinds).survey(area)).count, None
    async with configured_channels(ctx.settings) as channels:
        reader = Reader(pool, town_of(ctx.settings), channels)
        event = await reader.event(Path(subject))
        await check_reference(pool, event)
        kinds = {name: channel.contact for name, channel in channels.items()}
        drafter = Drafter(pool, await open_audience(pool), kinds)
        return count(*await drafter.drafts(event, reader.composer(event), parent=event.parent)), event.digest


async def _area(pool: Pool, subject: str) -> Area | None:
    """The area that `subject` is, or None when it names an event document."""
    if re.fullmatch("[0-9]{5,6}", subject):
        return await _boundary(pool, subject)
    content = read_bytes(Path(subject))
    document = _object(content)
    if "type" in document:
        return parse_geojson(content, where="")
    return area_in_metres(document, where="") if is_in_metres(document) else None


async def _boundary(pool: Pool, code: str) -> Area:
    found = await boundary(pool, code)
    if found is None:
        raise Refused(
            Problem(
                "area.unknown_code",
                "",
                f"コード {code} の区域は登録されていません。todoke import areas で取り込んでください。",
                f"No boundary is stored under the code {code}. Import one with todoke import areas.",
            )
        )
    return found[0]


def _object(content: bytes) -> dict[str, Any]:
    """The JSON object: GeoJSON names its `type`, which no event document does. What is none is read, and refused, as
    an event.
    """
    try:
        document = msgspec.json.decode(content)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return {}
    return document if isinstance(document, dict) else {}


def _tell(ctx: Context, found: Count) -> None:
    inside = found.audience - found.audiences.get(Standing.RELEASED, 0)
    ctx.say(
        ja=f"区域内 {found.people:,} 人、うち届く人 {inside:,} 人",
        en=f"{found.people:,} people inside, {inside:,} of them reachable",
    )
    for standing, people in found.audiences.items():
        label = labels.STANDINGS[Standing(standing)]
        ctx.say(ja=f"  {label.ja} {people:,} 人", en=f"  {label.en}: {people:,}")
    ctx.say(ja="経路:", en="Channels:")
    for channel, people in found.channels.items():
        ctx.say(ja=f"  {channel:<8} {people:>9,}", en=f"  {channel:<8} {people:>9,}")
    ctx.say(ja="言語:", en="Languages:")
    for language, people in found.languages.items():
        ctx.say(ja=f"  {language:<8} {people:>9,}", en=f"  {language:<8} {people:>9,}")
    _tell_shelters(ctx, found)


def _tell_shelters(ctx: Context, found: Count) -> None:
    if not found.shelters:
        ctx.say(
            ja="案内できる開設中の避難所がありません（todoke shelter open で開設します）。",
            en="No shelter is open for people to be sent to (open one with todoke shelter open).",
        )
        return
    ctx.say(ja="避難所:", en="Shelters:")
    for share in found.shelters[:_SHELTERS_SHOWN]:
        ctx.say(ja=f"  {share.people:>9,}  {share.name}", en=f"  {share.people:>9,}  {share.name}")
    rest = len(found.shelters) - _SHELTERS_SHOWN
    if rest > 0:
        ctx.say(ja=f"  ほか {rest} か所", en=f"  and {rest} more")
