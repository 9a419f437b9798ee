"""Where the server cannot run, a sentence says what to do."""

from __future__ import annotations

import fcntl
import os
import pwd
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.todoke.embedded.conftest import CHECKOUT, Town
from todoke.embedded import server, using_embedded_postgres
from words.problem import Refused

ROOT = os.geteuid() == 0
NOBODY = 65534


def refusal(data: Path) -> Refused:
    with pytest.raises(Refused) as refused, using_embedded_postgres(data):
        pass
    return refused.value


def test_a_database_of_another_version(town: Town) -> None:
    with using_embedded_postgres(town.data):
        pass
    town.wait_until_stopped()
    (town.place / "cluster" / "PG_VERSION").write_text("17\n")
    refused = refusal(town.data)
    assert "made by PostgreSQL 17; the embedded 18 cannot use it" in refused.say("en")[0]
    assert "PostgreSQL 17 で作られており" in refused.say("ja")[0]


def test_a_server_that_cannot_be_reached_from_here(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "PATIENCE", 0)
    town.place.mkdir(parents=True)
    lock = os.open(town.place / "server.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    refused = refusal(town.data)
    os.close(lock)
    assert "in use by a PostgreSQL that cannot be reached from here" in refused.say("en")[0]
    assert "別のホストかコンテナ" in refused.say("ja")[0]


def test_a_path_that_is_too_long(tmp_path: Path) -> None:
    refused = refusal(tmp_path.joinpath(*["川" * 80] * 4))
    assert "too long (at most 900 bytes)" in refused.say("en")[0]
    assert "長すぎます" in refused.say("ja")[0]


def test_a_data_directory_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    refused = refusal(tmp_path / "data")
    assert "The data directory cannot be written" in refused.say("en")[0]
    assert "書き込めません" in refused.say("ja")[0]


@pytest.mark.skipif(not ROOT, reason="needs root, to be somebody else")
def test_somebody_elses_database(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    said = _as_nobody(tmp_path)
    assert "This data directory belongs to the user root" in said
    assert "root として実行するか" in said
    assert (
        f"If it was restored from a backup, run `chown -R {pwd.getpwuid(NOBODY).pw_name} {tmp_path}` as root." in said
    )


@pytest.mark.skipif(not ROOT, reason="needs root, to restore as root")
def test_a_database_that_root_restored(town: Town) -> None:
    with using_embedded_postgres(town.data):
        pass
    town.wait_until_stopped()
    copy = town.data.with_name("restored")
    shutil.copytree(town.data, copy)
    refused = refusal(copy)
    (command,) = re.findall("`(.*)`", refused.say("en")[0])
    assert refused.say("en")[0].endswith(f"Run `{command}` as root.")
    assert f"root で `{command}` を実行してください。" in refused.say("ja")[0]
    subprocess.run(command.split(), check=True)
    with using_embedded_postgres(copy):
        pass


@pytest.mark.skipif(not ROOT, reason="needs root, to give files to nobody we know")
def test_a_database_of_a_user_without_a_name(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    os.chown(tmp_path / "postgres", 54_321, 54_321)
    refused = refusal(tmp_path)
    assert "belong to the user number 54321, who has no name here." in refused.say("en")[0]
    assert "利用者番号 54321 ですが、この環境に名前がありません。" in refused.say("ja")[0]
    assert "`chown -R " in refused.say("en")[0]


@pytest.mark.skipif(not ROOT, reason="needs root, to be somebody else")
def test_a_directory_that_may_not_be_written(tmp_path: Path) -> None:
    assert "The data directory cannot be written (Permission denied)" in _as_nobody(tmp_path)


@pytest.mark.skipif(not ROOT or shutil.which("unshare") is None, reason="needs root, to make a small disk")
def test_a_full_disk(tmp_path: Path) -> None:
    script = 'mount -t tmpfs -o size=8m small "$1" && exec "$2" -m todoke migrate --lang en --data "$1/data"'
    small = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", str(tmp_path), sys.executable]
    done = subprocess.run(small, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "The disk is full, so the database cannot start." in done.stderr


@pytest.mark.skipif(not ROOT or shutil.which("setpriv") is None, reason="needs root, to give up a right of it")
def test_a_closed_directory_where_nothing_can_be_hidden(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    confined = ["setpriv", "--bounding-set", "-sys_admin", sys.executable, "-m", "todoke", "migrate"]
    done = subprocess.run(
        [*confined, "--lang", "en", "--data", str(tmp_path / "data")],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "does not permit a private view of them (a mount namespace)." in done.stderr
    assert tmp_path.stat().st_mode & 0o777 == 0o700


def _as_nobody(data: Path) -> str:
    """What an ordinary user reads who tries: in a child that has become one, with the directory within reach."""
    read, write = os.pipe()
    for parent in (data, data.parent, data.parent.parent, data.parent.parent.parent):
        parent.chmod(parent.stat().st_mode | 0o055)
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        try:
            with using_embedded_postgres(data):
                pass
        except Refused as refused:
            os.write(write, "\n".join(refused.say("en") + refused.say("ja")).encode())
        os._exit(0)
    os.waitpid(child, 0)
    said = os.read(read, 10_000).decode()
    os.close(read)
    os.close(write)
    return said
