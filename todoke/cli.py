"""What all commands share: their options, and how they end."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from config import Configuration, load
from config.settings import Log, language_of
from todoke import logs
from todoke.context import Context
from todoke.database_trouble import FAILED, as_problem
from todoke.wiring import channel_settings
from words.problem import Refused, Tongue

__all__ = ["Context", "common_options"]

REFUSED = 1
INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""


def common_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command `--data`, `--config`, `--set`, `--json` and `--lang`, and a Context as first argument.

    A Refused that leaves the command becomes its sentences on standard error and exit code 1.
    """

    @functools.wraps(command)
    def run(
        *,
        data: str | None,
        config_file: Path | None,
        setting: tuple[str, ...],
        json_: bool,
        lang: str | None,
        **rest: Any,
    ) -> None:
        given = _given(data, lang, setting)
        context = _context(given, config_file, as_json=json_)
        _finish(lambda: command(context, **rest), context)

    for option in reversed(OPTIONS):
        run = option(run)
    return run


OPTIONS = (
    click.option("--data", metavar="DIR", help="The data directory. Default: todoke-data."),
    click.option(
        "--config",
        "config_file",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Settings. Default: DIR/todoke.toml.",
    ),
    click.option("--set", "setting", metavar="KEY=VALUE", multiple=True, help="One setting, such as serve.port=8090."),
    click.option("--json", "json_", is_flag=True, help="Answer in JSON, for programs."),
    click.option("--lang", metavar="ja|en", help="The language of messages."),
)


def speak(refused: Refused, tongue: Tongue, *, as_json: bool) -> None:
    """The problems as sentences on standard error; for a program also as an object on standard output."""
    for sentence in refused.say(tongue):
        click.echo(sentence, err=True)
    if as_json:
        problems = [{"code": each.code, "where": each.where, "ja": each.ja, "en": each.en} for each in refused.problems]
        click.echo(json.dumps({"problems": problems}, ensure_ascii=False))


def _given(data: str | None, lang: str | None, settings: tuple[str, ...]) -> dict[str, str]:
    given: dict[str, str] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise click.BadParameter("write it as KEY=VALUE", param_hint="--set")
        given[name] = value
    flags = {"data": data, "language": lang}
    return given | {name: value for name, value in flags.items() if value is not None}


def _context(given: Mapping[str, str], file: Path | None, *, as_json: bool) -> Context:
    try:
        configuration = _configuration(given, file)
    except Refused as refused:
        speak(refused, _spoken(given), as_json=as_json)
        sys.exit(REFUSED)
    logs.configure(configuration.settings.log)
    return Context(configuration, as_json)


def _configuration(given: Mapping[str, str], file: Path | None) -> Configuration:
    return load(command_line=given, environment=os.environ, file=file, channels=channel_settings())


def _spoken(given: Mapping[str, str]) -> Tongue:
    """The language to refuse settings in, before there are any."""
    asked = given.get("language") or os.environ.get("TODOKE_LANGUAGE")
    return language_of({"LANG": asked} if asked in {"ja", "en"} else os.environ)


def _finish(work: Callable[[], None], context: Context) -> None:
    try:
        work()
    except Refused as refused:
        speak(refused, context.tongue, as_json=context.json)
        sys.exit(REFUSED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
        raise
    except FAILED as failed:
        speak(Refused(as_problem(failed)), context.tongue, as_json=context.json)
        sys.exit(REFUSED)
    except Exception as error:  # noqa: BLE001 whatever nobody expected gets a number, and is kept under it
        _apologise(error, context)
        sys.exit(REFUSED)


def _apologise(error: Exception, context: Context) -> None:
    settings = context.settings
    name = logs.crash(error, settings.log, settings.data)
    kept_ja, kept_en = _kept(settings.log, settings.data)
    ja = f"予期しない問題が起きました(番号 {name})。{kept_ja}に記録があります。"
    en = f"Something unexpected happened (number {name}). The record is in {kept_en}."
    click.echo(ja if context.tongue == "ja" else en, err=True)


def _kept(settings: Log, data: Path) -> tuple[str, str]:
    if settings.format == "json":
        return "ログ", "the log"
    return f"{data / 'errors.log'} ", str(data / "errors.log")
