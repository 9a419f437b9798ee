"""What stands at the top of every page: where this officer may go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from console.accounts import Role
from console.web.parts import OFFICER


@dataclass(frozen=True, slots=True)
class Entry:
    """`roles`: whoever has any of them sees it; everybody does when none is named."""

    path: str
    ja: str
    en: str
    roles: frozenset[Role] = frozenset()

    def is_here(self, path: str) -> bool:
        return path == self.path or (self.path != "/" and path.startswith(self.path + "/"))


ENTRIES: Sequence[Entry] = (
    Entry("/", "いま", "Now"),
    Entry("/orders/new", "新しく出す", "New order", frozenset({Role.AUTHOR, Role.TOURISM})),
    Entry("/orders", "発令", "Orders"),
    Entry("/templates", "定型文", "Texts"),
    Entry("/dispatches", "配信", "Dispatches"),
    Entry("/shelters", "避難所", "Shelters"),
    Entry("/state", "状態", "State"),
    Entry("/subscribers", "登録者", "Subscribers"),
    Entry("/record", "記録", "Record", frozenset({Role.ADMINISTRATOR, Role.AUDITOR})),
    Entry("/officers", "職員", "Officers", frozenset({Role.ADMINISTRATOR, Role.AUDITOR})),
)


def entries_for(request: web.Request) -> Sequence[Entry]:
    """None for whoever is not signed in."""
    officer = request.get(OFFICER)
    if officer is None:
        return ()
    return [each for each in ENTRIES if not each.roles or each.roles & officer.roles]
