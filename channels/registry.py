"""Which channels there are: ours, and those of installed packages by entry point `todoke.channels`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import BaseModel

from channels.contract import Channel, ChannelFactory
from channels.email import EmailChannel
from channels.line import LineChannel
from channels.memory import MemoryChannel
from channels.sms import SmsChannel
from words.problem import Problem, Refused

GROUP = "todoke.channels"
BUILT_IN: Mapping[str, ChannelFactory] = {
    "line": LineChannel,
    "sms": SmsChannel,
    "email": EmailChannel,
    "memory": MemoryChannel,
}
_METHODS = ("open", "close", "lane", "cost", "check", "send")


def channel_types() -> dict[str, ChannelFactory]:
    """Every installed channel by name. Raises Refused naming each package that is broken or takes a used name."""
    types = dict(BUILT_IN)
    owners = dict.fromkeys(types, "todoke")
    problems: list[Problem] = []
    for entry in _entries():
        package = entry.dist.name if entry.dist else entry.value
        if entry.name in types:
            problems.append(_name_taken(entry.name, owners[entry.name], package))
            continue
        try:
            types[entry.name] = _load(entry, package)
        except Refused as refusal:
            problems.extend(refusal.problems)
        owners[entry.name] = package
    if problems:
        raise Refused(problems)
    return types


@asynccontextmanager
async def open_channels(settings: Mapping[str, BaseModel]) -> AsyncIterator[dict[str, Channel]]:
    """The channels that are configured, by name, open; closed at the end, in any case.

    `settings` gives each its own `Settings`. Raises Refused for a name that is not installed.
    """
    types = channel_types()
    unknown = [_not_installed(name, types) for name in settings if name not in types]
    if unknown:
        raise Refused(unknown)
    async with AsyncExitStack() as stack:
        channels: dict[str, Channel] = {}
        for name, values in settings.items():
            channel: Channel = types[name](values)
            stack.push_async_callback(channel.close)
            await channel.open()
            channels[name] = channel
        yield channels


def _entries() -> Iterable[EntryPoint]:
    """In the order of their names, so that a clash is reported alike on every start."""
    return sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value))


def _load(entry: EntryPoint, package: str) -> ChannelFactory:
    try:
        made: Any = entry.load()
    except Exception as error:
        raise Refused(_broken(entry.name, package, f"{type(error).__name__}: {error}")) from error
    settings = getattr(made, "Settings", None)
    if not (isinstance(made, type) and isinstance(settings, type) and issubclass(settings, BaseModel)):
        raise Refused(_broken(entry.name, package, f"{entry.value} is not a class with a Settings model"))
    missing = [method for method in _METHODS if not callable(getattr(made, method, None))]
    if missing:
        raise Refused(_broken(entry.name, package, f"{entry.value} lacks {', '.join(missing)}"))
    return made


def _broken(name: str, package: str, reason: str) -> Problem:
    return Problem(
        "channels.broken",
        name,
        f"パッケージ {package} の配信手段「{name}」を読み込めません（{reason}）。"
        "パッケージを直すか、取り外してください。",
        f"The channel {name} of the package {package} cannot be loaded ({reason}). Repair or uninstall the package.",
    )


def _name_taken(name: str, owner: str, package: str) -> Problem:
    return Problem(
        "channels.name_taken",
        name,
        f"配信手段の名前「{name}」を {owner} と {package} の両方が使っています。どちらかを取り外してください。",
        f"Both {owner} and {package} call a channel {name}. Uninstall one of them.",
    )


def _not_installed(name: str, types: Iterable[str]) -> Problem:
    known = ", ".join(sorted(types))
    return Problem(
        "channels.not_installed",
        name,
        f"配信手段「{name}」はありません。使えるのは {known} です。名前を直すか、パッケージを入れてください。",
        f"There is no channel {name}; there are {known}. Correct the name or install its package.",
    )
