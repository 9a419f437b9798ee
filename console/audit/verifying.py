"""Whether the record is what was written: every row read, and every head that was put away outside compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from asyncpg import Pool, Record

from console.audit.chain import START, link
from console.audit.heads import Head
from words.problem import Problem
from words.sql import sql

_LIST_ROWS = sql("console.audit", "list_rows")
_HEAD = sql("console.audit", "head")
_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """`rows` that fit; `first_bad` is the first that does not, or is missing, and `problem` says how; None: all is well."""

    rows: int
    heads: int
    hash: bytes
    first_bad: int | None = None
    problem: Problem | None = None


class _Walk:
    """Along the chain, with the outside heads at hand."""

    def __init__(self, heads: Mapping[int, bytes]) -> None:
        self.heads = heads
        self.seq, self.hash = 0, START
        self.proven, self.compared = 0, 0
        """The last row an outside head agreed with, and how many did."""

    def fault(self, row: Record) -> tuple[int, Problem] | None:
        """What is wrong with the next row; it is taken when nothing is."""
        expected = self.seq + 1
        if row["seq"] != expected:
            return expected, _missing(expected)
        made = link(self.hash, expected, row["at"], row["actor"], row["action"], row["subject"], row["details"])
        if made != row["hash"]:
            return expected, _changed(expected)
        outside = self.heads.get(expected)
        if outside is not None:
            if outside != made:
                return self.proven + 1, _rebuilt(self.proven + 1, expected)
            self.proven, self.compared = expected, self.compared + 1
        self.seq, self.hash = expected, made
        return None

    def ending(self, kept: Record | None) -> tuple[int, Problem] | None:
        """What is wrong with where the chain ends, by the database's own head and the last one outside."""
        last = max(self.heads, default=0)
        if kept is None or last > self.seq or kept["seq"] > self.seq:
            return self.seq + 1, _cut(self.seq + 1, max(last, kept["seq"] if kept else 0))
        if (kept["seq"], kept["hash"]) != (self.seq, self.hash):
            return self.seq, _changed(self.seq)
        return None


async def verify(pool: Pool, heads: Sequence[Head]) -> Verdict:
    """Read the whole record as it stands now; `heads` are those put away outside, their signatures checked."""
    walk, found = _Walk({head.seq: head.hash for head in heads}), None
    contradiction = next(_contradictions(heads), None)
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        kept = await connection.fetchrow(_HEAD)
        cursor = await connection.cursor(_LIST_ROWS)
        while found is None and (rows := await cursor.fetch(_AT_ONCE)):
            found = next(filter(None, map(walk.fault, rows)), None)
    found = found or walk.ending(kept) or contradiction
    seq, problem = found or (None, None)
    return Verdict(walk.seq, walk.compared, walk.hash, seq, problem)


def _contradictions(heads: Sequence[Head]) -> Iterator[tuple[int, Problem]]:
    seen: dict[int, bytes] = {}
    for head in heads:
        if seen.setdefault(head.seq, head.hash) != head.hash:
            yield head.seq, _rebuilt(head.seq, head.seq)


def _missing(seq: int) -> Problem:
    return Problem(
        "audit.missing",
        f"seq {seq}",
        f"記録の {seq} 番の行がありません。削除されたおそれがあります。データベースの控えと比べてください。",
        f"Row {seq} of the record is missing; it may have been deleted. Compare with a backup of the database.",
    )


def _changed(seq: int) -> Problem:
    return Problem(
        "audit.changed",
        f"seq {seq}",
        f"記録の {seq} 番の行は、書かれた時のものと違います。この行か、その直前が書き換えられています。"
        "データベースの控えと比べてください。",
        f"Row {seq} of the record is not what was written: it, or the one before it, was changed. "
        "Compare with a backup of the database.",
    )


def _rebuilt(first: int, last: int) -> Problem:
    return Problem(
        "audit.rebuilt",
        f"seq {first}",
        f"記録の {first} 番から {last} 番までの間が、外に控えた署名付きの値と合いません。"
        "記録が作り直されたおそれがあります。データベースの控えと比べてください。",
        f"Somewhere in rows {first} to {last} the record differs from the signed head kept outside: "
        "it may have been made anew. Compare with a backup of the database.",
    )


def _cut(first: int, last: int) -> Problem:
    return Problem(
        "audit.cut",
        f"seq {first}",
        f"記録の {first} 番から先({last} 番まで)がありません。末尾が切り取られたか、古い控えから戻されています。",
        f"The record ends before row {first}, though {last} rows were written: its tail was cut, "
        "or the database restored from an older backup.",
    )
