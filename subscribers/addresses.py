"""The normal form of an address, or the reason why nothing can be sent to it.

Pure functions. No sentence of a refusal repeats the address: it goes into logs and reject files.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType

from words.problem import Problem, Refused

LENIENT_DOMAINS = frozenset({"docomo.ne.jp", "ezweb.ne.jp", "au.com"})
"""Until April 2009 these carriers gave out addresses that RFC 5322 forbids (`a..b@`, `a.@`); people still have them."""

_LINE_ID = re.compile(r"U[0-9a-f]{32}")
_HYPHENS = re.compile(r"[‐‑‒–—―−ー]")
_PHONE_CHARACTERS = re.compile(r"\+?[0-9 ().-]+")
_LENIENT_LOCAL_PART = re.compile(r"(?=.*[A-Za-z0-9])[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}")
_MOBILE = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})


def normal_address(kind: str, text: str, *, where: str = "") -> str:
    """The normal form of an address of `kind` (`line`, `phone`, `email`). Raises Refused; ValueError for other kinds.

    `where` names the input in the problem, such as the column of a file.
    """
    if kind not in _NORMAL:
        raise ValueError(f"no such kind of contact: {kind}")
    return _NORMAL[kind](text, where)


def line_id(text: str, where: str = "line_user_id") -> str:
    """A LINE user id: U and 32 hexadecimal digits in lower case (Messaging API, common specifications)."""
    plain = text.strip()
    if _LINE_ID.fullmatch(plain):
        return plain
    raise Refused(
        Problem(
            "address.line_id",
            where,
            "LINE ユーザー ID ではありません。U と小文字の 16 進数 32 桁です(友だち検索の LINE ID とは違います)。",
            "This is not a LINE user id: U and 32 hexadecimal digits in lower case "
            "(not the LINE ID that friends search for).",
        )
    )


def phone(text: str, where: str = "phone") -> str:
    """A number that takes SMS, in E.164. A number without a country is read as Japanese."""
    number = _parsed(text, where)
    kind = phonenumbers.number_type(number)
    if kind == PhoneNumberType.UNKNOWN:
        raise Refused(_invalid_phone(where))
    if kind not in _MOBILE:
        raise Refused(_not_mobile(kind, where))
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def email(text: str, where: str = "email") -> str:
    """One mailbox with its domain in lower case ASCII; its local part stays as it is."""
    if re.search(r"[\x00-\x1f\x7f,;]", text):
        raise Refused(_not_one_mailbox(where))
    plain = text.strip()
    local, _, domain = plain.rpartition("@")
    if domain.lower() in LENIENT_DOMAINS and _LENIENT_LOCAL_PART.fullmatch(local):
        return f"{local}@{domain.lower()}"
    try:
        found = validate_email(plain, check_deliverability=False, allow_smtputf8=False, strict=True)
    except EmailNotValidError:
        raise Refused(_invalid_email(where)) from None
    return f"{found.local_part}@{found.ascii_domain}"


_NORMAL: dict[str, Callable[[str, str], str]] = {"line": line_id, "phone": phone, "email": email}


def _parsed(text: str, where: str) -> PhoneNumber:
    plain = _HYPHENS.sub("-", unicodedata.normalize("NFKC", text)).strip()
    # The library would read letters as keypad digits.
    if not _PHONE_CHARACTERS.fullmatch(plain):
        raise Refused(_unreadable_phone(where))
    try:
        return phonenumbers.parse(plain, "JP")
    except NumberParseException:
        raise Refused(_unreadable_phone(where)) from None


def _unreadable_phone(where: str) -> Problem:
    return Problem(
        "address.phone_unreadable",
        where,
        "電話番号として読めません。090-1234-5678 や +81 90 1234 5678 のように、番号を一つだけ書いてください。",
        "This cannot be read as a phone number. Write one number, such as 090-1234-5678 or +81 90 1234 5678.",
    )


def _invalid_phone(where: str) -> Problem:
    return Problem(
        "address.phone_invalid",
        where,
        "この電話番号は存在しません。桁の数と、海外の番号なら国番号を確かめてください。",
        "No such phone number exists. Check the number of digits and, if it is foreign, its country code.",
    )


def _not_mobile(kind: int, where: str) -> Problem:
    ja, en = _KINDS_WITHOUT_SMS.get(kind, ("携帯電話以外の番号", "not a mobile phone"))
    return Problem(
        "address.phone_not_mobile",
        where,
        f"{ja}のため SMS を受け取れません。060・070・080・090 の携帯電話の番号を書いてください。",
        f"This is {en} and takes no SMS. Give a mobile number (060, 070, 080 or 090).",
    )


_KINDS_WITHOUT_SMS = {
    PhoneNumberType.FIXED_LINE: ("固定電話", "a landline"),
    PhoneNumberType.VOIP: ("050 の IP 電話", "an internet phone (050)"),
    PhoneNumberType.PAGER: ("020 のポケットベルなどの番号", "a pager (020)"),
    PhoneNumberType.TOLL_FREE: ("フリーダイヤル", "a toll-free number"),
}


def _not_one_mailbox(where: str) -> Problem:
    return Problem(
        "address.email_not_one",
        where,
        "メールアドレスは一つだけ、区切りや改行を入れずに書いてください。",
        "Give exactly one mail address, without commas, semicolons or line breaks.",
    )


def _invalid_email(where: str) -> Problem:
    return Problem(
        "address.email_invalid",
        where,
        "メールアドレスとして使えません。名前@ドメイン の形で、綴りを確かめてください。",
        "This is not a usable mail address. Check its spelling: name@domain.",
    )
