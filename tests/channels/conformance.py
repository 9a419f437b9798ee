"""What every channel must do, ours or a third party's. Subclass `Conformance` with a `name` fixture.

`stands.py` says, for each channel, how its provider is made to misbehave.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from channels.contract import Answer, Channel, Message, Verdict
from tests.channels.cast import KEY, ORDER
from tests.channels.stands import IMPATIENT, Fault, Stand, at_stand


async def send(stand: Stand, message: Message = ORDER) -> Answer:
    return await stand.channel.send(message, [stand.recipient], key=KEY, expires_at=None)


async def outcome(name: str, fault: Fault) -> tuple[Answer, int]:
    """The answer under a fault, and how many messages the provider took."""
    async with at_stand(name, IMPATIENT if fault is Fault.SILENT else 10.0) as stand:
        if fault in stand.unknown:
            pytest.skip(f"the provider of {name} cannot be in this state: {fault.value}")
        await stand.misbehave(fault)
        return await send(stand), stand.taken()


class Conformance:
    async def test_is_a_channel(self, name: str) -> None:
        async with at_stand(name) as stand:
            assert isinstance(stand.channel, Channel)
            assert stand.channel.name == name
            assert stand.channel.contact in {"line", "phone", "email"}

    async def test_accepted_has_the_providers_reference(self, name: str) -> None:
        async with at_stand(name) as stand:
            answer = await send(stand)
            assert (answer.verdict, stand.taken()) == (Verdict.ACCEPTED, 1)
            assert answer.reference

    async def test_permanently_refused_is_rejected_with_the_providers_code(self, name: str) -> None:
        answer, taken = await outcome(name, Fault.REFUSED)
        assert (answer.verdict, answer.pause, taken) == (Verdict.REJECTED, None, 0)
        assert answer.code

    async def test_told_to_slow_down_pauses_for_a_while(self, name: str) -> None:
        answer, taken = await outcome(name, Fault.SLOW_DOWN)
        assert (answer.verdict, taken) == (Verdict.RETRY, 0)
        assert answer.pause is not None
        assert answer.pause.seconds

    async def test_never_answered_is_ambiguous(self, name: str) -> None:
        answer, _ = await outcome(name, Fault.SILENT)
        assert (answer.verdict, answer.code) == (Verdict.AMBIGUOUS, "timeout")

    async def test_cut_before_the_bytes_left_is_certainly_not_sent(self, name: str) -> None:
        answer, taken = await outcome(name, Fault.CUT_BEFORE)
        assert (answer.verdict, taken) == (Verdict.RETRY, 0)

    async def test_cut_after_the_bytes_left_is_ambiguous(self, name: str) -> None:
        answer, _ = await outcome(name, Fault.CUT_AFTER)
        assert (answer.verdict, answer.code) == (Verdict.AMBIGUOUS, "disconnected")

    async def test_bad_credentials_wait_for_the_operator(self, name: str) -> None:
        answer, taken = await outcome(name, Fault.BAD_CREDENTIALS)
        assert (answer.verdict, taken) == (Verdict.RETRY, 0)
        assert answer.pause is not None
        assert (answer.pause.scope, answer.pause.seconds, answer.pause.reason) == ("channel", None, "credentials")

    async def test_quota_gone_waits_for_the_operator(self, name: str) -> None:
        answer, taken = await outcome(name, Fault.QUOTA_GONE)
        assert (answer.verdict, taken) == (Verdict.RETRY, 0)
        assert answer.pause is not None
        assert (answer.pause.scope, answer.pause.seconds, answer.pause.reason) == ("channel", None, "quota")

    async def test_garbage_proves_nothing(self, name: str) -> None:
        answer, _ = await outcome(name, Fault.GARBAGE)
        assert answer.verdict is Verdict.AMBIGUOUS

    async def test_a_text_that_cannot_be_encoded_is_an_answer_too(self, name: str) -> None:
        async with at_stand(name) as stand:
            answer = await send(stand, replace(ORDER, body="川辺町\ud83d"))
            assert answer.verdict in {Verdict.REJECTED, Verdict.ACCEPTED}

    async def test_a_repeat_under_the_same_key_counts_once_where_promised(self, name: str) -> None:
        async with at_stand(name) as stand:
            first = await send(stand)
            again = await send(stand)
            assert (first.verdict, again.verdict) == (Verdict.ACCEPTED, Verdict.ACCEPTED)
            assert stand.taken() == (1 if stand.channel.repeatable else 2)

    async def test_cancellation_is_let_through_and_the_channel_lives_on(self, name: str) -> None:
        async with at_stand(name) as stand:
            await stand.misbehave(Fault.SILENT)
            call = asyncio.create_task(send(stand))
            await stand.reached()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await stand.misbehave(None)
            assert (await send(stand)).verdict is Verdict.ACCEPTED

    async def test_closing_leaves_no_connection_and_may_come_twice(self, name: str) -> None:
        async with at_stand(name) as stand:
            await send(stand)
            await stand.channel.close()
            await asyncio.wait_for(stand.left_alone(), 5)
            await stand.channel.close()

    async def test_its_limits_let_calls_through_that_cost_something(self, name: str) -> None:
        async with at_stand(name) as stand:
            rules = stand.channel.lane("other-00")
            assert rules.at_once >= 1
            assert all(limit.rate > 0 and limit.burst >= 1 for limit in rules.limits)
            assert stand.channel.cost(replace(ORDER, body="避" * 660)) >= 1

    async def test_a_fair_text_passes_and_a_blank_one_is_refused_in_both_tongues(self, name: str) -> None:
        async with at_stand(name) as stand:
            assert stand.channel.check(ORDER) == []
            (problem,) = stand.channel.check(replace(ORDER, body=" \n"))
            assert problem.say("ja") == "body: 本文が空です。送る文を書いてください。"
            assert problem.say("en") == "body: The body is empty. Write the text that is to be sent."
