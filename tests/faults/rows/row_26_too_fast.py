"""Row 26: a minute of 429 without Retry-After from a provider that bears a fifth of the limit we were told."""

from __future__ import annotations

from tests.faults.health import calls, reached, taken_back, told
from tests.faults.row import Figure, at_least, at_most, row
from tests.faults.stage import Stage

LIMIT, BEARS = 200, 40
STORM_SECONDS = 60
PEOPLE = BEARS * STORM_SECONDS


@row(26, "a provider says for a minute that we are too fast, and not how fast we may be")
async def too_fast(stage: Stage) -> list[Figure]:
    """One person a call. LINE bears 40 calls in any second, we are set to 200; refused calls change nothing for it."""
    sandbox = await stage.providers(line_rate=BEARS, told={"line": LIMIT})
    await stage.town(PEOPLE, phone=False, mail=False)
    await stage.worker("sending.batch_size=1", f"channels.line.rate={LIMIT}")
    order = await stage.send(channels=["line"])
    await told(stage, "provider.slowed", "line")
    await reached(stage, order, "line", PEOPLE, 180)
    await stage.over(order)
    await stage.check(order)
    every = calls(sandbox, "line")
    begin, end = every[0]["monotonic"], every[-1]["monotonic"]
    later = calls(sandbox, "line", since=begin + 5)
    refused = sum(each["status"] == 429 for each in later)
    taken = sum(each["outcome"] == "accepted" for each in later)
    return [
        *stage.verdict.figures(),
        at_most("refused of a hundred calls after five seconds", 100 * refused / len(later), 2),
        at_least("of a hundred calls that LINE bears, used", 100 * taken / (BEARS * (end - begin - 5)), 70),
        at_most("back at the whole limit after", await _whole_again(stage), 60, "s"),
    ]


async def _whole_again(stage: Stage) -> float:
    """Whether calls are made or not."""
    return await taken_back(stage, "provider.slowed", "line", 90)
