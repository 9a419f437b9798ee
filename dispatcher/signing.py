"""Signing: who asked for a dispatch, who approved it, and what they had before their eyes."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from dispatcher.events import Event
from dispatcher.model import Mode
from words.problem import Problem, Refused

_NAME_LENGTH = 100
_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Controls, line breaks, and what turns the reading direction."""
_LEAST_DIGITS = 12
"""Of a digest: so many nobody hits by chance, and are still compared by eye."""


@dataclass(frozen=True, slots=True)
class Signatures:
    """Who asked for a dispatch and who approved it, and what they saw then.

    `digest`: of the content they approved, or its first 12 digits at least. `counted`: how many people they were told
    are in the area. `request`: a name of the asker's own for this one wish; asking again by it sends nothing twice.
    """

    requested_by: str
    approved_by: str
    digest: str | None = None
    counted: int | None = None
    request: str | None = None


def check_signatures(event: Event, signatures: Signatures) -> None:
    """Raises Refused: unsigned, a name that is none, a live event signed by one person, or content that nobody approved."""
    names = {"requested_by": signatures.requested_by.strip(), "approved_by": signatures.approved_by.strip()}
    if not all(names.values()):
        raise Refused(_unsigned())
    if signatures.request is not None:
        names["request"] = signatures.request.strip()
    unfit = [where for where, name in names.items() if not _is_name(name)]
    if unfit:
        raise Refused([_no_name(where) for where in unfit])
    if event.mode is Mode.LIVE and len({_person(names["requested_by"]), _person(names["approved_by"])}) == 1:
        raise Refused(_one_person())
    if signatures.digest is not None and not _same_digest(signatures.digest, event.digest):
        raise Refused(_content_changed(event.digest))


def check_name(where: str, name: str) -> None:
    """Raises Refused when it is no name to be kept beside a dispatch."""
    if not _is_name(name.strip()):
        raise Refused(_no_name(where))


def _is_name(name: str) -> bool:
    return 0 < len(name) <= _NAME_LENGTH and _UNWRITABLE.search(name) is None


def _same_digest(seen: str, digest: str) -> bool:
    wanted = seen.strip().lower()
    return len(wanted) >= _LEAST_DIGITS and digest.startswith(wanted)


def _person(name: str) -> str:
    """佐藤 and 佐　藤, Sato and ＳＡＴＯ are one person: four eyes are not had by writing a name differently."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _unsigned() -> Problem:
    return Problem(
        "send.unsigned",
        "approved_by",
        "本番の配信には、依頼者と承認者の名前が必要です。--requested-by と --approved-by を指定してください。",
        "A live send needs the names of who asks and who approves: give --requested-by and --approved-by.",
    )


def _one_person() -> Problem:
    return Problem(
        "send.four_eyes",
        "approved_by",
        "本番の配信には、依頼者と別の承認者が必要です。別の職員の名前を --approved-by に指定してください。",
        "A live send needs two different people. Name another officer with --approved-by.",
    )


def _no_name(where: str) -> Problem:
    return Problem(
        "send.name",
        where,
        f"名前は、改行や制御文字のない {_NAME_LENGTH} 文字までで書いてください。",
        f"A name has up to {_NAME_LENGTH} characters, without line breaks or control characters. Write it that way.",
    )


def _content_changed(digest: str) -> Problem:
    return Problem(
        "content_changed",
        "digest",
        "承認した時から内容が変わっています。todoke match でもう一度内容を確かめ、そこに示されたダイジェスト"
        f"（{digest[:_LEAST_DIGITS]}…、{_LEAST_DIGITS} 桁以上）で承認してください。何も送っていません。",
        "The content is not what was approved. Look at it once more with todoke match, and approve it by the digest it "
        f"shows ({digest[:_LEAST_DIGITS]}…, {_LEAST_DIGITS} digits or more). Nothing was sent.",
    )
