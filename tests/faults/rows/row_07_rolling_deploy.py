"""Row 7: every worker is told to stop and replaced by another, in turn, under load."""

from __future__ import annotations

from tests.faults.row import Figure, at_most, row
from tests.faults.stage import Stage

PEOPLE = 1500
ROUNDS = 3


@row(7, "a rolling deploy by SIGTERM under load")
async def rolling_deploy(stage: Stage) -> list[Figure]:
    """Workers end by themselves in time and leave nothing in doubt: under default settings nobody has to be waited for."""
    valkey = await stage.valkey()
    sandbox = await stage.providers(line_rate=200, sms_rate=100)
    await sandbox.set_faults([{"channel": "sms", "fault": "slow", "seconds": 0.2}])
    await stage.town(PEOPLE)
    settings = "sending.batch_size=50", f"redis_url={valkey.url}"
    workers = [await stage.worker(*settings) for _ in range(2)]
    dispatch = await stage.send()
    slowest, codes = 0.0, []
    for turn in range(2 * ROUNDS):
        await stage.until_sent(dispatch, 100 + 150 * turn + stage.random.randrange(100), "sms")
        slowest = max(slowest, await workers[turn % 2].terminate())
        codes.append(workers[turn % 2].code)
        workers[turn % 2] = await stage.worker(*settings)
    await stage.over(dispatch)
    await stage.check(dispatch)
    return [
        *stage.verdict.figures(),
        at_most("extra copies", stage.verdict.extras, 0),
        at_most("slowest to end", slowest, 15, "s"),
        at_most("ended with an error", sum(code != 0 for code in codes), 0),
    ]
