"""Every setting but the channels' own, with its meaning and its limits. docs/settings.md describes them all."""

from __future__ import annotations

import base64
import binascii
import sys
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from words.problem import Tongue

KEY_BYTES = 32
"""AES-256."""


def language_of(environment: Mapping[str, str]) -> Tongue:
    """The terminal's language, by the variables of POSIX in their order of strength."""
    spoken = next(filter(None, map(environment.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return "ja" if spoken.startswith("ja") else "en"


def _postgres_url(value: SecretStr) -> SecretStr:
    return _starting_with(value, "postgresql://", "postgres://")


def _redis_url(value: SecretStr) -> SecretStr:
    return _starting_with(value, "redis://", "rediss://", "unix://")


def _starting_with(value: SecretStr, *schemes: str) -> SecretStr:
    if not value.get_secret_value().startswith(schemes):
        raise PydanticCustomError("todoke_scheme", "must start with {schemes}", {"schemes": ", ".join(schemes)})
    return value


def _web_address(value: str) -> str:
    if not value.startswith(("https://", "http://")):
        raise PydanticCustomError("todoke_scheme", "must start with {schemes}", {"schemes": "https://, http://"})
    return value.rstrip("/")


def _hook_address(value: str) -> str:
    """What an alarm says is for the town alone: it travels encrypted, or within the house."""
    parts = urlsplit(_web_address(value))
    if parts.scheme == "http" and not _in_the_house(parts.hostname or ""):
        raise PydanticCustomError("todoke_hook", "https, or a private address")
    return value


def _in_the_house(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_private
    except ValueError:
        return False


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError):
        raise PydanticCustomError("todoke_time_zone", "unknown time zone") from None
    return value


def _key(value: SecretStr) -> SecretStr:
    try:
        key = base64.b64decode(value.get_secret_value(), validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise PydanticCustomError("todoke_key", "must be {size} bytes in base64", {"size": KEY_BYTES})
    return value


def _network(value: str) -> str:
    try:
        return str(ip_network(value))
    except ValueError:
        raise PydanticCustomError("todoke_network", "no network") from None


def _place_template(value: str) -> str:
    if "{lat}" not in value or "{lon}" not in value:
        raise PydanticCustomError("todoke_place", "needs lat and lon")
    return value


class Section(BaseModel):
    """Nothing unknown, nothing changed afterwards; defaults are held to the same limits."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Log(Section):
    format: Literal["human", "json"] = Field(
        default_factory=lambda: "human" if sys.stderr.isatty() else "json",
        description="How log lines look on standard error.",
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least a line must matter."
    )


class Town(Section):
    name: str = Field(default="", description="The municipality's name, as texts and pages show it.")
    code: str = Field(
        default="", pattern="^([0-9]{5,6})?$", description="Its code, 5 digits, or 6 with the check digit."
    )


class Vault(Section):
    key: Annotated[SecretStr, AfterValidator(_key)] | None = Field(
        default=None,
        description="The key addresses are encrypted with: 32 bytes in base64. Unset: a key file in the data directory.",
    )


class Serve(Section):
    host: str = Field(default="127.0.0.1", min_length=1, description="The address `todoke serve` listens on.")
    port: int = Field(default=8080, ge=0, le=65535, description="Its port; 0 takes any that is free.")


class Sending(Section):
    batch_size: int = Field(default=500, ge=1, le=500, description="Most people in one batch; LINE takes 500.")
    beat_seconds: float = Field(default=5, ge=0.1, description="How often a worker shows that it lives.")
    expire_seconds: float = Field(
        default=30, ge=1, description="How long it may be silent before others take over its work."
    )
    poll_seconds: float = Field(
        default=0.5, ge=0.01, le=60, description="How often a worker looks for work nobody told it of."
    )
    call_seconds: float = Field(default=10, ge=0.1, description="How long one call to a provider may take.")

    @model_validator(mode="after")
    def _a_silent_worker_has_stopped_calling(self) -> Self:
        """Half the silence that others wait for is what a worker allows itself (dispatcher, fencing)."""
        if self.call_seconds > self.expire_seconds / 2:
            raise PydanticCustomError("todoke_call", "too long", {"limit": self.expire_seconds / 2})
        if self.beat_seconds > self.expire_seconds / 2:
            raise PydanticCustomError("todoke_beat", "too long", {"limit": self.expire_seconds / 2})
        return self


class Emergency(Section):
    directory: Path | None = Field(
        default=None,
        description="Where journals of what is sent without the database are kept. Unset: `emergency` in the data directory.",
    )
    grace_seconds: float = Field(
        default=5, ge=0, le=60, description="How long other servers are waited for when the database is back."
    )


class Records(Section):
    keep_years: int = Field(
        default=3,
        ge=0,
        le=50,
        description="How many years what was sent is kept, from the April after it; 0: for ever.",
    )


class Shelters(Section):
    url_template: Annotated[str, AfterValidator(_place_template)] = Field(
        default="https://maps.gsi.go.jp/#16/{lat}/{lon}/",
        description="The map page of a shelter, as `{shelter_url}` gives it.",
    )


class Alarms(Section):
    command: tuple[str, ...] = Field(
        default=(), description="Run with every notice of an alarm: the program and its arguments, without a shell."
    )
    webhook: Annotated[str, AfterValidator(_hook_address)] | None = Field(
        default=None, description="Posted to with every notice of an alarm: https, or a private address."
    )
    webhook_secret: SecretStr | None = Field(
        default=None, min_length=16, description="What the webhook's notices are signed with."
    )
    timeout_seconds: float = Field(default=10, ge=0.1, le=60, description="How long the hook may take.")
    repeat_seconds: float = Field(default=1800, ge=1, description="How often an alarm that lasts is told again.")
    look_seconds: float = Field(default=5, ge=0.1, le=60, description="How often somebody looks for what is wrong.")
    stuck_seconds: float = Field(
        default=60, ge=1, description="How long something may wait in a lane while nothing moves there."
    )


class Canary(Section):
    recipients: dict[str, SecretStr] = Field(
        default_factory=dict, description="The town's own test recipients, one a channel."
    )
    every_seconds: float = Field(default=300, ge=1, description="How often a canary is sent through each channel.")
    channel_every_seconds: dict[str, Annotated[float, Field(ge=1)]] = Field(
        default_factory=dict, description="How often, where a channel differs."
    )
    deadline_seconds: float = Field(default=45, ge=1, description="How long it may take to come back.")
    come_back: dict[str, Literal["accepted", "receipt", "answer"]] = Field(
        default_factory=dict, description="What counts as come back, where a channel differs from its strongest."
    )

    @model_validator(mode="after")
    def _one_at_a_time(self) -> Self:
        if self.deadline_seconds >= min([self.every_seconds, *self.channel_every_seconds.values()]):
            raise PydanticCustomError("todoke_canary", "too long")
        return self


class Console(Section):
    audit_heads: Path | None = Field(
        default=None,
        description="Where the record's signed heads are put away daily. Unset: `audit-heads` in the data directory.",
    )
    proxies: tuple[Annotated[str, AfterValidator(_network)], ...] = Field(
        default=(), description="Proxies that are believed when they name whom they ask for, as addresses or networks."
    )
    guide: bool = Field(
        default=False, description="Whether pages say what comes next, for whoever has never sent an order."
    )


class Settings(Section):
    data: Path = Field(default=Path("todoke-data"), description="The data directory.")
    language: Tongue = Field(default="en", description="The language of messages: `ja` or `en`.")
    """Unset, `load` takes the terminal's."""
    timezone: Annotated[str, AfterValidator(_time_zone)] = Field(
        default="Asia/Tokyo", description="The time zone of texts and pages."
    )
    database_url: Annotated[SecretStr, AfterValidator(_postgres_url)] | None = Field(
        default=None, description="The PostgreSQL to use, 15 or newer. Unset: one of our own in the data directory."
    )
    redis_url: Annotated[SecretStr, AfterValidator(_redis_url)] | None = Field(
        default=None, description="The Redis or Valkey by which several processes share limits. Unset: none."
    )
    public_base_url: Annotated[str, AfterValidator(_web_address)] | None = Field(
        default=None, description="The address the world reaches `todoke serve` at, for callbacks and links."
    )
    log: Log = Log()
    town: Town = Town()
    vault: Vault = Vault()
    serve: Serve = Serve()
    sending: Sending = Sending()
    emergency: Emergency = Emergency()
    records: Records = Records()
    alarms: Alarms = Alarms()
    canary: Canary = Canary()
    shelters: Shelters = Shelters()
    console: Console = Console()
    channels: Mapping[str, BaseModel] = Field(default_factory=dict)
    """Every channel that is configured: its name and its own settings model."""
