"""A key that is gone is never replaced by a new one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.subscribers.cast import HANA, written
from tests.todoke.running import todoke

SANDBOX = (
    "--set=channels.sms.account_sid=AC00000000000000000000000000000000",
    "--set=channels.sms.auth_token=none",
    "--set=channels.sms.from_number=+815012345678",
)


@pytest.mark.parametrize("words", [("import", "subscribers"), ("worker", *SANDBOX)])
def test_without_the_key_that_sealed_the_contacts_a_command_is_refused_and_writes_none(
    words: tuple[str, ...], fresh_database_url: str, tmp_path: Path
) -> None:
    written(tmp_path, [HANA])
    file, key = str(tmp_path / "kawabe.csv"), tmp_path / "data" / "vault.key"
    settings = {"TODOKE_DATABASE_URL": fresh_database_url, "TODOKE_DATA": str(tmp_path / "data")}
    assert todoke("import", "subscribers", file, environment=settings).returncode == 0
    key.unlink()
    said = todoke(*words, *([file] if words[0] == "import" else []), "--lang=en", environment=settings)
    assert said.returncode == 1
    assert said.stderr.startswith(f"{key}: The key file that the contacts in this database were sealed with is missing")
    assert not key.exists()
