"""Which canaries fly, by the settings; and what is said of those that cannot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from pydantic import SecretStr

from channels.contract import Channel
from channels.line import LineChannel, LineSettings
from channels.sms import SmsChannel, SmsSettings
from config import Settings
from config.settings import Alarms
from config.settings import Canary as CanarySettings
from tests.dispatcher.engine_room import channel
from todoke.hooks import CommandHook, WebhookHook
from todoke.watchman import check_canaries, hooks, nests, strongest
from words.problem import Refused

SMS = SmsSettings(account_sid=f"AC{'0' * 32}", auth_token=SecretStr("t"), from_number="+81")
REPORTED = SMS.model_copy(update={"status_callback_url": "https://kawabe.example/receipts/sms"})
LINE = LineChannel(LineSettings(token=SecretStr("t")))
MAIL = channel("email", "email", 1, repeatable=False)
CHANNELS: Mapping[str, Channel] = {"line": LINE, "sms": SmsChannel(SMS), "email": MAIL}


def settings(public: str | None = None, **canary: Any) -> Settings:
    return Settings(canary=CanarySettings(**canary), public_base_url=public)


def test_every_channel_proves_as_much_as_it_can() -> None:
    assert strongest(LINE) == "receipt"
    assert strongest(SmsChannel(REPORTED)) == "receipt"
    assert strongest(SmsChannel(SMS)) == "accepted"
    assert strongest(MAIL) == "accepted"


def test_a_test_mailbox_has_the_lane_of_its_provider() -> None:
    (nest,) = nests(settings(recipients={"email": "canary@docomo.ne.jp"}), CHANNELS)
    assert (nest.lane, nest.proof, nest.every, nest.deadline) == ("docomo", "accepted", 300, 45)


def test_sms_that_cost_money_may_fly_once_an_hour() -> None:
    wanted = settings(recipients={"sms": "+819000000001"}, channel_every_seconds={"sms": 3600})
    assert nests(wanted, CHANNELS)[0].every == 3600


def test_everything_that_keeps_canaries_from_flying_is_said_at_once() -> None:
    wanted = settings(
        recipients={"fax": "1", "sms": "+819000000001", "email": "canary@kawabe.example"},
        come_back={"sms": "receipt", "email": "answer", "line": "accepted"},
    )
    with pytest.raises(Refused) as refusal:
        check_canaries(wanted, CHANNELS)
    assert [problem.where for problem in refusal.value.problems] == [
        "canary.recipients.fax",
        "canary.come_back.line",
        "canary.come_back.sms",
        "canary.come_back.email",
    ]
    assert "channels.sms.status_callback_url を設定し" in refusal.value.say("ja")[2]
    assert "Set public_base_url" in refusal.value.say("en")[3]


def test_a_process_without_channels_sends_no_canary() -> None:
    wanted = settings(recipients={"sms": "+819000000001"})
    check_canaries(wanted, {})
    assert nests(wanted, {}) == []


def test_a_canary_that_cannot_fly_keeps_no_order_from_being_sent() -> None:
    assert nests(settings(recipients={"fax": "1"}), CHANNELS) == []


def test_both_hooks_may_be_wanted() -> None:
    alarms = Alarms(command=("/usr/local/bin/page",), webhook="https://kawabe.example/alarm")
    assert [type(hook) for hook in hooks(Settings(alarms=alarms))] == [CommandHook, WebhookHook]
    assert hooks(Settings()) == []
