"""The terms of Japanese disaster law: warning levels, hazards, and terms that may no longer be written.

Source: 内閣府「避難情報に関するガイドライン」, in force since 2021-05-20 with the amended 災害対策基本法.
The English names are those in common use by municipalities. A name carries its level's number in every
language: colour and name alone are not enough for who reads in a hurry.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

GUIDELINE_OF_2021 = date(2021, 5, 20)

Names = dict[str, str]
"""Language to wording; at least ja and en."""


@dataclass(frozen=True, slots=True)
class Level:
    """One level of evacuation information that a municipality issues.

    `term` is the legal term alone (避難指示); `names` holds what a reader is shown, with the number.
    """

    number: int
    term: str
    effective: date
    names: Names


LEVELS: dict[int, Level] = {
    3: Level(
        3,
        "高齢者等避難",
        GUIDELINE_OF_2021,
        {
            "ja": "警戒レベル3 高齢者等避難",
            "ja-x-easy": "警戒(けいかい)レベル3 高齢者等避難(こうれいしゃとうひなん)",
            "en": "Evacuation of the elderly and others (Level 3)",
            "zh-Hans": "高龄者等避难（警戒级别3）",
            "zh-Hant": "高齡者等避難（警戒等級3）",
            "ko": "고령자 등 대피(경계 레벨 3)",
            "vi": "Người cao tuổi và những người cần thêm thời gian đi sơ tán (Cấp 3)",
            "pt": "Evacuação de idosos e outros (Nível 3)",
            "es": "Evacuación de personas mayores y otros (Nivel 3)",
            "th": "การอพยพผู้สูงอายุและผู้อื่น (ระดับ 3)",
            "id": "Evakuasi lansia dan lainnya (Tingkat 3)",
            "tl": "Paglikas ng matatanda at iba pa (Antas 3)",
            "ne": "वृद्धवृद्धा आदिको निकासी (स्तर 3)",
            "km": "ការជម្លៀសមនុស្សចាស់ និងអ្នកផ្សេងទៀត (កម្រិត 3)",
            "my": "သက်ကြီးရွယ်အိုများ ဘေးလွတ်ရာသို့ ရွှေ့ပြောင်းခြင်း (အဆင့် 3)",
            "mn": "Өндөр настан болон бусад хүмүүсийг нүүлгэн шилжүүлэх (3-р түвшин)",
        },
    ),
    4: Level(
        4,
        "避難指示",
        GUIDELINE_OF_2021,
        {
            "ja": "警戒レベル4 避難指示",
            "ja-x-easy": "警戒(けいかい)レベル4 避難指示(ひなんしじ)",
            "en": "Evacuation order (Level 4)",
            "zh-Hans": "避难指示（警戒级别4）",
            "zh-Hant": "避難指示（警戒等級4）",
            "ko": "대피 지시(경계 레벨 4)",
            "vi": "Chỉ thị sơ tán (Cấp 4)",
            "pt": "Ordem de evacuação (Nível 4)",
            "es": "Orden de evacuación (Nivel 4)",
            "th": "คำสั่งอพยพ (ระดับ 4)",
            "id": "Perintah evakuasi (Tingkat 4)",
            "tl": "Utos na lumikas (Antas 4)",
            "ne": "निकासी आदेश (स्तर 4)",
            "km": "បទបញ្ជាឱ្យជម្លៀស (កម្រិត 4)",
            "my": "ဘေးလွတ်ရာသို့ ရွှေ့ပြောင်းရန် ညွှန်ကြားချက် (အဆင့် 4)",
            "mn": "Нүүлгэн шилжүүлэх тушаал (4-р түвшин)",
        },
    ),
    5: Level(
        5,
        "緊急安全確保",
        GUIDELINE_OF_2021,
        {
            "ja": "警戒レベル5 緊急安全確保",
            "ja-x-easy": "警戒(けいかい)レベル5 緊急安全確保(きんきゅうあんぜんかくほ)",
            "en": "Emergency safety measures (Level 5)",
            "zh-Hans": "紧急确保安全（警戒级别5）",
            "zh-Hant": "緊急確保安全（警戒等級5）",
            "ko": "긴급 안전 확보(경계 레벨 5)",
            "vi": "Đảm bảo an toàn khẩn cấp (Cấp 5)",
            "pt": "Medidas de segurança de emergência (Nível 5)",
            "es": "Medidas de seguridad de emergencia (Nivel 5)",
            "th": "มาตรการความปลอดภัยฉุกเฉิน (ระดับ 5)",
            "id": "Tindakan penyelamatan darurat (Tingkat 5)",
            "tl": "Agarang hakbang para sa kaligtasan (Antas 5)",
            "ne": "आपतकालीन सुरक्षा उपाय (स्तर 5)",
            "km": "វិធានការសុវត្ថិភាពបន្ទាន់ (កម្រិត 5)",
            "my": "အရေးပေါ် ဘေးကင်းရေး ဆောင်ရွက်ချက် (အဆင့် 5)",
            "mn": "Яаралтай аюулгүй байдлын арга хэмжээ (5-р түвшин)",
        },
    ),
}

HAZARDS: dict[str, Names] = {
    "flood": {"ja": "洪水", "ja-x-easy": "洪水(こうずい)", "en": "flood", "zh-Hans": "洪水", "zh-Hant": "洪水"},
    "landslide": {
        "ja": "崖崩れ、土石流及び地滑り",
        "ja-x-easy": "土砂崩れ(どしゃくずれ)",
        "en": "landslide",
        "zh-Hans": "山体滑坡、泥石流",
        "zh-Hant": "山崩、土石流",
    },
    "storm_surge": {
        "ja": "高潮",
        "ja-x-easy": "高潮(たかしお)",
        "en": "storm surge",
        "zh-Hans": "风暴潮",
        "zh-Hant": "暴潮",
    },
    "earthquake": {"ja": "地震", "ja-x-easy": "地震(じしん)", "en": "earthquake", "zh-Hans": "地震", "zh-Hant": "地震"},
    "tsunami": {"ja": "津波", "ja-x-easy": "津波(つなみ)", "en": "tsunami", "zh-Hans": "海啸", "zh-Hant": "海嘯"},
    "fire": {
        "ja": "大規模な火事",
        "ja-x-easy": "大きな火事(かじ)",
        "en": "large fire",
        "zh-Hans": "大规模火灾",
        "zh-Hant": "大規模火災",
    },
    "inland_flood": {
        "ja": "内水氾濫",
        "ja-x-easy": "大雨(おおあめ)で水があふれること",
        "en": "inland flooding",
        "zh-Hans": "内涝",
        "zh-Hant": "內澇",
    },
    "volcano": {
        "ja": "火山現象",
        "ja-x-easy": "火山(かざん)の噴火(ふんか)",
        "en": "volcanic activity",
        "zh-Hans": "火山活动",
        "zh-Hant": "火山活動",
    },
}
"""The eight hazards of the shelter law, in the order of its flags in the official CSV."""


@dataclass(frozen=True, slots=True)
class Abolished:
    """A term that is still read in old records and may not be composed any more."""

    term: str
    abolished: date
    instead_ja: str
    instead_en: str


ABOLISHED: tuple[Abolished, ...] = (
    Abolished(
        "避難準備・高齢者等避難開始",
        GUIDELINE_OF_2021,
        "「高齢者等避難」（警戒レベル3）",
        "高齢者等避難 (level 3)",
    ),
    Abolished(
        "避難準備",
        GUIDELINE_OF_2021,
        "「高齢者等避難」（警戒レベル3）、支度を促すときは「避難の準備」",
        "高齢者等避難 (level 3), or 避難の準備 where you ask people to get ready",
    ),
    Abolished("避難勧告", GUIDELINE_OF_2021, "「避難指示」（警戒レベル4）", "避難指示 (level 4)"),
    Abolished("避難指示(緊急)", GUIDELINE_OF_2021, "「避難指示」（警戒レベル4）", "避難指示 (level 4)"),
    Abolished("災害発生情報", GUIDELINE_OF_2021, "「緊急安全確保」（警戒レベル5）", "緊急安全確保 (level 5)"),
)

_BY_TERM = {old.term: old for old in ABOLISHED}
_ANY_ABOLISHED = re.compile("|".join(re.escape(term) for term in sorted(_BY_TERM, key=len, reverse=True)))
_READING = re.compile(r"(?<=[一-鿿々])\([ぁ-ゖー・\s]+\)")
_BRACKETS = str.maketrans("[{〔【〈《「『", "((((((((") | str.maketrans("]}〕】〉》」』", "))))))))")


def folded(text: str) -> str:
    """`text` for finding words in it: full-width letters and every kind of bracket made plain, invisible
    characters taken out, capitals made small.
    """
    visible = "".join(char for char in unicodedata.normalize("NFKC", text) if unicodedata.category(char) != "Cf")
    return visible.translate(_BRACKETS).casefold()


def without_readings(text: str) -> str:
    """Folded text without readings in brackets behind a kanji: 「避難(ひなん)指示(しじ)」 is 「避難指示」."""
    return _READING.sub("", text)


def abolished_in(text: str) -> list[Abolished]:
    """The abolished terms `text` uses, each once, in the order they appear; readings in brackets do not hide one."""
    return [_BY_TERM[term] for term in dict.fromkeys(_ANY_ABOLISHED.findall(without_readings(folded(text))))]


def names_level(text: str, level: int) -> bool:
    """Whether a Japanese `text` names the legal term of `level`."""
    return LEVELS[level].term in without_readings(folded(text))


def level_name(level: int, language: str) -> str:
    """What a reader of `language` is shown for a level, e.g. "Evacuation order (Level 4)"; English where unknown."""
    return _named(LEVELS[level].names, language)


def hazard_name(hazard: str, language: str) -> str:
    """What a reader of `language` is shown for a hazard; English where there is no name yet."""
    return _named(HAZARDS[hazard], language)


def _named(names: Names, language: str) -> str:
    return names.get(language) or names["en"]
