from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from email import message_from_bytes
from functools import partial
from typing import Protocol

import pytest
from pydantic import ValidationError

from channels.contract import Answer, Pause, Recipient, Verdict
from channels.email import EmailChannel
from tests.channels.cast import HANA_MAIL, KEN_MAIL, KEY, ORDER
from tests.channels.certificates import self_signed
from tests.channels.servers import Hang, SmtpServer, listening
from tests.channels.stands import IMPATIENT, email_settings, opened


class MakeRelay(Protocol):
    def __call__(self, **settings: object) -> AbstractAsyncContextManager[tuple[SmtpServer, EmailChannel]]: ...


@pytest.fixture(params=[False, True], ids=["one by one", "together"])
def relay(request: pytest.FixtureRequest) -> MakeRelay:
    """A relay and the channel before it, told to take commands one by one or together."""
    return partial(before_relay, pipelining=request.param)


@asynccontextmanager
async def before_relay(*, pipelining: bool, **settings: object) -> AsyncIterator[tuple[SmtpServer, EmailChannel]]:
    async with (
        listening(SmtpServer(login="username" in settings, pipelining=pipelining)) as server,
        opened(EmailChannel(email_settings(server.port, **settings))) as channel,
    ):
        yield server, channel


async def send(channel: EmailChannel, recipient: Recipient = KEN_MAIL) -> Answer:
    return await channel.send(ORDER, [recipient], key=KEY, expires_at=None)


async def hung_up(server: SmtpServer, channel: EmailChannel) -> None:
    """Close the channel and wait until the relay has read everything it was told."""
    await channel.close()
    await server.quiet.wait()


class TestConnectingAhead:
    async def test_a_mail_goes_over_the_connection_that_was_opened_ahead(self, relay: MakeRelay) -> None:
        async with relay() as (server, channel):
            kept = [await channel.connect(), await channel.connect()]
            assert (server.connections, len(server.mails)) == (2, 0)
            await asyncio.gather(send(channel), send(channel, HANA_MAIL))
            for each in kept:
                each.release()
            await send(channel)
            assert (server.connections, len(server.mails)) == (2, 3)

    async def test_one_that_nobody_used_makes_no_room_for_nobody(self, relay: MakeRelay) -> None:
        async with relay(connections=1, lane_connections=1) as (server, channel):
            for _ in range(3):
                (await channel.connect()).release()
            assert (await send(channel)).verdict is Verdict.ACCEPTED
            assert server.connections == 1

    async def test_a_relay_that_is_not_there_is_told_by_the_mail(self, relay: MakeRelay) -> None:
        async with relay() as (server, channel):
            await server.gone()
            kept = await channel.connect()
            answer = await send(channel)
            kept.release()
        assert (answer.verdict, answer.broke) == (Verdict.RETRY, True)


