"""What Twilio's error codes mean when a message is created: data, because Twilio may change them.

Source: twilio.com/docs/api/errors, read 2026-11. A code that is not here is judged by its HTTP status.
"""

from __future__ import annotations

from channels.contract import TOO_FAST, Answer, Pause, Verdict

_CREDENTIALS = Pause("channel", None, "credentials")
_CONFIGURATION = Pause("channel", None, "configuration")
_QUOTA = Pause("channel", None, "quota")

REJECTED = {
    21211: "invalid number",
    21217: "invalid number",
    21408: "region not permitted",
    21610: "recipient has sent STOP",
    21612: "no route from this sender",
    21614: "not a mobile number",
    21617: "text too long",
    21635: "landline",
}
PAUSES = {
    10001: _QUOTA,  # account not active: the balance is gone, or it was suspended
    30002: _QUOTA,
    63038: _QUOTA,  # messages of the rolling day used up
    90010: _QUOTA,
    20003: _CREDENTIALS,
    20404: _CONFIGURATION,
    21212: _CONFIGURATION,
    21603: _CONFIGURATION,
    21606: _CONFIGURATION,
    21659: _CONFIGURATION,
    20429: Pause("channel", 1.0, TOO_FAST),
    21611: Pause("channel", 60.0, "queue full"),
}


def meaning(code: int) -> Answer | None:
    """The answer that a code is, or None where the table does not know it."""
    if code in REJECTED:
        return Answer(Verdict.REJECTED, code=str(code))
    if code in PAUSES:
        return Answer(Verdict.RETRY, code=str(code), pause=PAUSES[code])
    return None
