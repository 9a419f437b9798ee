"""The texts a town begins with, until its officers write their own: five languages, for each purpose.

Every text names the area, the level and the hazard by placeholder or by law's words, and an order says what to do and
where to go. Sources of the actions: 内閣府「避難情報に関するガイドライン」, table of what each level asks of residents.
"""

from __future__ import annotations

from dispatcher.event_texts import Text
from words.terms import hazard_name

_ACTIONS: dict[str, dict[int, str]] = {
    "ja": {
        3: "高齢の方や避難に時間のかかる方は、いますぐ危険な場所から避難してください。ほかの方も準備を始めてください。",
        4: "危険な場所にいる方は、全員いますぐ避難してください。",
        5: "すでに命が危険な状況です。いますぐ、少しでも安全な場所で命を守る行動をとってください。",
    },
    "ja-x-easy": {
        3: "お年寄(としよ)りや 逃(に)げるのに 時間(じかん)が かかる人(ひと)は、今(いま)すぐ 逃(に)げてください。"
        "ほかの人(ひと)も 準備(じゅんび)を してください。",
        4: "危(あぶ)ない 場所(ばしょ)に いる人(ひと)は、みんな 今(いま)すぐ 逃(に)げてください。",
        5: "とても 危(あぶ)ないです。今(いま)すぐ、少(すこ)しでも 安全(あんぜん)な 場所(ばしょ)で "
        "命(いのち)を 守(まも)ってください。",
    },
    "en": {
        3: "Older people and all who need time must leave dangerous places now. Everybody else: get ready.",
        4: "Everybody in a dangerous place must leave now.",
        5: "Lives are in danger already. Protect yourself at once, wherever is even a little safer.",
    },
    "zh-Hans": {
        3: "老年人以及避难需要时间的人，请立即离开危险的地方。其他人请做好准备。",
        4: "在危险地方的所有人，请立即避难。",
        5: "生命已经面临危险。请立即在尽可能安全的地方保护自己。",
    },
    "zh-Hant": {
        3: "年長者以及避難需要時間的人，請立即離開危險的地方。其他人請做好準備。",
        4: "在危險地方的所有人，請立即避難。",
        5: "生命已經面臨危險。請立即在盡可能安全的地方保護自己。",
    },
}

_SUBJECTS: dict[str, dict[str, str]] = {
    "ja": {
        "order": "{level_name}",
        "still": "{level_name}（引き続き）",
        "released": "区域の変更のお知らせ",
        "corrects": "訂正",
        "lifts": "解除のお知らせ",
    },
    "ja-x-easy": {
        "order": "{level_name}",
        "still": "{level_name}（まだ 続(つづ)いています）",
        "released": "場所(ばしょ)が 変(か)わりました",
        "corrects": "まちがいの お知(し)らせ",
        "lifts": "おわりの お知(し)らせ",
    },
    "en": {
        "order": "{level_name}",
        "still": "{level_name}, still in force",
        "released": "The area has changed",
        "corrects": "Correction",
        "lifts": "Lifted",
    },
    "zh-Hans": {
        "order": "{level_name}",
        "still": "{level_name}（仍然有效）",
        "released": "区域变更通知",
        "corrects": "更正",
        "lifts": "解除通知",
    },
    "zh-Hant": {
        "order": "{level_name}",
        "still": "{level_name}（仍然有效）",
        "released": "區域變更通知",
        "corrects": "更正",
        "lifts": "解除通知",
    },
}

