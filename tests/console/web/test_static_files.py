"""The pages' files, as they are served."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, web

from console.web.static_files import StaticFiles


@pytest.fixture
async def server() -> AsyncIterator[tuple[str, StaticFiles]]:
    files = StaticFiles()
    app = web.Application()
    app.add_routes(files.routes())
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}", files
    await runner.cleanup()


async def test_a_file_is_kept_for_as_long_as_its_address_names_this_build(server: tuple[str, StaticFiles]) -> None:
    address, files = server
    async with ClientSession() as browser:
        async with browser.get(address + files.url("vendor/maplibre-gl.mjs")) as current:
            assert current.content_type == "text/javascript"
            assert "immutable" in current.headers["Cache-Control"]
        async with browser.get(f"{address}/static/older/console.css") as older:
            assert (older.status, older.headers["Cache-Control"]) == (200, "no-cache")


@pytest.mark.parametrize(
    "name", ["../__init__.py", "vendor/.made-from", "%2e%2e/__init__.py", "/etc/passwd", "nothing.js"]
)
async def test_nothing_else_is_served(server: tuple[str, StaticFiles], name: str) -> None:
    async with ClientSession() as browser, browser.get(f"{server[0]}/static/x/{name}") as answer:
        assert answer.status == 404


def test_a_page_that_names_a_file_wrongly_does_not_open() -> None:
    with pytest.raises(KeyError):
        StaticFiles().url("vendor/htmx.min.js")


def test_no_module_names_another_in_a_way_only_an_import_map_resolves() -> None:
    files = StaticFiles()
    bare = [
        name
        for name, path in files._files.items()  # noqa: SLF001
        if path.suffix in {".js", ".mjs"}
        and ('from"terra-draw"' in (text := path.read_text()) or 'from"fflate"' in text)
    ]
    assert bare == []
