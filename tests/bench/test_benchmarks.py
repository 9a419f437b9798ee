"""Every benchmark at toy size finds that what it timed was right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import match, peers
from geo.index import PlaceIndex
from tests.bench.conftest import Bench


def _counts(result: dict[str, Any]) -> None:
    assert result["counted"], result["reasons"]
    assert result["ratio"] > 0
    assert result["lines"]


def test_fanout_reaches_each_once_and_durably(bench: Bench) -> None:
    result = bench("fanout", "--recipients", "1200", "--runs", "1")
    _counts(result)
    assert result["recipients"] == 1200
    assert result["phases"]["planned"] > 0


def test_the_mix_reaches_each_once_and_durably(bench: Bench) -> None:
    _counts(bench("fanout", "--mix", "--recipients", "400", "--runs", "1"))


def test_first_send_is_timed_and_checked(bench: Bench) -> None:
    result = bench("first_send", "--audience", "800", "--places", "3000", "--dispatches", "2")
    _counts(result)
    assert result["dispatches"] == 2
    assert result["p50_ms"] > 0


def test_an_evacuation_order_comes_before_tourism_which_goes_on(bench: Bench) -> None:
    _counts(bench("preempt", "--recipients", "12000", "--rate", "20", "--runs", "1"))


@pytest.mark.usefixtures("chromium")
def test_the_console_is_asked_in_a_browser(bench: Bench) -> None:
    result = bench("console", "--subscribers", "2000", "--asks", "2")
    _counts(result)
    assert result["areas"][-1]["people"] > result["areas"][0]["people"] > 0
    assert all(result["first_content_ms"].values())


def test_watchers_all_see_it_and_everybody_is_reached(bench: Bench) -> None:
    result = bench("watchers", "--recipients", "3000", "--watchers", "3", "--runs", "1")
    assert result["counted"], result["reasons"]
    assert result["fewest_looks"] > 0
    assert result["lines"]


def test_two_workers_are_compared_with_one(bench: Bench) -> None:
    result = bench("scale", "--recipients", "2000", "--runs", "1", "--old-batches", "2000")
    _counts(result)
    assert result["claims"]["blocked"] == 0
    assert result["plan"]


def test_two_processes_follow_people_who_move_exactly(bench: Bench) -> None:
    result = bench("follow", "--places", "3000", "--seconds", "3", "--rate", "500")
    _counts(result)
    assert result["checks"] >= 2
    assert result["people_compared"] > 0


def test_counts_while_drawing_are_those_of_everybody_written_out(bench: Bench) -> None:
    result = bench("counting", "--subscribers", "3000", "--asks", "2")
    _counts(result)
    assert [row["people"] > 0 for row in result["areas"]] == [True, True, True]


def test_the_wire_is_compared_with_bare_clients(bench: Bench) -> None:
    result = bench("wire", "--calls", "100", "--runs", "1")
    _counts(result)
    assert set(result) >= {"line", "sms", "email", "email_pipelining"}


def test_fences_find_what_shapely_finds(bench: Bench) -> None:
    result = bench("fences", "--areas", "60", "--corners", "50", "--updates", "3000", "--runs", "1")
    _counts(result)
    assert result["held"] > 0
    assert {"shapely"} <= set(result["peers"])
    assert set(result["peers"]) | set(result["left_out"]) == {"shapely", "PostGIS"}


def test_shelters_are_the_nearest_and_never_too_full(bench: Bench) -> None:
    result = bench("shelters", "--people", "4000", "--shelters", "150", "--runs", "1")
    _counts(result)
    assert result["mean_shared_m"] > result["mean_m"]


def test_peers_that_are_not_installed_are_left_out_and_named(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "PYTHON", tmp_path / "nowhere")
    result = bench("peers", "--recipients", "600", "--tasks", "10", "--runs", "1")
    assert not result["counted"]
    assert result["reasons"] == ["no task queue could be run"]
    assert set(result["left_out"]) == set(peers.QUEUES)


def test_who_is_in_an_area_is_checked_by_shapely_though_no_peer_is_there(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(match, "PYTHON", tmp_path / "nowhere")
    result = bench("match", "--places", "20000", "--towns", "--runs", "1")
    assert result["counted"]
    assert result["found"][match.JUDGED] > 0
    assert result["left_out"]["geoindex-rs"] == "there is no .venv-bench; `make bench-peers` makes it"


def test_an_index_that_finds_somebody_too_many_does_not_count(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    within = PlaceIndex.within
    monkeypatch.setattr(PlaceIndex, "within", lambda index, area: np.append(within(index, area), 7))
    result = bench("match", "--places", "2000", "--runs", "1", "--alone")
    assert not result["counted"]
    assert result["reasons"][0] == "shapely finds other places in a box over 1 %"
