"""Step 6 over HTTP: what follows, and what is kept of a dispatch."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
from pathlib import Path

import asyncpg
import pytest

from channels.contract import Answer, Verdict
from console.accounts import Role
from console.orders.book import listed
from dispatcher.dispatches import Status
from tests.console.office import Desk, Hired, Office
from tests.dispatcher.engine_room import CAST, Kawabe, kawabe, order

EVIL = '"=HYPERLINK(""http://evil.example"")",ja,,,090-1111-0009,,自宅,34.600,133.700'


@pytest.fixture
async def town(pool: asyncpg.Pool, tmp_path: Path) -> Kawabe:
    """Hana's provider takes everything; Tome's refuses her number."""
    town = await kawabe(pool)
    await town.settle(tmp_path, [*CAST.values(), EVIL])
    town.sms.will_answer(*[Answer(Verdict.REJECTED, code="30003") for _ in range(3)])
    return town


@pytest.fixture
async def sent(town: Kawabe) -> Status:
    return await town.sent(order())


@pytest.fixture
async def auditor(office: Office) -> Desk:
    return await office.signed_in(await office.hire("goto", "後藤", Role.AUDITOR))


@pytest.fixture
async def viewer(office: Office) -> Desk:
    return await office.signed_in(await office.hire("kudo", "工藤", Role.VIEWER))


@pytest.mark.parametrize("relation", ["updates", "corrects", "lifts"])
async def test_what_follows_is_a_draft(office: Office, sent: Status, sato: Hired, relation: str) -> None:
    desk = await office.signed_in(sato)
    await desk.get(f"/dispatches/{sent.dispatch}")
    said = await desk.post(f"/dispatches/{sent.dispatch}/follow", relation=relation)
    [draft] = await listed(office.pool)
    assert (said.status, said.headers["Location"]) == (303, f"/orders/{draft.id}")
    assert draft.version.document["reference"] == {relation: sent.dispatch}


async def test_what_follows_in_no_known_way_is_refused(office: Office, sent: Status, sato: Hired) -> None:
    desk = await office.signed_in(sato)
    await desk.get(f"/dispatches/{sent.dispatch}")
    assert (await desk.post(f"/dispatches/{sent.dispatch}/follow", relation="deletes")).status == 422
    assert await listed(office.pool) == []


async def test_reasons_are_shown_as_the_provider_gave_them(sent: Status, viewer: Desk) -> None:
    said = await viewer.get(f"/dispatches/{sent.dispatch}")
    assert "届かず" in said.text


async def test_the_map_names_and_numbers_nobody_of_few(sent: Status, viewer: Desk) -> None:
    said = await viewer.get(f"/dispatches/{sent.dispatch}/unreached")
    assert (said.status, "<svg" in said.text, "cell-missed" in said.text) == (200, True, True)
    assert 'class="number"' not in said.text
    for secret in ("トメ", "tome", "133.70", "34.60", "0801111"):
        assert secret not in said.text


async def test_the_report_allows_its_own_style_and_nothing_else(office: Office, sent: Status, auditor: Desk) -> None:
    said = await auditor.get(f"/dispatches/{sent.dispatch}/report")
    style = re.search(r"<style>(.*?)</style>", said.text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in said.headers["Content-Security-Policy"]
    assert "style=" not in said.text
    assert (await office.actions())[-1] == "report.read"


async def test_the_export_is_text_for_a_spreadsheet_and_recorded(office: Office, sent: Status, auditor: Desk) -> None:
    await auditor.get(f"/dispatches/{sent.dispatch}")
    said = await auditor.post(f"/dispatches/{sent.dispatch}/export")
    assert said.headers["Content-Disposition"] == f'attachment; filename="{sent.dispatch}.csv"'
    rows = list(csv.DictReader(io.StringIO(said.text.removeprefix("\ufeff"))))
    assert len(rows) == sum(sum(counts.values()) for counts in sent.channels.values())
    assert '\'=HYPERLINK("http://evil.example")' in {row["subscriber"] for row in rows}
    assert {row["outcome"] for row in rows} == {"accepted", "rejected"}
    assert "0901111" not in said.text.replace("-", "")
    assert (await office.actions())[-1] == "dispatch.exported"


async def test_who_may_only_look_takes_nothing_away(office: Office, sent: Status, viewer: Desk) -> None:
    page = await viewer.get(f"/dispatches/{sent.dispatch}")
    assert "/export" not in page.text
    assert "/report" not in page.text
    assert (await viewer.get(f"/dispatches/{sent.dispatch}/report")).status == 403
    assert (await viewer.get(f"/dispatches/{sent.dispatch}/chronology.csv")).status == 403
    assert (await viewer.post(f"/dispatches/{sent.dispatch}/export")).status == 403
    assert (await viewer.post(f"/dispatches/{sent.dispatch}/follow", relation="lifts")).status == 403
    assert "dispatch.exported" not in await office.actions()


async def test_the_chronology_tells_who_did_what(office: Office, sent: Status, auditor: Desk) -> None:
    said = await auditor.get(f"/dispatches/{sent.dispatch}/chronology")
    moments = [said.text.index(word) for word in ("佐藤 の依頼を承認", "最初の送信", "終了（送信完了）")]
    assert moments == sorted(moments)
    file = await auditor.get(f"/dispatches/{sent.dispatch}/chronology.csv")
    assert "森" in file.text
    assert file.text.startswith("\ufeffat,who,")


@pytest.mark.parametrize("path", ["/report", "/chronology", "/chronology.csv", "/unreached"])
async def test_of_what_does_not_exist_nothing_is_told(office: Office, mori: Hired, path: str) -> None:
    desk = await office.signed_in(mori)
    assert (await desk.get(f"/dispatches/261123-aaaaaa{path}")).status == 404
