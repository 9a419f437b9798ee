from __future__ import annotations

import aiosmtplib
import pytest

from channels.contract import Pause, Verdict
from channels.smtp_answers import Phase, accepted, broken, refused

DROPPED = aiosmtplib.SMTPServerDisconnected("Connection lost")


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("2.0.0 Ok: queued as 4XyZ1abc", "4XyZ1abc"),
        ("2.0.0 Ok: queued as <q7@relay.example>", "q7"),
        ("2.0.0 OK  1763870000 d9443c01a7336 - gsmtp", "2.0.0 OK  1763870000 d9443c01a7336 - gsmtp"),
        ("2.1.5 delivered to ken@hill.example", ""),
    ],
)
def test_an_accepted_mail_has_its_queue_id(text: str, reference: str) -> None:
    assert (accepted(text).verdict, accepted(text).reference) == (Verdict.ACCEPTED, reference)


class TestRefused:
    @pytest.mark.parametrize(
        ("code", "text", "pause"),
        [
            (421, "4.7.0 too many connections", Pause("lane", 30.0, "busy")),
            (450, "4.7.1 try later", Pause("lane", 60.0, "deferred")),
            (451, "4.3.0 local error", Pause("lane", 60.0, "deferred")),
            (452, "4.3.1 out of storage", Pause("lane", 30.0, "busy")),
            (552, "too many recipients", Pause("lane", 30.0, "busy")),
            (432, "4.7.12 password transition", None),
        ],
    )
    def test_a_transient_refusal_leaves_the_lane_in_peace(self, code: int, text: str, pause: Pause | None) -> None:
        for phase in (Phase.SENDER, Phase.RECIPIENT, Phase.CONTENT):
            answer = refused(phase, code, text, "docomo")
            assert (answer.verdict, answer.pause) == (Verdict.RETRY, pause)

    @pytest.mark.parametrize(
        ("code", "text"),
        [
            (450, "4.2.1 mailbox busy"),
            (452, "4.2.2 over quota"),
            (451, "4.7.1 Greylisted, come back later"),
            (450, "4.1.1 <a@b.example>: unverified address"),
        ],
    )
    def test_trouble_of_one_mailbox_does_not_hold_up_its_neighbours(self, code: int, text: str) -> None:
        answer = refused(Phase.RECIPIENT, code, text, "google")
        assert (answer.verdict, answer.pause, answer.deferred) == (Verdict.RETRY, None, True)

    def test_a_lane_that_is_left_in_peace_defers_nobody_by_himself(self) -> None:
        assert not refused(Phase.RECIPIENT, 451, "try later", "docomo").deferred

    @pytest.mark.parametrize("phase", [Phase.RECIPIENT, Phase.DATA, Phase.CONTENT])
    def test_a_permanent_refusal_of_the_recipient_or_the_mail_is_final(self, phase: Phase) -> None:
        answer = refused(phase, 554, "5.7.1 rejected", "google")
        assert (answer.verdict, answer.code, answer.pause) == (Verdict.REJECTED, "554 5.7.1", None)

    @pytest.mark.parametrize(
        ("phase", "code", "text", "reason"),
        [
            (Phase.SENDER, 550, "5.7.1 sender address not allowed", "sender"),
            (Phase.SENDER, 530, "5.7.0 authentication required", "credentials"),
            (Phase.RECIPIENT, 530, "5.7.0 authentication required", "credentials"),
            (Phase.RECIPIENT, 554, "5.7.1 <a@b.example>: Relay access denied", "relay"),
            (Phase.RECIPIENT, 550, "5.7.1 Unable to relay", "relay"),
        ],
    )
    def test_a_permanent_refusal_of_us_stops_the_channel_instead(
        self, phase: Phase, code: int, text: str, reason: str
    ) -> None:
        answer = refused(phase, code, text, "other-00")
        assert (answer.verdict, answer.pause) == (Verdict.RETRY, Pause("channel", None, reason))

    def test_a_mail_too_large_at_the_sender_is_final(self) -> None:
        assert refused(Phase.SENDER, 552, "5.3.4 too big", "google").verdict is Verdict.REJECTED

    def test_a_reply_of_no_known_kind_proves_nothing_after_the_dot(self) -> None:
        assert refused(Phase.CONTENT, 354, "go ahead", "google").verdict is Verdict.AMBIGUOUS
        assert refused(Phase.RECIPIENT, 354, "go ahead", "google").verdict is Verdict.RETRY

    @pytest.mark.parametrize(
        ("lane", "phase", "text", "code"),
        [
            ("docomo", Phase.RECIPIENT, "Unknown user", "550 userunknown"),
            ("docomo", Phase.CONTENT, "5.2.0 Unknown user", "550 5.2.0 filtered"),
            ("au", Phase.RECIPIENT, "<a@au.com>: User unknown", "550 userunknown"),
            ("au", Phase.CONTENT, ": User unknown", "550 filtered"),
            ("google", Phase.RECIPIENT, "5.1.1 no such user", "550 5.1.1"),
        ],
    )
    def test_what_docomo_and_au_mean_by_550(self, lane: str, phase: Phase, text: str, code: str) -> None:
        assert refused(phase, 550, text, lane).code == code


