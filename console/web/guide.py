"""The guide of a first order: what to do on this page, for whoever has never sent one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from console.web.parts import CONSOLE, OFFICER


@dataclass(frozen=True, slots=True)
class Hint:
    """`step` of `STEPS`."""

    step: int
    ja: str
    en: str


STEPS = 6
HINTS: Mapping[str, Hint] = {
    "/": Hint(
        1,
        "「新しく出す」を押してください。承認する人（森）は、ここに届いたものを開きます。",
        "Press New order. Whoever approves (Mori) opens here what has come in.",
    ),
    "/orders/new": Hint(
        2,
        "訓練のまま、地区の名前に印を付けるか地図に描いて、「次へ」。人数はその場で出ます。",
        "Leave it a drill, tick a district or draw on the map, and go on. The number of people is shown at once.",
    ),
    "/orders/{id}/what": Hint(
        3,
        "災害と警戒レベルを選ぶと、各言語の文面が入ります。足りないものは横に出ます。",
        "Choose the hazard and the level: texts in every language are filled in. What is missing is said beside them.",
    ),
    "/orders/{id}/check": Hint(
        4,
        "誰に、何通、いつまでに届くかを確かめて、提出してください。",
        "See whom it reaches, by what and by when, and submit it.",
    ),
    "/orders/{id}": Hint(
        5,
        "別のブラウザで森としてログインし、確認コードで承認してください。10 秒のあいだは取り消せます。",
        "Sign in as Mori in another browser and approve with a code. For ten seconds it can be taken back.",
    ),
    "/dispatches/{id}": Hint(
        6,
        "届いていく様子です。止める、直す、解除するのもここからです。これで一通りです。",
        "Watch it arrive. Stopping, correcting and lifting start here, too. That was all of it.",
    ),
}
"""By the route's pattern."""


def hint_for(request: web.Request) -> Hint | None:
    """None where no guide was asked for, nobody is signed in, or the page is on no order's way."""
    resource = request.match_info.route.resource
    if not request.app[CONSOLE].parts.guided or request.get(OFFICER) is None or resource is None:
        return None
    return HINTS.get(resource.canonical)
