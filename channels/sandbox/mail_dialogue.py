"""What the mail relay says: one recipient a mail, greylists, refusals and worse."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from aiosmtpd.smtp import SMTP, Envelope, Session

from channels.sandbox.counts import Arrival
from channels.sandbox.faults import Rule
from channels.sandbox.journal import stamp
from channels.sandbox.mail_record import domain_of, read_mail

if TYPE_CHECKING:
    from channels.sandbox.mail import MailRelay

KDDI = frozenset({"ezweb.ne.jp", "au.com"})
AT_RCPT = {
    "rate": "421 4.7.0 Too many messages, try again later",
    "connections": "421 4.7.0 Too many connections, try again later",
    "quota": "452 4.2.2 Mailbox full",
    "greylist": "451 4.7.1 Greylisted, try again later",
    "unauthorized": "530 5.7.0 Authentication required",
}
FAILED = "451 4.3.0 Temporary failure, try again later"


@dataclass(frozen=True, slots=True)
class Begun:
    """The mail that is being handed over, and the fault that waits for its end."""

    arrival: Arrival
    to: str
    fault: str


class Dialogue:
    """The hooks aiosmtpd calls for one connection. Every recipient asked for is one request."""

    def __init__(self, relay: MailRelay) -> None:
        self._relay = relay
        self._register = relay.register
        self._begun: Begun | None = None

    def over(self) -> None:
        """The client has left: a mail it had begun is abandoned."""
        self._abandon()
        self._relay.falls_silent(self)

    async def handle_EHLO(  # noqa: N802
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self._abandon()
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", "250-ENHANCEDSTATUSCODES", responses[-1]]

    async def handle_RSET(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802
        self._abandon()
        return "250 2.0.0 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if envelope.rcpt_tos:
            return "452 4.5.3 Too many recipients, one a mail"
        arrival = self._register.arrive("email", "rcpt")
        arrival.count = 1
        self._begun = Begun(arrival, address, "")
        fault = await self._fault(arrival, envelope.mail_from or "", address)
        self._begun = None
        if fault == "drop_before":
            self._register.answer(arrival, "dropped", 0)
            await _hang_up(server)
        if (words := refusal(fault, address)) is not None:
            self._register.answer(arrival, "refused", int(words[:3]))
            return await _dismiss(server, words) if words.startswith("421") else words
        envelope.rcpt_tos.append(address)
        self._begun = Begun(arrival, address, fault)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        begun, self._begun = self._begun, None
        if begun is None:
            return "503 5.5.1 Need a recipient first"
        match begun.fault:
            case "refuse_data":
                return self._answer(begun, "refused", filtered(begun.to))
            case "error":
                return self._answer(begun, "refused", FAILED)
            case "timeout":
                self._register.answer(begun.arrival, "held", 0)
                await _forever()
            case "swallow":
                return self._answer(begun, "swallowed", f"250 2.0.0 Ok: queued as {uuid4().hex[:12].upper()}")
        return await self._after(server, begun, await self._accept(begun, envelope))

    async def _fault(self, arrival: Arrival, sender: str, to: str) -> str:
        """The fault this mail meets. Slowness is over with when this returns."""
        domain = domain_of(to)
        talking = self._relay.talks(self, domain)
        rule = self._relay.schedule.fault("email", [to], domain)
        if rule is None or not self._strikes(rule, sender, to, talking):
            return ""
        self._register.meet(arrival, rule.fault)
        if rule.fault == "slow":
            await asyncio.sleep(rule.seconds)
        return rule.fault

    def _strikes(self, rule: Rule, sender: str, to: str, talking: int) -> bool:
        if rule.fault == "greylist":
            return self._relay.greylists(sender, to, rule.seconds)
        return rule.fault != "connections" or talking > rule.count

    async def _accept(self, begun: Begun, envelope: Envelope) -> str:
        queue_id = uuid4().hex[:12].upper()
        content, sender = envelope.original_content or b"", envelope.mail_from or ""
        await self._relay.journal.append(read_mail(content, at=stamp(), queue_id=queue_id, sender=sender, to=begun.to))
        self._register.accept(begun.arrival, 1)
        return queue_id

    async def _after(self, server: SMTP, begun: Begun, queue_id: str) -> str:
        """What is said, or not, of a mail that is accepted and recorded."""
        match begun.fault:
            case "error_accepted":
                return self._answer(begun, "accepted", FAILED)
            case "drop_after":
                self._register.answer(begun.arrival, "accepted", 0)
                await _hang_up(server)
            case "timeout_accepted":
                self._register.answer(begun.arrival, "accepted", 0)
                await _forever()
        return self._answer(begun, "accepted", f"250 2.0.0 Ok: queued as {queue_id}")

    def _answer(self, begun: Begun, outcome: str, words: str) -> str:
        self._register.answer(begun.arrival, outcome, int(words[:3]))
        return words

    def _abandon(self) -> None:
        if self._begun is not None:
            self._register.answer(self._begun.arrival, "abandoned", 0)
            self._begun = None


def refusal(fault: str, to: str) -> str | None:
    """The words of a fault that strikes at RCPT, None for one that does not."""
    return unknown_user(to) if fault == "refuse" else AT_RCPT.get(fault)


def unknown_user(to: str) -> str:
    """A refusal at RCPT; docomo and KDDI have words of their own."""
    match domain_of(to):
        case "docomo.ne.jp":
            return f"550 Unknown user {to}"
        case domain if domain in KDDI:
            return f"550 <{to}>: User unknown"
    return f"550 5.1.1 <{to}>: Recipient address rejected: User unknown"


def filtered(to: str) -> str:
    """A refusal after DATA: docomo says the same as at RCPT, KDDI leaves the address out."""
    match domain_of(to):
        case "docomo.ne.jp":
            return unknown_user(to)
        case domain if domain in KDDI:
            return "550 : User unknown"
    return "550 5.7.1 Message refused by the recipient's filter"


async def _forever() -> None:
    """Until the client leaves: aiosmtpd then cancels the dialogue."""
    await asyncio.get_running_loop().create_future()


async def _hang_up(server: SMTP) -> None:
    if isinstance(server.transport, asyncio.Transport):
        server.transport.abort()
    await _forever()


async def _dismiss(server: SMTP, words: str) -> str:
    """Says goodbye and closes, as a 421 announces."""
    await server.push(words)
    if isinstance(server.transport, asyncio.Transport):
        server.transport.close()
    await _forever()
    return words
