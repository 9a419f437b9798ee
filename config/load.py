"""Settings from all sources: file < environment < command line, checked as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from config import problems
from config.leaves import Leaf, leaves
from config.origin import DEFAULT, Given, Origin
from config.settings import Settings, language_of
from config.sources import Source, exists, from_command_line, from_environment, from_file
from words.problem import Problem, Refused

FILE_NAME = "todoke.toml"


@dataclass(frozen=True, slots=True)
class Effective:
    """One setting as it holds. `value` is fit for JSON and never a secret."""

    name: str
    value: Any
    origin: str


@dataclass(frozen=True, slots=True)
class Configuration:
    settings: Settings
    origins: Mapping[str, Origin]

    def effective(self) -> list[Effective]:
        """Every setting of the tree and of the configured channels."""
        models = {name: type(model) for name, model in self.settings.channels.items()}
        values = self.settings.model_dump(mode="json", serialize_as_any=True)
        return [
            Effective(name, _at(values, name.split(".")), self.origins.get(name, DEFAULT).said)
            for name in leaves(models)
        ]


def load(
    *,
    command_line: Mapping[str, str],
    environment: Mapping[str, str],
    file: Path | None = None,
    channels: Mapping[str, type[BaseModel]],
) -> Configuration:
    """The settings of this run. `file` None means the data directory's own, if there is one.

    `channels` are the settings models of all channels there are; one with no setting at all is not
    configured. Raises Refused with every problem of every source.
    """
    known = leaves(channels)
    commanded, surrounding = from_command_line(command_line, known), from_environment(environment, known)
    filed = _file(file, commanded, surrounding, known)
    sources = (filed, surrounding, commanded)
    given: dict[str, Given] = {}
    for source in sources:
        given |= source.given
    found = [problem for source in sources for problem in source.problems]
    mentioned = set().union(*(source.channels for source in sources))
    values, bad = _checked(given, {name: channels[name] for name in channels if name in mentioned})
    if found or bad:
        raise Refused([*found, *bad])
    spoken = {"language": language_of(environment)}
    return Configuration(Settings(**spoken | values), {name: each.origin for name, each in given.items()})


def _file(named: Path | None, commanded: Source, surrounding: Source, known: Mapping[str, Leaf]) -> Source:
    if named is not None:
        return _beside(named, from_file(named, known))
    data = commanded.given.get("data") or surrounding.given.get("data")
    own = Path(data.value if data else Settings.model_fields["data"].default) / FILE_NAME
    source = from_file(own, known) if exists(own) else Source()
    if "data" in source.given:
        source.problems.append(problems.data_in_data(source.given["data"].origin.where))
    return source


def _beside(file: Path, source: Source) -> Source:
    """A relative data directory in a file is meant beside that file."""
    data = source.given.get("data")
    if data is not None and isinstance(data.value, str):
        source.given["data"] = Given(file.parent / data.value, data.origin)
    return source


def _checked(
    given: Mapping[str, Given], channels: Mapping[str, type[BaseModel]]
) -> tuple[dict[str, Any], list[Problem]]:
    """Models of every section that are valid, and the problems of those that are not."""
    tree = _tree(given)
    below = tree.pop("channels", {})
    found: list[Problem] = []
    models: dict[str, BaseModel] = {}
    for name, model in channels.items():
        found += _try(model, below.get(name, {}), f"channels.{name}", given, models, name)
    whole: dict[str, BaseModel] = {}
    found += _try(Settings, tree, "", given, whole, "settings")
    return tree | {"channels": models}, found


def _try(
    model: type[BaseModel],
    values: Mapping[str, Any],
    prefix: str,
    given: Mapping[str, Given],
    into: dict[str, BaseModel],
    name: str,
) -> Iterable[Problem]:
    try:
        into[name] = model.model_validate(values)
    except ValidationError as error:
        return [problems.bad(detail, prefix, given) for detail in error.errors(include_url=False, include_input=False)]
    return []


def _tree(given: Mapping[str, Given]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, each in given.items():
        *sections, last = name.split(".")
        branch = tree
        for section in sections:
            branch = branch.setdefault(section, {})
        branch[last] = each.value
    return tree


def _at(values: Mapping[str, Any], path: list[str]) -> Any:
    value: Any = values
    for key in path:
        value = None if value is None else value.get(key)
    return value