_BODIES: dict[str, dict[str, str]] = {
    "ja": {
        "order": "{issued_at}、{area_name}に【H】に関する{level_name}を発令しました。\n【A】\n"
        "避難先：{shelter_name} {shelter_distance}\n{shelter_url}",
        "still": "{issued_at}、【H】に関する区域を変更しました。あなたのいる{area_name}には、"
        "引き続き{level_name}が出ています。\n【A】\n避難先：{shelter_name} {shelter_distance}\n{shelter_url}",
        "released": "{issued_at}、【H】に関する区域を変更しました。"
        "お知らせした場所は、対象の区域から外れました。今後の情報に注意してください。",
        "corrects": "先ほどお送りした【H】に関する{level_name}のお知らせは誤りでした。取り消して、おわびします。"
        "正しい情報は、あらためてお知らせします。",
        "lifts": "{issued_at}、【H】に関する{level_name}を解除しました。"
        "お帰りの際は、足もとや崩れやすい場所に気をつけてください。",
    },
    "ja-x-easy": {
        "order": "{issued_at}\n{area_name}に 【H】の {level_name}が 出(で)ました。\n【A】\n"
        "逃(に)げる ところ：{shelter_name} {shelter_distance}\n{shelter_url}",
        "still": "{issued_at}\n場所(ばしょ)が 変(か)わりました。{area_name}は まだ 【H】の {level_name}です。\n【A】\n"
        "逃(に)げる ところ：{shelter_name} {shelter_distance}\n{shelter_url}",
        "released": "{issued_at}\n【H】の 場所(ばしょ)が 変(か)わりました。"
        "あなたの 場所(ばしょ)は もう 入(はい)っていません。次(つぎ)の お知(し)らせに 気(き)をつけてください。",
        "corrects": "さっきの 【H】の お知(し)らせは まちがいでした。ごめんなさい。"
        "正(ただ)しい ことは、また 知(し)らせます。",
        "lifts": "{issued_at}\n【H】の お知(し)らせは おわりました。帰(かえ)るとき、気(き)をつけてください。",
    },
    "en": {
        "order": "{issued_at}: {level_name} for {area_name} because of: 【H】.\n【A】\n"
        "Go to: {shelter_name} {shelter_distance}\n{shelter_url}",
        "still": "{issued_at}: the area has changed (【H】). {level_name} is still in force for you in {area_name}.\n【A】\n"
        "Go to: {shelter_name} {shelter_distance}\n{shelter_url}",
        "released": "{issued_at}: the area has changed (【H】). Your place is no longer inside it. "
        "Watch for further notices.",
        "corrects": "The notice about 【H】 that we sent a moment ago was wrong. It is withdrawn, and we apologise. "
        "The right information will follow.",
        "lifts": "{issued_at}: the call to evacuate (【H】) is lifted. "
        "Mind your step on your way home, and slopes that may give way.",
    },
    "zh-Hans": {
        "order": "{issued_at}：因【H】，对{area_name}发布{level_name}。\n【A】\n"
        "避难地点：{shelter_name} {shelter_distance}\n{shelter_url}",
        "still": "{issued_at}：【H】的对象区域已变更。您所在的{area_name}的{level_name}仍然有效。\n【A】\n"
        "避难地点：{shelter_name} {shelter_distance}\n{shelter_url}",
        "released": "{issued_at}：【H】的对象区域已变更。您的地点已不在区域内。请继续留意后续信息。",
        "corrects": "刚才发送的关于【H】的通知有误，现予撤回并致歉。正确信息将另行通知。",
        "lifts": "{issued_at}：关于【H】的避难通知已解除。回家途中请注意脚下及容易崩塌的地方。",
    },
    "zh-Hant": {
        "order": "{issued_at}：因【H】，對{area_name}發布{level_name}。\n【A】\n"
        "避難地點：{shelter_name} {shelter_distance}\n{shelter_url}",
        "still": "{issued_at}：【H】的對象區域已變更。您所在的{area_name}的{level_name}仍然有效。\n【A】\n"
        "避難地點：{shelter_name} {shelter_distance}\n{shelter_url}",
        "released": "{issued_at}：【H】的對象區域已變更。您的地點已不在區域內。請繼續留意後續資訊。",
        "corrects": "剛才發送的關於【H】的通知有誤，現予撤回並致歉。正確資訊將另行通知。",
        "lifts": "{issued_at}：關於【H】的避難通知已解除。回家途中請注意腳下及容易崩塌的地方。",
    },
}

_SMS: dict[str, dict[str, str]] = {
    "ja": {
        "order": "{area_name}に【H】の{level_name}。【S】{shelter_name}",
        "still": "{area_name}は引き続き【H】の{level_name}。【S】{shelter_name}",
        "released": "【H】の区域を変更しました。お知らせした場所は対象から外れました。",
        "corrects": "先ほどの【H】の{level_name}は誤りでした。取り消して、おわびします。",
        "lifts": "【H】に関する{level_name}を解除しました。",
    }
}
_SHORT_ACTIONS = {3: "高齢者等は避難してください。", 4: "全員避難してください。", 5: "命を守ってください。"}


def first_texts(hazard: str, level: int, purpose: str) -> dict[str, Text]:
    """By language. `purpose` is one of `templates.Purpose`."""
    return {language: _text(language, hazard, level, purpose) for language in _BODIES}


def _text(language: str, hazard: str, level: int, purpose: str) -> Text:
    name = hazard_name(hazard, language)
    body = _BODIES[language][purpose].replace("【H】", name).replace("【A】", _ACTIONS[language][level])
    sms = _SMS.get(language, {}).get(purpose, "").replace("【H】", name).replace("【S】", _SHORT_ACTIONS[level])
    return Text(_SUBJECTS[language][purpose], body, sms)
