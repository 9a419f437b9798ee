"""What it means for a person that the database failed in the middle of something."""

from __future__ import annotations

import asyncpg

from words.problem import Problem

LOST = (
    ConnectionError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.OperatorInterventionError,
)
FAILED = (*LOST, asyncpg.DiskFullError)


def full() -> Problem:
    """Its disk has no room."""
    return Problem(
        "database.full",
        "",
        "データベースのディスクに空きがなく、書き込めません。空き容量を作ってください。空きができれば、再起動なしで続きます。",
        "The database cannot write: its disk is full. Free some space; everything goes on by itself then.",
    )


def lost() -> Problem:
    """It went away while it was asked."""
    return Problem(
        "database.lost",
        "",
        "データベースとの接続が途中で切れました。行われたかどうか分かりません。もう一度実行する前に todoke status で確かめてください。",
        "The database went away in the middle. Whether this was done is not known: see todoke status before you try again.",
    )


def as_problem(error: Exception) -> Problem:
    """`error` is one of FAILED."""
    return full() if isinstance(error, asyncpg.DiskFullError) else lost()
