from __future__ import annotations

import pytest

from channels.lanes import MAIL_LANES, PROVIDERS, mail_lane


@pytest.mark.parametrize(
    ("address", "lane"),
    [
        ("hana..kawabe.@docomo.ne.jp", "docomo"),
        ("ken@ezweb.ne.jp", "au"),
        ("ken@au.com", "au"),
        ("ken@i.softbank.jp", "softbank"),
        ("ken@t.vodafone.ne.jp", "softbank"),
        ("ken@GMAIL.com", "google"),
        ("ken@ymail.ne.jp", "yahoo"),
        ("ken@gmail.com.", "google"),
    ],
)
def test_a_known_provider_has_a_lane(address: str, lane: str) -> None:
    assert mail_lane(address) == lane


@pytest.mark.parametrize("address", ["ken@notdocomo.ne.jp", "ken@docomo.ne.jp.example", "ken@ne.jp", "ken"])
def test_a_name_that_only_resembles_a_provider_is_in_a_bucket(address: str) -> None:
    assert mail_lane(address).startswith("other-")


def test_a_familys_domain_is_not_in_the_name_of_its_lane() -> None:
    assert mail_lane("hana@kawabe-family.example") == mail_lane("ken@Kawabe-Family.example")
    assert "kawabe" not in mail_lane("hana@kawabe-family.example")


def test_a_bucket_never_changes() -> None:
    assert mail_lane("ken@hill.example") == "other-07"


def test_there_are_so_many_lanes_and_no_more() -> None:
    seen = {mail_lane(f"a@d{number}.example") for number in range(1_000)}
    assert seen == set(MAIL_LANES) - set(PROVIDERS)
    assert len(seen) == 16


def test_no_domain_belongs_to_two_providers() -> None:
    domains = [domain for group in PROVIDERS.values() for domain in group]
    assert len(domains) == len(set(domains))
