"""The pages' own files and those of others, under an address that changes when any of them does."""

from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path

from aiohttp import web

from words.problem import Problem, Refused

TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}
"""What is served, whatever the machine takes the endings for."""

NEEDED = ("vendor/htmx.js", "vendor/maplibre-gl.mjs", "vendor/terra-draw.js", "vendor/design-tokens.css")
YEAR = 365 * 24 * 3600


class StaticFiles:
    """Raises Refused when the package was not built: its third-party files are not there."""

    def __init__(self) -> None:
        root = Path(str(resources.files("console") / "static"))
        self._files = {
            path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*")) if path.suffix in TYPES
        }
        missing = [name for name in NEEDED if name not in self._files]
        if missing:
            raise Refused(_not_built(missing))
        self._version = _digest(self._files)

    def url(self, name: str) -> str:
        """The address of one file. Raises KeyError when there is none: a page names it wrongly."""
        if name not in self._files:
            raise KeyError(name)
        return f"/static/{self._version}/{name}"

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/static/{version}/{name:.+}", self.serve)]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        path = self._files.get(request.match_info["name"])
        if path is None:
            raise web.HTTPNotFound
        response = web.FileResponse(path, headers={"Content-Type": f"{TYPES[path.suffix]}; charset=utf-8"})
        current = request.match_info["version"] == self._version
        response.headers["Cache-Control"] = f"public, max-age={YEAR}, immutable" if current else "no-cache"
        return response


def _digest(files: dict[str, Path]) -> str:
    digest = hashlib.sha256()
    for name, path in files.items():
        digest.update(f"{name}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _not_built(missing: list[str]) -> Problem:
    return Problem(
        "console.not_built",
        "console/static",
        f"画面に必要なファイル（{'、'.join(missing)}）がありません。make setup をするか、パッケージを作り直してください。",
        f"Files the pages need are missing ({', '.join(missing)}). Run make setup, or build the package again.",
    )
