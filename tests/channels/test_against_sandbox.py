"""Our channels and our look-alikes of the providers, each written from the providers' own pages, must agree."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from pydantic import BaseModel

from channels.contract import Answer, Channel, Metered, Recipient, Verdict
from channels.registry import BUILT_IN, open_channels
from channels.sandbox.faults import ChannelName
from channels.sandbox.process import SandboxProcess, start_sandbox
from tests.channels.cast import ORDER

pytestmark = pytest.mark.asyncio(loop_scope="module")

A, R, Q, S, X = Verdict.ACCEPTED, Verdict.RETRY, Verdict.AMBIGUOUS, Verdict.SPLIT, Verdict.REJECTED
ANSWERS: list[tuple[ChannelName, str, Verdict, bool]] = [
    ("line", "", A, True),
    ("line", "rate", R, False),
    ("line", "quota", R, False),
    ("line", "error", Q, False),
    ("line", "error_accepted", Q, True),
    ("line", "timeout", Q, False),
    ("line", "timeout_accepted", Q, True),
    ("line", "drop_before", Q, False),
    ("line", "drop_after", Q, True),
    ("line", "unauthorized", R, False),
    ("line", "refuse", X, False),
    ("line", "swallow", A, False),
    ("sms", "", A, True),
    ("sms", "rate", R, False),
    ("sms", "quota", R, False),
    ("sms", "error", Q, False),
    ("sms", "error_accepted", Q, True),
    ("sms", "timeout_accepted", Q, True),
    ("sms", "drop_before", Q, False),
    ("sms", "drop_after", Q, True),
    ("sms", "unauthorized", R, False),
    ("sms", "refuse", X, False),
    ("email", "", A, True),
    ("email", "rate", R, False),
    ("email", "quota", R, False),
    ("email", "error", R, False),
    ("email", "timeout", Q, False),
    ("email", "timeout_accepted", Q, True),
    ("email", "drop_before", R, False),
    ("email", "drop_after", Q, True),
    ("email", "unauthorized", R, False),
    ("email", "refuse", X, False),
    ("email", "refuse_data", X, False),
    ("email", "greylist", R, False),
    ("email", "swallow", A, False),
]
"""(channel, fault, our verdict, whether the provider has the message)"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SandboxProcess]:
    async with start_sandbox(tmp_path_factory.mktemp("sandbox"), line_rate=0, sms_rate=0) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def channels(sandbox: SandboxProcess) -> AsyncIterator[dict[str, Channel]]:
    async with open_channels(settings_of(sandbox, timeout_seconds=10)) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def impatient(sandbox: SandboxProcess) -> AsyncIterator[dict[str, Channel]]:
    async with open_channels(settings_of(sandbox, timeout_seconds=1.5)) as opened:
        yield opened


def settings_of(sandbox: SandboxProcess, *, timeout_seconds: float) -> dict[str, BaseModel]:
    """The sandbox's own settings, and an address for receipts that nobody answers at."""
    changes: dict[str, dict[str, Any]] = {"sms": {"status_callback_url": "http://127.0.0.1:9/receipts"}}
    return {
        name: BUILT_IN[name].Settings.model_validate(
            {**values, **changes.get(name, {}), "timeout_seconds": timeout_seconds}
        )
        for name, values in sandbox.settings().items()
    }


NUMBERS = count(1)


def somebody(channel: str) -> Recipient:
    """A new person each time, so that no test meets another's traces."""
    number = next(NUMBERS)
    address = {
        "line": f"U{number:032x}",
        "sms": f"+8190{number:08}",
        "email": f"resident..{number}.@docomo.ne.jp",
    }[channel]
    return Recipient(address, f"d1.b{number}.0")


async def send(channel: Channel, *people: Recipient, key: UUID | None = None) -> Answer:
    return await channel.send(ORDER, people, key=key or uuid4(), expires_at=None)


def has(sandbox: SandboxProcess, channel: ChannelName, person: Recipient) -> bool:
    return any(person.address in record["to"] for record in sandbox.records(channel))


@pytest.mark.parametrize(("name", "fault", "verdict", "arrived"), ANSWERS)
async def test_the_answer_is_true_to_what_the_provider_has(
    sandbox: SandboxProcess,
    channels: dict[str, Channel],
    impatient: dict[str, Channel],
    name: ChannelName,
    fault: str,
    verdict: Verdict,
    arrived: bool,
) -> None:
    person = somebody(name)
    await sandbox.set_faults([{"channel": name, "fault": fault, "seconds": 60}] if fault else [])
    answer = await send((impatient if "timeout" in fault else channels)[name], person)
    assert (answer.verdict, has(sandbox, name, person)) == (verdict, arrived)


async def test_a_repeated_multicast_counts_once(sandbox: SandboxProcess, channels: dict[str, Channel]) -> None:
    hana, key = somebody("line"), uuid4()
    await sandbox.set_faults([{"channel": "line", "fault": "drop_after", "first": 1}])
    verdicts = [(await send(channels["line"], hana, key=key)).verdict for _ in range(2)]
    assert verdicts == [Verdict.AMBIGUOUS, Verdict.ACCEPTED]
    assert sum(record["retry_key"] == str(key) for record in sandbox.records("line")) == 1


async def test_a_multicast_refused_for_one_names_the_place(
    sandbox: SandboxProcess, channels: dict[str, Channel]
) -> None:
    people = [somebody("line") for _ in range(500)]
    await sandbox.set_faults([{"channel": "line", "fault": "refuse", "to": people[321].address}])
    answer = await send(channels["line"], *people)
    assert (answer.verdict, answer.suspect) == (Verdict.SPLIT, 321)


async def test_the_reference_is_the_providers_own(sandbox: SandboxProcess, channels: dict[str, Channel]) -> None:
    await sandbox.set_faults([])
    for name, field in (("line", "request_id"), ("sms", "sid"), ("email", "queue_id")):
        answer = await send(channels[name], somebody(name))
        assert answer.reference == sandbox.records(name)[-1][field]  # type: ignore[arg-type]


async def test_a_mail_arrives_as_it_was_written(sandbox: SandboxProcess, channels: dict[str, Channel]) -> None:
    await sandbox.set_faults([])
    ken = somebody("email")
    await send(channels["email"], ken)
    record = sandbox.records("email")[-1]
    assert (record["to"], record["subject"]) == (ken.address, ORDER.subject)
    assert record["body"].splitlines() == ORDER.body.splitlines()


async def test_an_sms_carries_the_token_to_its_receipt(sandbox: SandboxProcess, channels: dict[str, Channel]) -> None:
    await sandbox.set_faults([])
    tome = somebody("sms")
    await send(channels["sms"], tome)
    callback = sandbox.records("sms")[-1]["callback"]
    assert parse_qs(urlsplit(callback).query)["token"] == [tome.token]


async def test_what_line_counts_rises_with_what_it_sent(sandbox: SandboxProcess, channels: dict[str, Channel]) -> None:
    line = channels["line"]
    assert isinstance(line, Metered)
    await sandbox.set_faults([{"channel": "line", "fault": "swallow", "first": 1}])
    counts = [await line.counted()]
    for _ in range(2):
        answer = await send(line, somebody("line"))
        assert answer.verdict is A
        counts.append(await line.counted())
    assert counts[0] is not None
    assert counts == [counts[0], counts[0], counts[0] + 1]


async def test_a_line_that_does_not_say_has_counted_nothing(impatient: dict[str, Channel]) -> None:
    line = impatient["line"]
    assert isinstance(line, Metered)
    await line.close()
    assert await line.counted() is None
    await line.open()
