"""The names of all settings, found in the models."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, SecretBytes, SecretStr
from pydantic.fields import FieldInfo

from config.settings import Settings

PREFIX = "TODOKE_"
SCALARS = (str, int, float, bool)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One setting: a name of the tree that holds a value and no further names."""

    name: str
    """`sending.batch_size`"""
    field: FieldInfo

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper().replace(".", "__")

    @property
    def secret(self) -> bool:
        return any(kind in {SecretStr, SecretBytes} for kind in _kinds(self.field.annotation))

    @property
    def structured(self) -> bool:
        """Whether its value is a table or a list, which a variable gives as JSON."""
        return any(get_origin(kind) in {dict, list, tuple, set} for kind in _kinds(self.field.annotation))


def leaves(channels: Mapping[str, type[BaseModel]]) -> dict[str, Leaf]:
    """All settings by name, those of the channels included: `channels.line.token`."""
    found = list(_below(Settings, ""))
    for name, model in channels.items():
        found += _below(model, f"channels.{name}.")
    return {leaf.name: leaf for leaf in found}


def _below(model: type[BaseModel], prefix: str) -> Iterator[Leaf]:
    for name, field in model.model_fields.items():
        if model is Settings and name == "channels":
            continue
        section = _section(field.annotation)
        if section is None:
            yield Leaf(prefix + name, field)
        else:
            yield from _below(section, f"{prefix}{name}.")


def _section(annotation: Any) -> type[BaseModel] | None:
    return next((kind for kind in _kinds(annotation) if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _kinds(annotation: Any) -> Iterator[Any]:
    """The members of a union, without what `Annotated` says of them."""
    origin = get_origin(annotation)
    if origin in {Union, types.UnionType}:
        for member in get_args(annotation):
            yield from _kinds(member)
    elif hasattr(annotation, "__metadata__"):
        yield from _kinds(annotation.__origin__)
    else:
        yield annotation
