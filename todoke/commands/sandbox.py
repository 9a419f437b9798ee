"""`todoke sandbox`: stand-ins for LINE, SMS and mail, to try everything without reaching anybody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from channels.sandbox.__main__ import run
from channels.sandbox.faults import read_rules_file
from channels.sandbox.options import Options
from channels.sandbox.settings_file import Endpoints
from todoke.cli import Context, common_options

PORT = click.IntRange(0, 65_535)
CALLBACK = "http://127.0.0.1:8080/receipts/sms"
"""Where `todoke serve` takes receipts unless told otherwise."""
COUNT = click.IntRange(min=0)


@click.command("sandbox")
@common_options
@click.option("--dir", "directory", metavar="DIR", type=click.Path(path_type=Path), help="Default: DATA/sandbox.")
@click.option("--http-port", type=PORT, default=8931, show_default=True, help="LINE and SMS; 0 is any free port.")
@click.option("--smtp-port", type=PORT, default=8925, show_default=True, help="Mail; 0 is any free port.")
@click.option("--seed", type=int, default=0, show_default=True, help="What decides the faults that are left to chance.")
@click.option("--faults", metavar="FILE", type=click.Path(path_type=Path), help="A JSON list of rules for misbehaving.")
@click.option("--line-rate", type=COUNT, default=200, show_default=True, help="Multicasts a second; 0 is no limit.")
@click.option("--sms-rate", type=COUNT, default=100, show_default=True, help="SMS requests a second; 0 is no limit.")
@click.option("--quota", type=COUNT, help="LINE recipients a month. Default: no limit.")
@click.option("--smtp-connections", type=COUNT, default=0, show_default=True, help="Mail connections; 0 is no limit.")
@click.option(
    "--callback",
    metavar="URL",
    default=CALLBACK,
    show_default=True,
    callback=lambda _ctx, _option, url: _web_address(url),
    help='Where `todoke serve` waits for SMS receipts; "" for none.',
)
def command(ctx: Context, directory: Path | None, faults: Path | None, **limits: Any) -> None:
    """Run stand-ins for LINE, SMS and mail on this machine, until SIGTERM or Ctrl-C.

    They keep the providers' rules, write whatever they accept to DIR/line.jsonl, sms.jsonl and
    email.jsonl, and are ready when DIR/todoke.toml is there: the settings that lead Todoke to them.

    \b
    Example:
      todoke sandbox --dir sandbox &
      todoke send order.json --config sandbox/todoke.toml
    """
    options = Options(
        directory=directory or ctx.settings.data / "sandbox",
        faults=read_rules_file(faults) if faults is not None else (),
        **limits,
    )
    ctx.run(run(options, lambda endpoints: _announce(ctx, endpoints)))


def _web_address(url: str) -> str:
    if url and not url.startswith(("http://", "https://")):
        raise click.BadParameter('write an address such as http://127.0.0.1:8080/receipts/sms, or "" for none')
    return url


def _announce(ctx: Context, endpoints: Endpoints) -> None:
    mail = f"{endpoints.smtp_host}:{endpoints.smtp_port}"
    ctx.say(
        ja=f"LINE と SMS は {endpoints.line_url} 、メールは {mail} で待っています。"
        f"\nつなぐには --config {endpoints.settings} 。止めるには Ctrl-C。",
        en=f"LINE and SMS listen on {endpoints.line_url}, mail on {mail}."
        f"\nUse them with --config {endpoints.settings}. Ctrl-C stops them.",
    )
    ctx.emit(endpoints.as_dict())
