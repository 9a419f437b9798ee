"""Email: one message to one mailbox, through aiosmtplib on a pool of reused connections.

One recipient a message by construction: a list of residents in a header has been the commonest
leak of Japanese municipalities.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import ClassVar, Literal, Self, TypeAlias
from uuid import UUID

import aiosmtplib
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from channels.contract import Answer, LaneRules, Limit, Message, Recipient, Reservation, Verdict
from channels.lanes import mail_lane
from channels.mime import ENCODED_WORD, Letterhead, Unwritable, mailbox, phrase
from channels.smtp_answers import UNANSWERED, Phase, accepted, broken, refused
from channels.smtp_pool import Connection, Pool
from channels.smtp_session import LEAVING, Reply, Session
from channels.text import body_problems, subject_problems
from words.problem import Problem

COMPLETED, GO_ON = 250, 354
_Command: TypeAlias = tuple[Phase, bytes, frozenset[int]]
_DONE, _TAKEN = frozenset({250}), frozenset({250, 251})
_RESET: _Command = (Phase.SENDER, b"RSET\r\n", _DONE)
_DATA: _Command = (Phase.DATA, b"DATA\r\n", frozenset({GO_ON}))

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
        self._sender = f"MAIL FROM:<{settings.from_address}>\r\n".encode("ascii")
        self._settings = settings
        self._letterhead = Letterhead(
            address=settings.from_address, name=settings.from_name, reply_to=settings.reply_to
        )
        self._second = 0, datetime.fromtimestamp(0, UTC)
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
            seconds=settings.timeout_seconds,
            failures=UNANSWERED,
        )

    async def connect(self) -> Reservation:
        if self._pool is None:
            raise RuntimeError("the email channel is not open")
        return await self._pool.connect()

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
            mail = self._letterhead.write(message, recipients[0], key, self._this_second())
        except Unwritable as fault:
            return Answer(Verdict.REJECTED, code=fault.code)
        dialogue = Dialogue(self._pool, self._sender, recipients[0].address, mail)
        try:
            return await dialogue.hold(self._settings.timeout_seconds)
        except UNANSWERED as error:
            return dialogue.refusal or broken(dialogue.phase, error, reused=dialogue.reused)

    def _this_second(self) -> datetime:
        """What time it is, to the second: worked out once in each."""
        second = int(time.time())
        if second != self._second[0]:
            self._second = second, datetime.fromtimestamp(second, UTC)
        return self._second[1]


class Dialogue:
    """One mail over one connection. `phase` says how far it has got, whatever ends it."""

    def __init__(self, pool: Pool, sender: bytes, address: str, mail: bytes) -> None:
        self.phase = Phase.WAITING
        self.reused = False
        self.refusal: Answer | None = None
        """What the relay answered, while the rest of what it was asked with it is still outstanding."""
        self._pool = pool
        self._sender = sender
        self._address = address
        self._mail = mail

    async def hold(self, seconds: float) -> Answer:
        """Raises one of `UNANSWERED`, or CancelledError, when it breaks off: after so many seconds at the latest."""
        # The loop's own clock, without asking for the loop: that is a system call in Python 3.11.
        deadline = time.monotonic() + seconds
        connection = await self._ready() or await self._connection(deadline)
        self.reused = connection.reused
        self.phase = Phase.SENDER
        try:
            connection.session.wait_until(deadline)
            answer = await self._speak(connection)
        except BaseException:
            self._pool.drop(connection)
            raise
        self._pool.give(connection)
        return answer

    async def _ready(self) -> Connection | None:
        """One at hand; what opening it ahead raised was raised before anything was said."""
        self.phase = Phase.CONNECT
        ready = await self._pool.ready()
        self.phase = Phase.WAITING
        return ready

    async def _connection(self, deadline: float) -> Connection:
        async with asyncio.timeout_at(deadline):
            await self._pool.slot()
            self.phase = Phase.CONNECT
            return await self._pool.take()

    async def _speak(self, connection: Connection) -> Answer:
        session, pipelining = connection.session, connection.session.pipelining
        commands = self._commands(reset=connection.unfinished)
        connection.messages += 1
        connection.unfinished = True
        if pipelining:
            session.write(b"".join([command for _, command, _ in commands]))
        for phase, command, wanted in commands:
            self.phase = phase
            if not pipelining:
                session.write(command)
            reply = await session.reply()
            if reply.code in wanted:
                continue
            if command is _RESET[1]:
                raise aiosmtplib.SMTPResponseException(reply.code, reply.text)
            return await self._refused(session, reply)
        reply = await self._content(session)
        connection.unfinished = False
        if reply.code == COMPLETED:
            return accepted(reply.text)
        return refused(Phase.CONTENT, reply.code, reply.text, mail_lane(self._address))

    def _commands(self, *, reset: bool) -> list[_Command]:
        """The envelope, in the order in which it is said, with the replies that let it go on."""
        recipient = f"RCPT TO:<{self._address}>\r\n".encode("ascii")
        envelope = [(Phase.SENDER, self._sender, _DONE), (Phase.RECIPIENT, recipient, _TAKEN), _DATA]
        return [_RESET, *envelope] if reset else envelope

    async def _refused(self, session: Session, reply: Reply) -> Answer:
        self.refusal = refused(self.phase, reply.code, reply.text, mail_lane(self._address))
        if session.pipelining and reply.code != LEAVING:
            await self._wind_up(session, reply)
        return self.refusal

    async def _wind_up(self, session: Session, reply: Reply) -> None:
        """Hear out what went with a refused command. Raises one of `UNANSWERED` when the session is lost with it.

        A relay may say 354 though it has no recipient: then a lone dot ends the mail, which has none
        (RFC 2920, 3.1). Where it may have one, the dot would send them an empty mail.
        """
        said = {self.phase: reply}
        for phase in range(self.phase + 1, Phase.CONTENT):
            said[Phase(phase)] = await session.reply()
        if said[Phase.DATA].code != GO_ON or self.phase is Phase.DATA:
            return
        if not 400 <= said[Phase.RECIPIENT].code < 600:
            raise aiosmtplib.SMTPException("a recipient without a sender")
        session.write(b".\r\n")
        await session.reply()

    async def _content(self, session: Session) -> Reply:
        if not session.connected:
            raise aiosmtplib.SMTPServerDisconnected("closed before the content")
        self.phase = Phase.CONTENT
        session.write(self._mail)
        return await session.reply()


def _reworded(sentence: str, rule: Callable[..., str], *values: str) -> None:
    """Apply a rule of `mime` to a setting. Raises ValueError with the sentence."""
    try:
        rule(*values)
    except Unwritable:
        raise ValueError(sentence) from None


async def _connect(settings: EmailSettings, context: ssl.SSLContext | None) -> Session:
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
        return Session(smtp)
    except BaseException:
        smtp.close()
        raise


_ENCODED_WORD_PROBLEM = Problem(
    "email.subject_encoded_word",
    "subject",
    "件名に「=?」で始まる符号化された語があります。受け手の側で別の見出しに化けることがあるので、"
    "普通の文字で書いてください。",
    "The subject holds an encoded word (it begins with =?), which could turn into other headers on its way. "
    "Write it in plain characters.",
)
