"""Whatever stands in an address's query: a page or a clear refusal, and the database never sees what it cannot store."""

from __future__ import annotations

import pytest

from console.accounts import Role
from tests.console.office import Desk, Office

HOSTILE = {
    "a NUL": "%00",
    "half a letter": "%ED%A0%80",
    "no UTF-8": "%FF%FE",
    "SQL": "'%3B%20drop%20table%20officer%3B--",
    "a script": "%3Cscript%3Ealert(1)%3C/script%3E",
    "a placeholder": "%7B%7B7*7%7D%7D%24%7B7*7%7D%7B0.__class__%7D",
    "a wide digit": "%EF%BC%91",
    "a long one": "9" * 4000,
    "ends of lines": "%0D%0ASet-Cookie:%20todoke=1",
}
QUERIES = [
    "/dispatches?mode=", "/dispatches?class=", "/dispatches?state=", "/dispatches?after=",
    "/templates?hazard=", "/templates?level=", "/templates?purpose=", "/templates?language=",
    "/shelters?words=", "/shelters?status=", "/shelters?hazard=", "/shelters/rows?words=",
    "/record?group=", "/record?login=", "/record?subject=", "/record?since=", "/record?until=", "/record?before=",
    "/orders?seen=", "/orders?state=", "/sign-in?back=", "/enrol?code=", "/subscribers?address=",
]  # fmt: skip


@pytest.fixture
async def desk(office: Office) -> Desk:
    """Somebody who may go everywhere."""
    return await office.signed_in(await office.hire("endo", "遠藤", *Role))


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
async def test_no_page_falls_over_whatever_is_asked_of_it(office: Office, desk: Desk, value: str) -> None:
    officers = await office.pool.fetchval("select count(*) from officer")
    for query in QUERIES:
        said = await desk.get(query + value)
        assert said.status < 500, query
        assert "<script>alert" not in said.text, query
        assert said.headers.get("Set-Cookie", "").count("todoke=1") == 0, query
    assert await office.pool.fetchval("select count(*) from officer") == officers
