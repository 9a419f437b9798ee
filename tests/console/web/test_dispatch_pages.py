"""Steps 5 and 6 over HTTP: what is shown of a dispatch, and stopping it."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import asyncpg
import pytest

from console.accounts import Role
from console.orders.model import State
from console.watch import hub as hubs
from console.web.dispatches import watching
from dispatcher.dispatches import status
from dispatcher.model import DispatchState
from tests.console.office import Desk, Hired, Office
from tests.console.orders.hall import open_hall
from tests.dispatcher.engine_room import CAST, Kawabe, crowd, invitation, kawabe, order


@pytest.fixture
async def town(pool: asyncpg.Pool, tmp_path: Path) -> Kawabe:
    town = await kawabe(pool)
    await town.settle(tmp_path, [*CAST.values(), *crowd(600)])
    return town


@pytest.fixture
async def watcher(office: Office) -> Desk:
    """Somebody who may only look."""
    return await office.signed_in(await office.hire("kudo", "工藤", Role.VIEWER))


@asynccontextmanager
async def stream(desk: Desk, dispatch: str) -> AsyncIterator[aiohttp.ClientResponse]:
    address = f"{desk.address}/dispatches/{dispatch}/events"
    async with desk.client.get(address, headers={"Accept": "text/event-stream"}) as response:
        yield response


async def heard(response: aiohttp.ClientResponse, event: str) -> str:
    """The next one of that name, as text."""
    found, name = list[str](), ""
    async for raw in response.content:
        line = raw.decode().rstrip("\n")
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: ") and name == event:
            found.append(line.removeprefix("data: "))
        elif not line and name == event:
            return "\n".join(found)
    raise AssertionError(f"the stream ended before {event}")


async def test_a_dispatch_is_shown_with_what_is_unsent(office: Office, town: Kawabe, watcher: Desk) -> None:
    dispatch = await town.send(order())
    said = await watcher.get(f"/dispatches/{dispatch}")
    assert said.status == 200
    assert 'data-mode="live"' in said.text
    assert "警戒レベル4" in said.text
    listed = await watcher.get("/dispatches")
    assert f"/dispatches/{dispatch}" in listed.text


async def test_figures_move_while_the_engine_sends(town: Kawabe, watcher: Desk) -> None:
    dispatch = await town.send(order())
    async with stream(watcher, dispatch) as live:
        assert live.headers["Content-Type"].startswith("text/event-stream")
        assert "承認済み" in await heard(live, "figures")
        async with town.at_work():
            end = await town.over(dispatch)
            async with asyncio.timeout(30):
                while "送信完了" not in (text := await heard(live, "figures")):
                    continue
    assert f"{sum(sum(each.values()) for each in end.channels.values()):,} 通" in text


async def test_a_revoked_sign_in_ends_the_stream(office: Office, town: Kawabe) -> None:
    dispatch = await town.send(order())
    kudo = await office.hire("kudo", "工藤", Role.VIEWER)
    desk = await office.signed_in(kudo)
    async with stream(desk, dispatch) as live:
        await heard(live, "figures")
        await office.pool.execute("update officer set disabled_at = now() where id = $1", kudo.id)
        async with asyncio.timeout(10):
            assert "更新されません" in await heard(live, "trouble")
            await heard(live, "closed")
            assert await live.content.read() == b""


async def test_watching_keeps_no_sign_in_alive(office: Office, town: Kawabe, watcher: Desk) -> None:
    dispatch = await town.send(order())
    await office.pool.execute("update sign_in set seen_at = now() - interval '20 minutes'")
    async with stream(watcher, dispatch) as live:
        await heard(live, "figures")
    seen = await office.pool.fetchval("select max(seen_at) < now() - interval '19 minutes' from sign_in")
    assert seen


async def test_one_reader_serves_everybody(office: Office, town: Kawabe, watcher: Desk) -> None:
    dispatch, hub = await town.send(order()), office.hub
    async with stream(watcher, dispatch) as first, stream(watcher, dispatch) as second:
        await heard(first, "figures")
        await heard(second, "figures")
        assert (hub.watchers, hub.readers) == (2, 1)
    async with asyncio.timeout(10):
        while hub.watchers:
            await asyncio.sleep(0.02)
    assert hub.readers == 0


async def test_one_browser_opens_no_more_than_six_streams(town: Kawabe, watcher: Desk) -> None:
    dispatch = await town.send(order())
    async with AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(stream(watcher, dispatch)) for _ in range(7)]
        assert [each.status for each in streams] == [200] * 6 + [503]


async def test_stopping_shows_what_is_unsent_and_is_recorded(office: Office, town: Kawabe, sato: Hired) -> None:
    dispatch = await town.send(order())
    desk = await office.signed_in(sato)
    asked = await desk.get(f"/dispatches/{dispatch}/stop")
    assert "まだ送っていないもの" in asked.text
    assert (await status(town.pool, dispatch)).state is DispatchState.APPROVED
    said = await desk.post(f"/dispatches/{dispatch}/stop", what="all")
    assert (said.status, said.headers["Location"]) == (303, f"/dispatches/{dispatch}")
    now = await status(town.pool, dispatch)
    assert (now.state, now.stopped_by) == (DispatchState.CANCELLED, "佐藤")
    assert (await office.actions())[-1] == "dispatch.stopped"


async def test_one_channel_is_stopped_and_the_others_arrive(office: Office, town: Kawabe, sato: Hired) -> None:
    dispatch = await town.send(order())
    desk = await office.signed_in(sato)
    await desk.get(f"/dispatches/{dispatch}/stop")
    await desk.post(f"/dispatches/{dispatch}/stop", what="sms")
    async with town.at_work():
        end = await town.over(dispatch)
    assert end.state is DispatchState.DRAINED
    assert set(end.channels["sms"]) == {"cancelled"}
    assert set(end.channels["line"]) == {"accepted"}
    assert (town.sms.taken, len(town.line.taken) > 0) == ([], True)
    assert "SMS を停止：佐藤" in (await desk.get(f"/dispatches/{dispatch}")).text


async def test_a_channel_it_does_not_have_cannot_be_stopped(office: Office, town: Kawabe, sato: Hired) -> None:
    dispatch = await town.send(order())
    desk = await office.signed_in(sato)
    await desk.get(f"/dispatches/{dispatch}/stop")
    said = await desk.post(f"/dispatches/{dispatch}/stop", what="fax")
    assert (said.status, "この配信は経路「fax」を使っていません" in said.text) == (422, True)


async def test_everything_is_stopped_at_once(office: Office, town: Kawabe, sato: Hired) -> None:
    first, second = await town.send(order()), await town.send(invitation())
    desk = await office.signed_in(sato)
    assert first in (await desk.get("/dispatches/stop")).text
    await desk.post("/dispatches/stop")
    states = [(await status(town.pool, each)).state for each in (first, second)]
    assert states == [DispatchState.CANCELLED] * 2
    assert (await office.actions())[-3:] == ["dispatch.stopped", "dispatch.stopped", "everything.stopped"]


async def test_who_may_only_look_stops_and_releases_nothing(office: Office, town: Kawabe, watcher: Desk) -> None:
    dispatch = await town.send(order())
    page = await watcher.get(f"/dispatches/{dispatch}")
    assert f"/dispatches/{dispatch}/stop" not in page.text
    for path in (f"/dispatches/{dispatch}/stop", "/dispatches/stop", f"/dispatches/{dispatch}/release"):
        assert (await watcher.get(path)).status == 403
        assert (await watcher.post(path, what="all")).status == 403
    assert (await status(town.pool, dispatch)).state is DispatchState.APPROVED


async def test_the_bureau_stops_its_own_and_no_warning(office: Office, town: Kawabe, ando: Hired) -> None:
    warning, festival = await town.send(order()), await town.send(invitation())
    desk = await office.signed_in(ando)
    await desk.get(f"/dispatches/{festival}/stop")
    assert (await desk.post(f"/dispatches/{warning}/stop", what="all")).status == 403
    assert (await desk.post(f"/dispatches/{festival}/stop", what="all")).status == 303
    states = [(await status(town.pool, each)).state for each in (warning, festival)]
    assert states == [DispatchState.APPROVED, DispatchState.CANCELLED]


@pytest.mark.parametrize("path", ["", "/events", "/stop", "/release"])
async def test_what_does_not_exist_is_not_found(office: Office, mori: Hired, path: str) -> None:
    desk = await office.signed_in(mori)
    assert (await desk.get(f"/dispatches/261123-aaaaaa{path}")).status == 404


@pytest.mark.parametrize("query", ["mode=loud", "class=x'or", "state=%27%3B--", "after=261123-aaaaaa"])
async def test_a_filter_that_is_none_is_refused(town: Kawabe, watcher: Desk, query: str) -> None:
    assert (await watcher.get(f"/dispatches?{query}")).status in {404, 422}


async def test_the_list_is_filtered_and_paged(office: Office, town: Kawabe, watcher: Desk) -> None:
    sent = [await town.send(order(id=f"e{number}")) for number in range(31)]
    festival = await town.send(invitation())
    first = await watcher.get("/dispatches?class=evacuation")
    assert festival not in first.text
    assert sent[-1] in first.text
    assert sent[0] not in first.text
    assert sent[0] in (await watcher.get(f"/dispatches?class=evacuation&after={sent[1]}")).text


async def test_the_bar_says_what_is_live(office: Office, town: Kawabe, sato: Hired, watcher: Desk) -> None:
    assert (await watcher.get("/dispatches/bar")).text.strip() == ""
    await town.send(order())
    assert "本番送信中" in (await watcher.get("/dispatches/bar")).text
    assert "/dispatches/stop" in (await (await office.signed_in(sato)).get("/dispatches/bar")).text


async def test_a_text_of_somebody_is_never_markup(office: Office, town: Kawabe, watcher: Desk) -> None:
    dispatch = await town.send(
        order(area_name="<script>alert(1)</script>"), requested_by="<b>佐藤</b>", approved_by="<img src=x>"
    )
    for path in (f"/dispatches/{dispatch}", "/dispatches"):
        text = (await watcher.get(path)).text
        assert "<script>alert" not in text
        assert "<b>佐藤" not in text
        assert "<img src=x" not in text
    assert "&lt;script&gt;" in text


async def test_a_slow_watcher_is_let_go(
    town: Kawabe, watcher: Desk, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads nothing at all: what waits for them stays within the socket's buffers."""
    monkeypatch.setattr(watching, "SLOW_SECONDS", 0.2)
    monkeypatch.setattr(hubs, "EVERY_SECONDS", 0.001)
    monkeypatch.setattr(hubs, "SHARE", 1.0)
    dispatch = await town.send(order())
    url = urlsplit(office.address)
    with socket.socket() as plug:
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plug.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(plug, (url.hostname, url.port))
        head = f"GET /dispatches/{dispatch}/events HTTP/1.1\r\nHost: {url.netloc}\r\nCookie: todoke={watcher.cookie}\r\n\r\n"
        await loop.sock_sendall(plug, head.encode())
        async with asyncio.timeout(60):
            while not office.hub.watchers:
                await asyncio.sleep(0.01)
            while office.hub.watchers:
                await asyncio.sleep(0.05)


