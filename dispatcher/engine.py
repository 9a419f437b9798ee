"""The engine: everything that runs while a process plans and sends, started and stopped together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from channels.contract import Channel
from dispatcher.ageing import EVERY_SECONDS, Ageing, add_years
from dispatcher.audience import AddressBook, Living
from dispatcher.background import Agent
from dispatcher.batches import BatchStore
from dispatcher.bell import DUE, PEERS, PLAN, STOP, Bell
from dispatcher.closer import Closer
from dispatcher.drafting import Drafter, Town
from dispatcher.emergency.cutting import Cutter
from dispatcher.emergency.post import EmergencyPost, Post
from dispatcher.emergency.station import Ways
from dispatcher.epoch import Epoch
from dispatcher.holding import Holds
from dispatcher.inspection import Quarantine
from dispatcher.late_entry import LateEntry
from dispatcher.limiter import Limiter
from dispatcher.model import LAST_PRIORITY, LEAST_URGENT
from dispatcher.pauses import Pauses
from dispatcher.planner import Planner
from dispatcher.providers import TICK_SECONDS, Providers
from dispatcher.rescuer import LOOK_SECONDS, Rescuer
from dispatcher.sender import Sender
from dispatcher.session import Session
from dispatcher.writing import Writer

if TYPE_CHECKING:
    from asyncpg import Pool


@dataclass(frozen=True, slots=True)
class Pace:
    """How the engine keeps time: seconds, but for `batch_size` (people) and `keep_years` (dispatcher/ageing.py)."""

    batch_size: int = 500
    poll_seconds: float = 0.5
    beat_seconds: float = 5
    expire_seconds: float = 30
    call_seconds: float = 10
    keep_years: int = 3


@dataclass(frozen=True, slots=True)
class Parts:
    """What the engine is given: storage, who to reach, and the ways out."""

    pool: Pool
    audience: Living
    addresses: AddressBook
    channels: Mapping[str, Channel]
    limiter: Limiter
    town: Town
    epoch: Epoch = field(default_factory=Epoch)
    post: Post | None = None
    """Where to go on without the database, if anywhere."""


@asynccontextmanager
async def running(parts: Parts, pace: Pace) -> AsyncIterator[Session]:
    """Plan, send, rescue and close for as long as the context lasts; leaving it is graceful.

    Nothing more is begun, calls under way end and are recorded, the session is signed off.
    """
    async with parts.epoch.at_work(parts.pool, every=pace.beat_seconds), _at_work(parts, pace) as session:
        yield session


@asynccontextmanager
async def _at_work(parts: Parts, pace: Pace) -> AsyncIterator[Session]:
    await add_years(parts.pool)
    ageing = Ageing(parts.pool, keep_years=pace.keep_years)
    pauses, quarantine = Pauses(), Quarantine()
    drafter = Drafter(parts.pool, parts.audience, {name: channel.contact for name, channel in parts.channels.items()})
    writer = Writer(parts.channels, batch_size=pace.batch_size, town=parts.town)
    late_entry = LateEntry(
        parts.pool, parts.audience, drafter, writer, channels=parts.channels, town=parts.town, epoch=parts.epoch
    )
    closer = Agent("closer", Closer(parts.pool).tick, every=pace.poll_seconds)
    emergency = EmergencyPost(parts.pool, parts.town, parts.post)
    session = Session(
        parts.pool,
        beat_seconds=pace.beat_seconds,
        expire_seconds=pace.expire_seconds,
        trouble=lambda: [
            *holds.trouble(),
            *pauses.trouble(),
            *providers.trouble(),
            *ageing.trouble(),
            *late_entry.trouble(),
            *quarantine.trouble(),
        ],
        shared_among=parts.limiter.shared_among,
        held_back=emergency.held_back,
    )

    def health_changed() -> None:
        session.tell()
        sender.wake()

    holds = Holds(parts.pool, session.tell)
    providers = Providers(parts.limiter, health_changed)
    sender = _sender(parts, pace, session, pauses, providers, closer, quarantine, emergency.store)
    planners = _planners(parts, pace, session, drafter, writer)
    rescuer = Rescuer(parts.pool, parts.channels, expire_seconds=pace.expire_seconds, quarantine=quarantine)
    holding = Agent("holds", holds.tick, every=pace.poll_seconds)
    rescuing = Agent("rescuer", rescuer.tick, every=min(pace.beat_seconds, LOOK_SECONDS))
    ages = Agent("ageing", ageing.tick, every=EVERY_SECONDS)
    health = Agent("providers", providers.tick, every=TICK_SECONDS)
    rings = {
        PLAN: [*(planner.wake for planner in planners), emergency.look],
        DUE: [sender.wake],
        STOP: [sender.look_for_stops, closer.wake, emergency.look],
        PEERS: [session.peers_changed],
    }
    bell = Bell(parts.pool, _waking(rings), poll_seconds=pace.poll_seconds)
    agents: list[AbstractAsyncContextManager[object]] = [
        closer, holding, rescuing, health, sender,
        *planners, late_entry.at_work(every=pace.poll_seconds), ages, bell,
    ]  # fmt: skip
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(session)
        ways = Ways(parts.channels, parts.limiter, pace.poll_seconds, pace.call_seconds, pace.expire_seconds / 2)
        await stack.enter_async_context(emergency.at_work(ways, Cutter(drafter, writer), lambda: session.number))
        for agent in agents:
            await stack.enter_async_context(agent)
        yield session


def _waking(rings: Mapping[str, Sequence[Callable[[], None]]]) -> Callable[[str], None]:
    """For each ring, wake whom it concerns."""

    def hear(payload: str) -> None:
        for wake in rings.get(payload, []):
            wake()

    return hear


def _sender(
    parts: Parts,
    pace: Pace,
    session: Session,
    pauses: Pauses,
    providers: Providers,
    closer: Agent,
    quarantine: Quarantine,
    store: BatchStore,
) -> Sender:
    return Sender(
        store=store,
        addresses=parts.addresses,
        channels=parts.channels,
        limiter=parts.limiter,
        session=session,
        pauses=pauses,
        providers=providers,
        poll_seconds=pace.poll_seconds,
        call_seconds=pace.call_seconds,
        lane_through=closer.wake,
        epoch=parts.epoch,
        quarantine=quarantine,
    )


def _planners(parts: Parts, pace: Pace, session: Session, drafter: Drafter, writer: Writer) -> list[Agent]:
    """One for what is urgent and one for the rest, so that no order waits for the planning of a campaign."""
    planners = [
        Planner(
            parts.pool,
            drafter,
            parts.channels,
            session,
            writer=writer,
            town=parts.town,
            priorities=priorities,
        )
        for priorities in ((0, LEAST_URGENT), (LEAST_URGENT + 1, LAST_PRIORITY))
    ]
    return [
        Agent("planner", parts.epoch.unless_replaced(planner.tick), every=pace.poll_seconds) for planner in planners
    ]
