"""Where concrete things meet."""

from __future__ import annotations

from pydantic import BaseModel

from channels.registry import channel_types


def channel_settings() -> dict[str, type[BaseModel]]:
    """The settings model of every installed channel, by the channel's name. Raises Refused for a broken package."""
    return {name: channel.Settings for name, channel in channel_types().items()}