class TestDialogue:
    async def test_hands_over_one_mail_to_one_mailbox(self, relay: MakeRelay) -> None:
        async with relay() as (server, channel):
            answer = await send(channel)
        (mail,) = server.mails
        assert answer == Answer(Verdict.ACCEPTED, code="250", reference="4XyZ1")
        assert (mail.sender, mail.recipient) == ("bosai@town.kawabe.example", "ken@hill.example")
        assert message_from_bytes(mail.content)["To"] == "ken@hill.example"

    async def test_an_old_docomo_address_reaches_the_envelope_unchanged(self, relay: MakeRelay) -> None:
        async with relay() as (server, channel):
            await send(channel, HANA_MAIL)
        assert server.mails[0].recipient == "hana..kawabe.@docomo.ne.jp"

    async def test_an_address_that_is_two_never_reaches_the_relay(self, relay: MakeRelay) -> None:
        async with relay() as (server, channel):
            answer = await send(channel, Recipient("a@b.example>\r\nRCPT TO:<c@d.example", "t"))
        assert (answer, server.connections) == (Answer(Verdict.REJECTED, code="address"), 0)

    async def test_logs_in_where_told_to(self, relay: MakeRelay) -> None:
        async with relay(username="bosai", password="relay-password") as (server, channel):
            assert (await send(channel)).verdict is Verdict.ACCEPTED
        assert "AUTH" in server.verbs

    async def test_a_login_that_the_relay_does_not_offer_is_the_operators_matter(self) -> None:
        async with listening(SmtpServer()) as server:
            settings = email_settings(server.port, username="bosai", password="relay-password")
            async with opened(EmailChannel(settings)) as channel:
                assert (await send(channel)).pause == Pause("channel", None, "configuration")

    async def test_docomos_filter_is_told_from_an_unknown_mailbox(self, relay: MakeRelay) -> None:
        async with relay() as (server, channel):
            server.replies = {"CONTENT": "550 Unknown user"}
            filtered = await send(channel, HANA_MAIL)
            server.replies = {"RCPT": "550 Unknown user"}
            unknown = await send(channel, HANA_MAIL)
        assert (filtered.code, unknown.code) == ("550 filtered", "550 userunknown")

    @pytest.mark.parametrize("verb", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA"])
    @pytest.mark.parametrize("hang", list(Hang))
    async def test_until_the_dot_it_is_certainly_not_sent(self, relay: MakeRelay, verb: str, hang: Hang) -> None:
        async with relay(timeout_seconds=0.2) as (server, channel):
            server.replies = {verb: hang}
            answer = await send(channel)
        assert (answer.verdict, server.mails) == (Verdict.RETRY, [])

    @pytest.mark.parametrize("hang", list(Hang))
    async def test_after_the_dot_only_a_reply_can_tell(self, relay: MakeRelay, hang: Hang) -> None:
        async with relay(timeout_seconds=IMPATIENT) as (server, channel):
            server.replies = {"CONTENT": hang}
            answer = await send(channel)
        assert (answer.verdict, len(server.mails)) == (Verdict.AMBIGUOUS, 1)


class TestTogether:
    """Where the relay takes MAIL, RCPT and DATA in one piece (RFC 2920)."""

    async def test_the_envelope_is_one_piece_and_the_content_waits(self) -> None:
        async with before_relay(pipelining=True, timeout_seconds=0.2) as (server, channel):
            server.replies = {"MAIL": Hang.SILENT}
            await send(channel)
            await server.quiet.wait()
        assert server.unheard == b"RCPT TO:<ken@hill.example>\r\nDATA\r\n"

    @pytest.mark.parametrize(
        ("replies", "verdict", "code"),
        [
            ({"MAIL": "552 5.3.4 too big"}, Verdict.REJECTED, "552 5.3.4"),
            ({"MAIL": "451 4.3.0 later"}, Verdict.RETRY, "451 4.3.0"),
            ({"RCPT": "550 5.1.1 no such mailbox"}, Verdict.REJECTED, "550 5.1.1"),
            ({"RCPT": "450 4.2.1 busy"}, Verdict.RETRY, "450 4.2.1"),
            ({"DATA": "554 5.7.1 no"}, Verdict.REJECTED, "554 5.7.1"),
            ({"DATA": "250 what"}, Verdict.RETRY, "250"),
            ({"MAIL": "451 4.3.0 a", "RCPT": "550 5.1.1 b", "DATA": "554 c"}, Verdict.RETRY, "451 4.3.0"),
        ],
    )
    async def test_the_first_refusal_is_the_answer_and_the_connection_stays(
        self, replies: dict[str, str | Hang], verdict: Verdict, code: str
    ) -> None:
        async with before_relay(pipelining=True) as (server, channel):
            server.replies = replies
            answer = await send(channel)
            assert (answer.verdict, answer.code, server.mails) == (verdict, code, [])
            server.replies = {}
            assert (await send(channel)).verdict is Verdict.ACCEPTED
            assert (server.connections, server.taken) == (1, 1)

    @pytest.mark.parametrize("content", ["554 5.5.1 no valid recipients", "250 2.0.0 Ok"])
    async def test_a_go_ahead_without_a_recipient_gets_a_lone_dot(self, content: str) -> None:
        async with before_relay(pipelining=True) as (server, channel):
            server.replies = {"RCPT": "550 5.1.1 no such mailbox", "DATA": "354 go ahead", "CONTENT": content}
            answer = await send(channel)
            assert (answer.verdict, answer.code) == (Verdict.REJECTED, "550 5.1.1")
            assert [(mail.recipient, mail.content) for mail in server.mails] == [("", b"")]
            server.replies = {}
            assert (await send(channel)).verdict is Verdict.ACCEPTED
            assert server.connections == 1

    @pytest.mark.parametrize(
        "replies",
        [
            {"MAIL": "451 4.3.0 later", "RCPT": "250 ok", "DATA": "354 go ahead"},
            {"RCPT": "252 perhaps", "DATA": "354 go ahead"},
        ],
    )
    async def test_a_go_ahead_with_a_possible_recipient_gets_nothing(self, replies: dict[str, str | Hang]) -> None:
        async with before_relay(pipelining=True) as (server, channel):
            server.replies = replies
            answer = await send(channel)
            await server.quiet.wait()
            assert (answer.verdict, server.mails) == (Verdict.RETRY, [])

    @pytest.mark.parametrize("verb", ["RCPT", "DATA"])
    @pytest.mark.parametrize("hang", list(Hang))
    async def test_a_refusal_stands_when_the_rest_never_comes(self, verb: str, hang: Hang) -> None:
        async with before_relay(pipelining=True, timeout_seconds=0.2) as (server, channel):
            server.replies = {"MAIL": "552 5.3.4 too big", verb: hang}
            answer = await send(channel)
            assert answer == Answer(Verdict.REJECTED, code="552 5.3.4")
            server.replies = {}
            assert (await send(channel)).verdict is Verdict.ACCEPTED
            assert server.connections == 2

    async def test_a_relay_that_leaves_is_not_waited_for(self) -> None:
        async with before_relay(pipelining=True) as (server, channel):
            server.replies = {"MAIL": "421 4.3.2 shutting down", "RCPT": Hang.SILENT}
            answer = await send(channel)
            assert (answer.verdict, answer.code) == (Verdict.RETRY, "421 4.3.2")
            await server.quiet.wait()

    async def test_a_reset_that_is_refused_ends_the_connection(self) -> None:
        async with before_relay(pipelining=True) as (server, channel):
            server.replies = {"RCPT": "550 5.1.1 no such mailbox"}
            await send(channel)
            server.replies = {"RSET": "451 4.3.0 not now"}
            assert (await send(channel)).verdict is Verdict.RETRY
            await server.quiet.wait()
            assert (server.connections, server.mails) == (1, [])


class TestPool:
    async def test_reuses_a_connection(self, relay: MakeRelay) -> None:
        async with relay() as (server, channel):
            for _ in range(5):
                await send(channel)
            assert (server.taken, server.connections) == (5, 1)

    async def test_renews_it_after_so_many_messages_with_a_goodbye(self, relay: MakeRelay) -> None:
        async with relay(messages_per_connection=2) as (server, channel):
            for _ in range(5):
                await send(channel)
            await hung_up(server, channel)
        assert (server.taken, server.connections) == (5, 3)
        assert server.verbs.count("QUIT") == 3

    async def test_resets_the_envelope_after_a_refusal_and_goes_on(self, relay: MakeRelay) -> None:
        async with relay() as (server, channel):
            server.replies = {"RCPT": "550 5.1.1 no such mailbox"}
            await send(channel)
            server.replies = {}
            assert (await send(channel)).verdict is Verdict.ACCEPTED
            await hung_up(server, channel)
        assert server.connections == 1
        assert server.verbs[-5:] == ["RSET", "MAIL", "RCPT", "DATA", "QUIT"]

    async def test_has_no_more_connections_than_allowed(self, relay: MakeRelay) -> None:
        async with relay(connections=3, lane_connections=3) as (server, channel):
            answers = await asyncio.gather(*(send(channel) for _ in range(20)))
            assert {answer.verdict for answer in answers} == {Verdict.ACCEPTED}
            assert server.connections == 3

    async def test_a_dialogue_that_broke_off_is_never_reused(self, relay: MakeRelay) -> None:
        async with relay() as (server, channel):
            server.replies = {"CONTENT": Hang.CUT}
            await send(channel)
            server.replies = {}
            assert (await send(channel)).verdict is Verdict.ACCEPTED
            assert server.connections == 2

    async def test_a_call_that_finds_no_free_connection_is_certainly_not_sent(self, relay: MakeRelay) -> None:
        async with relay(connections=1, lane_connections=1, timeout_seconds=IMPATIENT) as (server, channel):
            server.replies = {"CONTENT": Hang.SILENT}
            holder = asyncio.create_task(send(channel))
            await server.reached.wait()
            server.replies = {}
            waiting = await asyncio.gather(*(send(channel) for _ in range(3)))
            assert (await holder).verdict is Verdict.AMBIGUOUS
        assert {answer.verdict for answer in waiting} <= {Verdict.RETRY, Verdict.ACCEPTED}
        assert server.taken == sum(answer.verdict is Verdict.ACCEPTED for answer in waiting)

    async def test_a_connection_the_relay_has_closed_is_replaced(self, relay: MakeRelay) -> None:
        async with relay() as (server, channel):
            server.replies = {"CONTENT": "421 4.3.2 shutting down"}
            await send(channel)
            server.replies = {}
            await send(channel)
            assert server.taken == 1


class TestLanes:
    def test_draw_on_the_relays_limit_and_their_own(self) -> None:
        channel = EmailChannel(email_settings(25))
        rules = channel.lane("docomo")
        assert [(limit.key, limit.rate) for limit in rules.limits] == [("email", 50), ("email/docomo", 20)]
        assert (rules.at_once, channel.at_once) == (5, 20)


class TestCheck:
    def test_refuses_an_encoded_word_in_the_subject(self) -> None:
        (problem,) = EmailChannel(email_settings(25)).check(
            replace(ORDER, subject="=?utf-8?q?a=0D=0ABcc:_x@y.example?=")
        )
        assert problem.where == "subject"
        assert problem.ja.startswith("件名に「=?」で始まる符号化された語があります。")
        assert problem.en.startswith("The subject holds an encoded word (it begins with =?)")

    def test_lists_every_problem_at_once(self) -> None:
        problems = EmailChannel(email_settings(25)).check(replace(ORDER, subject="避難\r\nBcc: x@y.example", body=""))
        assert [problem.code for problem in problems] == ["email.subject_control_character", "email.body_blank"]


class TestSettings:
    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"from_address": "a@b.example, c@d.example"}, "must be exactly one plain mailbox"),
            ({"from_name": "川辺町\r\nBcc: x@y.example"}, "must be one line without control characters"),
            ({"lane_connections": 21}, "lane_connections must not exceed connections"),
        ],
    )
    def test_are_refused_with_the_reason(self, changes: dict[str, object], sentence: str) -> None:
        with pytest.raises(ValidationError, match=sentence):
            email_settings(25, **changes)


