"""A town's own districts."""

from __future__ import annotations

import json

import pytest
import shapely

from console.where.districts import read_districts
from words.problem import Refused


def collection(*names: object) -> bytes:
    shape = json.loads(shapely.to_geojson(shapely.box(133.69, 34.59, 133.71, 34.61)))
    features = [{"type": "Feature", "properties": {"name": name}, "geometry": shape} for name in names]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


def test_districts_come_in_the_order_of_the_file() -> None:
    assert [each.name for each in read_districts(collection("山手", " 川西 "))] == ["山手", "川西"]


def test_a_district_without_a_name_or_with_anothers_is_refused() -> None:
    with pytest.raises(Refused) as refusal:
        read_districts(collection("山手", "", "山手", 7))
    assert [problem.where for problem in refusal.value.problems] == [
        "districts/features/1/properties/name",
        "districts/features/2/properties/name",
        "districts/features/3/properties/name",
    ]
    assert refusal.value.say("ja")[0].endswith("地区に名前がありません。properties の name に書いてください。")


def test_a_file_without_districts_is_refused() -> None:
    with pytest.raises(Refused, match="There is no district in it"):
        read_districts(b'{"type": "FeatureCollection", "features": []}')
