"""Email: one message to one mailbox, through aiosmtplib on a pool of reused connections.

One recipient a message by construction: a list of residents in a header has been the commonest
leak of Japanese municipalities.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import ClassVar, Literal, Self
from uuid import UUID

import aiosmtplib
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from channels.contract import Answer, LaneRules, Limit, Message, Recipient, Verdict
from channels.lanes import mail_lane
from channels.mime import ENCODED_WORD, Letterhead, Unwritable, mailbox, phrase
from channels.smtp_answers import UNANSWERED, Phase, accepted, broken, refused
from channels.smtp_pool import Connection, Pool
from channels.text import body_problems, subject_problems
from words.problem import Problem

IDLE_SECONDS = 60.0
"""Mail servers close idle sessions after one to five minutes."""


class EmailSettings(BaseModel):
    """Settings of the email channel: the mail relay, and who writes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(min_length=1, description="Host name of the mail relay.")
    port: int = Field(default=587, ge=1, le=65_535, description="Port of the mail relay.")
    tls: Literal["none", "starttls", "tls"] = Field(
        default="starttls",
        description="`starttls` upgrades and refuses to go on in clear; `tls` from the first byte; "
        "`none` is in clear, for a relay on this machine.",
    )
    username: str | None = Field(default=None, description="Name to log in with; no login when unset.")
    password: SecretStr | None = Field(default=None, description="Password to log in with.")
    from_address: str = Field(description="Mailbox the messages come from, in the envelope and the header.")
    from_name: str = Field(default="", description="Name shown beside it.")
    reply_to: str | None = Field(default=None, description="Mailbox that answers go to, where not the sender's.")
    hello_name: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9.:\[\]-]+$",
        description="Name this machine gives itself in EHLO; the domain of from_address when unset.",
    )
    rate: float = Field(default=50, gt=0, description="Messages a second, to all mail providers together.")
    lane_rate: float = Field(default=20, gt=0, description="Messages a second to one mail provider.")
    connections: int = Field(default=20, ge=1, description="Connections to the relay at once.")
    lane_connections: int = Field(
        default=5, ge=1, description="Connections that one mail provider's messages may hold at once."
    )
    messages_per_connection: int = Field(default=100, ge=1, description="Messages before a connection is renewed.")
    timeout_seconds: float = Field(
        default=10, gt=0, le=10, description="Longest time for one message, in seconds; shorter than a worker's lease."
    )

    @field_validator("from_address", "reply_to")
    @classmethod
    def _one_mailbox(cls, address: str | None) -> str | None:
        if address is not None:
            _reworded("must be exactly one plain mailbox, such as bosai@town.example", mailbox, address)
        return address

    @field_validator("from_name")
    @classmethod
    def _one_line(cls, name: str) -> str:
        if name:
            _reworded("must be one line without control characters or encoded words", phrase, "From", name)
        return name

    @model_validator(mode="after")
    def _lane_within_pool(self) -> Self:
        if self.lane_connections > self.connections:
            raise ValueError("lane_connections must not exceed connections")
        return self


class EmailChannel:
    """Email by SMTP submission."""

    Settings: ClassVar[type[BaseModel]] = EmailSettings
    name = "email"
    contact = "email"
    call_size = 1
    repeatable = False

    def __init__(self, settings: EmailSettings) -> None:
        self.at_once = settings.connections
        self._settings = settings
        self._letterhead = Letterhead(
            address=settings.from_address, name=settings.from_name, reply_to=settings.reply_to
        )
        self._pool: Pool | None = None

    async def open(self) -> None:
        """Make ready. No connection is made before the first message."""
        settings = self._settings
        # Reading the machine's certificates takes 20 ms, so once, and not for each connection.
        context = None if settings.tls == "none" else ssl.create_default_context()
        self._pool = Pool(
            lambda: _connect(settings, context),
            size=settings.connections,
            messages=settings.messages_per_connection,
            idle=IDLE_SECONDS,
        )

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    def lane(self, name: str) -> LaneRules:
        """The relay's limit and the mail provider's; so few connections that others always find one."""
        limits = [Limit("email", self._settings.rate)]
        if name:
            limits.append(Limit(f"email/{name}", self._settings.lane_rate))
        return LaneRules(tuple(limits), self._settings.lane_connections)

    def cost(self, message: Message) -> int:
        return 1

    def check(self, message: Message) -> list[Problem]:
        subject = subject_problems(self.name, message.subject)
        if ENCODED_WORD.search(message.subject):
            subject.append(_ENCODED_WORD_PROBLEM)
        return [*subject, *body_problems(self.name, message.body)]

    async def send(
        self,
        message: Message,
        recipients: Sequence[Recipient],
        *,
        key: UUID,
        expires_at: datetime | None,
    ) -> Answer:
        """Hand one mail to the relay. SMTP has no lifetime of a message, so `expires_at` has no use."""
        if self._pool is None:
            raise RuntimeError("the email channel is not open")
        try:
            mail = self._letterhead.write(message, recipients[0], key, datetime.now(UTC))
        except Unwritable as fault:
            return Answer(Verdict.REJECTED, code=fault.code)
        dialogue = Dialogue(self._pool, self._letterhead.address, recipients[0].address, mail)
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                return await dialogue.hold()
        except UNANSWERED as error:
            return broken(dialogue.phase, error, reused=dialogue.reused)


