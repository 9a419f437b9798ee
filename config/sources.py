"""What the file, the environment and the command line say, each by itself."""

from __future__ import annotations

import json
import stat
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config import problems
from config.leaves import PREFIX, Leaf
from config.origin import Given, Origin
from words.problem import Problem

FILE_SUFFIX = "_FILE"


@dataclass(slots=True)
class Source:
    """The values of one source by name, the channels it mentions, and what is wrong with it."""

    given: dict[str, Given] = field(default_factory=dict)
    channels: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)


def from_command_line(values: Mapping[str, str], leaves: Mapping[str, Leaf]) -> Source:
    """`values` as `--set` gave them; `data` and `language` have flags of their own."""
    source = Source()
    for name, text in values.items():
        origin = Origin("command line", _flag(name))
        if name in leaves:
            _take(source, leaves[name], text, origin)
        else:
            source.problems.append(problems.unknown(origin.where, name, leaves))
    return source


def from_environment(environment: Mapping[str, str], leaves: Mapping[str, Leaf]) -> Source:
    """Every variable that starts with `TODOKE_`; `…_FILE` names a file that holds the value."""
    source = Source()
    variables = {leaf.variable: leaf for leaf in leaves.values()}
    for variable in sorted(name for name in environment if name.startswith(PREFIX)):
        origin = Origin(f"environment {variable}", variable)
        leaf = variables.get(variable)
        if leaf is not None:
            _take(source, leaf, environment[variable], origin)
            continue
        leaf = variables.get(variable.removesuffix(FILE_SUFFIX))
        if leaf is None:
            source.problems.append(problems.unknown(variable, variable, variables))
        elif leaf.variable in environment:
            source.problems.append(problems.given_twice(variable, leaf.variable))
        else:
            _take_file(source, leaf, Path(environment[variable]), origin)
    return source


def from_file(path: Path, leaves: Mapping[str, Leaf]) -> Source:
    source = Source()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        source.problems.append(problems.unreadable(str(path), error))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        source.problems.append(problems.not_toml(str(path), error))
    else:
        for name, value in _named(table, "", leaves):
            _take_key(source, path, name, value, leaves)
        _refuse_open_secrets(source, path, leaves)
    return source


def _take(source: Source, leaf: Leaf, text: str, origin: Origin) -> None:
    value: Any = text
    if leaf.structured:
        try:
            value = json.loads(text)
        except ValueError:
            source.problems.append(problems.not_json(origin.where))
            return
    _keep(source, leaf.name, Given(value, origin))


def _take_file(source: Source, leaf: Leaf, path: Path, origin: Origin) -> None:
    try:
        text = path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        source.problems.append(problems.unreadable(f"{origin.where} ({path})", error))
        return
    if leaf.secret and _readable_by_everybody(path):
        source.problems.append(problems.open_secret(str(path)))
    _take(source, leaf, text, origin)


def _take_key(source: Source, path: Path, name: str, value: Any, leaves: Mapping[str, Leaf]) -> None:
    where = f"{path.name}: {name}"
    if name in leaves:
        _keep(source, name, Given(value, Origin(f"file {path.name}", where)))
    elif value == {} and _is_section(name, leaves):
        source.channels.update(_channel(name))
    elif _is_section(name, leaves):
        below = next(leaf for leaf in leaves if leaf.startswith(f"{name}."))
        source.problems.append(problems.section(where, name, below.removeprefix(f"{name}.")))
    else:
        source.problems.append(problems.unknown(where, name, [*leaves, *_sections(leaves)]))


def _keep(source: Source, name: str, given: Given) -> None:
    source.given[name] = given
    source.channels.update(_channel(name))


def _named(table: Mapping[str, Any], prefix: str, leaves: Mapping[str, Leaf]) -> Iterator[tuple[str, Any]]:
    """The table's values under their full names; an empty table or an unknown one is given as it is."""
    for key, value in table.items():
        name = prefix + key
        if isinstance(value, dict) and value and _is_section(name, leaves):
            yield from _named(value, f"{name}.", leaves)
        else:
            yield name, value


def _is_section(name: str, leaves: Mapping[str, Leaf]) -> bool:
    return any(leaf.startswith(f"{name}.") for leaf in leaves)


def _sections(leaves: Mapping[str, Leaf]) -> set[str]:
    return {name.rpartition(".")[0] for name in leaves} - {""}


def _channel(name: str) -> list[str]:
    parts = name.split(".")
    return parts[1:2] if parts[0] == "channels" else []


def _refuse_open_secrets(source: Source, path: Path, leaves: Mapping[str, Leaf]) -> None:
    if any(leaves[name].secret for name in source.given) and _readable_by_everybody(path):
        source.problems.append(problems.open_secret(str(path)))


def _readable_by_everybody(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IROTH)


def _flag(name: str) -> str:
    return {"data": "--data", "language": "--lang"}.get(name, f"--set {name}")


def exists(path: Path) -> bool:
    """Whether there is such a file, or something that keeps us from knowing, which reading it will tell."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True
