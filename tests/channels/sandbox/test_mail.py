"""The mail relay and its tempers."""

from __future__ import annotations

import asyncio
from email.header import Header
from pathlib import Path

import aiosmtplib
import pytest

from channels.sandbox.mail_record import read_mail
from channels.sandbox.options import SMTP_PASSWORD, SMTP_USER
from tests.channels.sandbox.desk import KEN, Desk, letter, open_desk

HANA = "a..b@docomo.ne.jp"
SENDER = "bosai@town.kawabe.example.jp"


async def test_a_mail_is_recorded_decoded_before_it_is_answered(desk: Desk) -> None:
    words = await desk.mail()
    [record] = desk.records("email")
    assert words == f"2.0.0 Ok: queued as {record['queue_id']}"
    assert (record["from"], record["to"], record["domain"]) == (SENDER, KEN, "hill.example")
    assert record["subject"] == "避難指示"
    assert record["body"] == "すぐに川辺小学校へ避難してください。\n"
    assert record["message_id"] == "<d1.b3.0@town.kawabe.example.jp>"
    assert record["headers"]["From"] == f"川辺町 <{SENDER}>"


@pytest.mark.parametrize("address", [HANA, "hana.@ezweb.ne.jp", ".x-@docomo.ne.jp", "花@kawabe.example"])
async def test_old_and_new_addresses_are_taken_as_they_stand(desk: Desk, address: str) -> None:
    async with desk.smtp() as client:
        await client.ehlo()
        await client.mail(SENDER, options=["SMTPUTF8"], encoding="utf-8")
        await client.rcpt(address, encoding="utf-8")
        await client.data(letter(address))
    assert desk.records("email")[0]["to"] == address


async def test_the_relay_names_what_it_can(desk: Desk) -> None:
    async with desk.smtp() as client:
        await client.ehlo()
        for extension in ("size", "8bitmime", "smtputf8", "pipelining"):
            assert client.supports_extension(extension)


async def test_a_whole_envelope_may_come_in_one_piece(desk: Desk) -> None:
    reader, writer = await asyncio.open_connection(desk.endpoints.smtp_host, desk.endpoints.smtp_port)
    envelope = f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<{KEN}>\r\nDATA\r\n".encode()
    writer.write(b"EHLO kawabe\r\n" + envelope)
    while not (await reader.readline()).startswith(b"354"):
        pass
    writer.write(letter(KEN).replace(b"\n", b"\r\n") + b"\r\n.\r\n" + envelope)
    assert (await reader.readline()).startswith(b"250 2.0.0 Ok: queued")
    writer.close()
    await writer.wait_closed()
    assert len(desk.records("email")) == 1


async def test_one_mail_has_one_recipient(desk: Desk) -> None:
    async with desk.smtp() as client:
        errors, _ = await client.sendmail(SENDER, [KEN, HANA], letter(KEN))
    assert errors[HANA][0] == 452
    assert [record["to"] for record in desk.records("email")] == [KEN]


async def test_a_login_is_checked_when_there_is_one(desk: Desk) -> None:
    async with desk.smtp() as client:
        await client.login(SMTP_USER, SMTP_PASSWORD)
    async with desk.smtp() as client:
        with pytest.raises(aiosmtplib.SMTPAuthenticationError):
            await client.login(SMTP_USER, "wrong")


async def test_a_stranger_is_greylisted_once(desk: Desk) -> None:
    await desk.faults({"channel": "email", "fault": "greylist", "domain": "hill.example"})
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
        await desk.mail()
    assert refused.value.recipients[0].code == 451
    await desk.mail()
    await desk.mail(HANA)
    assert len(desk.records("email")) == 2


async def test_who_comes_back_too_soon_is_greylisted_again(desk: Desk) -> None:
    await desk.faults({"channel": "email", "fault": "greylist", "seconds": 3600})
    for _ in range(2):
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
            await desk.mail()


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (KEN, f"5.1.1 <{KEN}>: Recipient address rejected: User unknown"),
        (HANA, f"Unknown user {HANA}"),
        ("hana@ezweb.ne.jp", "<hana@ezweb.ne.jp>: User unknown"),
    ],
)
async def test_an_unknown_user_is_refused_at_rcpt_in_the_providers_words(desk: Desk, address: str, words: str) -> None:
    await desk.faults({"channel": "email", "fault": "refuse"})
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
        await desk.mail(address)
    assert (refused.value.recipients[0].code, refused.value.recipients[0].message) == (550, words)
    assert desk.records("email") == []


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (KEN, "5.7.1 Message refused by the recipient's filter"),
        (HANA, f"Unknown user {HANA}"),
        ("hana@au.com", ": User unknown"),
    ],
)
async def test_a_filter_refuses_after_data_in_the_providers_words(desk: Desk, address: str, words: str) -> None:
    await desk.faults({"channel": "email", "fault": "refuse_data"})
    with pytest.raises(aiosmtplib.SMTPDataError) as refused:
        await desk.mail(address)
    assert (refused.value.code, refused.value.message) == (550, words)
    assert desk.records("email") == []


