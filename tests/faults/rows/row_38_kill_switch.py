"""Row 38: the kill switch, pressed while everything is sent at full rate."""

from __future__ import annotations

from tests.faults.row import Figure, at_least, at_most, row
from tests.faults.stage import Stage

PEOPLE = 2000
ROUNDS = 3
SECONDS_WATCHED = 4.0


@row(38, "the kill switch at full rate")
async def kill_switch(stage: Stage) -> list[Figure]:
    """Two workers at the providers' limits, and `todoke stop --all`: two seconds later nothing leaves."""
    valkey = await stage.valkey()
    await stage.providers(line_rate=200, sms_rate=100)
    await stage.town(PEOPLE)
    settings = "sending.batch_size=20", f"redis_url={valkey.url}"
    for _ in range(2):
        await stage.worker(*settings)
    late, last, unsent = 0, 0.0, PEOPLE
    for nth in range(ROUNDS):
        dispatch = await stage.send(event_class="tourism" if nth == 1 else "evacuation")
        await stage.until_sent(dispatch, 200 + stage.random.randrange(400), "sms")
        await stage.stop_all()
        [stopped] = await stage.query("select ended_at from dispatch where id = $1", dispatch)
        await stage.idle(SECONDS_WATCHED)
        await stage.over(dispatch)
        await stage.check(dispatch)
        after = [(copy.at - stopped["ended_at"]).total_seconds() for copy in await stage.copies(dispatch)]
        late += sum(seconds > 2 for seconds in after)
        last = max(last, *after)
        unsent = min(
            unsent, PEOPLE - len({copy.address for copy in await stage.copies(dispatch) if copy.channel == "sms"})
        )
    return [
        *stage.verdict.figures(),
        at_most("sends more than 2 s after the stop", late, 0),
        at_most("last send after the stop", max(0.0, last), 2, "s"),
        at_least("SMS that were not sent", unsent, 1),
    ]
