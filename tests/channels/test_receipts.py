from __future__ import annotations

import pytest
from twilio.request_validator import RequestValidator

from channels.receipts import Receipt, genuine, read

URL = "https://todoke.kawabe.example/receipts/sms"
FORM = {"MessageSid": "SM7", "MessageStatus": "delivered", "To": "+819012345678"}
QUERY = "token=d1.b2.0"


def signed(url: str, by: str = "twilio-token") -> str:
    return str(RequestValidator(by).compute_signature(url, FORM))


def is_genuine(signature: str, *, query: str = QUERY, form: dict[str, str] | None = None) -> bool:
    return genuine(auth_token="twilio-token", callback_url=URL, query=query, form=form or FORM, signature=signature)


class TestGenuine:
    def test_what_twilio_signed(self) -> None:
        assert is_genuine(signed(f"{URL}?{QUERY}"))

    def test_not_for_another_address(self) -> None:
        assert not is_genuine(signed(f"https://evil.example/receipts/sms?{QUERY}"))

    def test_not_for_another_recipient(self) -> None:
        assert not is_genuine(signed(f"{URL}?{QUERY}"), query="token=d1.b2.1")

    def test_not_with_another_status(self) -> None:
        assert not is_genuine(signed(f"{URL}?{QUERY}"), form={**FORM, "MessageStatus": "failed"})

    @pytest.mark.parametrize("signature", ["", "x", "+815=\n"])
    def test_not_with_a_missing_or_short_signature(self, signature: str) -> None:
        assert not is_genuine(signature)

    def test_not_with_another_accounts_token(self) -> None:
        assert not is_genuine(signed(f"{URL}?{QUERY}", by="other"))

    def test_a_configured_address_with_a_query_of_its_own(self) -> None:
        url = f"{URL}?town=kawabe&{QUERY}"
        assert genuine(
            auth_token="twilio-token",
            callback_url=f"{URL}?town=kawabe",
            query=f"town=kawabe&{QUERY}",
            form=FORM,
            signature=signed(url),
        )


class TestRead:
    def test_a_delivery(self) -> None:
        assert read(query=QUERY, form=FORM) == Receipt("d1.b2.0", "delivered", "", "SM7")

    def test_a_failure_with_its_reason(self) -> None:
        receipt = read(query=QUERY, form={"MessageStatus": "undelivered", "ErrorCode": "30003", "MessageSid": "SM7"})
        assert receipt == Receipt("d1.b2.0", "undelivered", "30003", "SM7")

    @pytest.mark.parametrize("status", ["accepted", "queued", "sending", "sent"])
    def test_on_its_way_is_accepted(self, status: str) -> None:
        receipt = read(query=QUERY, form={"MessageStatus": status})
        assert receipt is not None
        assert receipt.kind == "accepted"

    def test_a_status_of_the_future_says_nothing(self) -> None:
        receipt = read(query=QUERY, form={"MessageStatus": "teleported"})
        assert receipt is not None
        assert receipt.kind is None

    def test_without_a_token_it_is_nobodys(self) -> None:
        assert read(query="", form=FORM) is None
