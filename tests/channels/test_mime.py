from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest

from channels.contract import Message, Recipient
from channels.mime import Letterhead, Unwritable, mailbox
from tests.channels.cast import HANA_MAIL, KEN_MAIL, KEY, ORDER, OTHER_KEY

NOW = datetime(2026, 11, 23, 3, 4, 5, tzinfo=UTC)
TOWN = Letterhead(address="bosai@town.kawabe.example", name="川辺町 防災", reply_to=None)


def written(message: Message = ORDER, recipient: Recipient = KEN_MAIL) -> bytes:
    return TOWN.write(message, recipient, KEY, NOW)


def read(mail: bytes) -> EmailMessage:
    parsed = message_from_bytes(mail.removesuffix(b".\r\n"), policy=default)
    assert isinstance(parsed, EmailMessage)
    return parsed


class TestMail:
    def test_has_every_header_a_mail_provider_asks_for(self) -> None:
        mail = read(written())
        assert mail["From"] == "川辺町 防災 <bosai@town.kawabe.example>"
        assert mail["To"] == "ken@hill.example"
        assert mail["Subject"] == "【避難指示】川辺町"
        assert mail["Date"] == "Mon, 23 Nov 2026 03:04:05 +0000"
        assert (mail["Auto-Submitted"], mail["Content-Language"]) == ("auto-generated", "ja")

    def test_says_what_was_written(self) -> None:
        assert read(written()).get_content().splitlines() == ORDER.body.splitlines()

    def test_is_ascii_in_short_lines_and_ends_with_the_only_dot(self) -> None:
        lines = written(replace(ORDER, subject="避" * 200, body=".\r\n.\n" + "避難\r" * 500)).split(b"\r\n")
        assert max(map(len, lines)) <= 78
        assert [line for line in lines if line.startswith(b".")] == [b"."]
        assert lines[-2:] == [b".", b""]
        assert b"".join(lines).isascii()
        assert not any(b"\n" in line or b"\r" in line for line in lines)

    def test_has_one_recipient_and_no_copy(self) -> None:
        mail = read(written())
        assert [name for name in mail if name.lower() in {"to", "cc", "bcc"}] == ["To"]

    def test_to_an_old_docomo_address_goes_out_as_it_is(self) -> None:
        assert b"\r\nTo: hana..kawabe.@docomo.ne.jp\r\n" in written(recipient=HANA_MAIL)

    def test_may_ask_for_answers_elsewhere(self) -> None:
        letterhead = Letterhead(address="bosai@town.kawabe.example", name="", reply_to="soumu@town.kawabe.example")
        mail = read(letterhead.write(ORDER, KEN_MAIL, KEY, NOW))
        assert (mail["From"], mail["Reply-To"]) == ("bosai@town.kawabe.example", "soumu@town.kawabe.example")


class TestMessageId:
    def test_is_the_same_when_the_call_is_repeated(self) -> None:
        again = TOWN.write(ORDER, KEN_MAIL, KEY, NOW.replace(hour=4))
        assert read(again)["Message-ID"] == read(written())["Message-ID"]

    def test_differs_between_people_and_between_calls(self) -> None:
        ids = {TOWN.message_id(person, key) for person in (KEN_MAIL, HANA_MAIL) for key in (KEY, OTHER_KEY)}
        assert len(ids) == 4

    def test_carries_the_token_and_the_senders_domain(self) -> None:
        assert TOWN.message_id(Recipient("a@b.example", "d1/b 3>"), KEY) == (
            f"<d1%2Fb%203%3E.{KEY.hex}@town.kawabe.example>"
        )


class TestInjection:
    @pytest.mark.parametrize(
        "subject",
        [
            "避難\r\nBcc: x@y.example",
            "避難\nX: y",
            "=?utf-8?q?a=0D=0ABcc:_x@y.example?=",
            "避難 =?UTF-8?B?QQ==?=",
            "a\0b",
        ],
    )
    def test_a_subject_cannot_become_headers(self, subject: str) -> None:
        with pytest.raises(Unwritable, match="subject"):
            written(replace(ORDER, subject=subject))

    def test_a_language_cannot_become_headers(self) -> None:
        with pytest.raises(Unwritable, match="language"):
            written(replace(ORDER, language="ja\r\nBcc: x@y.example"))

    @pytest.mark.parametrize(
        "address",
        [
            "a@b.example, c@d.example",
            "a@b.example\r\nRCPT TO:<c@d.example>",
            "a@b.example>",
            "<a@b.example>",
            "a b@c.example",
            "a@b@c.example",
            "a@b.example NOTIFY=NEVER",
            '"a\r\n"@b.example',
            "a@",
            "@b.example",
            "",
            "あ@b.example",
        ],
    )
    def test_an_address_is_exactly_one_mailbox(self, address: str) -> None:
        with pytest.raises(Unwritable, match="address"):
            written(recipient=Recipient(address, "t"))

    @pytest.mark.parametrize(
        "address", ["a..b@docomo.ne.jp", "abc.@ezweb.ne.jp", ".x@au.com", '"a..b"@docomo.ne.jp', "a/b?c@au.com"]
    )
    def test_what_phones_were_sold_with_is_a_mailbox(self, address: str) -> None:
        assert mailbox(address) == address
