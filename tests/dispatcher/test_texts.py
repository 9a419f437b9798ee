"""What Hana, Tome, Linh and Mei read, and what cannot be sent to them."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from channels.contract import Channel, Message
from channels.email import EmailChannel, EmailSettings
from channels.memory import MemoryChannel, MemorySettings
from channels.sms import SmsChannel, SmsSettings
from dispatcher.texts import Composer, ShelterInfo, check_texts
from tests.dispatcher.drafts import NOW, festival, live, order, parsed
from words.languages import LANGUAGES
from words.problem import Problem

SCHOOL = ShelterInfo("99201-1", "川辺小学校", "https://kawabe.example/1")
TEXTS = {
    "ja": {
        "subject": "{level_name}",
        "body": "{issued_at}、{area_name}に避難指示。{shelter_name}まで{shelter_distance}。",
    },
    "ja-x-easy": {"subject": "にげて ください", "body": "{shelter_name}へ にげて ください。"},
    "en": {"subject": "Leave now", "body": "{level_name}, {area_name}, {issued_at}: {shelter_url}"},
}


def composer(document: dict[str, Any]) -> Composer:
    return Composer(parsed(document), NOW, ZoneInfo("Asia/Tokyo"))


def read(
    document: dict[str, Any], language: str, channel: str = "line", shelter: ShelterInfo | None = SCHOOL
) -> Message:
    return composer(document).compose(channel, language, shelter, 800)


def test_hana_reads_where_to_go_and_how_far() -> None:
    message = read(live(texts=TEXTS, area={"code": "99201"}), "ja")
    assert message.subject == "警戒レベル4 避難指示"
    assert message.body == "11月23日21時05分、川辺町に避難指示。川辺小学校まで約800m。"
    assert message.language == "ja"
    assert message.loud


def test_linh_reads_easy_japanese_and_english_in_one_message() -> None:
    message = read(live(texts=TEXTS, area_name={"ja": "川辺", "en": "Kawabe"}), "vi")
    assert message.subject == "にげて ください / Leave now"
    assert message.body == (
        "川辺小学校へ にげて ください。\n\nEvacuation order (Level 4), Kawabe, 21:05, 23 Nov: https://kawabe.example/1"
    )
    assert message.language == "vi"


def test_tome_reads_the_japanese_text_where_there_is_no_easy_one() -> None:
    message = read(live(texts={"ja": TEXTS["ja"], "en": TEXTS["en"]}), "ja-x-easy")
    assert message.body == read(live(texts=TEXTS), "ja").body


def test_tome_reads_the_short_text_by_sms_and_hana_the_long_one_by_line() -> None:
    document = live(texts={"ja": TEXTS["ja"] | {"sms": "避難指示。{shelter_name}へ。"}})
    assert read(document, "ja", "sms").body == "避難指示。川辺小学校へ。"
    assert read(document, "ja", "line").body.startswith("11月23日")


def test_without_an_open_shelter_the_text_says_so() -> None:
    message = read(live(texts=TEXTS), "ja", shelter=None)
    assert "開設された避難場所はまだ確認できていません" in message.body
    assert "（距離不明）" in message.body


def test_a_shelter_without_a_page_points_to_the_next_notice() -> None:
    message = read(live(texts=TEXTS), "en", shelter=ShelterInfo("1", "川辺小学校", ""))
    assert message.body.endswith(": (see the next notice)")


def test_a_shelter_named_like_a_placeholder_stays_what_it_is() -> None:
    odd = ShelterInfo("1", "{area_name}{0.__class__}\r\nBcc: x\u202e", "")
    assert "{area_name}{0.__class__} Bcc: xへ" in read(live(texts=TEXTS), "ja-x-easy", shelter=odd).body


def test_a_drill_says_so_first_in_every_language_it_is_read_in() -> None:
    message = read(order(texts=TEXTS), "vi")
    assert message.subject == "【れんしゅう】にげて ください / [DRILL] Leave now"
    first, second = message.body.split("\n\n")
    assert first.startswith("【れんしゅう】\n川辺小学校")
    assert second.startswith("[DRILL]\nEvacuation order")


def test_a_drill_that_says_so_itself_is_not_marked_again() -> None:
    texts = {"ja": {"subject": "（訓練）避難指示", "body": "【訓練】避難指示です。"}}
    message = read(order(texts=texts), "ja")
    assert (message.subject, message.body) == ("（訓練）避難指示", "【訓練】避難指示です。")


def test_an_empty_subject_stays_empty() -> None:
    texts = {"ja": {"body": "避難指示です。"}, "en": {"body": "Leave."}}
    assert read(order(texts=texts, channels=["line"]), "vi").subject == ""


def test_an_invitation_is_silent() -> None:
    assert not read(festival(), "ja").loud


def test_variants_are_made_only_where_a_text_needs_them() -> None:
    them = composer(order(texts={**TEXTS, "ko": {"subject": "대피", "body": "대피하세요", "sms": "{shelter_name}"}}))
    assert [them.uses_shelter(language) for language in ("ja", "vi", "en", "ko")] == [True] * 4
    assert [them.uses_distance(language) for language in ("ja", "vi", "en", "ko")] == [True, False, False, False]
    assert them.uses_shelter("ko", "sms")
    assert not them.uses_shelter("ko", "line")


@given(st.sets(st.sampled_from(LANGUAGES)), st.sampled_from(LANGUAGES), st.booleans())
def test_everyone_gets_a_whole_message_in_texts_that_exist(prepared: set[str], reader: str, drill: bool) -> None:
    texts = {language: {"subject": f"避難指示 {language}", "body": "{level_name} {area_name}"} for language in prepared}
    document = (order if drill else live)(texts=texts | {"ja": TEXTS["ja"]})
    them = composer(document)
    message = them.compose("line", reader, None, None)
    assert not set(message.body + message.subject) & set("{}")
    assert all(f"避難指示 {text}" in message.subject for text in them.texts(reader) if text != "ja")


def channels() -> dict[str, Channel]:
    """The real ones, unopened: only their rules for texts are asked."""
    sms = SmsSettings(
        account_sid="AC" + "0" * 32, auth_token=SecretStr("secret"), from_number="+81901234", max_segments=3
    )
    mail = EmailSettings(host="127.0.0.1", from_address="bousai@kawabe.example")
    return {"line": MemoryChannel(MemorySettings(), name="line"), "sms": SmsChannel(sms), "email": EmailChannel(mail)}


def told(document: dict[str, Any], *shelters: ShelterInfo) -> list[Problem]:
    event = parsed(document)
    return check_texts(event, Composer(event, NOW, ZoneInfo("Asia/Tokyo")), channels(), shelters)


def test_texts_that_fit_everywhere_are_not_complained_of() -> None:
    assert told(order(texts=TEXTS), SCHOOL) == []


def test_a_text_too_long_for_sms_is_named_with_channel_and_language() -> None:
    [problem] = told(order(texts={"ja": {"subject": "避難指示", "body": "避難指示" * 60}}))
    assert problem.where == "/texts/ja/body"
    assert problem.ja.startswith("sms で送る ja の文面：")
    assert problem.en.startswith("On sms, the text in ja: ")


def test_a_short_text_for_sms_helps() -> None:
    long = {"subject": "避難指示", "body": "避難指示" * 60}
    assert told(order(texts={"ja": long | {"sms": "避難指示です"}})) == []
    [problem] = told(order(texts={"ja": long | {"sms": "避難指示" * 55}}))
    assert problem.where == "/texts/ja/sms"


def test_of_an_update_the_texts_for_all_three_audiences_are_checked() -> None:
    long = {"ja": {"subject": "避難指示", "body": "{level_name}" + "あ" * 300}}
    change = {"texts_still": long, "texts_released": long, "reference": {"updates": "d-1"}}
    found = told(live(channels=["sms"], **change))
    assert [each.where for each in found] == ["/texts_still/ja/body", "/texts_released/ja/body"]
    assert "sms で送る ja の文面" in found[0].ja


def test_the_longest_shelter_name_decides() -> None:
    texts = {"ja": {"subject": "避難指示", "body": "{shelter_name}" + "あ" * 165}}
    hall = ShelterInfo("2", "川辺町立総合文化体育館" * 3, "")
    assert told(order(texts=texts), SCHOOL) == []
    assert [problem.where for problem in told(order(texts=texts), hall, SCHOOL)] == ["/texts/ja/body"]


def test_a_japanese_name_that_leaves_an_english_sms_less_room_decides() -> None:
    english = {"subject": "Leave", "body": "{shelter_name} " + "a" * 200}
    texts = {"ja": {"subject": "避難指示", "body": "避難指示"}, "en": english}
    plain = ShelterInfo("3", "Kawabe International Exchange Centre, Annex", "")
    document = live(texts=texts, channels=["sms"])
    assert [problem.where for problem in told(document, plain, SCHOOL)] == ["/texts/en/body"]


def test_two_texts_that_fit_alone_are_also_tried_together() -> None:
    half = {"subject": "避難", "body": "避難指示" * 30}
    [problem] = told(live(texts={"ja": half, "ja-x-easy": half, "en": half}))
    assert problem.where == "/texts/ja-x-easy/body"
    assert "ja-x-easyとen の文面（1通にまとめて届く人向け）" in problem.ja
    assert "in ja-x-easy and en (sent together as one message)" in problem.en


def test_a_shelter_name_cannot_smuggle_an_encoded_word_into_a_subject() -> None:
    texts = {"ja": {"subject": "避難指示 {shelter_name}", "body": "避難指示"}}
    odd = ShelterInfo("4", "=?utf-8?q?a=0D=0ABcc:_x?=", "")
    found = told(order(texts=texts), SCHOOL, odd, ShelterInfo("5", "川辺町立総合文化体育館" * 2, ""))
    assert {problem.where for problem in found} == {"/texts/ja/subject"}
    assert any("RFC 2047" in problem.ja for problem in found)


def test_a_channel_that_is_not_set_up_is_named() -> None:
    event = parsed(order())
    found = check_texts(event, Composer(event, NOW, ZoneInfo("Asia/Tokyo")), {"line": channels()["line"]}, ())
    assert [problem.where for problem in found] == ["/channels/1", "/channels/2"]
    assert "「sms」は設定されていません" in found[0].ja
    assert "'sms' is not set up" in found[0].en
