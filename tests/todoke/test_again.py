"""`todoke again` as an officer types it: it shows first, and sends only over two names and the number."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from asyncpg import Pool

from channels.contract import Answer, Verdict
from tests.dispatcher.engine_room import CAST, Kawabe, kawabe, order, people
from tests.todoke.running import todoke

OUTCOME = "update batch set outcomes = set_byte(outcomes, 0, 14) where dispatch = $1 and channel = 'email'"
BY = ("--requested-by", "佐藤", "--approved-by", "森")


@pytest.fixture
async def town(pool: Pool, tmp_path: Path) -> Kawabe:
    town = await kawabe(pool)
    await town.settle(tmp_path, list(CAST.values()))
    return town


@pytest.fixture
async def quarantined(town: Kawabe) -> str:
    """An order of which Mei's mail was given up by us."""
    town.email.will_answer(Answer(Verdict.REJECTED, code="401"))
    end = await town.sent(order())
    await town.pool.execute(OUTCOME, end.dispatch)
    return end.dispatch


def again(url: str, tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return todoke("again", *words, "--data", str(tmp_path), environment={"TODOKE_DATABASE_URL": url})


async def test_without_names_it_shows_whom_it_concerns_and_changes_nothing(
    town: Kawabe, quarantined: str, fresh_database_url: str, tmp_path: Path
) -> None:
    ended = again(fresh_database_url, tmp_path, quarantined, "--lang", "ja")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == [
        f"{quarantined}: 届いていないことが確かな人 1 人(まだ何もしていません)",
        "  email: quarantined × 1",
        f"送り直すには: todoke again {quarantined} --people 1 --requested-by 名前 --approved-by 名前",
    ]
    assert await town.pool.fetchval("select count(*) from replay") == 0


async def test_two_names_and_the_number_send_it(
    town: Kawabe, quarantined: str, fresh_database_url: str, tmp_path: Path
) -> None:
    ended = again(fresh_database_url, tmp_path, quarantined, *BY, "--people", "1", "--json")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["people"] == 1
    async with town.at_work():
        await town.over(quarantined)
    assert people(town.email) == ["mei@gmail.com"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--requested-by", "佐藤", "--approved-by", "佐藤", "--people", "1"), "別の"),
        ((*BY, "--people", "2"), "1 人"),
        ((*BY, "--people", "1", "--channel", "line"), "いません"),
    ],
    ids=["one person alone", "another number", "nobody on that channel"],
)
async def test_what_does_not_do_is_refused_in_a_sentence(
    town: Kawabe, quarantined: str, fresh_database_url: str, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    ended = again(fresh_database_url, tmp_path, quarantined, *words, "--lang", "ja")
    assert ended.returncode == 1
    assert said in ended.stderr
    assert await town.pool.fetchval("select count(*) from replay") == 0