async def test_what_is_held_goes_on_by_an_approvers_word_and_a_fresh_code(
    office: Office, town: Kawabe, mori: Hired, sato: Hired
) -> None:
    dispatch = await town.send(order(), counted=3)
    async with town.at_work():
        async with asyncio.timeout(20):
            while (await status(town.pool, dispatch)).held is None:
                await asyncio.sleep(0.02)
        assert (await (await office.signed_in(sato)).get(f"/dispatches/{dispatch}/release")).status == 403
        desk = await office.signed_in(mori)
        asked = await desk.get(f"/dispatches/{dispatch}/release")
        [people] = re.findall(r'name="people" value="(\d+)"', asked.text)
        await office.pool.execute("update sign_in set factor_at = now() - interval '1 hour'")
        assert (await desk.post(f"/dispatches/{dispatch}/release", people=people)).status == 401
        assert (await desk.post(f"/dispatches/{dispatch}/release", people="3")).status == 401
        await desk.give_code(mori)
        assert (await desk.post(f"/dispatches/{dispatch}/release", people="3")).status == 409
        assert (await status(town.pool, dispatch)).held is not None
        assert (await desk.post(f"/dispatches/{dispatch}/release", people=people)).status == 303
        end = await town.over(dispatch)
    assert end.state is DispatchState.DRAINED
    assert "dispatch.released" in await office.actions()


async def test_an_order_that_counts_down_is_taken_back_with_everything(
    office: Office, pool: asyncpg.Pool, tmp_path: Path
) -> None:
    hall = await open_hall(pool, tmp_path)
    counting = await hall.counting()
    desk = await office.signed_in(await office.hire("kato", "加藤", Role.AUTHOR))
    assert "秒読み中の発令 1 件" in (await desk.get("/dispatches/stop")).text
    await desk.post("/dispatches/stop")
    assert (await hall.read(counting)).state is State.TAKEN_BACK
