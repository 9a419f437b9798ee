"""Rows 41 and 42: a provider's callbacks come in any order, late, and ten times."""

from __future__ import annotations

from collections import Counter
from itertools import permutations

from tests.faults.callbacks import Desk, open_desk
from tests.faults.row import Figure, at_least, at_most, row
from tests.faults.stage import QUICK, Stage

SAID = ("accepted", "queued", "sending", "sent", "undelivered", "delivered")
"""Six statuses have 720 orders. Twilio corrects itself too: what was undelivered can turn out delivered."""


@row(41, "callbacks in every order, and again after everything")
async def callbacks_in_any_order(stage: Stage) -> list[Figure]:
    """Every one of 720 people hears of their message in an order of their own."""
    orders = list(permutations(SAID))
    async with open_desk() as desk:
        serve, dispatch = await _sent(stage, desk, len(orders))
        tokens = sorted(desk.messages)
        stage.random.shuffle(orders)
        said = [(token, status) for token, order in zip(tokens, orders, strict=True) for status in order]
        answers = Counter(await desk.post(serve, said))
        states = await _states(stage, dispatch)
        answers.update(
            await desk.post(serve, [(token, status) for token in tokens for status in ("sent", "undelivered")])
        )
        late = await _states(stage, dispatch)
    figures = await stage.check(dispatch)
    return [
        *figures,
        at_least("orders tried", len(orders), 720),
        at_most("different end states", len(states), 1),
        at_most("not delivered in the end", len(orders) - states["delivered"], 0),
        at_most("changed by what came after everything", len(orders) - late["delivered"], 0),
        at_most("callbacks not answered with 204", sum(answers.values()) - answers[204], 0),
    ]


@row(42, "every callback comes ten times, from several connections at once")
async def callbacks_ten_times(stage: Stage) -> list[Figure]:
    people = 100
    async with open_desk() as desk:
        serve, dispatch = await _sent(stage, desk, people)
        said = [(token, status) for token in desk.messages for status in ("sent", "delivered")]
        answers = Counter(await desk.post(serve, [each for each in said for _ in range(10)]))
        states = await _states(stage, dispatch)
    figures = await stage.check(dispatch)
    async with stage.postgres.connection() as connection:
        kept = await connection.fetchval("select count(*) from receipt where dispatch = $1", dispatch)
    return [
        *figures,
        at_least("callbacks posted", sum(answers.values()), 20 * people),
        at_most("not counted as delivered once", people - states["delivered"], 0),
        at_most("receipts kept beyond one of each", kept - 2 * people, 0),
        at_most("second copies sent", len(await stage.copies(dispatch)) - people, 0),
        at_most("callbacks not answered with 204", sum(answers.values()) - answers[204], 0),
    ]


async def _sent(stage: Stage, desk: Desk, people: int) -> tuple[str, str]:
    """An order by SMS to `people`, sent and reported to the desk; where `todoke serve` listens, and the dispatch."""
    await stage.providers(callback=desk.url)
    await stage.town(people, line=False, mail=False)
    serve = await stage.serve(*QUICK)
    dispatch = await stage.send(channels=("sms",))
    await stage.over(dispatch)
    await desk.all_of(people)
    return str(serve.ready["listening"]), dispatch


async def _states(stage: Stage, dispatch: str) -> Counter[str]:
    told = (await stage.run("status", dispatch, "--json")).last["channels"]["sms"]
    return Counter({name: number for name, number in told.items() if number})
