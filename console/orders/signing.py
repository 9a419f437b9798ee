"""Whose names a dispatch carries that came of an order."""

from __future__ import annotations

import unicodedata

from asyncpg import Record

from console.orders.model import Author, Connection, Kind, Order
from dispatcher.signing import Signatures
from words.sql import sql

_NAMES = sql("console.orders", "names")


async def signatures(connection: Connection, order: Order) -> Signatures:
    """Raises ValueError for an order that nobody submitted or approved."""
    if order.submission is None or order.approval is None:
        raise ValueError("nobody has signed it")
    authors = [order.submission.author, order.approval.author]
    known = {row["id"]: row for row in await connection.fetch(_NAMES, [a.officer for a in authors if a.officer])}
    asked, approved = (_name(author, known) for author in authors)
    if order.approval.kind is Kind.ALONE:
        approved = f"{asked}（緊急発信・単独）"
    elif _person(asked) == _person(approved) and order.approval.kind is Kind.SECOND:
        # Two of one name are two all the same.
        asked, approved = (_full_name(author, known) for author in authors)
    return Signatures(
        asked, approved, counted=order.approval.counted, request=f"order-{order.id}-{order.submission.number}"
    )


def _name(author: Author, known: dict[int, Record]) -> str:
    return str(known[author.officer]["name"]) if author.officer is not None else f"API: {author.key}"


def _full_name(author: Author, known: dict[int, Record]) -> str:
    if author.officer is None:
        return f"API: {author.key}"
    return f"{known[author.officer]['name'][:30]} ({known[author.officer]['login']})"


def _person(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())
