"""Addresses: their normal form, or why nothing can be sent there."""

from __future__ import annotations

import pytest

from subscribers.addresses import email, line_id, normal_address, phone
from words.problem import Refused


def refusal(kind: str, text: str) -> tuple[str, str]:
    """The sentences about an address, which never repeat it."""
    with pytest.raises(Refused) as refused:
        normal_address(kind, text, where=kind)
    ja, en = refused.value.problems[0].ja, refused.value.problems[0].en
    core = text.strip()
    assert core == "" or (core not in ja and core not in en)
    return ja, en


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("090-1234-5678", "+819012345678"),
        ("08012345678", "+818012345678"),
        ("070 1234 5678", "+817012345678"),
        ("060-1234-5678", "+816012345678"),
        ("０９０－１２３４－５６７８", "+819012345678"),
        ("090ー1234ー5678", "+819012345678"),
        ("(090)1234‐5678", "+819012345678"),
        ("+81 90 1234 5678", "+819012345678"),
        ("+81 (0)90-1234-5678", "+819012345678"),
        ("9012345678", "+819012345678"),
        ("+84 912 345 678", "+84912345678"),
        ("010 84 912 345 678", "+84912345678"),
        ("+1 415 555 2671", "+14155552671"),
    ],
)
def test_a_mobile_number_becomes_e164(written: str, normal: str) -> None:
    assert phone(written) == normal


@pytest.mark.parametrize(
    ("number", "ja", "en"),
    [
        ("086-426-1234", "固定電話", "a landline"),
        ("03-1234-5678", "固定電話", "a landline"),
        ("050-1234-5678", "050 の IP 電話", "an internet phone (050)"),
        ("020-1234-5678", "020 のポケットベル", "a pager (020)"),
        ("0120-123-456", "フリーダイヤル", "a toll-free number"),
        ("0570-123-456", "携帯電話以外", "not a mobile phone"),
    ],
)
def test_a_number_without_sms_is_refused_by_its_kind(number: str, ja: str, en: str) -> None:
    said_ja, said_en = refusal("phone", number)
    assert ja in said_ja
    assert "SMS を受け取れません" in said_ja
    assert f"This is {en} and takes no SMS." in said_en


@pytest.mark.parametrize("number", ["090-ABCD-5678", "090-1234-5678 x5", "ask her son", "090-1234-5678;080-1111-2222"])
def test_what_is_no_number_is_refused(number: str) -> None:
    ja, en = refusal("phone", number)
    assert "電話番号として読めません" in ja
    assert "cannot be read as a phone number" in en


@pytest.mark.parametrize("number", ["090-1234-567", "090-1234-56789", "+999 123 456"])
def test_a_number_that_does_not_exist_is_refused(number: str) -> None:
    _, en = refusal("phone", number)
    assert "No such phone number exists" in en or "cannot be read" in en


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        (" Hana.Sato@EXAMPLE.jp ", "Hana.Sato@example.jp"),
        ("a..b@docomo.ne.jp", "a..b@docomo.ne.jp"),
        ("abc.@EZWEB.ne.jp", "abc.@ezweb.ne.jp"),
        (".x@au.com", ".x@au.com"),
        ("a.-b@softbank.ne.jp", "a.-b@softbank.ne.jp"),
        ("a/b@au.com", "a/b@au.com"),
        ("ken@例え.jp", "ken@xn--r8jz45g.jp"),
    ],
)
def test_a_mailbox_keeps_its_local_part(written: str, normal: str) -> None:
    assert email(written) == normal


@pytest.mark.parametrize(
    "mailbox",
    [
        "a..b@example.jp",
        ".x@softbank.ne.jp",
        "hana",
        "@docomo.ne.jp",
        "..@docomo.ne.jp",
        "a b@docomo.ne.jp",
        "a@b@docomo.ne.jp",
        "花@example.jp",
        "Hana <hana@example.jp>",
        f"{'x' * 65}@docomo.ne.jp",
        f"{'x' * 65}@example.jp",
        '"a..b"@au.com',
    ],
)
def test_what_is_no_mailbox_is_refused(mailbox: str) -> None:
    ja, en = refusal("email", mailbox)
    assert "メールアドレスとして使えません" in ja
    assert "not a usable mail address" in en


@pytest.mark.parametrize("mailbox", ["a@x.jp,b@x.jp", "a@x.jp;b@x.jp", "a@x.jp\r\nBcc: b@x.jp", "a@x.jp\n"])
def test_only_one_mailbox_is_taken(mailbox: str) -> None:
    ja, en = refusal("email", mailbox)
    assert "一つだけ" in ja
    assert "exactly one mail address" in en


def test_a_line_id_is_u_and_32_digits() -> None:
    assert line_id(f" U{'0f' * 16}") == f"U{'0f' * 16}"


@pytest.mark.parametrize("line", ["hana_chan", "u" + "0" * 32, "U" + "0" * 31, "U" + "F" * 32, "C" + "0" * 32])
def test_what_is_no_line_id_is_refused(line: str) -> None:
    ja, en = refusal("line", line)
    assert "LINE ユーザー ID ではありません" in ja
    assert "not a LINE user id" in en


def test_the_refusal_says_where() -> None:
    with pytest.raises(Refused) as refused:
        normal_address("phone", "x", where="line 12, phone")
    assert refused.value.say("en")[0].startswith("line 12, phone: ")


def test_an_unknown_kind_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="fax"):
        normal_address("fax", "1")
