"""Row 5: a worker is frozen for a minute in the middle of its work, given up, and wakes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.faults.row import Figure, at_most, row
from tests.faults.rows.row_01_kill_a_worker import IN_HAND
from tests.faults.stage import Stage

PEOPLE = 500
FROZEN_SECONDS = 60.0
AWAKE_SECONDS = 5.0
STALE = "select count(*) as writes from faults.seen where session = $1 and at > $2"
LATE = "select coalesce(sum(cardinality(codes)), 0) as calls from attempt where session = $1 and at > $2"


@row(5, "a worker frozen for a minute, which wakes")
async def frozen_worker(stage: Stage) -> list[Figure]:
    """It starts nothing more and writes over nothing; what it learnt late is merged beside the record."""
    valkey = await stage.valkey()
    sandbox = await stage.providers(line_rate=200, sms_rate=100)
    await sandbox.set_faults([{"channel": "sms", "fault": "slow", "seconds": 0.1}])
    await stage.town(PEOPLE)
    settings = "sending.batch_size=50", f"redis_url={valkey.url}"
    frozen = await stage.worker(*settings)
    await stage.worker(*settings)
    dispatch = await stage.send()
    await stage.until_sent(dispatch, 50 + stage.random.randrange(150), "sms")
    frozen.freeze()
    frozen_at = datetime.now(UTC)
    await stage.idle(FROZEN_SECONDS)
    picked_up = await stage.picked_up()
    woken_at = datetime.now(UTC)
    frozen.wake()
    await stage.over(dispatch)
    await stage.idle(AWAKE_SECONDS)
    await stage.check(dispatch)
    [stale] = await stage.query(STALE, frozen.session, frozen_at + timedelta(seconds=1))
    [late] = await stage.query(LATE, frozen.session, woken_at)
    return [
        *stage.verdict.figures(),
        at_most("extra sends", stage.verdict.extras, IN_HAND),
        at_most("writes of the one that was given up", stale["writes"], 0),
        at_most("its work picked up", picked_up, 35, "s"),
        Figure("its late outcomes, merged", late["calls"], "none lost", held=True),
    ]