class TestBroken:
    def test_a_drop_after_the_dot_is_ambiguous(self) -> None:
        assert broken(Phase.CONTENT, DROPPED, reused=False).verdict is Verdict.AMBIGUOUS
        assert broken(Phase.CONTENT, TimeoutError(), reused=False).code == "timeout"

    @pytest.mark.parametrize("phase", [Phase.SENDER, Phase.RECIPIENT, Phase.DATA])
    def test_a_reset_before_the_dot_is_congestion(self, phase: Phase) -> None:
        answer = broken(phase, ConnectionResetError(), reused=False)
        assert (answer.verdict, answer.pause) == (Verdict.RETRY, Pause("lane", 30.0, "reset"))
        assert answer.sick

    def test_what_a_server_says_does_not_make_it_sick(self) -> None:
        said = [(421, "busy"), (451, "4.7.1 Greylisted"), (452, "later"), (550, "5.1.1 unknown")]
        assert not any(refused(Phase.RECIPIENT, code, text, "docomo").sick for code, text in said)

    def test_a_connection_closed_while_idle_is_nobodys_fault(self) -> None:
        answer = broken(Phase.SENDER, DROPPED, reused=True)
        assert (answer.verdict, answer.pause, answer.sick) == (Verdict.RETRY, None, False)

    def test_no_connection_is_certainly_not_sent(self) -> None:
        answer = broken(Phase.CONNECT, aiosmtplib.SMTPConnectError("refused"), reused=False)
        assert (answer.verdict, answer.code, answer.pause) == (
            Verdict.RETRY,
            "unreachable",
            Pause("lane", 2.0, "unreachable"),
        )

    def test_a_relay_without_starttls_is_a_matter_for_the_operator(self) -> None:
        answer = broken(Phase.CONNECT, aiosmtplib.SMTPException("STARTTLS not supported"), reused=False)
        assert answer.pause == Pause("channel", None, "configuration")

    def test_a_banner_that_refuses_us_costs_nobody_the_message(self) -> None:
        answer = broken(Phase.CONNECT, aiosmtplib.SMTPConnectResponseError(554, "no service"), reused=False)
        assert (answer.verdict, answer.pause) == (Verdict.RETRY, Pause("lane", 30.0, "busy"))

    def test_a_login_refused_for_now_is_tried_again(self) -> None:
        answer = broken(Phase.CONNECT, aiosmtplib.SMTPAuthenticationError(454, "4.7.0 later"), reused=False)
        assert answer.pause == Pause("lane", 30.0, "busy")

    @pytest.mark.parametrize("phase", list(Phase))
    @pytest.mark.parametrize(
        "error",
        [
            DROPPED,
            TimeoutError(),
            OSError(),
            aiosmtplib.SMTPException("?"),
            aiosmtplib.SMTPResponseException(-1, "?"),
            aiosmtplib.SMTPReadTimeoutError("late"),
        ],
    )
    def test_only_after_the_dot_is_anything_in_doubt(self, phase: Phase, error: BaseException) -> None:
        doubt = broken(phase, error, reused=False).verdict is Verdict.AMBIGUOUS
        assert doubt == (phase is Phase.CONTENT)
