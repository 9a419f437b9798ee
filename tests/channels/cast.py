"""The people and texts of the channel tests."""

from __future__ import annotations

from uuid import UUID

from channels.contract import Message, Recipient

ORDER = Message(
    language="ja",
    subject="【避難指示】川辺町",
    body="川辺町に避難指示を出しました。\n川の近くの方は、すぐに川辺小学校へ避難してください。",
)
FESTIVAL = Message(language="zh-Hans", subject="川边花火大会", body="今晚七点，河边。", loud=False)

HANA_LINE = Recipient("U" + "a" * 32, "d1.b1.0")
LINH_LINE = Recipient("U" + "b" * 32, "d1.b1.1")
TOME_PHONE = Recipient("+819012345678", "d1.b2.0")
KEN_MAIL = Recipient("ken@hill.example", "d1.b3.0")
HANA_MAIL = Recipient("hana..kawabe.@docomo.ne.jp", "d1.b3.1")

KEY = UUID("0b8bd2b2-9a0f-5c0e-8d9e-5a0c8f4e1d11")
OTHER_KEY = UUID("5e0f4c57-1c61-57f2-a4f8-3f2ad12f6d22")
