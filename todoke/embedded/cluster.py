"""The database files: made once, for one major version, and given their settings at every start."""

from __future__ import annotations

import errno
import os
import pwd
import shutil
from importlib import resources

from todoke.embedded.account import ROOT
from todoke.embedded.place import Place
from todoke.embedded.seclusion import Seclusion
from words.problem import Problem, Refused

SUPERUSER = "todoke"
INITDB = (
    f"--username={SUPERUSER}",
    "--auth=peer",
    "--encoding=UTF8",
    # PostgreSQL's own C.UTF-8: its order never changes with the operating system's library.
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--no-instructions",
)


def prepare_cluster(place: Place, seclusion: Seclusion) -> None:
    """The database files, made if there are none, with today's settings. Raises Refused when they cannot be used."""
    if not place.cluster.exists():
        _create(place, seclusion)
    _check_version(place, seclusion.software.major)
    try:
        for name, text in _settings(place).items():
            path = place.cluster / name
            path.write_text(text, encoding="utf-8")
            place.own(path)
    except OSError as error:
        raise Refused(_not_written(place, error)) from None


def _create(place: Place, seclusion: Seclusion) -> None:
    """Under another name until it is whole: an interrupted initdb leaves nothing that looks like a database."""
    half = place.root / "cluster.new"
    shutil.rmtree(half, ignore_errors=True)
    done = seclusion.run([seclusion.program("initdb"), "--pgdata", seclusion.inside(half), *INITDB])
    if done.returncode != 0:
        shutil.rmtree(half, ignore_errors=True)
        raise Refused(failure(place, done.stdout))
    half.rename(place.cluster)


def _settings(place: Place) -> dict[str, str]:
    package = resources.files("todoke.embedded")
    texts = {name: package.joinpath(name).read_text(encoding="utf-8") for name in ("postgresql.conf", "pg_hba.conf")}
    texts["postgresql.conf"] += _memory()
    return texts | {"pg_ident.conf": _who_may_enter(place)}


def _memory() -> str:
    """An eighth of the machine for the cache: the addresses of a whole city are read within seconds.

    Within 128 MB, which suits the smallest machine, and 2 GB, which holds the contacts of three million people.
    """
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    cache = max(128, min(2048, machine // 8))
    return f"\nshared_buffers = {cache}MB\neffective_cache_size = {max(cache, machine // 2)}MB\n"


def _who_may_enter(place: Place) -> str:
    """The server's own user, as whom ordinary users run Todoke, and root, who could become it anyway."""
    names = dict.fromkeys([place.account.name, pwd.getpwuid(ROOT).pw_name])
    return "".join(f'{SUPERUSER}  "{name}"  {SUPERUSER}\n' for name in names)


def _check_version(place: Place, major: str) -> None:
    try:
        made_by = (place.cluster / "PG_VERSION").read_text(encoding="ascii").strip()
    except OSError as error:
        raise Refused(_not_written(place, error)) from None
    if made_by != major:
        raise Refused(_other_version(place, made_by, major))


def failure(place: Place, said: str) -> Problem:
    """What PostgreSQL's own last words mean for the person who started it."""
    if os.strerror(errno.ENOSPC) in said or "Disk quota exceeded" in said:
        return _disk_full(place)
    reasons = [line for line in said.splitlines() if "FATAL" in line or "error:" in line or "PANIC" in line]
    reason = (reasons or said.splitlines() or ["?"])[-1].strip()
    return Problem(
        "postgres.failed",
        str(place.root),
        f"同梱の PostgreSQL を起動できませんでした:「{reason}」。詳しくは {place.log} をご覧ください。",
        f"The embedded PostgreSQL could not start: “{reason}”. See {place.log} for more.",
    )


def _disk_full(place: Place) -> Problem:
    return Problem(
        "postgres.disk_full",
        str(place.root),
        "ディスクに空きがなく、データベースを起動できません。空きを作るか、--data で別の場所を指定してください。",
        "The disk is full, so the database cannot start. Free some space, or name another place with --data.",
    )


def _not_written(place: Place, error: OSError) -> Problem:
    if error.errno == errno.ENOSPC:
        return _disk_full(place)
    return Problem(
        "postgres.unusable",
        str(place.cluster),
        f"データベースのファイルを読み書きできません({error.strerror})。権限を確かめるか、"
        "バックアップから戻すか、--data で別の場所を指定してください。",
        f"The database's files cannot be read or written ({error.strerror}). Check their permissions, "
        "restore them from a backup, or name another place with --data.",
    )


def _other_version(place: Place, made_by: str, major: str) -> Problem:
    return Problem(
        "postgres.other_version",
        str(place.cluster),
        f"このデータベースは PostgreSQL {made_by} で作られており、同梱の {major} では使えません。"
        f"{made_by} の pg_dump で書き出して新しい --data に戻すか、"
        f"PostgreSQL {made_by} を動かして database_url を設定してください。",
        f"This database was made by PostgreSQL {made_by}; the embedded {major} cannot use it. Dump it with "
        f"{made_by}'s pg_dump and restore it into a new --data, or run PostgreSQL {made_by} and set database_url.",
    )
