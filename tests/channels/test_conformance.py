from __future__ import annotations

from pathlib import Path

import pytest

from tests.channels.conformance import Conformance
from tests.channels.plugins import PLUGINS, install
from tests.channels.stands import STANDS


class TestEveryChannel(Conformance):
    @pytest.fixture(params=sorted(STANDS))
    def name(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
        install(monkeypatch, tmp_path, PLUGINS / "letterbox")
        return str(request.param)
