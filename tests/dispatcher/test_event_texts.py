"""What the law, a drill and a mail header ask of the words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dispatcher.drafts import festival, live, only_problem, order, parsed, problems

BODY = "{area_name}に避難指示を発令しました。"


def words(body: Any = BODY, subject: Any = "避難指示", **more: Any) -> dict[str, Any]:
    """The Japanese text of an order, and others."""
    return {"ja": {"subject": subject, "body": body}, **more}


def sms(text: Any) -> dict[str, Any]:
    return {"ja": {"subject": "避難指示", "body": BODY, "sms": text}}


REFUSALS: list[tuple[dict[str, Any], str, str, str]] = [
    (order(texts=None), "/texts", "文面「texts」", "'texts' (a subject and body"),
    (order(texts=[]), "/texts", "文面「texts」", "'texts' (a subject and body"),
    (order(texts={"en": {"subject": "Go", "body": "Go!"}}), "/texts/ja", "日本語の文面「ja」", "The Japanese text"),
    (order(texts=words(jp={"body": "x"})), "/texts/jp", "「ja」のことではありませんか", "Did you mean ja?"),
    (order(texts=words(JA={"body": "x"})), "/texts/JA", "ja が2回", "ja is given twice"),
    (order(texts=words(en="Go!")), "/texts/en", "subject と body を持つ", "a subject and a body"),
    (
        order(texts={"ja": {"subject": "避難指示", "body": BODY, "title": "x"}}),
        "/texts/ja/title",
        "書けるのは",
        "known:",
    ),
    (order(texts=words(subject=None)), "/texts/ja/subject", "メールの件名", "subject of the e-mail is missing"),
    (order(texts=words(subject="避難\r\nBcc: x")), "/texts/ja/subject", "U+000D", "in a single line"),
    (order(texts=words(subject="避難\tです")), "/texts/ja/subject", "U+0009", "in a single line"),
    (order(texts=words(subject="避難\u2028です")), "/texts/ja/subject", "U+2028", "in a single line"),
    (order(texts=words(subject="=?utf-8?q?a=0D=0ABcc:_x?=")), "/texts/ja/subject", "RFC 2047", "forge mail headers"),
    (order(texts=words(subject="字" * 201)), "/texts/ja/subject", "201文字", "201 characters"),
    (order(texts=words(body=None)), "/texts/ja/body", "本文を文字列で", "as a string"),
    (order(texts=words(body=" \n\u3000\r\n")), "/texts/ja/body", "本文が空です", "This text is empty"),
    (
        order(texts=words(body=BODY + "\x07")),
        "/texts/ja/body",
        "制御文字（U+0007）",
        "(U+0007) that cannot be used in a text",
    ),
    (order(texts=words(body=BODY + "\u202e!")), "/texts/ja/body", "制御文字（U+202E）", "control character (U+202E)"),
    (order(texts=words(body="避難指示" * 6_000)), "/texts/ja/body", "24,000文字", "may have 20,000"),
    (order(texts=words(body=BODY + "{{7*7}}")), "/texts/ja/body", "「{{7*7}}」は使えません", "'{{7*7}}' at line 1"),
    (
        order(texts=words(body="川辺から逃げて", subject="川辺")),
        "/texts/ja/body",
        "「避難指示」という語が",
        "must name '避難指示'",
    ),
    (order(texts=sms("川辺から逃げて")), "/texts/ja/sms", "{level_name}", "write {level_name}"),
    (order(texts=sms("")), "/texts/ja/sms", "本文が空です", "This text is empty"),
    (order(texts=words(body=BODY + "避難勧告")), "/texts/ja/body", "2021年5月20日に廃止", "abolished on 2021-05-20"),
    (live(texts=words(body=BODY + "これは訓練です")), "/texts/ja/body", "「訓練」とあります", "says '訓練'"),
    (live(texts=words(en={"subject": "Test", "body": "Go"})), "/texts/en/subject", "「test」とあります", "says 'test'"),
    (festival(mode="live", texts=words("[DRILL] 灯ろう流し")), "/texts/ja/body", "(drill)", "set the mode to drill"),
    (
        festival(texts=words("{shelter_name}")),
        "/texts/ja/body",
        "evacuation と advisory だけ",
        "needs a hazard and level",
    ),
]


@pytest.mark.parametrize(("document", "where", "ja", "en"), REFUSALS)
def test_a_wrong_text_is_refused_with_a_sentence(document: dict[str, Any], where: str, ja: str, en: str) -> None:
    problem = only_problem(document)
    assert problem.where == where
    assert ja in problem.ja
    assert en in problem.en


@pytest.mark.parametrize(
    "texts", [words("{level_name}です"), words("逃げて", "避難指示"), words("避難(ひなん)指示(しじ)です", "川辺")]
)
def test_the_level_is_named_by_its_term_or_its_placeholder(texts: dict[str, Any]) -> None:
    assert parsed(order(texts=texts)).texts["ja"].body


def test_an_advisory_names_the_term_of_level_three() -> None:
    advisory = order(**{"class": "advisory"}, level=3, texts=words("高齢者等避難です", "川辺"))
    assert parsed(advisory).level == 3
    assert "高齢者等避難" in only_problem(advisory | {"texts": words("避難指示です", "川辺")}).ja


def test_a_subject_is_only_needed_for_mail() -> None:
    assert parsed(order(texts=words(subject=None), channels=["line", "sms"])).texts["ja"].subject == ""


def test_an_invitation_to_a_drill_is_no_drill() -> None:
    assert (
        parsed(festival(mode="live", texts=words("防災訓練にお越しください", "防災訓練"))).texts["ja"].subject
        == "防災訓練"
    )


def test_a_drill_may_say_what_it_is() -> None:
    assert parsed(order(texts=words(body="これは訓練です。" + BODY))).texts["ja"].body.startswith("これは訓練です")


def test_every_text_with_a_fault_is_named() -> None:
    texts = words(body="避難勧告{x}", en={"subject": "a\nb", "body": "{y}"})
    found = [problem.where for problem in problems(order(texts=texts))]
    assert found == ["/texts/ja/body", "/texts/ja/body", "/texts/en/subject", "/texts/en/body"]
