"""The watch of one process: looks, tells and sends canaries beside the engine, for as long as the process lasts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from channels.contract import Channel, Metered, Receipted
from channels.lanes import mail_lane
from config import Settings
from console.orders.lookout import Lookout
from dispatcher import canary
from dispatcher.background import Agent
from dispatcher.canary import Canary, Nest, Proof
from dispatcher.lookers import lookers
from dispatcher.teller import Hook, Teller
from dispatcher.watch import Looker, Watch
from todoke.hooks import CommandHook, WebhookHook
from todoke.reading import town_of
from words.problem import Problem, Refused

if TYPE_CHECKING:
    from asyncpg import Pool

ANSWERS = "/canary/"
"""Where an answer's link leads, below the public address (todoke/answers.py)."""
_CANARY_SECONDS = 2.0
"""Between two looks for what came back: every 300 s, deadline 45 s, this and the watch's 5 s stay below six minutes."""


@asynccontextmanager
async def watching(settings: Settings, pool: Pool, channels: Mapping[str, Channel]) -> AsyncIterator[None]:
    """Watch over the fleet with all others. Raises Refused for canaries that cannot fly."""
    wanted = settings.alarms
    check_canaries(settings, channels)
    flying = nests(settings, channels)
    teller = Teller(pool, hooks(settings), repeat_seconds=wanted.repeat_seconds)
    telling = Agent("teller", teller.tick, every=wanted.look_seconds)
    watch = Watch(
        pool,
        [
            *lookers(
                pool, channels, stuck_seconds=wanted.stuck_seconds, expire_seconds=settings.sending.expire_seconds
            ),
            Looker("canaries", partial(canary.missing, pool)),
            Lookout(pool).looker,
        ],
        look_seconds=wanted.look_seconds,
        repeat_seconds=wanted.repeat_seconds,
        tell=teller.tell_now,
        woken=telling.wake,
    )
    agents = [telling, Agent("watch", watch.tick, every=wanted.look_seconds)]
    if flying:
        birds = Canary(pool, channels, flying, town=town_of(settings), link=_link(settings))
        agents.append(Agent("canary", birds.tick, every=min(_CANARY_SECONDS, wanted.look_seconds)))
    async with AsyncExitStack() as stack:
        for agent in agents:
            await stack.enter_async_context(agent)
        yield


def hooks(settings: Settings) -> list[Hook]:
    """The ways to tell somebody that are configured."""
    wanted, found = settings.alarms, list[Hook]()
    if wanted.command:
        found.append(CommandHook(wanted.command, town=settings.town.name, seconds=wanted.timeout_seconds))
    if wanted.webhook is not None:
        secret = wanted.webhook_secret.get_secret_value() if wanted.webhook_secret is not None else None
        found.append(
            WebhookHook(wanted.webhook, secret=secret, town=settings.town.name, seconds=wanted.timeout_seconds)
        )
    return found


def nests(settings: Settings, channels: Mapping[str, Channel]) -> Sequence[Nest]:
    """Where canaries fly to. Those that cannot are left out: no canary keeps an order from being sent."""
    wanted = settings.canary
    return [
        Nest(
            channel=name,
            contact=channels[name].contact,
            address=address.get_secret_value(),
            lane=mail_lane(address.get_secret_value()) if channels[name].contact == "email" else "",
            proof=wanted.come_back.get(name) or strongest(channels[name]),
            every=wanted.channel_every_seconds.get(name, wanted.every_seconds),
            deadline=wanted.deadline_seconds,
        )
        for name, address in wanted.recipients.items()
        if name in channels
    ]


def check_canaries(settings: Settings, channels: Mapping[str, Channel]) -> None:
    """Raises Refused with everything that keeps a canary from flying. Without channels none is expected to."""
    problems = list(_problems(settings, channels)) if channels else []
    if problems:
        raise Refused(problems)


def strongest(channel: Channel) -> Proof:
    """The best proof a provider gives by itself."""
    return "receipt" if _gives_receipts(channel) else "accepted"


def _gives_receipts(channel: Channel) -> bool:
    return isinstance(channel, Metered) or (isinstance(channel, Receipted) and channel.receipts)


def _link(settings: Settings) -> canary.Link | None:
    base = settings.public_base_url
    return None if base is None else lambda token: f"{base}{ANSWERS}{token}"


def _problems(settings: Settings, channels: Mapping[str, Channel]) -> Iterator[Problem]:
    wanted = settings.canary
    for name in wanted.recipients.keys() - channels.keys():
        yield _no_channel(name)
    for where, names in (("come_back", wanted.come_back), ("channel_every_seconds", wanted.channel_every_seconds)):
        for name in names.keys() - wanted.recipients.keys():
            yield _no_recipient(f"canary.{where}.{name}", name)
    for name, proof in wanted.come_back.items():
        if proof == "answer" and settings.public_base_url is None:
            yield _no_way_back(name)
        elif proof == "receipt" and name in channels and not _gives_receipts(channels[name]):
            yield _no_receipts(name)


def _no_channel(name: str) -> Problem:
    return Problem(
        "canary.no_channel",
        f"canary.recipients.{name}",
        f"配信手段 {name} は設定されていません。channels.{name} を設定するか、この行を消してください。",
        f"The channel {name} is not configured. Configure channels.{name}, or take this line out.",
    )


def _no_recipient(where: str, name: str) -> Problem:
    return Problem(
        "canary.no_recipient",
        where,
        f"{name} には試験用の宛先がありません。canary.recipients.{name} を設定するか、この行を消してください。",
        f"There is no test recipient for {name}. Set canary.recipients.{name}, or take this line out.",
    )


def _no_way_back(name: str) -> Problem:
    return Problem(
        "canary.no_way_back",
        f"canary.come_back.{name}",
        "応答を待つには、リンク先の住所が必要です。public_base_url を設定するか、accepted か receipt にしてください。",
        "An answer needs an address to come back to. Set public_base_url, or take accepted or receipt.",
    )


def _no_receipts(name: str) -> Problem:
    return Problem(
        "canary.no_receipts",
        f"canary.come_back.{name}",
        f"{name} では到達の確認を受け取れません。SMS なら channels.sms.status_callback_url を設定し、"
        "ほかは accepted か answer にしてください。",
        f"{name} gives no receipts. For SMS set channels.sms.status_callback_url; otherwise take accepted or answer.",
    )
