"""Which lane a mailbox belongs to, so that one slow mail domain holds up nobody else's.

Okayama, 6–7 July 2018: free-mail hosts took the prefecture's burst for spam, the retries held the
one queue back, and 64,000 subscribers got their evacuation mail up to two hours late.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2s

BUCKETS = 16
PROVIDERS = {
    "docomo": ("docomo.ne.jp",),
    "au": ("ezweb.ne.jp", "au.com", "uqmobile.jp"),
    "softbank": ("softbank.ne.jp", "i.softbank.jp", "vodafone.ne.jp", "disney.ne.jp"),
    "ymobile": ("ymobile.ne.jp", "ymobile1.ne.jp", "y-mobile.ne.jp", "yahoo.ne.jp", "emnet.ne.jp", "willcom.com"),
    "rakuten": ("rakuten.jp",),
    "google": ("gmail.com", "googlemail.com"),
    "yahoo": ("yahoo.co.jp", "ymail.ne.jp"),
    "icloud": ("icloud.com", "me.com", "mac.com"),
    "microsoft": ("outlook.jp", "outlook.com", "hotmail.com", "hotmail.co.jp", "live.jp", "live.com", "msn.com"),
}
"""Domains served by the same machines, which therefore slow down together; subdomains belong to them."""

MAIL_LANES = (*PROVIDERS, *(f"other-{bucket:02}" for bucket in range(BUCKETS)))
"""Every lane there is."""

_LANES = {domain: provider for provider, domains in PROVIDERS.items() for domain in domains}


def mail_lane(address: str) -> str:
    """The lane of a mailbox: its provider's, or one of 16 buckets.

    A bucket instead of the domain, because a family's or a firm's own domain names its owner and
    lanes are stored and logged in clear. The bucket of a domain never changes.
    """
    return _domain_lane(address.rpartition("@")[2].strip().rstrip(".").lower())


@lru_cache(maxsize=4_096)
def _domain_lane(domain: str) -> str:
    labels = domain.split(".")
    for first in range(len(labels) - 1):
        lane = _LANES.get(".".join(labels[first:]))
        if lane is not None:
            return lane
    return f"other-{blake2s(domain.encode()).digest()[0] % BUCKETS:02}"