class TestEncryption:
    @pytest.fixture
    def certificate(self, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
        return self_signed(tmp_path_factory.mktemp("tls"), monkeypatch)

    async def test_starttls_upgrades_before_it_logs_in(self, certificate: ssl.SSLContext) -> None:
        async with listening(SmtpServer(login=True, upgrade=certificate)) as server:
            settings = email_settings(server.port, host="localhost", tls="starttls", username="bosai", password="p")
            async with opened(EmailChannel(settings)) as channel:
                assert (await send(channel)).verdict is Verdict.ACCEPTED
            assert server.verbs[:4] == ["EHLO", "STARTTLS", "EHLO", "AUTH"]

    async def test_starttls_never_goes_on_in_clear(self, relay: MakeRelay) -> None:
        async with relay(tls="starttls") as (server, channel):
            answer = await send(channel)
        assert (answer.verdict, answer.pause) == (Verdict.RETRY, Pause("channel", None, "configuration"))
        assert "MAIL" not in server.verbs

    async def test_tls_from_the_first_byte(self, certificate: ssl.SSLContext) -> None:
        async with listening(SmtpServer(), certificate) as server:
            settings = email_settings(server.port, host="localhost", tls="tls")
            async with opened(EmailChannel(settings)) as channel:
                assert (await send(channel)).verdict is Verdict.ACCEPTED
            await server.quiet.wait()

    async def test_a_certificate_we_do_not_trust_stops_the_channel(
        self, certificate: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("SSL_CERT_FILE")
        async with listening(SmtpServer(), certificate) as server:
            settings = email_settings(server.port, host="localhost", tls="tls")
            async with opened(EmailChannel(settings)) as channel:
                answer = await send(channel)
        assert (answer.verdict, answer.pause) == (Verdict.RETRY, Pause("channel", None, "certificate"))
