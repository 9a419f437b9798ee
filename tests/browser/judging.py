"""What is asked of every page: axe, and the keyboard."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page

AXE = Path(__file__).parent / "vendor" / "axe.js"
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


async def complaints(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 AA, and where."""
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    found = await page.evaluate("standards => axe.run({runOnly: standards})", STANDARDS)
    return [f"{each['id']}: {node['target']}" for each in found["violations"] for node in each["nodes"]]


async def walk_to(page: Page, selector: str) -> None:
    """By the tabulator only."""
    for _ in range(80):
        await page.keyboard.press("Tab")
        if await page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"the keyboard does not reach {selector}")
