"""Row 34: LINE refuses a call for five hundred because of one id."""

from __future__ import annotations

from collections import Counter

from tests.faults.health import calls
from tests.faults.row import Figure, at_most, row
from tests.faults.stage import Stage

PEOPLE = 500
FURTHER = 18
"""Twice the logarithm of 500."""


@row(34, "one of five hundred LINE ids is refused, and LINE does not say which")
async def unnamed_id(stage: Stage) -> list[Figure]:
    return await _refused(stage, named=False, further=FURTHER)


@row(34, "one of five hundred LINE ids is refused, and LINE names it")
async def named_id(stage: Stage) -> list[Figure]:
    return await _refused(stage, named=True, further=2)


async def _refused(stage: Stage, *, named: bool, further: int) -> list[Figure]:
    """The others get it, in few further calls."""
    sandbox = await stage.providers()
    await stage.town(PEOPLE, phone=False, mail=False)
    unknown = stage.random.choice([person for person in stage.town_of.people.values() if person.inside])
    address = unknown.addresses["line"]
    await sandbox.set_faults([{"channel": "line", "fault": "refuse", "to": address, "named": named}])
    await stage.worker()
    order = await stage.send(channels=["line"])
    await stage.over(order)
    await stage.check(order)
    taken = Counter(copy.address for copy in await stage.copies(order))
    return [
        *stage.verdict.figures(),
        at_most("calls after the first", len(calls(sandbox, "line")) - 1, further),
        at_most(
            "of the 499 others not reached once", sum(count != 1 for count in taken.values()) + 499 - len(taken), 0
        ),
    ]
