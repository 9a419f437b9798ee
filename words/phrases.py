"""What is said in each language: distances, times, the mark of a drill, and words for what is not known."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from words.terms import folded, without_readings

DRILL_MARKS: dict[str, str] = {
    "ja": "【訓練】",
    "ja-x-easy": "【れんしゅう】",
    "en": "[DRILL]",
    "zh-Hans": "【演练】",
    "zh-Hant": "【演練】",
    "ko": "[훈련]",
    "vi": "[DIỄN TẬP]",
    "pt": "[SIMULADO]",
    "es": "[SIMULACRO]",
    "th": "[ฝึกซ้อม]",
    "id": "[LATIHAN]",
    "tl": "[PAGSASANAY]",
    "ne": "[अभ्यास]",
    "km": "[សមយុទ្ធ]",
    "my": "[လေ့ကျင့်မှု]",
    "mn": "[СУРГУУЛИЛТ]",
}
"""What every text of a drill begins with."""

_DRILL_WORDS = ("訓練", "練習", "くんれん", "れんしゅう", "drill", "test")
"""Refused in any language of a live warning."""

AREA: dict[str, str] = {
    "ja": "対象地域",
    "ja-x-easy": "この お知らせの 場所(ばしょ)",
    "en": "the area concerned",
    "zh-Hans": "相关地区",
    "zh-Hant": "相關地區",
    "ko": "대상 지역",
    "vi": "khu vực liên quan",
    "pt": "a área em questão",
    "es": "la zona afectada",
    "th": "พื้นที่ที่เกี่ยวข้อง",
    "id": "wilayah terkait",
    "tl": "ang lugar na sakop",
    "ne": "सम्बन्धित क्षेत्र",
    "km": "តំបន់ពាក់ព័ន្ធ",
    "my": "သက်ဆိုင်ရာ ဧရိယာ",
    "mn": "холбогдох бүс",
}
"""An area without a name."""


@dataclass(frozen=True, slots=True)
class NoShelter:
    """What stands in place of the shelter placeholders while no fit shelter is known to be open."""

    name: str
    distance: str
    url: str


NO_SHELTER: dict[str, NoShelter] = {
    "ja": NoShelter(
        "（開設された避難場所はまだ確認できていません）", "（距離不明）", "（今後のお知らせをご確認ください）"
    ),
    "ja-x-easy": NoShelter(
        "（開(ひら)いている 避難場所(ひなんばしょ)は まだ わかりません）",
        "（わかりません）",
        "（次(つぎ)の お知らせを 見(み)てください）",
    ),
    "en": NoShelter("(no open shelter is known yet)", "(distance unknown)", "(see the next notice)"),
    "zh-Hans": NoShelter("（尚未确认有已开放的避难场所）", "（距离不明）", "（请留意后续通知）"),
    "zh-Hant": NoShelter("（尚未確認有已開放的避難場所）", "（距離不明）", "（請留意後續通知）"),
    "ko": NoShelter("(개설된 대피 장소가 아직 확인되지 않았습니다)", "(거리 불명)", "(다음 안내를 확인하세요)"),
    "vi": NoShelter("(chưa biết nơi sơ tán nào đang mở)", "(chưa rõ khoảng cách)", "(xem thông báo tiếp theo)"),
    "pt": NoShelter("(ainda não se sabe de abrigo aberto)", "(distância desconhecida)", "(veja o próximo aviso)"),
    "es": NoShelter(
        "(aún no se conoce ningún refugio abierto)", "(distancia desconocida)", "(consulte el próximo aviso)"
    ),
    "th": NoShelter("(ยังไม่ทราบว่ามีสถานที่อพยพใดเปิด)", "(ไม่ทราบระยะทาง)", "(โปรดดูประกาศถัดไป)"),
    "id": NoShelter(
        "(belum diketahui tempat evakuasi yang buka)", "(jarak belum diketahui)", "(lihat pemberitahuan berikutnya)"
    ),
    "tl": NoShelter("(wala pang alam na bukas na silungan)", "(hindi alam ang layo)", "(tingnan ang susunod na abiso)"),
    "ne": NoShelter("(खुला आश्रयस्थल अहिलेसम्म थाहा छैन)", "(दूरी थाहा छैन)", "(अर्को सूचना हेर्नुहोस्)"),
    "km": NoShelter("(មិនទាន់ដឹងថាមានជម្រកណាបើកទេ)", "(មិនដឹងចម្ងាយ)", "(សូមមើលសេចក្តីជូនដំណឹងបន្ទាប់)"),
    "my": NoShelter("(ဖွင့်ထားသော ခိုလှုံရာနေရာ မသိရသေးပါ)", "(အကွာအဝေး မသိပါ)", "(နောက်အသိပေးချက်ကို ကြည့်ပါ)"),
    "mn": NoShelter(
        "(нээлттэй хоргодох байр одоогоор тодорхойгүй)", "(зай тодорхойгүй)", "(дараагийн мэдэгдлийг үзнэ үү)"
    ),
}

_ABOUT: dict[str, str] = {
    "ja": "約",
    "ja-x-easy": "だいたい ",
    "en": "about ",
    "zh-Hans": "约",
    "zh-Hant": "約",
    "ko": "약 ",
    "vi": "khoảng ",
    "pt": "cerca de ",
    "es": "unos ",
    "th": "ประมาณ ",
    "id": "sekitar ",
    "tl": "mga ",
    "ne": "करिब ",
    "km": "ប្រហែល ",
    "my": "ခန့်မှန်း ",
    "mn": "ойролцоогоор ",
}
_UNITS: dict[str, tuple[str, str]] = {
    "ja": ("m", "km"),
    "ja-x-easy": ("メートル", "キロメートル"),
    "zh-Hans": ("米", "公里"),
    "zh-Hant": ("公尺", "公里"),
}
KILOMETRE = 1000
_COMMA = frozenset({"vi", "pt", "es", "id"})

_ID_MONTHS = "Jan Feb Mar Apr Mei Jun Jul Agu Sep Okt Nov Des".split()  # noqa: SIM905  a row reads better than twelve strings
_EN_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()  # noqa: SIM905
_TL_MONTHS = "Ene Peb Mar Abr May Hun Hul Ago Set Okt Nob Dis".split()  # noqa: SIM905
_TH_MONTHS = "ม.ค. ก.พ. มี.ค. เม.ย. พ.ค. มิ.ย. ก.ค. ส.ค. ก.ย. ต.ค. พ.ย. ธ.ค.".split()  # noqa: SIM905
_NE_MONTHS = "जनवरी फेब्रुअरी मार्च अप्रिल मे जुन जुलाई अगस्ट सेप्टेम्बर अक्टोबर नोभेम्बर डिसेम्बर".split()  # noqa: SIM905

_MOMENTS: dict[str, Callable[[datetime], str]] = {
    "ja": lambda t: f"{t.month}月{t.day}日{t.hour}時{t.minute:02}分",
    "ja-x-easy": lambda t: f"{t.month}月{t.day}日 {t.hour}時{t.minute:02}分",
    "en": lambda t: f"{t:%H:%M}, {t.day} {_EN_MONTHS[t.month - 1]}",
    "zh-Hans": lambda t: f"{t.month}月{t.day}日{t:%H:%M}",
    "zh-Hant": lambda t: f"{t.month}月{t.day}日{t:%H:%M}",
    "ko": lambda t: f"{t.month}월 {t.day}일 {t.hour}시 {t.minute:02}분",
    "vi": lambda t: f"{t:%H:%M} ngày {t.day}/{t.month}",
    "pt": lambda t: f"{t:%H:%M} de {t.day}/{t.month}",
    "es": lambda t: f"{t:%H:%M} del {t.day}/{t.month}",
    "th": lambda t: f"{t:%H:%M} น. {t.day} {_TH_MONTHS[t.month - 1]}",
    "id": lambda t: f"pukul {t:%H.%M}, {t.day} {_ID_MONTHS[t.month - 1]}",
    "tl": lambda t: f"{t:%H:%M}, {t.day} {_TL_MONTHS[t.month - 1]}",
    "ne": lambda t: f"{_NE_MONTHS[t.month - 1]} {t.day}, {t:%H:%M}",
    "km": lambda t: f"ម៉ោង {t:%H:%M} ថ្ងៃទី {t.day} ខែ {t.month}",
    "my": lambda t: f"{t.month} လပိုင်း {t.day} ရက် {t:%H:%M}",
    "mn": lambda t: f"{t.month} сарын {t.day}, {t:%H:%M}",
}


def distance(metres: int, language: str) -> str:
    """`metres` in words: 「約800m」, "about 1.5 km"; English where the language is unknown."""
    metre, kilometre = _UNITS.get(language, (" m", " km"))
    about = _ABOUT.get(language) or _ABOUT["en"]
    if metres < KILOMETRE:
        return f"{about}{metres}{metre}"
    number = f"{metres / KILOMETRE:.1f}".removesuffix(".0")
    return about + (number.replace(".", ",") if language in _COMMA else number) + kilometre


def moment(at: datetime, language: str) -> str:
    """A local time as its reader writes it: 「11月23日21時05分」, "21:05, 23 Nov"; English where unknown."""
    return (_MOMENTS.get(language) or _MOMENTS["en"])(at)


def begins_as_drill(text: str, language: str) -> bool:
    """Whether `text` begins with its language's mark of a drill, in whatever brackets and width."""
    return folded(text).lstrip().startswith(folded(DRILL_MARKS[language]))


def drill_word(text: str, language: str) -> str | None:
    """The first word of a drill or test in `text`, or None: for texts that must be taken for real."""
    plain, words = folded(text), _WORDS.get(language) or _WORDS["en"]
    found = words.search(plain) or words.search(without_readings(plain))
    return found.group() if found else None


def drill_mark(text: str) -> str | None:
    """The first mark of a drill or test (a word in brackets) in `text`, or None. 「防災訓練のお知らせ」 has none."""
    found = _ANY_MARK.search(folded(text))
    return found.group() if found else None


def _bare(mark: str) -> str:
    return folded(mark).strip("()")


def _word(word: str) -> str:
    """Latin words only whole: "latest" is no test."""
    return rf"(?<![a-z]){word}(?![a-z])" if word.isascii() else re.escape(word)


_WORDS = {
    language: re.compile("|".join(map(_word, (*_DRILL_WORDS, _bare(mark))))) for language, mark in DRILL_MARKS.items()
}
_ANY_MARK = re.compile(
    r"\(\s*(?:" + "|".join(map(re.escape, {*_DRILL_WORDS, *map(_bare, DRILL_MARKS.values())})) + r")\s*\)"
)
