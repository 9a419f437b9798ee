"""What a provider has accepted, in order, kept as compactly as it came."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from bench.people import Numbers, numbers_in


@dataclass(slots=True)
class Book:
    recipients: list[bytes] = field(default_factory=list)
    keys: set[bytes] = field(default_factory=set)
    times: array[float] = field(default_factory=lambda: array("d"))
    silent: array[int] = field(default_factory=lambda: array("b"))
    first_loud: float | None = None
    waiting: list[Callable[[float], None]] = field(default_factory=list)

    def note(self, recipients: bytes, *, silent: bool) -> None:
        now = monotonic()
        self.times.append(now)
        self.recipients.append(recipients)
        self.silent.append(silent)
        if self.first_loud is None and not silent:
            self.first_loud = now
            for tell in self.waiting:
                tell(now)
            self.waiting.clear()

    def when_loud(self, tell: Callable[[float], None]) -> None:
        """Tell the time of the first call that is not silent, now or when it comes."""
        if self.first_loud is None:
            self.waiting.append(tell)
        else:
            tell(self.first_loud)

    def taken(self, *, silent: bool) -> Numbers:
        chosen = (people for people, was in zip(self.recipients, self.silent, strict=True) if bool(was) is silent)
        return numbers_in(b" ".join(chosen))

    def raw_times(self) -> bytes:
        return self.times.tobytes()

    def raw_silent(self) -> bytes:
        return self.silent.tobytes()

    def forget(self) -> bytes:
        self.recipients, self.keys = [], set()
        self.times, self.silent = array("d"), array("b")
        self.first_loud = None
        return b""
