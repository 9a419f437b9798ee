"""Whether what was timed was also right: each recipient exactly once at the provider, every outcome durable."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import numpy as np

from bench.people import Numbers
from bench.town import Town, again
from bench.working import outcomes


def once_each(taken: Numbers, wanted: Numbers) -> list[str]:
    """What is wrong, if anything, with what a provider took; `wanted` ascending."""
    found, often = np.unique(taken, return_counts=True)
    missing, foreign = np.setdiff1d(wanted, found).size, np.setdiff1d(found, wanted).size
    twice = int((often > 1).sum())
    return [
        f"{number:,} recipients {what}"
        for number, what in (
            (missing, "got nothing"),
            (foreign, "are not in the area"),
            (twice, "got it more than once"),
        )
        if number
    ]


def twice(taken: Numbers) -> list[str]:
    """What is wrong when whoever got something may be anybody, but nobody may have got it again."""
    return once_each(taken, np.unique(taken))


async def durable(town: Town, dispatches: Sequence[str], recipients: int) -> list[str]:
    """What is wrong with the outcomes once the database has been ended at once and started again."""
    await asyncio.to_thread(town.crash)
    async with again(town) as recovered, recovered.pool(2) as pool:
        found = [await outcomes(pool, dispatch) for dispatch in dispatches]
    return [reason for each in found for reason in _all_accepted(each, recipients)]


def _all_accepted(channels: dict[str, dict[str, int]], recipients: int) -> list[str]:
    accepted = sum(each.get("accepted", 0) for each in channels.values())
    total = sum(number for each in channels.values() for number in each.values())
    if accepted == total == recipients:
        return []
    return [f"after a restart of the database {accepted:,} of {recipients:,} outcomes were 'accepted', of {total:,}"]
