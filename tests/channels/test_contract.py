"""The people of one call."""

from __future__ import annotations

from channels.contract import Party, Recipient, addresses_of

HANA, LINH = "U" + "a" * 32, "U" + "b" * 32


def test_a_party_is_the_recipients_it_stands_for() -> None:
    party = Party([HANA, LINH], "d1.4")
    assert list(party) == [Recipient(HANA, "d1.4"), Recipient(LINH, "d1.4")]
    assert list(party[1:]) == [Recipient(LINH, "d1.4")]
    assert len(party) == 2


def test_addresses_come_in_order_from_a_party_and_from_single_recipients() -> None:
    assert list(addresses_of(Party([LINH, HANA], "d1.4"))) == [LINH, HANA]
    assert list(addresses_of([Recipient(LINH, "d1.4.0"), Recipient(HANA, "d1.4.1")])) == [LINH, HANA]
