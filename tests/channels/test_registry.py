from __future__ import annotations

from pathlib import Path

import pytest

from channels.memory import MemoryChannel, MemorySettings
from channels.registry import BUILT_IN, channel_types, open_channels
from channels.sms import SmsSettings
from tests.channels.cast import KEY, ORDER, TOME_PHONE
from tests.channels.plugins import PLUGINS, declare, install
from tests.channels.stands import sms_settings
from words.problem import Refused


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A directory on the path in which packages can be declared."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def refusal_of_types() -> list[str]:
    with pytest.raises(Refused) as refused:
        channel_types()
    return refused.value.say("en")


def broken(name: str, package: str, reason: str) -> str:
    return (
        f"{name}: The channel {name} of the package {package} cannot be loaded ({reason}). "
        "Repair or uninstall the package."
    )


class TestTypes:
    def test_ours_are_there(self) -> None:
        assert channel_types().keys() == {"line", "sms", "email", "memory"}

    def test_an_installed_package_adds_its_own(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        install(monkeypatch, tmp_path, PLUGINS / "letterbox")
        assert channel_types().keys() - BUILT_IN.keys() == {"letterbox"}

    def test_a_package_may_not_take_the_name_of_ours(self, site: Path) -> None:
        declare(site, "fast-line", {"line": "channels.memory:MemoryChannel"})
        assert refusal_of_types() == ["line: Both todoke and fast-line call a channel line. Uninstall one of them."]

    def test_two_packages_may_not_share_a_name(self, site: Path) -> None:
        for package in ("fax-one", "fax-two"):
            declare(site, package, {"fax": "channels.memory:MemoryChannel"})
        (sentence,) = refusal_of_types()
        assert "fax-one" in sentence
        assert "fax-two" in sentence

    def test_every_broken_package_is_named_at_once(self, site: Path) -> None:
        declare(site, "lost-fax", {"fax": "no_such_module:Fax"})
        declare(site, "odd-pager", {"pager": "channels.memory:MemorySettings"})
        assert refusal_of_types() == [
            broken("fax", "lost-fax", "ModuleNotFoundError: No module named 'no_such_module'"),
            broken("pager", "odd-pager", "channels.memory:MemorySettings is not a class with a Settings model"),
        ]

    def test_a_class_that_lacks_methods_is_told_which(self, site: Path) -> None:
        (site / "half_channel.py").write_text(
            "from channels.memory import MemorySettings\n"
            "class Half:\n    Settings = MemorySettings\n    def open(self): ...\n    def send(self): ...\n",
            encoding="utf-8",
        )
        declare(site, "half-done", {"half": "half_channel:Half"})
        assert "half_channel:Half lacks close, lane, cost, check" in refusal_of_types()[0]


class TestOpen:
    async def test_only_what_is_configured_is_open(self) -> None:
        async with open_channels({"memory": MemorySettings()}) as channels:
            assert channels.keys() == {"memory"}
            assert isinstance(channels["memory"], MemoryChannel)

    async def test_an_unknown_name_is_refused_with_those_there_are(self) -> None:
        with pytest.raises(Refused) as refused:
            await open_channels({"fax": MemorySettings()}).__aenter__()
        (sentence,) = refused.value.say("ja")
        assert sentence == (
            "fax: 配信手段「fax」はありません。使えるのは email, line, memory, sms です。"
            "名前を直すか、パッケージを入れてください。"
        )

    async def test_all_are_closed_when_the_work_is_over(self) -> None:
        async with open_channels({"sms": sms_settings("https://api.twilio.com")}) as channels:
            sms = channels["sms"]
        with pytest.raises(RuntimeError, match="not open"):
            await sms.send(ORDER, [TOME_PHONE], key=KEY, expires_at=None)


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_every_setting_is_described_for_the_reference(name: str) -> None:
    for setting, field in BUILT_IN[name].Settings.model_fields.items():
        assert field.description, f"{name}.{setting} lacks a description"


def test_the_settings_refuse_what_they_do_not_know() -> None:
    with pytest.raises(ValueError, match="Extra inputs are not permitted"):
        SmsSettings.model_validate({**sms_settings("https://api.twilio.com").model_dump(), "acount_sid": "typo"})
