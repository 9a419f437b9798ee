"""What a mail server's replies and silences prove, by how far the dialogue had got.

Until the final dot nothing is delivered; from it on only a reply can tell (RFC 5321, 4.5.3.2.6).
The rules are data, read in docomo's, au's, SoftBank's and Google's pages, 2026-11.
"""

from __future__ import annotations

import re
import ssl
from enum import IntEnum

import aiosmtplib

from channels.contract import Answer, Pause, Verdict

UNANSWERED = (aiosmtplib.SMTPException, OSError, TimeoutError)
"""Everything a dialogue raises instead of giving a reply."""


class Phase(IntEnum):
    """How far a dialogue has got. From CONTENT on the final dot may have left."""

    WAITING = 0
    CONNECT = 1
    SENDER = 2
    RECIPIENT = 3
    DATA = 4
    CONTENT = 5


_BUSY = Pause("lane", 30.0, "busy")
_DEFERRED = Pause("lane", 60.0, "deferred")
SLOWED = {421: _BUSY, 450: _DEFERRED, 451: _DEFERRED, 452: _BUSY, 454: _BUSY}
"""Transient refusals after which the whole lane is left in peace."""

RESET = Pause("lane", 30.0, "reset")
"""au answers congestion with a TCP reset instead of a 4xx."""
_SILENT = Pause("lane", 5.0, "silent")
_UNREACHABLE = Pause("lane", 2.0, "unreachable")

_ENHANCED = re.compile(r"\s*([245]\.\d{1,3}\.\d{1,3})\b")
_ONE_MAILBOX = re.compile(r"\s*4\.[12]\.\d|.*gr[ae]y-?list", re.IGNORECASE | re.DOTALL)
"""Transient refusals of this mailbox alone: its status (RFC 3463 x.1, x.2), or greylisting, which
refuses everyone's first try. Pausing the lane for each would let one mailbox a minute through."""
_NO_RELAY = re.compile(
    r"relay\w* (?:access )?(?:denied|not permitted)|(?:unable|not permitted) to relay", re.IGNORECASE
)
_TOO_MANY = re.compile(r"too many recipients", re.IGNORECASE)
_QUEUED_AS = re.compile(r"queued as\W+([\w.-]+)", re.IGNORECASE)

MEANINGS = (
    ("docomo", Phase.RECIPIENT, 550, r"", "userunknown"),
    ("docomo", Phase.CONTENT, 550, r"", "filtered"),
    ("au", Phase.RECIPIENT, 550, r"<[^>]+>:? *user unknown", "userunknown"),
    ("au", Phase.CONTENT, 550, r"<[^>]+>:? *user unknown", "userunknown"),
    ("au", Phase.CONTENT, 550, r"(?:^|\s): *user unknown", "filtered"),
    ("docomo", Phase.CONTENT, 552, r"too much mail data", "mailboxfull"),
)
"""(lane, phase, code, text, meaning): docomo and au say 550 both to a mailbox that does not exist
and to one whose owner filters us; the phase or the text tells which."""
_MEANINGS = tuple((*rule[:3], re.compile(rule[3], re.IGNORECASE), rule[4]) for rule in MEANINGS)


_ACCEPTED = Verdict.ACCEPTED


def accepted(text: str) -> Answer:
    """A 2xx to the content. The reference is the queue id, or the reply as it is unless it repeats an address."""
    queued = _QUEUED_AS.search(text)
    words = "" if "@" in text else text[:120].strip()
    return Answer(_ACCEPTED, "250", queued[1] if queued else words)


def refused(phase: Phase, code: int, text: str, lane: str) -> Answer:
    """A reply that is not the one hoped for."""
    name = _name(phase, code, text, lane)
    if not 400 <= code < 600:
        return Answer(Verdict.AMBIGUOUS if phase >= Phase.CONTENT else Verdict.RETRY, code=name)
    if code < 500 or (code == 552 and _TOO_MANY.search(text)):
        return _not_now(code, text, name)
    fault = _ours(phase, code, text)
    if fault is not None:
        return Answer(Verdict.RETRY, code=name, pause=fault)
    return Answer(Verdict.REJECTED, code=name)


def broken(phase: Phase, error: BaseException, *, reused: bool) -> Answer:
    """A dialogue that ended without a reply: an error of `UNANSWERED`.

    A connection from the pool that is dead at its first command had merely been closed while idle.
    """
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return _at_connect(phase, error)
    code = "timeout" if isinstance(error, TimeoutError) else "disconnected"
    match phase:
        case Phase.CONTENT:
            return Answer(Verdict.AMBIGUOUS, code=code)
        case Phase.WAITING:
            return Answer(Verdict.RETRY, code="no free connection", broke=True)
        case Phase.CONNECT:
            return _unreachable(error)
        case Phase.SENDER if reused and code == "disconnected":
            return Answer(Verdict.RETRY, code=code)
        case _:
            return Answer(Verdict.RETRY, code=code, pause=_SILENT if code == "timeout" else RESET, broke=True)


def _at_connect(phase: Phase, error: aiosmtplib.SMTPResponseException) -> Answer:
    if isinstance(error, aiosmtplib.SMTPAuthenticationError) and error.code >= 500:
        return Answer(Verdict.RETRY, code=str(error.code), pause=Pause("channel", None, "credentials"))
    answer = refused(phase, error.code, error.message, lane="")
    if answer.verdict is Verdict.AMBIGUOUS or answer.pause is not None:
        return answer
    return Answer(Verdict.RETRY, code=answer.code, pause=_BUSY)


def _unreachable(error: BaseException) -> Answer:
    """No session came about: no server, one we cannot trust, or one that lacks what the settings ask for."""
    if isinstance(error, ssl.SSLCertVerificationError) or isinstance(error.__cause__, ssl.SSLCertVerificationError):
        return Answer(Verdict.RETRY, code="certificate", pause=Pause("channel", None, "certificate"))
    if isinstance(error, OSError):
        return Answer(Verdict.RETRY, code="unreachable", pause=_UNREACHABLE, broke=True)
    return Answer(Verdict.RETRY, code="not offered", pause=Pause("channel", None, "configuration"))


def _not_now(code: int, text: str, name: str) -> Answer:
    if code != 421 and _ONE_MAILBOX.match(text):
        return Answer(Verdict.RETRY, code=name, deferred=True)
    return Answer(Verdict.RETRY, code=name, pause=SLOWED.get(452 if code == 552 else code))


def _ours(phase: Phase, code: int, text: str) -> Pause | None:
    """A permanent refusal of us, not of the recipient: it stops the channel, and costs nobody the message."""
    if code in {530, 535} and phase < Phase.CONTENT:
        return Pause("channel", None, "credentials")
    if phase is Phase.SENDER and code != 552:
        return Pause("channel", None, "sender")
    if phase is Phase.RECIPIENT and _NO_RELAY.search(text):
        return Pause("channel", None, "relay")
    return None


def _name(phase: Phase, code: int, text: str, lane: str) -> str:
    """The reply's own words: `550 5.1.1`, and what this provider means by it where that is known."""
    status = _ENHANCED.match(text)
    words = [str(code), status[1] if status else "", _meaning(phase, code, text, lane)]
    return " ".join(filter(None, words))


def _meaning(phase: Phase, code: int, text: str, lane: str) -> str:
    for where, when, number, says, meaning in _MEANINGS:
        if (where, when, number) == (lane, phase, code) and says.search(text):
            return meaning
    return ""
