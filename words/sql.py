"""SQL stands in files of its own, one statement a file, named for the verb."""

from importlib import resources


def sql(package: str, verb: str) -> str:
    """The statement in `<package>/sql/<verb>.sql`. Raises FileNotFoundError when there is none."""
    return resources.files(package).joinpath("sql", f"{verb}.sql").read_text(encoding="utf-8")