class Dialogue:
    """One mail over one connection. `phase` says how far it has got, whatever ends it."""

    def __init__(self, pool: Pool, sender: str, address: str, mail: bytes) -> None:
        self.phase = Phase.WAITING
        self.reused = False
        self._pool = pool
        self._commands = (
            (Phase.SENDER, f"MAIL FROM:<{sender}>".encode("ascii"), (250,)),
            (Phase.RECIPIENT, f"RCPT TO:<{address}>".encode("ascii"), (250, 251)),
            (Phase.DATA, b"DATA", (354,)),
        )
        self._lane = mail_lane(address)
        self._mail = mail

    async def hold(self) -> Answer:
        """Raises one of `UNANSWERED`, or CancelledError, when it breaks off."""
        await self._pool.slot()
        self.phase = Phase.CONNECT
        connection = await self._pool.take()
        self.reused = connection.reused
        self.phase = Phase.SENDER
        try:
            answer = await self._speak(connection)
        except BaseException:
            self._pool.drop(connection)
            raise
        self._pool.give(connection)
        return answer

    async def _speak(self, connection: Connection) -> Answer:
        smtp = connection.smtp
        if connection.unfinished:
            await smtp.rset()
        connection.messages += 1
        connection.unfinished = True
        for phase, command, wanted in self._commands:
            self.phase = phase
            reply = await smtp.execute_command(command)
            if reply.code not in wanted:
                return refused(phase, reply.code, reply.message, self._lane)
        reply = await self._content(smtp)
        connection.unfinished = False
        if reply.code == 250:
            return accepted(reply.message)
        return refused(Phase.CONTENT, reply.code, reply.message, self._lane)

    async def _content(self, smtp: aiosmtplib.SMTP) -> aiosmtplib.SMTPResponse:
        """aiosmtplib's own `data` would not tell whether a connection died before or after the dot."""
        protocol = smtp.protocol
        if protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("closed before the content")
        self.phase = Phase.CONTENT
        protocol.write(self._mail)
        return await protocol.read_response()


def _reworded(sentence: str, rule: Callable[..., str], *values: str) -> None:
    """Apply a rule of `mime` to a setting. Raises ValueError with the sentence."""
    try:
        rule(*values)
    except Unwritable:
        raise ValueError(sentence) from None


async def _connect(settings: EmailSettings, context: ssl.SSLContext | None) -> aiosmtplib.SMTP:
    """A session greeted, encrypted and logged in as the settings say, without timeouts of its own: `send` has one."""
    smtp = aiosmtplib.SMTP(
        hostname=settings.host,
        port=settings.port,
        username=settings.username,
        password=None if settings.password is None else settings.password.get_secret_value(),
        local_hostname=settings.hello_name or settings.from_address.rpartition("@")[2],
        use_tls=settings.tls == "tls",
        start_tls=settings.tls == "starttls",
        tls_context=context,
        timeout=None,
    )
    await smtp.connect()
    try:
        if smtp.is_ehlo_or_helo_needed:
            await smtp.ehlo()
    except BaseException:
        smtp.close()
        raise
    return smtp


_ENCODED_WORD_PROBLEM = Problem(
    "email.subject_encoded_word",
    "subject",
    "件名に「=?」で始まる符号化された語があります。受け手の側で別の見出しに化けることがあるので、"
    "普通の文字で書いてください。",
    "The subject holds an encoded word (it begins with =?), which could turn into other headers on its way. "
    "Write it in plain characters.",
)