@pytest.mark.parametrize(("fault", "code"), [("rate", 421), ("quota", 452), ("unauthorized", 530)])
async def test_a_refusing_fault_speaks_at_rcpt(desk: Desk, fault: str, code: int) -> None:
    await desk.faults({"channel": "email", "fault": fault, "first": 1})
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
        await desk.mail()
    assert refused.value.recipients[0].code == code
    await desk.mail()
    assert [line["status"] for line in desk.requests()] == [code, 250]


@pytest.mark.parametrize(("fault", "recorded"), [("error", 0), ("error_accepted", 1)])
async def test_an_error_after_data_leaves_a_record_or_none(desk: Desk, fault: str, recorded: int) -> None:
    await desk.faults({"channel": "email", "fault": fault})
    with pytest.raises(aiosmtplib.SMTPDataError) as refused:
        await desk.mail()
    assert refused.value.code == 451
    assert len(desk.records("email")) == recorded


async def test_what_is_swallowed_is_accepted_and_gone(desk: Desk) -> None:
    await desk.faults({"channel": "email", "fault": "swallow", "first": 1})
    await desk.mail()
    assert desk.records("email") == []


@pytest.mark.parametrize(("fault", "recorded"), [("drop_before", 0), ("drop_after", 1)])
async def test_a_dropped_connection_leaves_a_record_or_none(desk: Desk, fault: str, recorded: int) -> None:
    await desk.faults({"channel": "email", "fault": fault})
    with pytest.raises((aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPRecipientsRefused)):
        await desk.mail()
    assert len(desk.records("email")) == recorded


@pytest.mark.parametrize(("fault", "recorded"), [("timeout", 0), ("timeout_accepted", 1)])
async def test_a_held_mail_is_answered_never(desk: Desk, fault: str, recorded: int) -> None:
    await desk.faults({"channel": "email", "fault": fault})
    writing = asyncio.create_task(desk.mail())
    await desk.requested()
    assert not writing.done()
    writing.cancel()
    assert len(desk.records("email")) == recorded


async def test_a_tar_pit_holds_its_own_domain_only(desk: Desk) -> None:
    await desk.faults({"channel": "email", "fault": "slow", "domain": "docomo.ne.jp", "seconds": 3600})
    stuck = asyncio.create_task(desk.mail(HANA))
    await desk.mail()
    assert not stuck.done()
    stuck.cancel()
    assert [record["to"] for record in desk.records("email")] == [KEN]


async def test_too_many_connections_are_turned_away_at_the_door(tmp_path: Path) -> None:
    async with open_desk(tmp_path, smtp_connections=1) as desk, desk.smtp():
        with pytest.raises(aiosmtplib.SMTPConnectResponseError) as refused:
            await desk.mail()
        assert refused.value.code == 421


async def test_a_domain_bears_only_so_many_connections(desk: Desk) -> None:
    await desk.faults({"channel": "email", "fault": "connections", "domain": "docomo.ne.jp", "count": 1})
    async with desk.smtp() as first:
        await first.sendmail(SENDER, [HANA], letter(HANA))
        with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
            await desk.mail(HANA)
        assert refused.value.recipients[0].code == 421
        await desk.mail(KEN)
    await desk.until(lambda state: not state["email"]["connections"])
    await desk.mail(HANA)


@pytest.mark.parametrize("leaving", ["EHLO kawabe", "RSET", "QUIT"])
async def test_a_mail_begun_and_left_is_abandoned(desk: Desk, leaving: str) -> None:
    async with desk.smtp() as client:
        await client.ehlo()
        await client.mail(SENDER)
        await client.rcpt(KEN)
        await client.execute_command(leaving.encode())
        assert (await desk.requested())[0]["outcome"] == "abandoned"


async def test_who_leaves_a_tar_pit_has_abandoned_the_mail(desk: Desk) -> None:
    await desk.faults({"channel": "email", "fault": "slow", "seconds": 3600})
    stuck = asyncio.create_task(desk.mail())
    await desk.until(lambda state: state["email"]["faults"])
    stuck.cancel()
    assert (await desk.requested())[0]["outcome"] == "abandoned"


def test_a_header_that_comes_twice_shows_twice() -> None:
    subject = Header("避難指示", "iso-2022-jp").encode()
    content = f"To: a@hill.example\r\nTo: b@hill.example\r\nSubject: {subject}\r\n\r\nhi".encode()
    mail = read_mail(content, at="", queue_id="", sender=SENDER, to=KEN)
    assert mail.headers == {"To": "a@hill.example\nb@hill.example", "Subject": "避難指示"}


@pytest.mark.parametrize(
    ("content", "body"),
    [
        (b"Content-Type: text/plain; charset=unheard\n\n\xe5\xb7\x9d", "川"),
        (b"Content-Type: image/png\n\nx", ""),
        (
            b'Content-Type: multipart/alternative; boundary="b"\n\n--b\nContent-Type: text/html\n\n<p>h\n--b\n\nt\n--b--\n',
            "t",
        ),
    ],
)
def test_the_text_is_found_in_any_mail(content: bytes, body: str) -> None:
    assert read_mail(content, at="", queue_id="", sender=SENDER, to=KEN).body == body
