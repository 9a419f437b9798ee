"""Who lives in Kawabe, as the town's CSV has them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from asyncpg import Pool

from subscribers.importer import ImportResult, import_subscribers
from subscribers.vault import Vault

KEY = bytes(range(32))
HANA_LINE = "U" + "a" * 32
LINH_LINE = "U" + "b" * 32
HEADER = "id,language,topics,line_user_id,phone,email,place,lat,lon"
HANA = f"hana,ja,drill,{HANA_LINE},090-1234-5678,,自宅,34.6000,133.7000"
HANA_WORK = "hana,,,,,,職場,34.6500,133.7500"
KEN = "ken,ja,festival,,,ken@example.jp,自宅,34.7000,133.7100"
LINH = f"linh,vi,drill;food,{LINH_LINE},,,home,34.6010,133.7010"
TOME = "tome,ja-x-easy,,,080-2345-6789,,自宅,34.6020,133.7020"
TOWN = (HANA, HANA_WORK, KEN, LINH, TOME)


def written(folder: Path, rows: Iterable[str], *, encoding: str = "utf-8", header: str = HEADER) -> Path:
    """A subscribers' file."""
    path = folder / "kawabe.csv"
    path.write_bytes("\r\n".join([header, *rows, ""]).encode(encoding))
    return path


async def take_in(pool: Pool, folder: Path, *rows: str) -> ImportResult:
    return await import_subscribers(pool, Vault(KEY), written(folder, rows))


def rejects(folder: Path) -> list[str]:
    """The lines of the reject file below its header: `line,column,…`."""
    return (folder / "kawabe.csv.rejects.csv").read_text(encoding="utf-8").splitlines()[1:]
