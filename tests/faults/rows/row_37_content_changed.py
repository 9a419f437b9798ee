"""Row 37: somebody goes on editing while another approves."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.faults.row import Figure, at_least, at_most, row
from tests.faults.stage import QUICK, Stage

PEOPLE = 30
TRIES = 6
SETTLED_SECONDS = 2.0


@row(37, "the content is edited while it is approved")
async def content_changed(stage: Stage) -> list[Figure]:
    """By the digest that the officer looked at: what is sent is what was looked at, or nothing."""
    await stage.providers()
    await stage.town(PEOPLE)
    await stage.worker(*QUICK)
    seen = stage.event()
    path = stage.data / "draft.json"
    path.write_text(json.dumps(seen, ensure_ascii=False), encoding="utf-8")
    digest = str((await stage.run("match", path, "--json")).last["digest"])
    approved, refused, other = set[str](), 0, 0
    for attempt in range(TRIES):
        edited = stage.random.random() < 0.5 or attempt == 0
        path.write_text(json.dumps(_edited(seen) if edited else seen, ensure_ascii=False), encoding="utf-8")
        ended = await stage.run(
            "send", path, "--requested-by", "佐藤", "--approved-by", "森", "--digest", digest, "--again", "--json"
        )
        codes = [problem["code"] for problem in ended.last.get("problems", [])]
        refused += codes == ["content_changed"]
        other += (codes == ["content_changed"]) != edited
        if not ended.code:
            approved.add(str(ended.last["dispatch"]))
    for dispatch in approved:
        await stage.over(dispatch)
    await asyncio.sleep(SETTLED_SECONDS)
    stage.expect("edited", str(_edited(seen)["id"]), ("line", "sms", "email"))
    return [
        at_least("refused as content_changed", refused, 1),
        at_most("answered otherwise", other, 0),
        at_most("sends of what nobody approved", len(await stage.copies("edited")), 0),
    ]


def _edited(document: dict[str, Any]) -> dict[str, Any]:
    """Another text, and an id by whose mark its copies are known."""
    mark = f"{document['id']}-edited"
    return document | {
        "id": mark,
        "texts": {"ja": {"subject": "川辺町から", "body": f"{{level_name}}。至急。通番 {mark}"}},
    }
